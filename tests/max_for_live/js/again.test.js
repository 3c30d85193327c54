"use strict";
// The tempo of an unwarped clip: Live's or its own, and its notes read again at another one, in place of the former ones.
const assert = require("node:assert/strict");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");
const test = require("node:test");
const { ONE_PRESS_MS, Studio } = require("./studio");

const FOUR_SECONDS = { warping: 0, start_marker: 1, end_marker: 5, loop_start: 1, loop_end: 5 };
const OTHERS = [[46.15, "4/4", 0.1], [184.6, "6/8", 0.05], [61.3, "3/4", 0.2]];
const READINGS = ["live", "own", "half", "double", "other"];
const near = (a, b) => assert.ok(Math.abs(a - b) < 1e-6, `${a} is not ${b}`);

function notesFile(notes) {
  const file = path.join(fs.mkdtempSync(path.join(os.tmpdir(), "notes-")), "notes.json");
  fs.writeFileSync(file, JSON.stringify({ notes }));
  return file;
}
const note = (onset_seconds, offset_seconds, pitch = 40) => ({ onset_seconds, offset_seconds, pitch, velocity: 100 });
const FIRST = { bass: [note(0.5, 1), note(2, 2.5)], other: [note(1, 2, 60)] };
const SECOND = { bass: [note(0.51, 1.1), note(1.5, 1.7), note(2, 2.4)], other: [note(1.02, 2, 60)] };

// Results of a job: the notes of each stem, as files.
const results = (notes) => Object.entries(notes).map(([stem, list]) => ["notes", stem, notesFile(list)]);

// A studio whose clip has been imported at its own tempo, 92.3, or at Live's.
function imported({ own = true, clip = FOUR_SECONDS, view = "session", can, notes = FIRST, tell = null } = {}) {
  const studio = new Studio({ can, stemSeconds: 4 }).start();
  studio.source = view === "session" ? studio.sessionClip(clip) : studio.arrangementClip(clip);
  if (own) { studio.device.click("own_tempo", 1); studio.clock.advance(10); }
  studio.first = studio.separate();
  if (tell) tell(studio); else if (own) studio.bridge.music(studio.first.id, 92.3, "estimated", 0.87, 0.25, OTHERS);
  else studio.bridge.music(studio.first.id, 120, "given", 1, 0, [[60, "4/4", 0], [240, "4/4", 0]]);
  studio.complete(studio.first, results(notes));
  return studio;
}

// Presses one of the tempi; returns the bridge's new job, or undefined.
function press(studio, name) {
  const before = studio.bridge.jobs.size;
  studio.clock.advance(ONE_PRESS_MS);
  studio.device.click(`read_${name}`);
  studio.clock.advance(50);
  return studio.bridge.jobs.size > before ? [...studio.bridge.jobs.values()].pop() : undefined;
}

// Presses it, and lets the bridge read the notes.
function read(studio, name, { notes = SECOND, tell = () => {} } = {}) {
  const job = press(studio, name);
  tell(job);
  studio.complete(job, results(notes));
  return job;
}

const midiClips = (studio) => studio.live.song.tracks.filter((track) => track.kind === "midi")
  .map((track) => track.arrangement[0] || track.slots.map((slot) => slot.clip).find(Boolean));
const starts = (clip) => clip.notes.map((one) => one.start_time);
const offered = (studio) => READINGS.filter((name) => studio.device.byName.get(`read_${name}`).active === 1);

// ---- the request, and what the face tells

test("Live's tempo is sent unless the clip's own is chosen, and then none is", () => {
  for (const [own, tempo, beat] of [[false, "120", "16"], [true, undefined, undefined]]) {
    const { first } = imported({ own, view: "arrangement" });
    assert.deepEqual([first.keys.tempo, first.keys.beat], [tempo, beat]);
  }
});

test("a warped clip has its own beats, whatever is chosen", () => {
  const studio = new Studio().start();
  studio.sessionClip({}, [{ sample_time: 0, beat_time: 0 }, { sample_time: 6, beat_time: 10 }]);
  studio.device.click("own_tempo", 1);
  studio.clock.advance(10);
  const job = studio.separate();
  assert.equal(job.keys.tempo, "100");
  studio.bridge.music(job.id, 100, "given", 1, 0, [[50, "4/4", 0]]);
  studio.complete(job, results(FIRST));
  assert.equal(studio.device.words("tempo"), "");
  assert.deepEqual(offered(studio), []);
  assert.equal(press(studio, "half"), undefined);
});

test("the face tells the tempo that was found, how sure it is, and offers what was weighed beside it", () => {
  const studio = new Studio().start();
  assert.deepEqual([studio.device.words("tempo"), offered(studio)], ["", []]);
  const { device } = imported();
  assert.equal(device.words("tempo"), "92.3 BPM · 87 %");
  assert.deepEqual(offered({ device }), READINGS);
  assert.equal(device.words("read_other"), "61.3");
});

test("a beat that is sure, of unsure octave, is asked about", () => {
  const studio = imported({ tell: ({ bridge, first }) => bridge.music(first.id, 100, "estimated", 0.31, 0, [[50, "4/4", 0.3], [200, "4/4", 0.4]]) });
  assert.equal(studio.device.words("tempo"), "100 BPM · half or double?");
});

test("a clip without a clear beat offers what was weighed, and no half of an assumed tempo", () => {
  const studio = imported({ tell: ({ bridge, first }) => bridge.music(first.id, 120, "default", 0.2, 0, [[97, "4/4", 0.3], [130, "4/4", 0.2]]) });
  assert.equal(studio.device.words("tempo"), "No clear beat: 120 BPM");
  assert.deepEqual(offered(studio), ["live", "own", "other"]);
  assert.equal(studio.device.words("read_other"), "97");
});

test("a transposed clip that is not warped plays at another speed: its tempo is told as one hears it", () => {
  const studio = imported({ clip: { ...FOUR_SECONDS, pitch_coarse: 12 }, tell: ({ bridge, first }) => bridge.music(first.id, 46.15, "estimated", 0.87, 0, [[92.3, "4/4", 0.1], [61.3, "3/4", 0.2]]) });
  assert.equal(studio.device.words("tempo"), "92.3 BPM · 87 %");
  assert.equal(studio.device.words("read_other"), "122.6");
  assert.equal(read(studio, "other").keys.tempo, "61.3", "the file's own");
});

test("messages that come twice or in pieces tell the same tempo", () => {
  const studio = imported({ tell: ({ bridge, first }) => {
    bridge.music(first.id, 92.3, "estimated", 0.87, 0.25, OTHERS);
    bridge.music(first.id, 92.3, "estimated", 0.87, 0.25, [...OTHERS, ...OTHERS]);
  } });
  assert.equal(studio.device.words("tempo"), "92.3 BPM · 87 %");
  assert.equal(studio.device.words("read_other"), "61.3");
});

test("a bridge that tells no tempo leaves Live's and the clip's own", () => {
  const studio = imported({ tell: () => {} });
  assert.equal(studio.device.words("tempo"), "");
  assert.deepEqual(offered(studio), ["live", "own"]);
  read(studio, "live");
  assert.equal(studio.device.words("result"), "Read again: 2 MIDI clips, 4 notes.");
});

test("the reading is sent with what makes notes, and with nothing else", () => {
  for (const [index, key, value] of [[0, "reading", undefined], [1, "reading", "clean"], [3, "quantise", "1/16"], [4, "quantise", "1/8t"]]) {
    const studio = new Studio().start();
    studio.sessionClip(FOUR_SECONDS);
    studio.device.click("reading", index);
    studio.clock.advance(10);
    assert.equal(studio.separate().keys[key], value);
  }
  const studio = new Studio().start();
  studio.sessionClip(FOUR_SECONDS);
  studio.device.click("reading", 1);
  studio.device.click("notes");
  studio.clock.advance(10);
  assert.equal(studio.separate().keys.reading, undefined);
});

// ---- reading again

test("one click asks for the notes alone, of the same part, at the runner-up, with its beat where it was found", () => {
  const studio = imported({ view: "arrangement" });
  studio.device.click("reading", 1);
  const { keys, path: file } = press(studio, "double");
  const { first } = studio;
  assert.equal(file, first.path);
  assert.deepEqual([keys.stems, keys.midi, keys.notes, keys.reading], ["none", "bass,other", "json", "clean"]);
  assert.deepEqual([keys.start, keys.end, keys.name, keys.project, keys.engine], [first.keys.start, first.keys.end, first.keys.name, first.keys.project, first.keys.engine]);
  assert.deepEqual([keys.tempo, keys["time-signature"]], ["184.6", "6/8"]);
  near(Number(keys.beat), -0.25 * 184.6 / 60);
});

for (const view of ["session", "arrangement"]) {
  test(`the new notes take the place of the former ones, in time with the audio (${view})`, () => {
    const studio = imported({ view });
    const [before, clips] = [studio.tracks(), midiClips(studio)];
    studio.live.undo.steps.length = 0;
    read(studio, "half", { tell: ({ id }) => studio.bridge.music(id, 46.15, "given", 1, 0.25, [[23.1, "4/4", 0], [92.3, "4/4", 0]]) });
    assert.deepEqual(studio.tracks(), before);
    assert.deepEqual(midiClips(studio), clips);
    starts(clips[0]).forEach((start, n) => near(start, SECOND.bass[n].onset_seconds * 2)); // Live plays 120
    near(starts(clips[1])[0], 1.02 * 2);
    near(studio.live.lengthOf(clips[0]), 8);
    assert.deepEqual(studio.live.undo.steps, ["a step of the script"]);
    assert.equal(studio.live.undo.isOpen, false);
    assert.equal(studio.device.words("result"), "Read again at 46.2 BPM: 2 MIDI clips, 4 notes.");
    assert.equal(studio.device.words("tempo"), "46.2 BPM");
    assert.equal(studio.device.words("problem"), "");
    assert.deepEqual(studio.live.errors, []);
  });
}

test("from half of it one gets back, further, or to what was weighed at first", () => {
  const studio = imported();
  read(studio, "half", { tell: ({ id }) => studio.bridge.music(id, 46.15, "given", 1, 0.9, [[23.075, "4/4", 0], [92.3, "4/4", 0]]) });
  assert.equal(studio.device.words("read_other"), "184.6");
  const job = press(studio, "double");
  near(Number(job.keys.tempo), 92.3);
  near(Number(job.keys.beat), -0.25 * 92.3 / 60);
});

test("a clip that was read at Live's tempo can be read at its own, and back", () => {
  const studio = imported({ own: false, view: "arrangement" });
  assert.equal(studio.device.words("tempo"), "Live's 120 BPM");
  assert.deepEqual(offered(studio), ["live", "own"]);
  const own = read(studio, "own", { tell: ({ id }) => studio.bridge.music(id, 92.3, "estimated", 0.87, 0.25, OTHERS) });
  assert.deepEqual([own.keys.tempo, own.keys.beat], [undefined, undefined]);
  assert.equal(studio.device.words("tempo"), "92.3 BPM · 87 %");
  assert.deepEqual(offered(studio), READINGS);
  const back = read(studio, "live");
  assert.deepEqual([back.keys.tempo, back.keys.beat, back.keys["time-signature"]], ["120", "16", undefined]);
});

test("after a change of Live's tempo the new notes lie on its new beats, and Live's tempo is the new one", () => {
  const studio = imported({ view: "arrangement" });
  studio.live.song.values.tempo = 90;
  assert.equal(read(studio, "live").keys.tempo, "90");
  starts(midiClips(studio)[0]).forEach((start, n) => near(start, SECOND.bass[n].onset_seconds * 1.5));
});

// ---- what the musician has done since

for (const [what, change] of [
  ["moved a note", (clip) => { clip.notes[0].start_time += 0.01; }],
  ["deleted a note", (clip) => { clip.notes.pop(); }],
  ["added a note at the end", (clip, live) => live.addNote(clip, { pitch: 1, start_time: 7.9, duration: 0.1, velocity: 1 })],
  ["muted a note", (clip) => { clip.notes[0].mute = 1; }],
  ["made a note softer", (clip) => { clip.notes[1].velocity = 99; }],
]) {
  test(`a clip in which the musician has ${what} stays, and the others are read again`, () => {
    const studio = imported();
    const [bass, other] = midiClips(studio);
    change(bass, studio.live);
    const kept = JSON.stringify(bass.notes);
    read(studio, "half");
    assert.equal(JSON.stringify(bass.notes), kept);
    near(starts(other)[0], 1.02 * 2);
    assert.equal(studio.device.words("result"), "Read again: 1 MIDI clip, 1 note.");
    assert.equal(studio.device.words("problem"), "Changed since, so left as they are: Bass. Import brings the new notes.");
  });
}

test("notes that the musician has put into an empty clip stay", () => {
  const studio = imported({ notes: { ...FIRST, other: [] } });
  const [, other] = midiClips(studio);
  studio.live.addNote(other, { pitch: 60, start_time: 3, duration: 1, velocity: 80 });
  read(studio, "half");
  assert.deepEqual(starts(other), [3]);
  assert.match(studio.device.words("problem"), /left as they are: Other\./);
});

test("a change that is made while the import is still fitting counts", () => {
  const studio = new Studio({ stemSeconds: 4 }).start();
  studio.sessionClip(FOUR_SECONDS);
  const job = studio.separate();
  studio.clock.after(1500, () => { midiClips(studio)[0].notes[0].pitch = 41; });
  studio.complete(job, results(FIRST));
  read(studio, "own");
  assert.equal(midiClips(studio)[0].notes[0].pitch, 41);
});

test("after Undo the notes are the device's own again, and are read again", () => {
  const studio = imported();
  const [bass] = midiClips(studio);
  const former = JSON.parse(JSON.stringify(bass.notes));
  read(studio, "half");
  bass.notes = former;
  read(studio, "own");
  assert.equal(bass.notes.length, 3);
  assert.equal(studio.device.words("problem"), "");
});

test("other settings of a clip than its notes are no reason to leave it", () => {
  const studio = imported();
  const [bass] = midiClips(studio);
  Object.assign(bass.values, { name: "Sub", color: 1, loop_end: 4 });
  read(studio, "half");
  assert.deepEqual([bass.notes.length, bass.values.name, bass.values.loop_end], [3, "Sub", 4]);
});

test("a track that was deleted is told of, and the others are read again", () => {
  const studio = imported();
  const gone = studio.live.song.tracks.findIndex((track) => track.kind === "midi");
  const [track] = studio.live.song.tracks.splice(gone, 1);
  track.gone = true;
  read(studio, "half");
  assert.match(studio.device.words("problem"), /A new track is gone/);
  near(starts(midiClips(studio)[0])[0], 1.02 * 2);
  assert.equal(studio.live.undo.isOpen, false);
});

for (const can of [{ removeNotes: false }, { readNotes: false }, { addNotes: false }]) {
  test(`a Live with ${JSON.stringify(can)} keeps its notes, and Import brings the new ones`, () => {
    const studio = imported({ can });
    const before = midiClips(studio).map((clip) => JSON.stringify(clip.notes));
    read(studio, "half");
    assert.deepEqual(midiClips(studio).map((clip) => JSON.stringify(clip.notes)), before);
    assert.equal(studio.device.words("result"), "No clip was changed.");
    assert.match(studio.device.words("problem"), /lets no device replace notes\. Import brings/);
    studio.device.click("bring_in");
    studio.imported();
    assert.equal(midiClips(studio).length, 4);
    near(starts(midiClips(studio)[0])[1], SECOND.bass[1].onset_seconds * 2);
  });
}

// ---- beside the other buttons

test("notes that were not imported wait for Import", () => {
  const studio = new Studio({ stemSeconds: 4 }).start();
  studio.sessionClip(FOUR_SECONDS);
  const job = studio.separate();
  studio.device.click("notes");
  studio.clock.advance(10);
  studio.complete(job, results(FIRST));
  read(studio, "own");
  assert.equal(studio.device.words("result"), "Read again. Press Import.");
  studio.device.click("notes");
  studio.clock.advance(10);
  studio.device.click("bring_in");
  studio.imported();
  assert.equal(midiClips(studio)[0].notes.length, 3);
});

test("a job without notes says so", () => {
  const studio = imported({ notes: {} });
  assert.equal(press(studio, "half"), undefined);
  assert.match(studio.device.words("problem"), /This job has no notes/);
});

test("during the import, and during another job, it is refused", () => {
  const studio = new Studio({ stemSeconds: 4 }).start();
  studio.sessionClip(FOUR_SECONDS);
  const job = studio.separate();
  results(FIRST).forEach((result) => studio.bridge.result(job.id, ...result));
  studio.clock.advance(10);
  studio.bridge.finish(job.id, "done");
  studio.clock.advance(30);
  assert.equal(press(studio, "own"), undefined);
  assert.match(studio.device.words("problem"), /is being imported/);
  studio.imported();
  studio.separate();
  assert.equal(press(studio, "own"), undefined);
  assert.match(studio.device.words("problem"), /is being worked on/);
});

test("a reading that fails or is cancelled leaves notes, tempo and results as they were", () => {
  const studio = imported();
  const before = JSON.stringify(midiClips(studio).map((clip) => clip.notes));
  const failed = press(studio, "half");
  studio.bridge.say("fail", "/sab/submit", "out_of_space", "The disk is full.", failed.id);
  studio.bridge.finish(failed.id, "failed");
  studio.clock.advance(3000);
  assert.equal(studio.device.words("problem"), "The disk is full.");
  press(studio, "half");
  studio.device.click("cancel");
  studio.clock.advance(100);
  assert.equal(studio.device.words("result"), "Cancelled.");
  assert.equal(JSON.stringify(midiClips(studio).map((clip) => clip.notes)), before);
  assert.equal(studio.device.words("tempo"), "92.3 BPM · 87 %");
  assert.deepEqual(offered(studio), READINGS);
});

test("Stream plays the notes that were read last, and Folder shows the stems", () => {
  const studio = imported();
  const job = read(studio, "half");
  studio.device.click("folder");
  studio.clock.advance(10);
  assert.equal(studio.bridge.asked("open").pop()[1], studio.first.id);
  studio.device.click("stream");
  studio.clock.advance(5000);
  assert.equal(studio.bridge.asked("play").pop()[1], job.id);
});
