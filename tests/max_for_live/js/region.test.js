"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const { code } = require("./studio");
const region = code("region");
const request = code("request");
const tempi = code("tempi");
const build = (source, set, found, wishes, notesAsList) => request.build(source, set, found, tempi.timeOf(source, found, false), wishes, notesAsList);

const SET = { tempo: 120, file: "/Set Project/Set.als", brace: null };

function clip(values) {
  return {
    name: "Loop", file: "/a b.wav", seconds: 20, time: null, endTime: null, warped: false, marks: null, looping: false,
    startMarker: 0, endMarker: 20, loopStart: 0, loopEnd: 20, warpMode: 0, sound: {}, ...values,
  };
}

// 100 BPM: a beat is 0.6 s; beat 0 is at 1 s.
const WARPED = { warped: true, marks: [{ seconds: 1, beats: 0 }, { seconds: 13, beats: 20 }], startMarker: 0, endMarker: 16, loopStart: 0, loopEnd: 16 };

test("an unwarped clip: its markers are seconds, and its notes are at the song's tempo", () => {
  const found = region.of(clip({ startMarker: 2.5, endMarker: 6.5, loopStart: 2.5, loopEnd: 6.5 }), SET, false);
  assert.equal(found.start, 2.5);
  assert.equal(found.end, 6.5);
  assert.equal(found.length, 8);
  assert.equal(found.time, null);
  assert.deepEqual(found.markers, { startMarker: 0, endMarker: 4, loopStart: 0, loopEnd: 4 });
});

test("a warped clip: beats become seconds through its markers", () => {
  const found = region.of(clip({ ...WARPED, startMarker: 4, endMarker: 12, loopStart: 4, loopEnd: 12 }), SET, false);
  assert.ok(Math.abs(found.start - 3.4) < 1e-9);
  assert.ok(Math.abs(found.end - 8.2) < 1e-9);
  assert.ok(Math.abs(found.length - 8) < 1e-9);
});

test("a loop with a lead-in: both are separated, and the loop keeps its position", () => {
  const found = region.of(clip({ ...WARPED, looping: true, startMarker: 2, loopStart: 4, loopEnd: 12 }), SET, false);
  assert.ok(Math.abs(found.start - 2.2) < 1e-9);
  assert.ok(found.looping);
  for (const [name, beats] of Object.entries({ startMarker: 0, loopStart: 2, loopEnd: 10, endMarker: 10 })) {
    assert.ok(Math.abs(found.markers[name] - beats) < 1e-9, name);
  }
});

test("an end marker after the file's end: the part ends with the file", () => {
  assert.equal(region.of(clip({ endMarker: 32, loopEnd: 32 }), SET, false).end, 20);
});

test("a clip that starts before its file keeps the silence", () => {
  const found = region.of(clip({ ...WARPED, startMarker: -4, loopStart: -4, time: 8, endTime: 24 }), SET, false);
  assert.equal(found.start, 0);
  assert.ok(Math.abs(found.markers.startMarker - (-4 + 1 / 0.6)) < 1e-9);
  assert.ok(Math.abs(found.beat - (8 + 4 - 1 / 0.6)) < 1e-9);
});

test("an Arrangement clip that starts inside its loop: the loop's start is before it", () => {
  const found = region.of(clip({ ...WARPED, looping: true, startMarker: 6, loopStart: 4, loopEnd: 12, time: 32, endTime: 64 }), SET, false);
  assert.ok(Math.abs(found.beat - 30) < 1e-9);
  assert.equal(found.time, 32);
});

test("without warping a transposed file plays faster", () => {
  const octave = { sound: { pitch_coarse: 11, pitch_fine: 100 } };
  const found = region.of(clip({ ...octave, startMarker: 4, loopStart: 4, loopEnd: 8, endMarker: 8 }), SET, false);
  assert.deepEqual([found.start, found.end, found.length, found.tempo], [4, 8, 4, 60]);
  const brace = region.of(clip({ ...octave, time: 8, endTime: 28 }), { ...SET, brace: { start: 10, end: 12 } }, true);
  assert.deepEqual([brace.start, brace.end, brace.length], [2, 4, 2]);
  const shown = region.of(clip({ ...octave, looping: true, loopEnd: 20, time: 8, endTime: 10 }), SET, false);
  assert.deepEqual([shown.start, shown.end], [0, 2]);
  const warped = region.of(clip({ ...WARPED, ...octave }), SET, false);
  assert.ok(Math.abs(warped.length - 16) < 1e-9);
});

test("a part's tempo is its beats in the file's time", () => {
  assert.equal(region.of(clip({}), SET, false).tempo, 120);
  assert.ok(Math.abs(region.of(clip(WARPED), SET, false).tempo - 100) < 1e-9);
});

test("a clip that starts after its loop plays to its end, and never loops", () => {
  const late = { ...WARPED, looping: true, startMarker: 8, loopStart: 0, loopEnd: 8, endMarker: 12 };
  const session = region.of(clip(late), SET, false);
  assert.equal(session.looping, false);
  assert.ok(Math.abs(session.length - 4) < 1e-9);
  const shown = region.of(clip({ ...late, time: 16, endTime: 22 }), SET, false);
  assert.ok(Math.abs(shown.length - 6) < 1e-9);
  assert.equal(shown.beat, 16);
  const brace = region.of(clip({ ...late, time: 16, endTime: 22 }), { ...SET, brace: { start: 18, end: 22 } }, true);
  assert.ok(Math.abs(brace.start - (1 + 10 * 0.6)) < 1e-9);
});

test("a brace that ends with the loop is not beyond it", () => {
  const looped = clip({ looping: true, startMarker: 0.1, loopStart: 0, loopEnd: 0.1 + 0.7 * 3, time: 0, endTime: 32 });
  const found = region.of(looped, { tempo: 60 / 0.7, brace: { start: 0, end: 3 } }, true);
  assert.ok(Math.abs(found.length - 3) < 1e-6);
});

test("without the file's length from Live, the clip's end is used", () => {
  assert.equal(region.of(clip({ seconds: Infinity, endMarker: 32, loopEnd: 32 }), SET, false).end, 32);
});

test("with the loop brace, only the part under it", () => {
  const set = { ...SET, brace: { start: 10, end: 14 } };
  const unwarped = region.of(clip({ time: 8, endTime: 48, startMarker: 1, loopStart: 1 }), set, true);
  assert.deepEqual([unwarped.start, unwarped.end, unwarped.time, unwarped.length], [2, 4, 10, 4]);
  const warped = region.of(clip({ ...WARPED, time: 8, endTime: 24 }), set, true);
  assert.ok(Math.abs(warped.start - 2.2) < 1e-9 && Math.abs(warped.end - 4.6) < 1e-9);
  assert.equal(warped.time, 10);
});

for (const [what, values, set, words] of [
  ["a brace that is off", { time: 0, endTime: 8 }, SET, /Switch the loop on/],
  ["a brace beside the clip", { time: 0, endTime: 8 }, { ...SET, brace: { start: 8, end: 12 } }, /does not touch/],
  ["a Session clip", {}, { ...SET, brace: { start: 8, end: 12 } }, /Session clips have no loop brace/],
]) {
  test(`${what} has a clear message`, () => {
    assert.throws(() => region.of(clip(values), set, true), (error) => error.forPeople === true && words.test(error.message));
  });
}

test("a brace beyond the loop's end, and a part without audio, have clear messages", () => {
  const looped = clip({ ...WARPED, looping: true, loopEnd: 8, time: 0, endTime: 32 });
  assert.throws(() => region.of(looped, { ...SET, brace: { start: 4, end: 12 } }, true), /loop begins anew/);
  assert.throws(() => region.of(clip({ loopStart: 20, loopEnd: 24 }), SET, false), /no audio/);
});

test("after a change of tempo an unwarped part keeps its seconds, a warped one its beats", () => {
  const values = { startMarker: 1, loopStart: 1, endMarker: 5, loopEnd: 5, time: 8, endTime: 16 };
  const unwarped = region.atTempo(region.of(clip(values), SET, false), clip(values), 90 / 120);
  assert.deepEqual([unwarped.start, unwarped.end, unwarped.time, unwarped.lasts, unwarped.length, unwarped.tempo], [1, 5, 8, 6, 6, 90]);
  assert.deepEqual(unwarped.marks[1], { seconds: 4, beats: 6 });
  const warped = region.of(clip(WARPED), SET, false);
  assert.equal(region.atTempo(warped, clip(WARPED), 2), warped);
  assert.equal(region.atTempo(unwarped, clip(values), NaN), unwarped, "a tempo that Live does not tell changes nothing");
});

test("notes of one pitch do not overlap, and of two with one start the longer stays", () => {
  const part = region.of(clip({ loopEnd: 4 }), SET, false);
  const note = (onset_seconds, offset_seconds, pitch) => ({ onset_seconds, offset_seconds, pitch, velocity: 90 });
  const found = code("notes").forLive([note(1, 2, 60), note(0, 2, 60), note(1, 1.5, 60), note(0, 2, 64), note(3, 4, 60)], part, 0);
  assert.deepEqual(found.map((one) => [one.pitch, one.start_time, one.duration]), [[60, 0, 2], [64, 0, 4], [60, 2, 2], [60, 6, 2]]);
});

test("notes stay within the part, and none is too short for Live", () => {
  const part = region.of(clip({ loopEnd: 4 }), SET, false); // eight beats
  const note = (onset_seconds, offset_seconds) => ({ onset_seconds, offset_seconds, pitch: 60, velocity: 200 });
  const found = code("notes").forLive([note(-0.01, 0.5), note(1, 1.0001), note(4, 5)], part, 0);
  assert.deepEqual(found.map((one) => [one.start_time, one.velocity]), [[0, 127], [2, 127]]);
  assert.equal(found[1].duration, 1 / 64);
});

const WISHES = { engine: "auto", stems: { vocals: true, bass: true }, audio: true, notes: true };
const keys = (atoms) => Object.fromEntries(atoms.slice(1).reduce((pairs, atom, n) => (n % 2 ? pairs[pairs.length - 1].push(atom) : pairs.push([atom]), pairs), []));

test("the request names file, part, place and project, with every digit", () => {
  const found = region.of(clip({ time: 16, endTime: 24, startMarker: 1 / 3, loopStart: 1 / 3, endMarker: 4.5, loopEnd: 4.5 }), SET, false);
  const atoms = build(clip({ time: 16, name: "A/B loop" }), SET, found, WISHES, true);
  assert.equal(atoms[0], "/a b.wav");
  assert.deepEqual(keys(atoms), {
    stems: "vocals,bass", midi: "vocals,bass", start: "0.3333333", end: "4.5", tempo: "120", name: "A-B loop",
    beat: "16", project: "/Set Project/Set.als", notes: "json",
  });
});

test("the tempo is the part's own, and left out if it is outside the bridge's range", () => {
  const tempo = (values, tempo = 120) => keys(build(clip(values), SET, region.of(clip(values), { ...SET, tempo }, false), WISHES, true)).tempo;
  assert.equal(tempo(WARPED), "100");
  assert.equal(tempo({ sound: { pitch_coarse: -12 } }), "240");
  assert.equal(tempo({}, 400), "400");
  assert.equal(tempo({}, 20), "20");
  assert.equal(tempo({}, 401), undefined);
  assert.equal(tempo({ sound: { pitch_coarse: 48 } }), undefined);
});

test("auto leaves the engine to the bridge", () => {
  const asked = (engine) => keys(build(clip(), SET, region.of(clip(), SET, false), { ...WISHES, engine }, true)).engine;
  assert.equal(asked("auto"), undefined);
  assert.equal(asked("draft"), "draft");
});

test("only notes, only audio, no stem at all", () => {
  const found = region.of(clip(), SET, false);
  const built = (wishes) => keys(build(clip(), SET, found, { ...WISHES, ...wishes }, true));
  assert.equal(built({ audio: false }).stems, "none");
  assert.equal(built({ notes: false }).midi, "none");
  assert.equal(built({ notes: false }).notes, undefined);
  assert.equal(built({ audio: false, notes: false }).stems, "vocals,bass");
  assert.throws(() => built({ stems: {} }), /at least one stem/);
});

test("an opposite is one more audio file, and has no notes", () => {
  const found = region.of(clip(), SET, false);
  const built = (wishes) => {
    const { stems, midi } = keys(build(clip(), SET, found, { ...WISHES, opposite: "instrumental", ...wishes }, true));
    return [stems, midi];
  };
  assert.deepEqual(built({}), ["vocals,bass,instrumental", "vocals,bass"]);
  assert.deepEqual(built({ stems: {} }), ["instrumental", "none"]);
  assert.deepEqual(built({ audio: false }), ["none", "vocals,bass"]);
  assert.deepEqual(built({ opposite: "" }), ["vocals,bass", "vocals,bass"]);
  assert.throws(() => built({ stems: {}, audio: false }), /at least one stem/);
});

test("the parts of the drums are asked for where the drums come as audio", () => {
  const found = region.of(clip(), SET, false);
  const kit = (wishes) => keys(build(clip(), SET, found, { ...WISHES, stems: { bass: true, drums: true }, kit: true, ...wishes }, true)).kit;
  assert.equal(kit({}), 1);
  assert.equal(kit({ notes: false }), 1);
  for (const wishes of [{ kit: false }, { stems: { bass: true } }, { audio: false }]) assert.equal(kit(wishes), undefined);
});

test("an unsaved set has a clear message; a Live that does not report the set sends no project", () => {
  const found = region.of(clip(), SET, false);
  assert.throws(() => build(clip(), { ...SET, file: "" }, found, WISHES, true), /Save the Live Set first/);
  assert.equal(keys(build(clip(), { ...SET, file: null }, found, WISHES, true)).project, undefined);
});
