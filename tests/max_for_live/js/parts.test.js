"use strict";
// The script's small modules by themselves.
const assert = require("node:assert/strict");
const test = require("node:test");
const { code } = require("./studio");

test("a duration is shown in seconds, or in minutes", () => {
  const { duration } = code("words");
  assert.deepEqual([0, 1.4, 89, 90, 125.2, 599.6, 3661].map(duration), ["1 s", "1 s", "89 s", "1:30", "2:05", "10:00", "61:01"]);
});

test("a text that just fits is left as it is", () => {
  const { fitting } = code("words");
  const just = `${"a".repeat(65)}. ${"b".repeat(64)}.`;
  assert.equal(just.length, 132);
  assert.equal(fitting(just), just);
  assert.equal(fitting(`${just} c`), just);
});

test("a known problem is shown as text, any other error with its message", () => {
  const { problem, words } = code("problem");
  assert.equal(words(problem("Save the set.")), "Save the set.");
  for (const thrown of [new Error("x is undefined"), "x is undefined"]) {
    assert.equal(words(thrown), "An unexpected error in the device (x is undefined). Save this line for a bug report.");
  }
  assert.match(words(null), /\(null\)/);
});

test("only changes are sent to the face", () => {
  const shown = [];
  const { Face } = code("face");
  const face = new Face((...atoms) => shown.push(atoms));
  face.value("light", 1);
  face.value("light", 1);
  face.text("stage", "Sending");
  face.text("stage", "Sending");
  face.text("stage", "");
  face.value("light", 0);
  assert.deepEqual(shown, [["light", 1], ["stage", "set", "Sending"], ["stage", "set"], ["light", 0]]);
});

test("every device gets its own port, or a shared one when there is none left", () => {
  const { Ports } = code("ports");
  const claimed = {};
  const all = Array.from({ length: 60 }, () => new Ports(claimed));
  assert.deepEqual(all.map((ports) => ports.next()), Array.from({ length: 60 }, (_, n) => 9731 + n));
  const more = new Ports(claimed).next();
  assert.ok(more >= 9731 && more <= 9790);
  all[4].release();
  assert.equal(new Ports(claimed).next(), 9735);
});

test("a device that searches for another port wraps around", () => {
  const { Ports } = code("ports");
  const ports = new Ports({});
  const seen = Array.from({ length: 61 }, () => ports.next());
  assert.equal(new Set(seen).size, 60);
  assert.equal(seen[60], 9731);
});

const api = (values, info = "") => ({ info, get: (name) => values[name] });

test("the values of Live's API are unwrapped", () => {
  const live = code("live");
  const values = api({
    a: [3], b: 4, text: ["My", "Set.als"], none: null, half: ["{", "\"n\":"],
    nested: ['{"nested":', "[1]}"], plain: ['{"display_name":', '"SAB"}'],
  });
  assert.deepEqual([live.number(values, "a"), live.number(values, "b")], [3, 4]);
  assert.deepEqual([live.text(values, "text"), live.text(values, "none"), live.text(values, "missing")], ["My Set.als", "", ""]);
  assert.deepEqual(live.dictionary(values, "nested"), [1]);
  assert.deepEqual(live.dictionary(values, "plain"), { display_name: "SAB" });
  assert.equal(live.dictionary(values, "half"), null);
  assert.equal(live.dictionary(values, "none"), null);
});

test("Live's functions are found by their full name", () => {
  const live = code("live");
  const object = api({}, "id 3\ntype Track\nfunction create_audio_clip_now\nproperty create_audio_clip x\nfunction fire");
  assert.equal(live.can(object, "create_audio_clip"), false);
  assert.equal(live.knows(object, "create_audio_clip"), true);
  assert.equal(live.can(object, "fire"), true);
});

test("a message of the bridge always has all its fields", () => {
  const { read } = code("protocol");
  assert.deepEqual(read("/sab/progress", ["j", "writing", "0.5"]), { topic: "progress", job: "j", stage: "writing", fraction: 0.5, eta_seconds: 0 });
  assert.equal(read("/sab/progress", ["j", "writing", "half"]).fraction, 0);
  assert.equal(read("/other", []), null);
});
