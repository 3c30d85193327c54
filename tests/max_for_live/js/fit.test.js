"use strict";
// New clips beside their source, on a Live with all the habits of the real one: what sounds at each moment, and for how long.
const assert = require("node:assert/strict");
const test = require("node:test");
const { Studio, numbers } = require("./studio");
const { secondsAt } = require("./fake_live");
const { RULES } = require("./fake_live_rules");

const RATE = 44100, FILE_SECONDS = 20, HEARD_SECONDS = 0.001;

// The file plays unevenly: 0.5, 0.6 and 0.45 s a beat.
const MARKERS = [{ sample_time: 0.25, beat_time: 0 }, { sample_time: 4.25, beat_time: 8 }, { sample_time: 9.05, beat_time: 16 }, { sample_time: 13.55, beat_time: 26 }];

// The second of its file that a clip plays `beat` beats after its start, or null where it has ended.
function heard(live, clip, beat) {
  const { values } = clip;
  const speed = 2 ** ((values.pitch_coarse + values.pitch_fine / 100) / 12);
  const unit = values.warping ? 1 : 60 / live.song.values.tempo * speed;
  let at = (values.looping ? values.start_marker : values.loop_start) + beat * unit;
  const length = values.loop_end - values.loop_start;
  if (values.looping && at >= values.loop_end) at = values.loop_start + (at - values.loop_start) % length;
  if (!values.looping && at > values.loop_end + 1e-9) return null;
  return values.warping ? secondsAt(live.withShadow(clip), at) : at;
}

// How long a clip lasts, in beats: on the timeline, or from its start to its end or to the end of its loop.
function lasting(live, clip) {
  if (clip.parent.type === "Track") return live.lengthOf(clip);
  const { values } = clip;
  const unit = values.warping ? 1 : live.song.values.tempo / 60;
  return (values.loop_end - (values.looping ? values.start_marker : values.loop_start)) * unit;
}

// The bridge's stems hold whole samples.
function frames(job) {
  return (Math.round(Number(job.keys.end) * RATE) - Math.round(Number(job.keys.start) * RATE)) / RATE;
}

function newClips(studio) {
  const [, ...tracks] = studio.live.song.tracks;
  return tracks.map((track) => track.arrangement[0] || track.slots[2].clip);
}

// Every stem plays what its source plays, from beat `from` of it on, for `lasts` beats.
function sameAsSource(studio, source, job, from, lasts) {
  const { live } = studio;
  const beats = HEARD_SECONDS * live.song.values.tempo / 60;
  const stems = newClips(studio);
  assert.equal(stems.length, 4);
  for (const stem of stems) {
    assert.equal(stem.values.warping, source.values.warping);
    assert.ok(Math.abs(lasting(live, stem) - lasts) < beats, `it lasts ${lasting(live, stem)}, the source ${lasts}`);
    if (source.values.start_time !== undefined) assert.equal(stem.values.start_time, source.values.start_time + from);
    for (let beat = 0.01; beat < lasts - 0.01; beat += 0.37) {
      const expected = heard(live, source, from + beat) - Number(job.keys.start);
      const found = heard(live, stem, beat);
      assert.ok(found !== null && Math.abs(found - expected) < HEARD_SECONDS, `at beat ${beat} it plays ${found}, the source ${expected}`);
    }
  }
  assert.equal(studio.device.words("problem"), "");
  assert.equal(studio.device.words("result"), "Imported 4 audio tracks.");
  assert.deepEqual(live.errors, []);
}

const PARTS = {
  session: [
    ["whole", { start_marker: 0, loop_start: 0, loop_end: 16 }],
    ["a part", { start_marker: 3, loop_start: 3, loop_end: 11.3 }],
  ],
  arrangement: [
    ["whole", { start_marker: 0, loop_start: 0, loop_end: 16 }, 16],
    ["a part", { start_marker: 3, loop_start: 3, loop_end: 11.3 }, 8.3],
    ["under the loop brace", { start_marker: 1, loop_start: 1, loop_end: 14 }, 13, { start: 18, end: 25.5 }],
  ],
};
// Only a looped clip repeats, starts inside its loop or before it, or ends before its loop does.
const LOOPED = {
  session: [["with a lead-in", { start_marker: 1, loop_start: 4, loop_end: 12 }], ["from inside", { start_marker: 6, loop_start: 4, loop_end: 12 }]],
  arrangement: [
    ["three times and a bit", { start_marker: 4, loop_start: 4, loop_end: 12 }, 27.5],
    ["from inside", { start_marker: 6, loop_start: 4, loop_end: 12 }, 20],
    ["with a lead-in", { start_marker: 1, loop_start: 4, loop_end: 12 }, 20],
    ["cut before its loop ends", { start_marker: 5, loop_start: 4, loop_end: 12 }, 3.25],
  ],
};

// Only a warped clip can show the silence around its file.
const AROUND = { start_marker: -3, loop_start: -3, loop_end: 60 };
const SILENT = { session: [["around its whole file", AROUND]], arrangement: [["around its whole file", AROUND, 63]] };

// Live lets no unwarped clip loop, so there is no such source.
const KINDS = [["warped", 1, 0], ["warped and looped", 1, 1], ["unwarped", 0, 0]];
const PREFERENCES = [{ autoWarp: true, autoLoop: true }, { autoWarp: true, autoLoop: false }, { autoWarp: false, autoLoop: false }];

for (const view of ["session", "arrangement"]) {
  for (const [kind, warping, looping] of KINDS) {
    for (const [what, region, lasts, brace] of [...PARTS[view], ...(looping ? LOOPED[view] : warping ? SILENT[view] : [])]) {
      for (const tempo of [null, 93]) {
        for (const preferences of PREFERENCES) {
          const how = `${tempo ? "the tempo changes, " : ""}new clips ${preferences.autoWarp ? "warp" : "do not warp"}${preferences.autoLoop ? " and loop" : ""}`;
          test(`${view}, ${kind}, ${what}: the stems are where and as long as their source (${how})`, () => {
            const studio = new Studio({ seconds: FILE_SECONDS, can: { ...preferences, guessStart: 0.13 } }).start();
            studio.device.click("mute");
            const { live } = studio;
            const values = { warping, looping, ...region, end_marker: region.loop_end };
            if (!warping) for (const name of Object.keys(region)) values[name] = region[name] / 2; // beats → seconds at 120
            if (!warping) values.end_marker = values.loop_end;
            if (view === "arrangement" && warping) values.end_time = 16 + lasts;
            const source = view === "session" ? studio.sessionClip(values, MARKERS) : studio.arrangementClip(values, MARKERS);
            if (brace) {
              Object.assign(live.song.values, { loop: 1, loop_start: brace.start, loop_length: brace.end - brace.start });
              studio.device.click("part_choice", 1);
              studio.clock.advance(10);
            }
            const job = studio.separate();
            studio.stemSeconds = frames(job);
            const ratio = tempo && !warping ? tempo / live.song.values.tempo : 1;
            if (tempo) live.song.values.tempo = tempo;
            studio.complete(job);
            // Only the brace's place on the timeline is what it was; the unwarped file under it is what was sent.
            const from = brace ? brace.start - 16 : 0;
            const expected = brace ? (brace.end - brace.start) * ratio : lasting(live, source);
            if (brace && tempo && !warping) {
              for (const stem of newClips(studio)) {
                assert.ok(Math.abs(live.lengthOf(stem) - expected) < 0.002);
                assert.equal(stem.values.start_time, brace.start);
              }
              assert.equal(studio.device.words("problem"), "");
            } else {
              sameAsSource(studio, source, job, from, expected);
            }
          });
        }
      }
    }
  }
}

test("the strict Live lets no unwarped clip loop", () => {
  const studio = new Studio().start();
  const clip = studio.sessionClip({ warping: 0, end_marker: 4, loop_end: 4 });
  studio.live.set(clip, "warping", 0);
  studio.live.set(clip, "looping", 1);
  studio.clock.advance(1000);
  assert.equal(clip.values.warping, 1);
});

test("a Live without any of these habits gets the same clips", () => {
  const rules = Object.fromEntries(Object.keys(RULES).map((name) => [name, false]));
  const studio = new Studio({ rules, seconds: FILE_SECONDS }).start();
  studio.device.click("mute");
  const source = studio.arrangementClip({ start_marker: 3, loop_start: 3, loop_end: 11.3, end_marker: 11.3 }, MARKERS);
  const job = studio.separate();
  studio.stemSeconds = frames(job);
  studio.complete(job);
  sameAsSource(studio, source, job, 0, 8.3);
});

// Ascending markers of a clip whose tempo varies, over a file of 20 s.
function someMarkers(next) {
  const markers = [{ sample_time: next() * 2, beat_time: Math.floor(next() * 8) - 4 }];
  while (markers[markers.length - 1].sample_time < 14) {
    const before = markers[markers.length - 1], beats = 1 + next() * 8;
    markers.push({ sample_time: before.sample_time + beats * (0.3 + next() * 0.5), beat_time: before.beat_time + beats });
  }
  return markers;
}

test("of 40 random parts no marker is lost, and each stem plays what its source plays", () => {
  const next = numbers(15);
  let clamped = 0;
  for (let run = 0; run < 40; run += 1) {
    const studio = new Studio({ seconds: FILE_SECONDS, can: { guessStart: next() * 0.3, analysisMs: 200 + next() * 2500 } }).start();
    studio.device.click("mute");
    const markers = someMarkers(next);
    const start = markers[0].beat_time + next() * 6, lasts = 2 + next() * 12;
    const inArrangement = next() < 0.5;
    const values = { start_marker: start, loop_start: start, end_marker: start + lasts, loop_end: start + lasts };
    if (inArrangement) values.end_time = 16 + lasts;
    const source = inArrangement ? studio.arrangementClip(values, markers) : studio.sessionClip(values, markers);
    const job = studio.separate();
    studio.stemSeconds = frames(job);
    if (studio.stemSeconds < Number(job.keys.end) - Number(job.keys.start)) clamped += 1;
    studio.complete(job);
    sameAsSource(studio, source, job, 0, lasts);
    const inside = markers.filter((mark) => mark.sample_time > Number(job.keys.start) + 1e-4 && mark.sample_time < Number(job.keys.end) - 1e-4);
    for (const stem of newClips(studio)) {
      for (const mark of inside) {
        assert.ok(stem.markers.some((one) => Math.abs(one.sample_time - (mark.sample_time - Number(job.keys.start))) < 1e-6), "a marker was lost");
      }
      const last = stem.markers[stem.markers.length - 1];
      assert.ok(Math.abs(last.sample_time - studio.stemSeconds) < 1.01 / RATE, "the last marker is at the file's end");
    }
  }
  assert.ok(clamped >= 10 && clamped <= 30, `${clamped} files are shorter than their part`);
});
