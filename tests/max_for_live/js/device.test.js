"use strict";
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { CLIP, ONE_PRESS_MS, STEMS, Studio } = require("./studio");
const { secondsAt } = require("./fake_live");

const near = (a, b, what) => assert.ok(Math.abs(a - b) < 1e-6, `${what || ""} ${a} is not ${b}`);

// A list of notes as the bridge writes it.
function notesFile(notes) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "notes-")), "notes.json");
  fs.writeFileSync(file, JSON.stringify({ stem: "bass", music: { key: "C♯ minor" }, notes }));
  return file;
}

const NOTES = [
  { onset_seconds: 0.5, offset_seconds: 1, pitch: 40, velocity: 100 },
  { onset_seconds: 1.5, offset_seconds: 1.75, pitch: 43, velocity: 64 },
  { onset_seconds: 3.5, offset_seconds: 3.75, pitch: 45, velocity: 64 },
];

const MARKERS = [{ sample_time: 1, beat_time: 0 }, { sample_time: 5, beat_time: 8 }, { sample_time: 8, beat_time: 12 }];
const WARPED = { warp_mode: 4, start_marker: 2, end_marker: 10, loop_start: 2, loop_end: 10 };

test("nothing is written to Max's console, and the bridge is found", () => {
  const { device, live } = new Studio().start();
  assert.equal(device.words("server"), "Source Audio Bridge 9.9");
  assert.equal(device.value("light"), 1);
  assert.equal(device.words("clip"), "No audio clip selected");
  assert.match(device.words("part"), /Select an audio clip/);
  assert.deepEqual(device.console, []);
  assert.deepEqual(live.errors, []);
});

test("a second bang changes nothing", () => {
  const studio = new Studio().start();
  studio.device.load();
  studio.clock.advance(100);
  assert.equal(studio.bridge.asked("hello").length, 1);
});

test("Import during an import does nothing", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  job.keys.stems.split(",").forEach((stem) => studio.bridge.result(job.id, "stem", stem, `/${stem}.wav`));
  studio.bridge.finish(job.id, "done");
  studio.clock.advance(60);
  studio.device.click("bring_in");
  studio.clock.advance(2000);
  assert.equal(studio.tracks().length, 4);
});

// A studio in which one job is being imported while the next one is running.
function busy() {
  const studio = new Studio().start();
  studio.sessionClip();
  const first = studio.separate();
  first.keys.stems.split(",").forEach((stem) => studio.bridge.result(first.id, "stem", stem, `/first ${stem}.wav`));
  studio.clock.advance(ONE_PRESS_MS);
  studio.bridge.finish(first.id, "done");
  studio.clock.advance(30);
  studio.device.click("separate");
  studio.clock.advance(10);
  const second = [...studio.bridge.jobs.values()].pop();
  assert.notEqual(second, first);
  assert.ok(studio.tracks().length < 4);
  return { studio, first, second };
}

test("a job that ends during an import is imported next", () => {
  const { studio, second } = busy();
  second.keys.stems.split(",").forEach((stem) => studio.bridge.result(second.id, "stem", stem, `/second ${stem}.wav`));
  studio.bridge.finish(second.id, "done");
  studio.clock.advance(50);
  assert.ok(studio.tracks().length < 4);
  assert.equal(studio.device.words("stage"), "Importing");
  studio.imported();
  const files = studio.live.song.tracks.slice(1).map((track) => track.slots[2].clip.values.file_path);
  const all = ["vocals", "drums", "bass", "other"];
  assert.deepEqual(files, [...all.map((stem) => `/second ${stem}.wav`), ...all.map((stem) => `/first ${stem}.wav`)], "the newest beside the source");
  assert.equal(studio.device.words("stage"), "");
  assert.deepEqual(studio.live.errors, []);
});

test("a job's error stays on the face when another import ends", () => {
  const { studio, second } = busy();
  studio.bridge.say("fail", "/sab/submit", "out_of_memory", "The memory was full.", second.id);
  studio.bridge.finish(second.id, "failed");
  studio.clock.advance(20);
  assert.equal(studio.device.words("stage"), "Importing");
  studio.imported();
  assert.equal(studio.tracks().length, 4);
  assert.equal(studio.device.words("problem"), "The memory was full.");
  assert.equal(studio.device.words("result"), "Imported 4 audio tracks.");
});

test("while the next clip is separated, Import and Folder act on the last one", () => {
  const { studio } = busy();
  studio.clock.advance(8000);
  studio.device.click("bring_in");
  studio.device.click("folder");
  studio.clock.advance(2000);
  assert.equal(studio.tracks().length, 8);
  assert.equal(studio.bridge.asked("open").length, 1);
});

test("the selected clip is shown", () => {
  const studio = new Studio().start();
  studio.sessionClip(WARPED, MARKERS);
  assert.equal(studio.device.words("clip"), "Rhodes Loop");
  assert.equal(studio.device.words("part"), "4.5 s · warped · Session");
  studio.live.select(studio.live.addMidiClip(studio.live.addTrack("midi").slots[0], 4, { name: "Keys" }));
  studio.clock.advance(100);
  assert.match(studio.device.words("part"), /"Keys" is a MIDI clip/);
});

test("without a clip in the Clip View, the highlighted slot is used", () => {
  const studio = new Studio().start();
  const clip = studio.sessionClip();
  studio.live.highlighted = clip.parent;
  studio.live.select(null);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "Rhodes Loop");
});

test("a warped Session clip becomes tracks that line up with it", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  const source = studio.sessionClip(WARPED, MARKERS);
  const job = studio.separate();
  assert.equal(job.path, CLIP);
  near(Number(job.keys.start), 2);
  near(Number(job.keys.end), 6.5);
  assert.equal(job.keys.beat, undefined);
  studio.complete(job, [["notes", "bass", notesFile(NOTES)]]);

  assert.deepEqual(studio.live.errors, []);
  assert.deepEqual(studio.tracks(), [
    "Rhodes Loop (Vocals)", "Rhodes Loop (Drums)", "Rhodes Loop (Bass)", "Rhodes Loop (Bass) MIDI", "Rhodes Loop (Other)",
  ]);
  const audio = studio.live.song.tracks[1].slots[2].clip;
  assert.equal(audio.values.file_path, `${STEMS}/Rhodes Loop (vocals).wav`);
  assert.equal(audio.values.warping, 1);
  assert.equal(audio.values.warp_mode, 4);
  assert.equal(audio.values.name, "Rhodes Loop (Vocals)");
  assert.equal(studio.live.song.tracks[1].values.color, audio.values.color);
  assert.notEqual(audio.values.color, studio.live.song.tracks[2].slots[2].clip.values.color);
  for (const seconds of [2, 3.7, 5, 6.1]) {
    near(at(source.markers, seconds) - 2, at(audio.markers, seconds - 2), "beat");
  }
  near(audio.values.start_marker, 0);
  near(audio.values.end_marker, 8);
  const midi = studio.live.song.tracks[4].slots[2].clip;
  near(midi.values.loop_end, 8);
  assert.deepEqual(midi.notes.map((note) => note.pitch), [40, 43, 45]);
  near(midi.notes[2].start_time, 6 + 0.5 / 0.75);
  near(midi.notes[0].start_time, 1);
  near(midi.notes[0].duration, 1);
  assert.equal(midi.notes[0].mute, 0);
  assert.equal(source.values.muted, 1);
  assert.equal(studio.device.words("result"), "Imported 4 audio and 1 MIDI tracks, 3 notes.");
  assert.equal(studio.device.words("problem"), "");
});

function at(markers, seconds) {
  const marks = markers.map((mark) => ({ sample_time: mark.beat_time, beat_time: mark.sample_time }));
  return secondsAt(marks, seconds);
}

test("stems and notes of a transposed clip are transposed too; drum notes are not", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.sessionClip({ ...WARPED, gain: 0.25, pitch_coarse: 2, pitch_fine: 40 }, MARKERS);
  studio.complete(studio.separate(), [["notes", "bass", notesFile(NOTES)], ["notes", "drums", notesFile(NOTES)]]);
  assert.deepEqual(studio.live.errors, []);
  const { values } = studio.live.song.tracks[1].slots[2].clip;
  assert.deepEqual([values.gain, values.pitch_coarse, values.pitch_fine], [0.25, 2, 40]);
  const pitches = (name) => studio.live.song.tracks.find((track) => track.values.name === name).slots[2].clip.notes.map((note) => note.pitch);
  assert.deepEqual(pitches("Rhodes Loop (Bass) MIDI"), [42, 45, 47]);
  assert.deepEqual(pitches("Rhodes Loop (Drums) MIDI"), [40, 43, 45]);
});

test("in Re-Pitch the transposition is ignored", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.sessionClip({ ...WARPED, warp_mode: 3, pitch_coarse: 2 }, MARKERS);
  studio.complete(studio.separate(), [["notes", "bass", notesFile(NOTES)]]);
  assert.deepEqual(studio.live.song.tracks[4].slots[2].clip.notes.map((note) => note.pitch), [40, 43, 45]);
});

test("an unwarped, transposed Arrangement clip has its new length", () => {
  const studio = new Studio({ stemSeconds: 4 }).start();
  const source = studio.arrangementClip({ warping: 0, pitch_coarse: -12, start_marker: 2, end_marker: 6, loop_start: 2, loop_end: 6 });
  const job = studio.separate();
  assert.deepEqual([job.keys.start, job.keys.end, job.keys.tempo], ["2", "6", "240"]);
  studio.complete(job, [["notes", "bass", notesFile(NOTES)]]);
  assert.deepEqual(studio.live.errors, []);
  const [stem] = studio.live.song.tracks[1].arrangement;
  const length = (clip) => studio.live.get(clip, "end_time")[0] - clip.values.start_time;
  assert.equal(length(source), 16);
  assert.equal(length(stem), 16);
  const [midi] = studio.live.song.tracks[4].arrangement;
  assert.equal(midi.notes[0].start_time, 2, "0.5 s of the file is 1 s of the song, two beats");
  assert.equal(midi.notes[0].pitch, 28);
});

test("without the file's length from Live, the clip is separated all the same", () => {
  const studio = new Studio().start();
  const clip = studio.sessionClip({ warping: 0, end_marker: 4, loop_end: 4 });
  delete clip.values.sample_length;
  studio.live.get = ((get) => (node, name) => (name === "sample_length" ? [0] : get.call(studio.live, node, name)))(studio.live.get);
  const job = studio.separate();
  assert.equal(job.keys.end, "4");
});

test("Live's first marker may be anywhere", () => {
  const studio = new Studio({ stemSeconds: 4.5, can: { guessStart: 0.13, guessBeat: 0.5 } }).start();
  studio.sessionClip(WARPED, MARKERS);
  studio.complete(studio.separate());
  assert.deepEqual(studio.live.errors, []);
  const { markers } = studio.live.song.tracks[1].slots[2].clip;
  near(at(markers, 0), 0);
  near(at(markers, 4.5), 8);
  assert.equal(studio.device.words("problem"), "");
});

test("a looped Arrangement clip keeps its loop and its position", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.arrangementClip({ ...WARPED, looping: 1, start_marker: 4, end_time: 40 }, MARKERS);
  const job = studio.separate();
  near(Number(job.keys.beat), 14);
  studio.complete(job, [["notes", "drums", notesFile(NOTES)]]);
  assert.deepEqual(studio.live.errors, []);
  const clip = studio.live.song.tracks[1].arrangement[0];
  assert.equal(clip.values.start_time, 16);
  assert.equal(clip.values.looping, 1);
  near(clip.values.start_marker, 2);
  near(clip.values.loop_start, 0);
  near(clip.values.loop_end, 8);
  const midi = studio.live.song.tracks[3].arrangement[0];
  assert.equal(midi.values.start_time, 16);
  near(midi.values.start_marker, 2);
  assert.deepEqual([clip, midi].map((one) => studio.live.lengthOf(one)), [24, 24], "the loop repeats as the source's does");
});

test("a loop with a lead-in keeps both", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.sessionClip({ ...WARPED, looping: 1, start_marker: 2, loop_start: 4 }, MARKERS);
  studio.complete(studio.separate(), [["notes", "bass", notesFile(NOTES)]]);
  const notes = studio.live.song.tracks[4].slots[2].clip.values;
  for (const [name, beats] of Object.entries({ looping: 1, start_marker: 0, loop_start: 2, loop_end: 8 })) near(notes[name], beats, name);
  assert.deepEqual(studio.live.errors, []);
  const { values } = studio.live.song.tracks[1].slots[2].clip;
  for (const [name, beats] of Object.entries({ looping: 1, start_marker: 0, loop_start: 2, loop_end: 8 })) near(values[name], beats, name);
});

test("warp markers that Live does not accept are reported", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.sessionClip(WARPED, MARKERS);
  studio.live.Clip_add_warp_marker = () => {};
  studio.complete(studio.separate());
  assert.match(studio.device.words("problem"), /not taken every warp marker/);
});

test("a looped Arrangement clip that ends before its loop is separated up to its end", () => {
  const studio = new Studio({ stemSeconds: 4.5 }).start();
  studio.arrangementClip({ ...WARPED, looping: 1, start_marker: 4, end_time: 20 }, MARKERS);
  const job = studio.separate();
  near(Number(job.keys.start), 3);
  near(Number(job.keys.end), 5);
  studio.complete(job);
  const { values } = studio.live.song.tracks[1].arrangement[0];
  for (const [name, beats] of Object.entries({ looping: 0, start_marker: 0, end_marker: 4, loop_start: 0, loop_end: 4 })) near(values[name], beats, name);
  assert.equal(studio.device.words("problem"), "");
});

test("an unwarped Arrangement clip stays unwarped; only the part under the loop brace is separated", () => {
  const studio = new Studio({ stemSeconds: 2 }).start();
  const source = studio.arrangementClip({ warping: 0, start_marker: 1, end_marker: 9, loop_start: 1, loop_end: 9 });
  Object.assign(studio.live.song.values, { loop: 1, loop_start: 18, loop_length: 4 });
  studio.device.click("part_choice", 1);
  studio.clock.advance(100);
  const job = studio.separate();
  assert.deepEqual([job.keys.start, job.keys.end, job.keys.beat], ["2", "4", "18"]);
  studio.complete(job);
  assert.deepEqual(studio.live.errors, []);
  const clip = studio.live.song.tracks[1].arrangement[0];
  assert.deepEqual([clip.values.warping, clip.values.start_time, clip.values.start_marker, clip.values.end_marker], [0, 18, 0, 2]);
  assert.equal(source.values.muted, 1);
});

test("the controls on the face determine the request and the import", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  for (const name of ["stem_vocals", "stem_drums", "stem_other", "notes", "mute"]) studio.device.click(name);
  studio.device.click("engine", 1);
  studio.clock.advance(10);
  const job = studio.separate();
  assert.deepEqual([job.keys.engine, job.keys.stems, job.keys.midi], ["draft", "bass", "none"]);
  studio.complete(job);
  assert.deepEqual(studio.tracks(), ["Rhodes Loop (Bass)"]);
  assert.equal(studio.track.slots[2].clip.values.muted, 0);
});

test("the menu of opposites asks for one, and it gets a track after the stems", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  for (const name of ["stem_drums", "stem_bass", "stem_other"]) studio.device.click(name);
  studio.device.click("opposite", 1);
  studio.clock.advance(10);
  const job = studio.separate();
  assert.deepEqual([job.keys.stems, job.keys.midi], ["vocals,instrumental", "vocals"]);
  studio.complete(job, [["notes", "vocals", notesFile(NOTES)]]);
  assert.deepEqual(studio.tracks(), ["Rhodes Loop (Vocals)", "Rhodes Loop (Vocals) MIDI", "Rhodes Loop (Instrumental)"]);
  assert.equal(studio.live.song.tracks[3].values.color, 0xb16a7d);
  studio.device.click("opposite", 2);
  studio.clock.advance(10);
  assert.equal(studio.separate().keys.stems, "vocals,no_drums");
});

test("what is switched off during the job is not imported", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.device.click("audio");
  studio.clock.advance(10);
  studio.complete(job, [["notes", "bass", notesFile(NOTES)]]);
  assert.deepEqual(studio.tracks(), ["Rhodes Loop (Bass) MIDI"]);
});

test("without an import, Import imports the files later", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.device.click("audio");
  studio.device.click("notes");
  studio.clock.advance(10);
  const job = studio.separate();
  studio.complete(job);
  assert.deepEqual(studio.tracks(), []);
  assert.match(studio.device.words("result"), /press Folder/);
  studio.device.click("folder");
  studio.clock.advance(10);
  assert.deepEqual(studio.bridge.asked("open"), [["/sab/open", job.id]]);
  studio.device.click("audio");
  studio.device.click("bring_in");
  studio.clock.advance(1000);
  assert.equal(studio.tracks().length, 4);
});

test("with an unsaved set nothing is sent, and the face gives advice", () => {
  const studio = new Studio({ fileOfSet: "" }).start();
  studio.sessionClip();
  assert.equal(studio.separate(), undefined);
  assert.match(studio.device.words("problem"), /Save the Live Set first/);
  studio.live.song.values.file_path = "/Music/New Project/New.als";
  assert.equal(studio.separate().keys.project, "/Music/New Project/New.als");
});

for (const [what, can, check] of [
  ["does not say where the set lies", { songFile: false }, (studio) => {
    assert.equal([...studio.bridge.jobs.values()][0].keys.project, undefined);
    assert.match(studio.device.words("problem"), /does not say where the set lies/);
    assert.equal(studio.tracks().length, 4);
  }],
  ["loads no audio", { slotAudio: false, trackAudio: false }, (studio) => {
    assert.match(studio.device.words("problem"), /cannot load audio/);
    assert.deepEqual(studio.tracks(), []);
  }],
  ["puts audio only into slots", { trackAudio: false }, (studio) => {
    const track = studio.live.song.tracks[1];
    assert.equal(track.arrangement[0].values.start_time, 16);
    assert.equal(track.arrangement[0].values.name, "Rhodes Loop (Vocals)");
    assert.equal(track.slots[0].clip, null);
    assert.equal(studio.tracks().length, 4);
    assert.equal(studio.device.words("problem"), "");
  }],
  ["knows no duplicates either", { trackAudio: false, duplicate: false }, (studio) => {
    assert.equal(studio.live.song.tracks[1].slots[0].clip.values.name, "Rhodes Loop (Vocals)");
    assert.match(studio.device.words("problem"), /Drag them over/);
  }],
  ["edits no warp markers", { warpEdit: false }, (studio) => {
    assert.match(studio.device.words("problem"), /sets no warp markers/);
    assert.equal(studio.tracks().length, 4);
    assert.equal(studio.track.arrangement[0].values.muted, 0, "the stems may not line up");
  }],
  ["makes only two tracks more", { tracks: 3 }, (studio) => {
    assert.equal(studio.tracks().length, 2);
    assert.match(studio.device.words("problem"), /Live makes no more tracks/);
    assert.equal(studio.track.arrangement[0].values.muted, 0, "the other two stems would be missing");
  }],
  ["gives ids as text", { idsAsText: true }, (studio) => assert.equal(studio.tracks().length, 4)],
]) {
  test(`a Live that ${what} gets the next best thing`, () => {
    const studio = new Studio({ can, stemSeconds: 4.5 }).start();
    studio.arrangementClip(WARPED, MARKERS);
    studio.complete(studio.separate());
    check(studio);
    assert.deepEqual(studio.live.errors, can.tracks ? studio.live.errors : []);
  });
}

test("audio that Live does not accept is not counted, and the source stays on", () => {
  const studio = new Studio().start();
  const source = studio.sessionClip({ warping: 0, end_marker: 10, loop_end: 10 });
  studio.live.secondsOf = () => { throw new Error("no such file"); };
  studio.complete(studio.separate());
  assert.match(studio.device.words("problem"), /Live has not made the clip/);
  assert.equal(studio.device.words("result"), "Nothing was imported.");
  assert.equal(source.values.muted, 0);
  assert.deepEqual(studio.tracks(), [], "no track without a clip is left");
});

test("a missing scene is reported", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  const addTrack = studio.live.addTrack;
  studio.live.addTrack = function (kind) { const track = addTrack.call(this, kind); track.slots.length = 2; return track; };
  studio.complete(job);
  assert.match(studio.device.words("problem"), /scene of the clip is gone/);
});

test("an unexpected error is reported, and the device goes on", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const { get } = studio.live;
  studio.live.get = () => { throw new TypeError("nonsense"); };
  studio.separate();
  assert.notEqual(studio.device.words("problem"), "");
  studio.live.get = get;
  studio.live.errors.length = 0;
  assert.notEqual(studio.separate(), undefined);
});

test("choosing the loop brace shows its part of the clip at once", () => {
  const studio = new Studio().start();
  studio.arrangementClip({ warping: 0, end_marker: 8, loop_end: 8 });
  Object.assign(studio.live.song.values, { loop: 1, loop_start: 18, loop_length: 4 });
  studio.device.click("part_choice", 1);
  studio.clock.advance(1);
  assert.equal(studio.device.words("part"), "2.0 s · not warped · brace (selected time: Ctrl/Cmd+L)");
});

test("hundreds of notes are imported", () => {
  const studio = new Studio().start();
  studio.sessionClip({ warping: 0, end_marker: 10, loop_end: 10 });
  const many = Array.from({ length: 1200 }, (_, n) => ({ onset_seconds: n / 200, offset_seconds: n / 200 + 0.1, pitch: n % 128, velocity: 90 }));
  studio.complete(studio.separate(), [["notes", "bass", notesFile(many)]]);
  assert.equal(studio.live.song.tracks[4].slots[2].clip.notes.length, 1200);
  assert.equal(studio.device.words("problem"), "");
});

test("a truncated MIDI file gives its complete notes", () => {
  const studio = new Studio().start();
  studio.bridge.knowsNotes = false;
  studio.sessionClip({ warping: 0, end_marker: 10, loop_end: 10 });
  const job = studio.separate();
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "midi-")), "bass.mid");
  fs.writeFileSync(file, Buffer.from("4d546864000000060000000101e04d54726bffffffff0090286483602800", "hex")); // "4 GB follow"
  studio.complete(job, [["midi", "bass", file]]);
  assert.equal(studio.live.song.tracks[4].slots[2].clip.notes.length, 1);
});

test("a source that was moved is not muted", () => {
  const studio = new Studio().start();
  const source = studio.sessionClip();
  const job = studio.separate();
  source.values.file_path = "/Music/Another.wav";
  studio.complete(job);
  assert.equal(source.values.muted, 0);
  assert.match(studio.device.words("problem"), /source clip has moved/);
});

test("the progress bar follows the job, and restarts with the next", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.progress(job.id, "writing", 0.9, 1);
  studio.clock.advance(10);
  assert.equal(studio.device.value("progress"), 0.9);
  studio.bridge.finish(job.id, "done");
  studio.clock.advance(1000);
  assert.equal(studio.device.value("progress"), 1);
  studio.separate();
  assert.equal(studio.device.value("progress"), 0);
});

test("a rising time left is explained", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  function stage(eta) {
    studio.bridge.progress(job.id, "separating", 0.5, eta);
    studio.clock.advance(10);
    return studio.device.words("stage");
  }
  assert.equal(stage(-1), "Separating · 50 %");
  assert.equal(stage(20), "Separating · 50 % · 20 s left");
  assert.equal(stage(20.5), "Separating · 50 % · 21 s left");
  assert.equal(stage(60), "Separating · 50 % · 60 s left · slower than expected");
  assert.equal(stage(50), "Separating · 50 % · 50 s left · slower than expected");
});

test("while a clip is separated, another is not sent", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.separate();
  studio.separate();
  assert.equal(studio.bridge.asked("submit").length, 1);
  assert.match(studio.device.words("problem"), /is being worked on/);
});

test("Live 10 receives its notes one by one", () => {
  const studio = new Studio({ can: { addNotes: false, warpEdit: false } }).start();
  studio.sessionClip({ warping: 0, end_marker: 10, loop_end: 10 });
  studio.complete(studio.separate(), [["notes", "bass", notesFile(NOTES)]]);
  assert.deepEqual(studio.live.errors, []);
  const midi = studio.live.song.tracks[4].slots[2].clip;
  near(midi.notes[1].start_time, 3);
});

test("with a bridge without lists of notes, MIDI files are used", () => {
  const studio = new Studio().start();
  studio.bridge.knowsNotes = false;
  studio.sessionClip({ warping: 0, end_marker: 10, loop_end: 10 });
  const job = studio.separate();
  assert.equal(job.keys.notes, undefined);
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "midi-")), "bass.mid");
  fs.writeFileSync(file, Buffer.from(
    "4d546864000000060001000201e0" // two tracks, 480 ticks a quarter
    + "4d54726b0000000b" + "00ff5103" + "0927c0" + "00ff2f00" // 600000 µs: 100 BPM
    + "4d54726b00000015" + "00c020" + "83609028 64" .replace(" ", "") + "8360 2800".replace(" ", "") + "00b04000" + "00ff2f00", "hex"));
  studio.complete(job, [["midi", "bass", file]]);
  const midi = studio.live.song.tracks[4].slots[2].clip;
  assert.equal(midi.notes.length, 1);
  near(midi.notes[0].start_time, 1.2); // 0.6 s at the song's 120 BPM
  near(midi.notes[0].duration, 1.2);
});
