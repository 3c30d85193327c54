"use strict";
// The import on a Live with the habits of the real one: where the new tracks are, what Undo takes back, what the last line says.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { Studio, code } = require("./studio");

const MARKERS = [{ sample_time: 1, beat_time: 0 }, { sample_time: 5, beat_time: 8 }, { sample_time: 8, beat_time: 12 }];
const WARPED = { warp_mode: 4, start_marker: 2, end_marker: 10, loop_start: 2, loop_end: 10 };

function notesFile(notes) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "notes-")), "notes.json");
  fs.writeFileSync(file, JSON.stringify({ notes }));
  return file;
}
const note = (onset_seconds, offset_seconds, pitch = 40) => ({ onset_seconds, offset_seconds, pitch, velocity: 100 });

// A warped clip of 4.5 s that has been imported; before(studio) is called before the job ends.
function imported({ can, rules, values = WARPED, notes = null, stem = "bass", before = () => {} } = {}) {
  const studio = new Studio({ can, rules, stemSeconds: 4.5 }).start();
  studio.source = studio.arrangementClip(values, MARKERS);
  const job = studio.separate();
  before(studio, job);
  studio.complete(job, notes ? [["notes", stem, notesFile(notes)]] : []);
  return studio;
}
const names = (studio) => studio.live.song.tracks.map((track) => track.values.name);
const fader = (track, name) => (name === "send" ? track.mixer.sends[1] : track.mixer[name]).values;

// ---- tracks

test("the new tracks stand below the source's, in their order", () => {
  const studio = imported({ notes: [note(0, 1)], before: ({ live }) => ["Keys", "Voice"].forEach((name) => live.addTrack("audio", { name })) });
  assert.deepEqual(names(studio).slice(1), [
    "Rhodes Loop (Vocals)", "Rhodes Loop (Drums)", "Rhodes Loop (Bass)", "Rhodes Loop (Bass) MIDI", "Rhodes Loop (Other)", "Keys", "Voice",
  ]);
  assert.equal(studio.source.values.muted, 1);
});

test("parts of the drums stand below the drums, under their own names", () => {
  const studio = imported({ before: ({ bridge }, job) => ["hats", "kick"].forEach((part) => bridge.result(job.id, "stem", part, `/${part}.wav`)) });
  assert.deepEqual(names(studio).slice(1, 6), [
    "Rhodes Loop (Vocals)", "Rhodes Loop (Drums)", "Rhodes Loop (Drums Kick)", "Rhodes Loop (Drums Hats)", "Rhodes Loop (Bass)",
  ]);
});

const silent = (studio) => studio.live.song.tracks.filter((track) => track.values.mute).map((track) => track.values.name.replace(/.*\(|\)/g, ""));

test("what other stems play already comes switched off, and the musician is told", () => {
  const parts = ({ bridge }, job) => ["kick", "snare"].forEach((part) => bridge.result(job.id, "stem", part, `/${part}.wav`));
  const studio = imported({ before: parts });
  assert.deepEqual(silent(studio), ["Drums Kick", "Drums Snare"]);
  assert.match(studio.device.words("problem"), /2 tracks are switched off: they play what other stems play too\./);
  assert.equal(studio.source.values.muted, 1);
  const opposite = ({ bridge }, job) => bridge.result(job.id, "stem", "no_bass", "/no_bass.wav");
  assert.deepEqual(silent(imported({ before: opposite })), ["No Bass"]);
  assert.deepEqual(silent(imported()), []);
});

test("nothing is said of tracks that were not made", () => {
  const studio = new Studio().start();
  studio.sessionClip(WARPED, MARKERS, 3);
  const job = studio.separate();
  const addTrack = studio.live.addTrack;
  studio.live.addTrack = function (...wanted) { const track = addTrack.apply(this, wanted); track.slots.pop(); return track; };
  ["kick", "snare"].forEach((part) => studio.bridge.result(job.id, "stem", part, `/${part}.wav`));
  studio.complete(job);
  assert.match(studio.device.words("problem"), /scene of the clip is gone/);
  assert.doesNotMatch(studio.device.words("problem"), /switched off/);
});

test("without the drums their parts sound, and so does an opposite beside its own stem", () => {
  const { doubled } = code("tracks");
  assert.deepEqual(doubled(["vocals", "kick", "snare", "toms", "hats", "cymbals"]), []);
  assert.deepEqual(doubled(["vocals", "instrumental"]), []);
  assert.deepEqual(doubled(["bass", "kick", "snare", "no_bass"]), ["kick", "snare"]);
  assert.deepEqual(doubled([]), []);
});

test("the switch of the kit asks for the parts", () => {
  const studio = new Studio().start();
  studio.arrangementClip(WARPED, MARKERS);
  const job = studio.separate();
  assert.equal(job.keys.kit, undefined);
  studio.complete(job);
  studio.device.click("kit");
  studio.clock.advance(10);
  assert.equal(studio.separate().keys.kit, 1);
});

test("tracks that were added above the source during the job move neither the import nor the mute", () => {
  const studio = imported({ before: ({ live }) => live.addTrack("audio", { name: "New" }, 0) });
  assert.deepEqual(names(studio).slice(0, 3), ["New", "Rhodes Loop", "Rhodes Loop (Vocals)"]);
  assert.equal(studio.source.values.muted, 1);
});

test("without the source's track, and in a Live that adds tracks only at the end, they are the last", () => {
  const gone = imported({ before: ({ live, track }) => { live.addTrack("audio", { name: "Last" }); live.song.tracks.shift(); track.gone = true; } });
  assert.deepEqual(names(gone).slice(0, 2), ["Last", "Rhodes Loop (Vocals)"]);
  assert.match(gone.device.words("problem"), /source clip has moved/);
  const old = imported({ can: { trackIndex: false }, before: ({ live }) => live.addTrack("audio", { name: "Last" }) });
  assert.deepEqual(names(old).slice(1, 3), ["Last", "Rhodes Loop (Vocals)"]);
});

test("volume, pan and sends are the source's; of notes they are the instrument's own", () => {
  const studio = imported({
    notes: [note(0, 1)],
    before: ({ track }) => { for (const [name, value] of [["volume", 0.6], ["panning", -0.25], ["send", 0.4]]) fader(track, name).value = value; },
  });
  const [, vocals] = studio.live.song.tracks;
  assert.deepEqual(["volume", "panning", "send"].map((name) => fader(vocals, name).value), [0.6, -0.25, 0.4]);
  const midi = studio.live.song.tracks.find((track) => track.kind === "midi");
  assert.equal(fader(midi, "volume").value, 0.85);
});

test("a fader that Live does not tell is left alone, for it reads as silence", () => {
  const studio = imported({ before: ({ track }) => { track.mixer.volume = null; } });
  assert.equal(fader(studio.live.song.tracks[1], "volume").value, 0.85);
});

// ---- instruments

test("tracks of notes get an instrument, and the musician is told where Live has none", () => {
  const device = (studio) => studio.live.song.tracks.find((track) => track.kind === "midi").devices.map((one) => one.values.name);
  assert.deepEqual(device(imported({ notes: [note(0, 1)] })), ["Drift"]);
  const intro = imported({ notes: [note(0, 1)], can: { devices: [] } });
  assert.deepEqual(device(intro), []);
  assert.match(intro.device.words("problem"), /Put an instrument on the MIDI tracks/);
  assert.match(imported({ notes: [note(0, 1)], can: { insertDevice: false } }).device.words("problem"), /Put an instrument on the MIDI tracks/);
  const drums = imported({ notes: [note(0, 1)], stem: "drums" });
  assert.deepEqual(device(drums), [], "Live's Drum Rack is empty");
  assert.match(drums.device.words("problem"), /Put a drum kit/);
});

// ---- undo

test("Undo takes back an import in few steps, besides the names and faders that Live counts one by one", () => {
  const studio = imported({ notes: [note(0, 1)], can: { analysisMs: 900 }, before: ({ live }) => { live.undo.steps.length = 0; } });
  const ours = studio.live.undo.steps.filter((step) => step !== "Track name");
  assert.deepEqual(ours, ["a step of the script", "a step of the script", "Clip muted"], "made, fitted, muted");
  assert.equal(studio.live.undo.isOpen, false);
});

test("a step that another has left open does not swallow the import, and a Live without steps imports, too", () => {
  const studio = imported({ before: ({ live }) => { live.undo = { isOpen: true, isRecorded: true, steps: ["the other's"] }; } });
  assert.equal(studio.live.undo.isOpen, false);
  assert.deepEqual(studio.live.undo.steps.slice(0, 2).sort(), ["a step of the script", "the other's"].sort());
  assert.equal(imported({ can: { undoSteps: false } }).tracks().length, 4);
});

for (const [what, spoil] of [
  ["an error", ({ live }) => { live.createAudioClip = () => { throw new Error("no"); }; }],
  ["the device's removal", ({ device, clock }) => clock.after(60, () => device.unload())],
  ["the source's removal", ({ live, track }) => { live.song.tracks.shift(); track.gone = true; }],
]) {
  test(`no step of Undo stays open after ${what}`, () => {
    const studio = imported({ before: spoil });
    studio.clock.advance(30000);
    assert.equal(studio.live.undo.isOpen, false);
  });
}

// ---- what Live does otherwise

for (const analysisMs of [0, 900, 1700, 2400, 3300]) {
  test(`markers stay though Live's analysis ends after ${analysisMs} ms`, () => {
    const studio = imported({ can: { analysisMs } });
    studio.clock.advance(20000);
    const { markers } = studio.live.song.tracks[1].arrangement[0];
    assert.deepEqual(markers.map((mark) => mark.sample_time), [0, 3, 4.5]);
    assert.equal(studio.device.words("problem"), "");
  });
}

test("of a long file Live's analysis may take longer", () => {
  const studio = new Studio({ seconds: 100, can: { analysisMs: 6500 } }).start();
  studio.sessionClip({ end_marker: 160, loop_end: 160 }, [{ sample_time: 0, beat_time: 0 }, { sample_time: 90, beat_time: 150 }]);
  studio.stemSeconds = 96;
  studio.complete(studio.separate());
  studio.clock.advance(20000);
  const { markers } = studio.live.song.tracks[1].slots[2].clip;
  assert.deepEqual(markers.map((mark) => Math.round(mark.sample_time * 1e6) / 1e6), [0, 90, 96]);
  assert.equal(studio.device.words("problem"), "");
});

test("an analysis that never ends holds nothing up, and is reported", () => {
  const studio = imported({ before: ({ live, clock }) => {
    const again = () => { live.song.tracks.slice(1).forEach((track) => track.arrangement.forEach((clip) => live.analysed(clip))); clock.after(900, again); };
    live.can.guessStart = 0;
    let n = 0;
    live.guess = () => [{ sample_time: 0, beat_time: 0 }, { sample_time: 1, beat_time: 1.5 + (n += 1) / 1000 }];
    again();
  } });
  assert.equal(studio.tracks().length, 4);
  assert.match(studio.device.words("problem"), /not taken every warp marker in 4 new clips/);
  assert.match(studio.device.words("result"), /^Imported 4 audio tracks/);
});

for (const markersAs of ["object", "dict"]) {
  test(`markers are given as Live takes them (${markersAs})`, () => {
    const studio = imported({ can: { markersAs } });
    assert.equal(studio.live.song.tracks[1].arrangement[0].markers.length, 3);
    assert.equal(studio.device.words("problem"), "");
  });
}

test("a file that is shorter for Live than for the bridge keeps its last marker, at its own end", () => {
  const studio = imported({ before: (one) => { one.stemSeconds = 4.49; } });
  const { markers } = studio.live.song.tracks[1].arrangement[0];
  assert.ok(Math.abs(markers[2].sample_time - 4.49) < 1e-4 && Math.abs(markers[2].beat_time - (6 + 1.49 / 0.75)) < 1e-3);
  assert.equal(studio.device.words("problem"), "");
  assert.deepEqual(studio.live.errors, []);
});

for (const [warping, values, how, stays] of [
  [0, { warping: 0, start_marker: 1, end_marker: 5, loop_start: 1, loop_end: 5 }, "on", false],
  [1, WARPED, "off", false],
  [0, { warping: 0, start_marker: 1, end_marker: 5, loop_start: 1, loop_end: 5 }, "on", true],
  [1, WARPED, "off", true],
]) {
  test(`Warp that Live itself has switched ${how} later is switched back${stays ? ", or told" : ""}`, () => {
    const studio = imported({ can: { autoWarp: warping === 1, autoLoop: warping === 1 }, values, before: ({ live, clock }) => {
      const { createAudioClip } = live;
      live.createAudioClip = function (...given) {
        const clip = createAudioClip.apply(this, given);
        clock.after(2000, () => {
          live.change(clip);
          live.convert(clip, 1 - warping);
          Object.assign(clip.values, { warping: 1 - warping, looping: 0 });
          live.can.warpStays = stays;
        });
        return clip;
      };
    } });
    const [clip] = studio.live.song.tracks[1].arrangement;
    assert.equal(clip.values.warping, stays ? 1 - warping : warping);
    assert.ok(!stays || new RegExp(`Live has left Warp ${how} in 4 new clips`).test(studio.device.words("problem")));
    if (!stays) assert.equal(studio.device.words("problem"), "");
  });
}

test("where Live keeps Warp on, the clip lasts as long all the same, with one remark", () => {
  const studio = imported({ can: { warpStays: true }, values: { warping: 0, start_marker: 1, end_marker: 4, loop_start: 1, loop_end: 4 }, before: (one) => { one.stemSeconds = 3; } });
  const [clip] = studio.live.song.tracks[1].arrangement;
  assert.ok(Math.abs(studio.live.lengthOf(clip) - 6) < 1e-3);
  assert.equal(studio.device.words("problem"), "Live has left Warp on in 4 new clips: compare with the source.");
});

test("where Live keeps Warp off, the file plays whole, with one remark", () => {
  const studio = imported({ can: { warpStays: true, autoWarp: false } });
  const [clip] = studio.live.song.tracks[1].arrangement;
  assert.deepEqual([clip.values.warping, clip.values.looping, clip.values.loop_start, clip.values.loop_end], [0, 0, 0, 4.5]);
  assert.match(studio.device.words("problem"), /^Live has left Warp off in 4 new clips/);
});

test("each thing that differs in the end is told once", () => {
  const studio = imported({ before: ({ live }) => {
    const { setOfClip } = live;
    live.setOfClip = function (clip, name, value) { if (name !== "loop_end" || clip.parent === live.song.tracks[0]) setOfClip.call(this, clip, name, value); };
  } });
  assert.equal(studio.device.words("problem"), "4 new clips are not as long as the source: drag the right edge.");
  assert.match(studio.device.words("result"), /^Imported 4 audio tracks/);
});

test("a marker that Live has moved by 10 ms, and a loop that it has left off, are told", () => {
  const moved = imported({ before: ({ live }) => {
    const { Clip_add_warp_marker: add } = live;
    live.Clip_add_warp_marker = function (clip, given) {
      add.call(this, clip, given);
      clip.markers = clip.markers.map((mark) => (Math.abs(mark.beat_time - 6) < 1e-6 ? { ...mark, sample_time: 2.99 } : mark));
    };
  } });
  assert.equal(moved.device.words("problem"), "Live has not taken every warp marker in 4 new clips: check that the clips line up.");
  const unlooped = imported({ can: { autoLoop: false }, values: { ...WARPED, looping: 1, end_time: 32 }, before: ({ live }) => { live.setLooping = () => {}; } });
  assert.match(unlooped.device.words("problem"), /^Live has set another loop in 4 new clips/);
});

for (const [looping, words] of [[0, /^Live has moved the start of 4 new clips/], [1, /^Live has set another loop in 4 new clips/]]) {
  test(`a start that Live moves by a tenth of a beat is told (looping ${looping})`, () => {
    const studio = imported({ values: { ...WARPED, looping, end_time: looping ? 32 : 24 }, before: ({ live }) => {
      const { setOfClip } = live;
      live.setOfClip = function (clip, name, value) { setOfClip.call(this, clip, name, name === "loop_start" ? value + 0.1 : value); };
    } });
    assert.match(studio.device.words("problem"), words);
  });
}

test("an end that Live has not taken the first time is set once more", () => {
  const seen = {};
  const studio = imported({ before: ({ live }) => {
    const { setOfClip } = live;
    live.setOfClip = function (clip, name, value) {
      if (name === "loop_end" && !clip.values.looping && !seen[clip.id]) { seen[clip.id] = true; return; }
      setOfClip.call(this, clip, name, value);
    };
  } });
  assert.equal(Object.keys(seen).length, 4);
  assert.equal(studio.device.words("problem"), "");
});

test("while a set is imported Live is left alone: no event does more than one clip's work", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.arrangementClip(WARPED, MARKERS);
  const made = [];
  const { createAudioClip } = studio.live;
  studio.live.createAudioClip = function (...given) { made.push(this.clock.now); return createAudioClip.apply(this, given); };
  studio.complete(studio.separate());
  assert.equal(new Set(made).size, 4);
});

test("a track that is deleted during the import is told of, not counted, and the source stays on", () => {
  const studio = imported({ before: ({ live, clock }) => clock.after(1500, () => {
    const [track] = live.song.tracks.splice(2, 1);
    track.gone = true;
    track.arrangement[0].gone = true;
  }) });
  assert.equal(studio.device.words("result"), "Imported 3 audio tracks.");
  assert.match(studio.device.words("problem"), /A new track is gone/);
  assert.equal(studio.source.values.muted, 0);
  assert.equal(studio.live.undo.isOpen, false);
});

test("a clip that is deleted while Live still applies Warp spoils no other", () => {
  const studio = imported({ can: { autoWarp: false }, before: ({ live, clock }) => clock.after(300, () => {
    live.song.tracks[2].arrangement.shift().gone = true;
  }) });
  const others = [1, 3, 4].map((n) => studio.live.song.tracks[n].arrangement[0]);
  assert.deepEqual(others.map((clip) => [clip.markers.length, Math.round(studio.live.lengthOf(clip) * 1000)]), [[3, 8000], [3, 8000], [3, 8000]]);
  assert.equal(studio.device.words("result"), "Imported 3 audio tracks.");
});

test("of two clips of one file in a track the source is muted, though its number has changed", () => {
  const studio = imported({ before: ({ live, track, source }) => {
    const { file_path } = source.values;
    live.addAudioClip(track, file_path, { start_time: 0, end_time: 4 }, MARKERS);
  } });
  assert.deepEqual(studio.track.arrangement.map((clip) => clip.values.muted), [0, 1]);
  assert.equal(studio.device.words("problem"), "");
});

// ---- notes

test("notes of one pitch that overlap arrive as Live keeps them, and are counted so", () => {
  const studio = imported({ notes: [note(0, 2), note(1, 2), note(1, 1.5), note(1, 2, 43)] });
  const { notes } = studio.live.song.tracks.find((track) => track.kind === "midi").arrangement[0];
  assert.deepEqual(notes.map((one) => [one.pitch, one.start_time, one.duration]), [[40, 0, 2], [40, 2, 2], [43, 2, 2]]);
  assert.equal(studio.device.words("result"), "Imported 4 audio and 1 MIDI tracks, 3 notes.");
});

test("notes that Live has not taken are not counted", () => {
  const studio = imported({ notes: [note(0, 1), note(1, 2), note(2, 3)], before: ({ live }) => {
    const { addNote } = live;
    live.addNote = function (clip, one) { if (one.start_time !== 2) addNote.call(this, clip, one); };
  } });
  assert.match(studio.device.words("result"), /1 MIDI tracks, 2 notes/);
  assert.equal(studio.device.words("problem"), "Live has not taken every note of Bass.");
});

test("a Live that tells no notes is believed", () => {
  assert.match(imported({ notes: [note(0, 1)], can: { readNotes: false } }).device.words("result"), /1 note\./);
});

test("after a change of tempo the notes of an unwarped clip lie on its new beats", () => {
  const studio = imported({
    values: { warping: 0, start_marker: 0, end_marker: 4, loop_start: 0, loop_end: 4 }, notes: [note(1, 2)],
    before: (one) => { one.stemSeconds = 4; one.live.song.values.tempo = 90; },
  });
  const [clip] = studio.live.song.tracks.find((track) => track.kind === "midi").arrangement;
  assert.deepEqual([clip.notes[0].start_time, clip.notes[0].duration, studio.live.lengthOf(clip)], [1.5, 1.5, 6]);
});

// ---- the pace

test("an error in one step holds up neither its phase nor the next, and a stopped pace does nothing more", () => {
  const waiting = [], told = [], seen = [];
  const { pace } = code("pace");
  const made = pace({ after: (milliseconds, action) => waiting.push(action) }, (error) => told.push(error.message));
  const run = () => { while (waiting.length) waiting.shift()(); };
  made.inOrder([
    (next) => made.each([1, 2, 3], (item) => { if (item === 2) throw new Error("two"); seen.push(item); }, next),
    () => { throw new Error("phase"); },
    (next) => made.until(100, 50, () => false, (holds) => { seen.push(holds); next(); }),
    (next) => made.inOrder([(inner) => made.after(10, () => { inner(); throw new Error("late"); }), (inner) => inner()], next),
  ], () => seen.push("done"));
  run();
  assert.deepEqual([seen, told], [[1, 3, false, "done"], ["two", "phase", "late"]]);
  made.each([1, 2], (item) => seen.push(item), () => seen.push("end"));
  made.stop();
  run();
  assert.equal(seen.pop(), 1);
});
