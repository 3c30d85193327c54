"use strict";
// The face: its buttons and bar in a strict Max, the clip that is chosen, presets and engines, the folder.
const assert = require("node:assert/strict");
const test = require("node:test");
const { CLIP, ONE_PRESS_MS, Studio } = require("./studio");
const { RULES } = require("./fake_max");

const STEMS = ["vocals", "drums", "bass", "other", "guitar", "piano"];
const FOLDER = "/Music/My Set Project/Samples/Processed/Stems/clip";
const lit = (studio) => STEMS.filter((stem) => studio.device.value(`stem_${stem}`) === 1);
const grey = (studio) => STEMS.filter((stem) => studio.device.byName.get(`stem_${stem}`).active === 0);

function click(studio, name, value) {
  studio.device.click(name, value);
  studio.clock.advance(10);
}

// A studio whose last job is done and not imported.
function done() {
  const studio = new Studio().start();
  studio.sessionClip();
  click(studio, "audio");
  click(studio, "notes");
  const job = studio.separate();
  studio.complete(job);
  return { studio, job };
}

test("the fake Max is strict unless a test says otherwise", () => {
  assert.deepEqual(RULES, { integerSliders: true, applyThrows: true, pressesTwice: true, browses: false });
});

test("the bar shows fractions: it would stay empty with whole numbers", () => {
  const studio = new Studio().start();
  const bar = studio.device.byName.get("progress");
  studio.device.into(bar, [0.42]);
  assert.equal(bar.value, 0.42);
  bar.settype = 0;
  studio.device.into(bar, [0.42]);
  assert.equal(bar.value, 0);
});

for (const outputmode of [0, 1]) {
  test(`one press is one message, though the button sends twice (outputmode ${outputmode})`, () => {
    const studio = new Studio().start();
    studio.sessionClip();
    studio.device.byName.get("separate").outputmode = outputmode;
    studio.device.click("separate");
    studio.clock.advance(ONE_PRESS_MS - 1);
    assert.equal(studio.bridge.asked("submit").length, 1);
    assert.equal(studio.device.words("problem"), "");
    studio.clock.advance(ONE_PRESS_MS);
    studio.device.click("separate");
    studio.clock.advance(10);
    assert.match(studio.device.words("problem"), /is being worked on/);
  });
}

test("one button does not hold back another, nor a clock that was set back", () => {
  const { studio } = done();
  click(studio, "folder");
  click(studio, "bring_in");
  assert.match(studio.device.words("problem"), /Switch on Audio or Notes/);
  studio.clock.now -= 5000;
  studio.device.click("folder");
  studio.clock.advance(10);
  assert.equal(studio.bridge.asked("open").length, 2);
});

test("while Live's audio is off the device stands still, says why, and goes on afterwards", () => {
  const studio = new Studio();
  studio.bridge.vanish();
  studio.device.setAudio(false);
  studio.start();
  studio.clock.advance(60000);
  assert.match(studio.device.words("problem"), /see that Live's audio is on/);
  studio.bridge.comeBack({ forgetting: false });
  studio.clock.advance(60000);
  assert.equal(studio.device.value("light"), 0);
  click(studio, "separate");
  assert.match(studio.device.words("problem"), /^Live's audio is off/);
  studio.device.setAudio(true);
  studio.clock.advance(10000);
  assert.equal(studio.device.value("light"), 1);
  studio.sessionClip();
  assert.notEqual(studio.separate(), undefined);
});

// ---- which clip

test("the last audio clip stays chosen when the device's track is clicked", () => {
  const studio = new Studio().start();
  studio.live.putDeviceOn(studio.live.addTrack("audio"));
  studio.sessionClip({ warping: 0, end_marker: 4, loop_end: 4 });
  assert.equal(studio.device.words("part"), "4.0 s · not warped · Session");
  studio.live.select(null);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "Rhodes Loop");
  assert.equal(studio.device.words("part"), "kept · 4.0 s · not warped · Session");
  assert.equal(studio.separate().path, CLIP);
});

test("a MIDI clip of the device's own track does not count, one of another track does", () => {
  const studio = new Studio().start();
  const [own, other] = [studio.live.addTrack("midi"), studio.live.addTrack("midi")];
  studio.live.putDeviceOn(own);
  studio.sessionClip();
  studio.live.select(studio.live.addMidiClip(own.slots[0], 4, { name: "Keys" }));
  studio.clock.advance(100);
  assert.match(studio.device.words("part"), /^kept · /);
  studio.live.select(studio.live.addMidiClip(other.slots[0], 4, { name: "Strings" }));
  studio.clock.advance(100);
  assert.match(studio.device.words("part"), /"Strings" is a MIDI clip/);
});

test("another audio clip replaces the kept one, and a deleted one is forgotten", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const second = studio.live.addAudioClip(studio.track.slots[3], CLIP, { name: "Second" });
  studio.live.select(second);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "Second");
  assert.doesNotMatch(studio.device.words("part"), /kept/);
  studio.live.select(null);
  studio.track.slots[3].clip = null;
  second.gone = true;
  studio.live.nodes.delete(second.id);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "No audio clip selected");
});

test("an Arrangement clip is kept though Live has given it another id", () => {
  const studio = new Studio().start();
  const clip = studio.arrangementClip({ name: "Chorus" });
  const id = clip.id;
  studio.live.addAudioClip(studio.track, CLIP, { start_time: 0, name: "Verse" });
  assert.notEqual(clip.id, id);
  studio.live.select(null);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "Chorus");
  assert.match(studio.device.words("part"), /^kept · /);
});

test("before any clip was clicked, the clip of the device's own track is taken", () => {
  const studio = new Studio().start();
  studio.live.putDeviceOn(studio.track);
  studio.live.addAudioClip(studio.track, CLIP, { start_time: 16, loop_end: 16, end_marker: 16, name: "Under the cursor" });
  studio.live.transport.beat = 20;
  studio.live.select(null);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "Under the cursor");
  assert.match(studio.device.words("part"), /^this track's · .* · Arrangement$/);
  studio.live.addAudioClip(studio.track.slots[1], CLIP, { name: "Playing" });
  studio.track.values.playing_slot_index = 1;
  studio.live.select(null);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "Playing");
  studio.track.values.playing_slot_index = -1;
  studio.live.transport.beat = 40;
  studio.track.slots[1].clip.gone = true;
  studio.live.nodes.delete(studio.track.slots[1].clip.id);
  studio.live.select(null);
  studio.clock.advance(100);
  assert.equal(studio.device.words("clip"), "No audio clip selected");
});

test("a new tempo or loop brace shows at once", () => {
  const studio = new Studio().start();
  studio.arrangementClip({ warping: 0, end_marker: 8, loop_end: 8 });
  click(studio, "part_choice", 1);
  assert.match(studio.device.words("part"), /Switch the loop on/);
  Object.assign(studio.live.song.values, { loop: 1, loop_start: 18, loop_length: 4 });
  studio.live.observers.filter(({ name }) => name === "loop").forEach(({ callback }) => callback(["loop", 1]));
  studio.clock.advance(100);
  assert.match(studio.device.words("part"), /^2\.0 s/);
});

// ---- presets and engines

for (const [name, stems, opposite] of [
  ["vocals", ["vocals"], 0], ["karaoke", [], 1], ["drums_bass", ["drums", "bass"], 0],
  ["all", ["vocals", "drums", "bass", "other"], 0],
]) {
  test(`the preset ${name} sets the switches that were there before`, () => {
    const studio = new Studio().start();
    studio.sessionClip();
    click(studio, "opposite", 3);
    for (const stem of STEMS) studio.device.into(studio.device.byName.get(`stem_${stem}`), [stem === "guitar" ? 1 : 0]);
    click(studio, `preset_${name}`);
    assert.deepEqual(lit(studio), stems);
    assert.equal(studio.device.value("opposite"), opposite);
    const job = studio.separate();
    assert.deepEqual([job.keys.stems, job.keys.midi], [[...stems, ...(opposite ? ["instrumental"] : [])].join(","), stems.join(",") || "none"]);
  });
}

test("the preset for all stems takes six from an engine that gives six", () => {
  const studio = new Studio().start();
  click(studio, "engine", 4);
  click(studio, "preset_all");
  assert.deepEqual(lit(studio), STEMS);
});

test("the words for engines move the menu, which alone is stored", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  assert.equal(studio.device.value("quality"), 3); // Auto
  for (const [quality, engine] of [[0, "draft"], [1, "good"], [2, "htdemucs"]]) {
    click(studio, "quality", quality);
    const job = studio.separate();
    assert.equal(job.keys.engine, engine);
    studio.bridge.finish(job.id, "failed");
    studio.clock.advance(10);
  }
  click(studio, "engine", 3);
  assert.equal(studio.device.value("quality"), 4); // More
  click(studio, "quality", 3);
  assert.equal(studio.device.value("engine"), 0);
  click(studio, "engine", 6);
  click(studio, "quality", 4);
  assert.equal(studio.device.value("engine"), 6);
  assert.equal(studio.device.words("problem"), "Choose the engine in the menu beside it.");
});

test("a set that was saved before there were words opens with its engine", () => {
  const studio = new Studio();
  studio.device.byName.get("engine").value = 12;
  studio.start();
  studio.sessionClip();
  assert.equal(studio.device.value("quality"), 1); // Good
  assert.equal(studio.separate().keys.engine, "good");
});

test("stems that the engine does not give are grey, take no click, and are not sent", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  assert.deepEqual(grey(studio), ["guitar", "piano"]);
  click(studio, "stem_guitar");
  assert.deepEqual(lit(studio), ["vocals", "drums", "bass", "other"]);
  click(studio, "engine", 4); // htdemucs_6s
  assert.deepEqual(grey(studio), []);
  click(studio, "stem_guitar");
  click(studio, "engine", 13); // spleeter
  assert.deepEqual(grey(studio), ["drums", "bass", "guitar", "piano"]);
  assert.deepEqual(lit(studio), ["vocals", "drums", "bass", "other", "guitar"]);
  assert.equal(studio.separate().keys.stems, "vocals,other");
});

test("auto has the usual four stems, whatever engine worked last", () => {
  const studio = new Studio().start();
  studio.bridge.status = [0, 0, "spleeter", "cpu", "none"];
  studio.clock.advance(3000);
  assert.deepEqual(grey(studio), ["guitar", "piano"]);
});

test("what the bridge computes with and how many jobs wait is shown, and goes with the bridge", () => {
  const studio = new Studio().start();
  assert.equal(studio.device.words("queue"), "CPU");
  studio.bridge.status = [0, 0, "auto", "auto", "none"];
  studio.clock.advance(3000);
  assert.equal(studio.device.words("queue"), "");
  studio.bridge.status = [2, 1, "htdemucs", "cuda", "none"];
  studio.clock.advance(3000);
  assert.equal(studio.device.words("queue"), "GPU · 2 waiting");
  studio.bridge.vanish();
  studio.clock.advance(15000);
  assert.equal(studio.device.words("queue"), "");
});

// ---- the folder

test("the bridge opens the folder, and the face says where it is: Max's way does nothing on Windows", () => {
  const { studio, job } = done();
  click(studio, "folder");
  assert.deepEqual(studio.bridge.asked("open"), [["/sab/open", job.id]]);
  assert.equal(studio.device.words("problem"), `The files are in ${FOLDER}`);
  studio.clock.advance(10000);
  assert.deepEqual(studio.device.browsed, []);
});

test("a bridge that cannot show the folder says why", () => {
  const { studio } = done();
  studio.bridge.opens = "engine_failed";
  click(studio, "folder");
  assert.match(studio.device.words("problem"), /no desktop\. It is \/Music/);
});

for (const [what, prepare] of [
  ["does not know the request", (studio) => { studio.bridge.opens = "unknown_address"; }],
  ["does not answer", (studio) => { studio.bridge.opens = ""; }],
  ["has gone", (studio) => { studio.bridge.vanish(); studio.clock.advance(15000); }],
]) {
  test(`with a bridge that ${what}, Max opens the folder where it can`, () => {
    const { studio } = done();
    prepare(studio);
    studio.device.rules.browses = true;
    click(studio, "folder");
    studio.clock.advance(6000);
    assert.equal(studio.device.browsed.length, 1);
    assert.match(studio.device.browsed[0][2], /^file:\/\/\/Music\/My%20Set%20Project/);
    assert.equal(studio.device.words("problem"), `The files are in ${FOLDER}`);
  });
}

test("of a long path the end is shown", () => {
  const { studio } = done();
  studio.bridge.finish = function (id) { this.say("finished", id, "done", 0, `/${"deep/".repeat(60)}my clip`); };
  const job = studio.separate();
  studio.bridge.jobs.get(job.id).state = "done";
  studio.complete(job);
  click(studio, "folder");
  assert.match(studio.device.words("problem"), /^The files are in ….*deep\/my clip$/);
  assert.ok(studio.device.words("problem").length <= 132);
});

test("the stage and the result share one line", () => {
  const { studio } = done();
  assert.deepEqual([studio.device.words("stage"), studio.device.words("result")], ["", "Done. The files lie in the folder: press Folder."]);
  studio.separate();
  assert.deepEqual([studio.device.words("stage"), studio.device.words("result")], ['Sending "Rhodes Loop"', ""]);
});
