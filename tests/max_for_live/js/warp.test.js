"use strict";
const assert = require("node:assert/strict");
const test = require("node:test");
const { code, numbers } = require("./studio");
const warp = code("warp");

// Ascending markers of a clip whose tempo varies between 40 and 240.
function someMarks(next) {
  const marks = [{ sample_time: next() * 2 - 1, beat_time: Math.floor(next() * 8) - 4 }];
  const count = 1 + Math.floor(next() * 6);
  for (let i = 0; i < count; i += 1) {
    const before = marks[marks.length - 1];
    const beats = 0.25 + next() * 8;
    marks.push({ sample_time: before.sample_time + beats * (0.25 + next() * 1.25), beat_time: before.beat_time + beats });
  }
  return marks;
}

test("beats become seconds and beats again, inside the markers and outside", () => {
  const next = numbers(1);
  for (let run = 0; run < 300; run += 1) {
    const marks = warp.marks(someMarks(next));
    const beats = next() * 60 - 20;
    assert.ok(Math.abs(warp.beatsAt(marks, warp.secondsAt(marks, beats)) - beats) < 1e-9);
  }
});

test("later beats are later seconds", () => {
  const next = numbers(2);
  for (let run = 0; run < 300; run += 1) {
    const marks = warp.marks(someMarks(next));
    const beats = next() * 60 - 20;
    assert.ok(warp.secondsAt(marks, beats + 0.01) > warp.secondsAt(marks, beats));
  }
});

test("a marker maps exactly to Live's values", () => {
  const marks = warp.marks([{ sample_time: 2.5, beat_time: 4 }, { sample_time: 0.5, beat_time: 0 }, { sample_time: 9, beat_time: 12 }]);
  assert.equal(warp.secondsAt(marks, 4), 2.5);
  assert.equal(warp.secondsAt(marks, 2), 1.5);
  assert.equal(warp.secondsAt(marks, -2), -0.5);
  assert.equal(warp.beatsAt(marks, 9), 12);
});

test("in a cut file every time keeps its beat", () => {
  const next = numbers(3);
  for (let run = 0; run < 300; run += 1) {
    const marks = warp.marks(someMarks(next));
    const start = next() * 5, end = start + 0.5 + next() * 20, at = start + next() * (end - start);
    const cut = warp.cut(marks, start, end);
    assert.deepEqual(cut[0], { seconds: 0, beats: 0 });
    assert.ok(Math.abs(cut[cut.length - 1].seconds - (end - start)) < 1e-9);
    const expected = warp.beatsAt(marks, at) - warp.beatsAt(marks, start);
    assert.ok(Math.abs(warp.beatsAt(cut, at - start) - expected) < 1e-9);
  }
});

test("in a file that is shorter than thought every marker lies in it, on the beat of its second", () => {
  const marks = [{ seconds: 0, beats: 0 }, { seconds: 2, beats: 4 }, { seconds: 5, beats: 8 }];
  assert.deepEqual(warp.within(marks, 6), marks);
  assert.deepEqual(warp.within(marks, 3.5), [marks[0], marks[1], { seconds: 3.5, beats: 6 }]);
  assert.deepEqual(warp.within(marks, 2), [marks[0], { seconds: 2, beats: 4 }]);
});

test("two markers on one beat count as one", () => {
  assert.equal(warp.marks([{ sample_time: 0, beat_time: 0 }, { sample_time: 1, beat_time: 0 }, { sample_time: 2, beat_time: 4 }]).length, 2);
});
