"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const { Studio } = require("./studio");

// A studio whose job is done: stems and notes of vocals and bass.
function ready(options, values = {}, markers = null) {
  const studio = new Studio(options).start();
  for (const name of ["stem_drums", "stem_other", "audio", "mute"]) studio.device.click(name);
  studio.sessionClip({ warping: 0, end_marker: 4, loop_end: 4, ...values }, markers);
  const job = studio.separate();
  studio.bridge.result(job.id, "midi", "vocals", "/v.mid");
  studio.bridge.result(job.id, "midi", "bass", "/b.mid");
  studio.complete(job);
  return studio;
}

const streams = (studio) => studio.live.song.tracks.filter((track) => track.values.name.endsWith("stream"));

for (const routingSpelling of [0, 1, 2]) {
  test(`tracks listen to our ports, record the clip's length, and are disarmed (spelling ${routingSpelling})`, () => {
    const studio = ready({ can: { routingSpelling } });
    studio.device.click("stream");
    studio.clock.advance(3000);
    const [vocals, bass] = streams(studio);
    assert.equal(vocals.values.name, "Rhodes Loop (Vocals) stream");
    assert.deepEqual([vocals.values.color, bass.values.color], [0xe2557a, 0x7a5cd6]);
    assert.equal(vocals.values.routing.display_name, "SAB Vocals");
    assert.equal(bass.values.routing.display_name, "SAB Bass");
    assert.deepEqual(vocals.slots[2].fired, { length: 10, quantisation: 0 }, "one second more than the clip");
    assert.equal(studio.bridge.asked("play").length, 1);
    assert.equal(studio.device.words("stage"), "Recording");
    studio.clock.advance(8000);
    assert.equal(vocals.slots[2].clip.values.end_marker, 8);
    assert.equal(vocals.values.arm, 0);
    assert.equal(studio.device.words("result"), "Recorded 2 tracks.");
    assert.equal(studio.bridge.asked("stop").length, 0, "what ends by itself is not stopped");
    assert.deepEqual(studio.live.errors, []);
  });
}

const STRETCHED = [{ sample_time: 0, beat_time: 0 }, { sample_time: 6, beat_time: 8 }];
for (const [what, values, markers] of [
  ["warped to another tempo", { warping: 1, end_marker: 4, loop_end: 4 }, STRETCHED], ["transposed", { pitch_coarse: 2 }, null],
]) {
  test(`a clip that is ${what}: the face says that the bridge plays the file's notes`, () => {
    const studio = ready({}, values, markers);
    studio.device.click("stream");
    studio.clock.advance(100);
    assert.match(studio.device.words("problem"), /notes of the file, not of the warped or transposed clip/);
    studio.clock.advance(12000);
    assert.match(studio.device.words("result"), /^Recorded/);
    assert.match(studio.device.words("problem"), /notes of the file/);
  });
}

test("a clip that is warped to the song's own tempo is streamed without a remark", () => {
  const studio = ready({}, { warping: 1, end_marker: 8, loop_end: 8 }, [{ sample_time: 0, beat_time: 0 }, { sample_time: 4, beat_time: 8 }]);
  studio.device.click("stream");
  studio.clock.advance(100);
  assert.equal(studio.device.words("problem"), "");
});

test("a second stream uses the same tracks", () => {
  const studio = ready();
  for (let take = 0; take < 2; take += 1) {
    studio.device.click("stream");
    studio.clock.advance(10000);
  }
  assert.equal(streams(studio).length, 2);
  assert.equal(studio.bridge.asked("play").length, 2);
  assert.equal(studio.bridge.played.size, 2, "another token, or the bridge would take it for the first");
  assert.deepEqual(studio.live.errors, []);
});

test("a routing that Live does not accept is reported, and nothing is played", () => {
  const studio = ready({ can: { routingSpelling: 9 } });
  studio.device.click("stream");
  studio.clock.advance(5000);
  assert.match(studio.device.words("problem"), /does not let "SAB Vocals" in/);
  assert.equal(studio.bridge.asked("stop").length, 0, "what another plays of this job goes on");
  assert.equal(studio.bridge.asked("play").length, 0);
});

test("a track that Live does not arm is reported, and nothing is played", () => {
  const studio = ready();
  studio.device.click("stream");
  studio.clock.advance(1);
  const set = studio.live.set.bind(studio.live);
  studio.live.set = (node, name, value) => (name === "arm" ? undefined : set(node, name, value));
  studio.clock.advance(3000);
  assert.match(studio.device.words("problem"), /has not armed the track of "SAB Vocals"/);
  assert.equal(studio.bridge.asked("play").length, 0);
});

test("a recording that Live does not start is reported", () => {
  const studio = ready();
  studio.live.ClipSlot_fire = () => {};
  studio.device.click("stream");
  studio.clock.advance(8000);
  assert.match(studio.device.words("problem"), /has not begun to record/);
  assert.equal(studio.bridge.asked("play").length, 0);
  assert.equal(streams(studio)[0].values.arm, 0);
});

test("a port that Live does not list is reported", () => {
  const studio = ready();
  studio.live.ports = [];
  studio.device.click("stream");
  studio.clock.advance(100);
  assert.match(studio.device.words("problem"), /sees no MIDI port "SAB Vocals"/);
});

test("a bridge that cannot play stops the recording and says why", () => {
  const studio = ready();
  studio.bridge.on_play = (id, key, token) => studio.bridge.say("fail", "/sab/play", "internal", "There are no MIDI ports.", token);
  studio.device.click("stream");
  studio.clock.advance(3000);
  assert.equal(studio.device.words("problem"), "There are no MIDI ports.");
  assert.equal(studio.bridge.asked("play").length, 1, "a rejected request is not sent again");
  assert.equal(studio.device.words("stage"), "");
  assert.equal(streams(studio)[0].slots[2].values.is_recording, 0);
});

test("a stem that the bridge cannot play is reported", () => {
  const studio = ready();
  studio.device.click("stream");
  studio.clock.advance(3000);
  studio.bridge.say("midi.end", [...studio.bridge.jobs.keys()].pop(), "bass", "failed", 0, 0, 0, 0);
  studio.clock.advance(10);
  assert.equal(studio.device.words("problem"), "The bridge could not play Bass.");
  studio.clock.advance(8000);
  assert.equal(studio.device.words("result"), "Recorded 2 tracks.");
  assert.equal(studio.device.words("problem"), "The bridge could not play Bass.", "the message is still shown at the end");
});

test("only messages about the played job affect the recording, though another is running", () => {
  const studio = ready();
  const [played] = studio.bridge.jobs.values();
  studio.bridge.on_play = () => {};
  studio.device.click("stream");
  studio.clock.advance(2000);
  const other = studio.separate();
  assert.notEqual(other.id, played.id);
  const token = studio.bridge.asked("play")[0][3];
  studio.bridge.say("fail", "/sab/play", "internal", "Another client's trouble.", "another's token");
  studio.bridge.say("fail", "/sab/play", "internal", "Trouble of the job that runs.", other.id);
  studio.bridge.say("midi.end", other.id, "bass", "failed", 0, 0, 0, 0);
  studio.clock.advance(10);
  assert.equal(streams(studio)[0].slots[2].values.is_recording, 1);
  assert.equal(studio.device.words("problem"), "");
  studio.bridge.say("fail", "/sab/play", "internal", "There are no MIDI ports.", token);
  studio.clock.advance(10);
  assert.equal(streams(studio)[0].slots[2].values.is_recording, 0);
  assert.equal(studio.device.words("problem"), "There are no MIDI ports.");
  studio.complete(other);
  assert.equal(studio.bridge.jobs.get(other.id).state, "done");
});

test("a lost request to play is sent again with the same token, with a remark that the notes may be late", () => {
  const studio = ready();
  let lost = 0;
  studio.bridge.drop = ([address]) => address === "/sab/play" && (lost += 1) <= 2;
  studio.device.click("stream");
  studio.clock.advance(2500);
  const late = studio.device.words("problem");
  studio.bridge.say("midi.start", [...studio.bridge.jobs.keys()].pop(), "bass", 4, 12);
  studio.clock.advance(500);
  assert.equal(studio.device.words("problem"), late, "the remark is shown once");
  assert.equal(lost, 3);
  assert.equal(studio.bridge.played.size, 1);
  assert.match(studio.device.words("problem"), /late to answer/);
  studio.clock.advance(8000);
  assert.equal(studio.device.words("result"), "Recorded 2 tracks.");
  assert.match(studio.device.words("problem"), /late to answer/);
  assert.equal(lost, 3);
});

test("the start of playback is an answer, too", () => {
  const studio = ready();
  const [job] = studio.bridge.jobs.keys();
  studio.bridge.on_play = () => studio.bridge.say("midi.start", job, "bass", 4, 12);
  studio.device.click("stream");
  studio.clock.advance(3000);
  assert.equal(studio.bridge.asked("play").length, 1);
  assert.equal(studio.device.words("problem"), "");
});

test("without an answer to the request to play, the recording stops", () => {
  const studio = ready();
  studio.bridge.drop = ([address]) => address === "/sab/play";
  studio.device.click("stream");
  studio.clock.advance(6000);
  assert.match(studio.device.words("problem"), /does not answer, and nothing was played/);
  assert.equal(streams(studio)[0].slots[2].values.is_recording, 0);
  assert.equal(streams(studio)[0].values.arm, 0);
  studio.device.click("stream");
  studio.clock.advance(100);
  assert.match(studio.device.words("stage"), /^Arming/);
});

// The bridge plays `after` milliseconds after it was asked: a note on the first beat of the clip, and one on its fourth.
function playsAfter(studio, after) {
  const { bridge, live, clock } = studio;
  bridge.on_play = (id) => {
    bridge.say("done", "/sab/play", id);
    clock.after(after, () => live.hear("SAB Bass", { pitch: 40 }));
    clock.after(after + 1530, () => live.hear("SAB Bass", { pitch: 43, duration: 0.5 }));
  };
}

for (const [what, can, close] of [["", {}, 0.001], [", in a Live that tells only the song's time", { position: false }, 0.01]]) {
  test(`the recorded notes lie where the bridge began to play, not where Live began to record${what}`, () => {
    const studio = ready({ can: { recordMs: 3, ...can } });
    playsAfter(studio, 0);
    studio.device.click("stream");
    studio.clock.advance(12000);
    const { clip } = streams(studio)[1].slots[2];
    assert.equal(clip.notes.length, 2);
    const [first, second] = clip.notes.map((note) => note.start_time);
    const onTheWay = 0.002; // a millisecond to the bridge, in beats
    assert.ok(first >= 0 && Math.abs(first - onTheWay) < close, `${first}`);
    assert.ok(Math.abs(second - 3.06 - onTheWay) < 2 * close, "played freely, and kept so");
    const { start_marker, end_marker, loop_start, loop_end } = clip.values;
    assert.deepEqual([start_marker, end_marker, loop_start, loop_end], [0, 8, 0, 8]);
    assert.deepEqual(studio.live.errors, []);
  });
}

test("where Live moves no notes, the clip starts later instead", () => {
  const studio = ready({ can: { readNotes: false, recordMs: 3 } });
  playsAfter(studio, 0);
  studio.device.click("stream");
  studio.clock.advance(12000);
  const { clip } = streams(studio)[1].slots[2];
  const { start_marker, loop_start, loop_end, end_marker } = clip.values;
  assert.ok(start_marker > 0 && start_marker <= clip.notes[0].start_time);
  assert.deepEqual([loop_start, loop_end, end_marker], [start_marker, start_marker + 8, start_marker + 8]);
});

test("a tempo changed since the job: the recording is as long as the clip is now", () => {
  const studio = ready();
  studio.live.song.values.tempo = 90;
  studio.device.click("stream");
  studio.clock.advance(14000);
  assert.equal(streams(studio)[0].slots[2].clip.values.loop_end, 6);
});

const SIXTEENTHS = 5;

for (const [how, end] of [
  ["the recording's own end", (studio) => studio.clock.advance(10000)],
  ["Cancel", (studio) => studio.device.click("cancel")],
  ["a failure of the bridge", (studio) => studio.bridge.say("fail", "/sab/play", "internal", "No ports.", studio.bridge.asked("play")[0][3])],
  ["a lost bridge", (studio) => studio.bridge.say("bye", "9.9")],
  ["the device's removal", (studio) => studio.device.unload()],
]) {
  test(`the set's record quantisation is off while it records, and back after ${how}`, () => {
    const studio = ready();
    const { values } = studio.live.song;
    values.midi_recording_quantization = SIXTEENTHS;
    playsAfter(studio, 0);
    studio.device.click("stream");
    studio.clock.advance(1500);
    assert.equal(values.midi_recording_quantization, 0);
    end(studio);
    studio.clock.advance(100);
    assert.equal(values.midi_recording_quantization, SIXTEENTHS);
  });
}

test("a record quantisation that was chosen while it recorded is kept", () => {
  const studio = ready();
  const { values } = studio.live.song;
  values.midi_recording_quantization = SIXTEENTHS;
  studio.device.click("stream");
  studio.clock.advance(1500);
  values.midi_recording_quantization = 2;
  studio.clock.advance(10000);
  assert.equal(values.midi_recording_quantization, 2);
});

test("a lost connection stops the recording", () => {
  const studio = ready();
  studio.device.click("stream");
  studio.clock.advance(2000);
  studio.bridge.say("bye", "9.9");
  studio.clock.advance(10);
  assert.equal(streams(studio)[0].slots[2].values.is_recording, 0);
  assert.match(studio.device.words("problem"), /in the middle of a recording/);
  assert.equal(studio.device.words("stage"), "");
});

test("Cancel stops the recording and the bridge", () => {
  const studio = ready();
  studio.device.click("stream");
  studio.clock.advance(3000);
  studio.device.click("cancel");
  studio.clock.advance(1000);
  assert.deepEqual(studio.bridge.asked("stop"), [["/sab/stop", studio.bridge.asked("play")[0][1]]]);
  assert.equal(studio.device.words("result"), "Stopped.");
  assert.equal(streams(studio)[0].values.arm, 0);
  studio.clock.advance(12000);
  assert.equal(studio.device.words("result"), "Stopped.", "nothing of it goes on");
});

for (const [when, milliseconds] of [["the routing is taken", 200], ["the tracks are armed", 600], ["Live records", 850]]) {
  test(`Cancel before ${when} leaves nothing armed, recording or playing`, () => {
    const studio = ready();
    const fire = studio.live.ClipSlot_fire;
    studio.live.ClipSlot_fire = function (slot, ...rest) { this.clock.after(300, () => fire.call(this, slot, ...rest)); };
    studio.device.click("stream");
    studio.clock.advance(milliseconds);
    studio.live.ClipSlot_fire = () => { throw new Error("fired"); };
    studio.device.click("cancel");
    studio.clock.advance(12000);
    assert.equal(studio.device.words("result"), "Stopped.");
    assert.equal(studio.device.words("problem"), "");
    assert.equal(streams(studio)[0].values.arm, 0);
    assert.equal(studio.bridge.asked("play").length, 0);
    assert.deepEqual(studio.live.errors, []);
  });
}

test("an Arrangement clip's stream is recorded in the first scene", () => {
  const studio = new Studio().start();
  for (const name of ["audio", "mute"]) studio.device.click(name);
  studio.arrangementClip({ warping: 0, end_marker: 4, loop_end: 4 });
  const job = studio.separate();
  studio.complete(job, [["midi", "bass", "/b.mid"]]);
  studio.device.click("stream");
  studio.clock.advance(12000);
  assert.equal(streams(studio)[0].slots[0].clip.values.end_marker, 8);
});

test("without a bridge Stream gives advice", () => {
  const studio = ready();
  studio.bridge.vanish();
  studio.clock.advance(20000);
  studio.device.click("stream");
  studio.clock.advance(10);
  assert.match(studio.device.words("problem"), /no bridge that could play/);
  assert.equal(streams(studio).length, 0);
});

test("without a job, or without its notes, Stream gives advice", () => {
  const studio = new Studio().start();
  studio.device.click("stream");
  studio.clock.advance(10);
  assert.match(studio.device.words("problem"), /Separate a clip first/);
});

// ---- play live

function separated(on, ...others) {
  const studio = new Studio().start();
  studio.sessionClip();
  for (const name of [...(on ? ["play"] : []), ...others]) { studio.device.click(name); studio.clock.advance(10); }
  return { studio, job: studio.separate() };
}

test("a job plays while it separates if that is switched on, and if it makes notes", () => {
  assert.equal(separated(false).job.keys.play, undefined);
  assert.equal(separated(true).job.keys.play, "live");
  assert.equal(separated(true, "notes").job.keys.play, undefined);
  assert.equal(separated(true, "preset_karaoke").job.keys.play, undefined);
});

test("the line of progress says how far the notes can be played, from the first that are known", () => {
  const { studio, job } = separated(true);
  studio.bridge.horizon(job.id, 3);
  studio.clock.advance(10);
  assert.match(studio.device.words("stage"), /^Sending/);
  studio.bridge.progress(job.id, "separating", 0.42, 12);
  studio.clock.advance(10);
  assert.equal(studio.device.words("stage"), "Separating · 42 % · 12 s left · notes to 3 s");
  studio.bridge.horizon(job.id, 125.4);
  studio.bridge.horizon("another", 600);
  studio.clock.advance(10);
  assert.equal(studio.device.words("stage"), "Separating · 42 % · 12 s left · notes to 2:05");
  studio.bridge.say("midi.delay", job.id, 75);
  studio.clock.advance(10);
  assert.equal(studio.device.words("problem"), "Separating is slow here: the notes start in 75 s.");
  studio.bridge.say("midi.end", job.id, "bass", "finished", 0, 0, 0);
  studio.bridge.say("midi.end", job.id, "bass", "failed", 0, 0, 0);
  studio.clock.advance(10);
  assert.equal(studio.device.words("problem"), "The bridge could not play Bass.");
});

test("a job that is sent again after the bridge has gone begins without a horizon", () => {
  const { studio, job } = separated(true);
  studio.bridge.horizon(job.id, 9);
  studio.bridge.vanish();
  studio.clock.advance(15000);
  studio.bridge.comeBack({ forgetting: true });
  studio.clock.advance(3000);
  const again = [...studio.bridge.jobs.values()].pop();
  assert.equal(again.keys.play, "live");
  studio.bridge.progress(again.id, "separating", 0.1, 30);
  studio.clock.advance(10);
  assert.equal(studio.device.words("stage"), "Separating · 10 % · 30 s left");
});
