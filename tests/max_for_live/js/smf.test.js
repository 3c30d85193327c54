"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const { code } = require("./studio");
const smf = code("smf");

const bytes = (hex) => [...Buffer.from(hex.replace(/\s/g, ""), "hex")];
const chunk = (tag, hex) => {
  const body = bytes(hex);
  return [...Buffer.from(tag), 0, 0, 0, body.length, ...body];
};
// 96 ticks a quarter.
const file = (...tracks) => [...chunk("MThd", `0001 00${(16 + tracks.length).toString(16).slice(1).padStart(2, "0")} 0060`), ...tracks.flatMap((hex) => chunk("MTrk", hex))];
const times = (notes) => notes.map((note) => [note.pitch, note.onset_seconds, note.offset_seconds]);

test("without a tempo it is 120", () => {
  assert.deepEqual(smf.notes(file("00 903c64 60 803c00 00 ff2f00")), [{ pitch: 60, onset_seconds: 0, offset_seconds: 0.5, velocity: 100 }]);
});

test("a tempo change in one track applies to all, from its position on", () => {
  const found = smf.notes(file("60 ff5103 0f4240 00 ff2f00", "00 903c64 60 803c00 00 903e64 60 803e00 00 ff2f00"));
  assert.deepEqual(times(found), [[60, 0, 0.5], [62, 0.5, 1.5]]);
});

test("notes of all tracks and channels are in order", () => {
  const found = smf.notes(file("60 903c64 60 803c00", "00 913c50 8140 813c00", "30 904064 30 804000"));
  assert.deepEqual(times(found), [[60, 0, 1], [64, 0.25, 0.5], [60, 0.5, 1]]);
});

test("a note that starts as the last one ends is a new one", () => {
  const struckFirst = smf.notes(file("00 903c64 60 903c50 00 803c00 60 803c00"));
  assert.deepEqual(times(struckFirst), [[60, 0, 0.5], [60, 0.5, 1]]);
  assert.deepEqual(struckFirst.map((note) => note.velocity), [100, 80]);
});

test("a note ends with its note-off, a velocity of 0 or the same note again, and nothing else", () => {
  const others = "10 b03c00 00 c03c 00 d03c 00 e03c00 00 a03c00 00 ff0103 803c00 00 f003 803cf7 00 803d00";
  assert.deepEqual(times(smf.notes(file(`00 903c64 ${others} 50 903c00`))), [[60, 0, 0.5]]);
  assert.deepEqual(times(smf.notes(file("00 903c64 60 3c50 60 3c00"))), [[60, 0, 0.5], [60, 0.5, 1]]); // running status
});

test("a note without an end is dropped", () => {
  assert.deepEqual(smf.notes(file("00 903c64 60 ff2f00")), []);
});

test("unknown chunks are skipped, and a file that is not MIDI is an error", () => {
  const track = chunk("MTrk", "00 903c64 60 803c00");
  assert.equal(smf.notes([...chunk("MThd", "0001 0001 0060"), ...chunk("XFIH", "00 903c64"), ...track]).length, 1);
  assert.throws(() => smf.notes(bytes("52494646")), (error) => error.forPeople === true);
});
