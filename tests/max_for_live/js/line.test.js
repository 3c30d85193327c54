"use strict";
// Problems of the connection: messages are lost, ports are in use, the bridge ends and restarts.
const assert = require("node:assert/strict");
const test = require("node:test");
const vm = require("node:vm");
const { ONE_PRESS_MS, Studio } = require("./studio");

const AWAY = 15000;

test("without a bridge the face says so, and the bridge is found once it runs", () => {
  const studio = new Studio();
  studio.bridge.vanish();
  studio.start();
  studio.sessionClip();
  assert.equal(studio.device.value("light"), 0);
  assert.match(studio.device.words("server"), /No bridge/);
  assert.equal(studio.separate(), undefined);
  assert.match(studio.device.words("problem"), /Start it: run sab/);
  studio.clock.advance(60000);
  studio.bridge.comeBack({});
  studio.clock.advance(3000);
  assert.equal(studio.device.value("light"), 1);
  assert.equal(studio.device.words("problem"), "");
});

test("with a port in use, the next one is tried", () => {
  const studio = new Studio();
  studio.bridge.taken.add(9731);
  studio.start();
  studio.clock.advance(3000);
  assert.equal(studio.device.value("light"), 1);
  assert.equal(studio.bridge.replyPort, 9732);
  assert.deepEqual(studio.bridge.asked("hello").map((message) => message[3]), [9731, 9731, 9732], "a message may be lost once");
});

test("each device has its own port, and releases it", () => {
  const studio = new Studio().start();
  const second = studio.open().load();
  studio.clock.advance(1500);
  const third = studio.open().load();
  studio.clock.advance(1500);
  assert.deepEqual(studio.bridge.asked("hello").map((message) => message[3]), [9731, 9732, 9733]);
  assert.equal(new Set(studio.bridge.asked("ping").map((message) => message[1])).size, 3, "each knows its own pings");
  second.unload();
  studio.open().load();
  studio.clock.advance(1500);
  assert.equal(studio.bridge.replyPort, 9732);
  assert.equal(third.value("light"), 1);
});

test("a removed device does nothing more", () => {
  const studio = new Studio().start();
  studio.device.unload();
  studio.clock.advance(10);
  assert.deepEqual(studio.bridge.asked("subscribe").pop().slice(1), [0]);
  const before = studio.bridge.received.length;
  studio.clock.advance(60000);
  assert.equal(studio.bridge.received.length, before);
});

test("a device that is removed when Live's API is gone leaves the bridge all the same", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.result(job.id, "stem", "vocals", "/x.wav");
  studio.bridge.finish(job.id, "done");
  studio.clock.advance(60);
  studio.live.isReady = false;
  assert.throws(() => studio.device.unload());
  studio.clock.advance(5);
  assert.deepEqual(studio.bridge.asked("subscribe").pop(), ["/sab/subscribe", 0]);
});

test("a device removed during an import does not change the set any more", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.result(job.id, "stem", "vocals", "/v.wav");
  studio.bridge.result(job.id, "stem", "bass", "/b.wav");
  studio.bridge.finish(job.id, "done");
  studio.clock.advance(30);
  const before = studio.tracks().length;
  assert.ok(before < 2);
  studio.device.unload();
  studio.clock.advance(5000);
  assert.equal(studio.tracks().length, before);
});

test("a bridge with another protocol is not connected", () => {
  const studio = new Studio();
  studio.bridge.on_hello = (client, protocol, port) => {
    studio.bridge.replyPort = port;
    studio.bridge.say("fail", "/sab/hello", "protocol", "You speak protocol 1, and this bridge 2. Update the client.", "");
  };
  studio.start();
  studio.clock.advance(10000);
  assert.equal(studio.device.value("light"), 0);
  assert.match(studio.device.words("problem"), /Update the client/);
});

test("the subscription is renewed", () => {
  const studio = new Studio().start();
  studio.clock.advance(120000);
  assert.ok(studio.bridge.asked("subscribe").length >= 5);
  assert.ok(studio.bridge.asked("ping").length >= 40);
});

test("a lost request or answer is sent again with the same token", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  let lost = 0;
  studio.bridge.drop = ([address]) => (address === "/sab/submit" || address === "/sab/accepted") && (lost += 1) <= 2;
  studio.device.click("separate");
  studio.clock.advance(3500);
  assert.equal(studio.bridge.jobs.size, 1);
  const tokens = new Set(studio.bridge.asked("submit").map((message) => message[message.length - 1]));
  assert.equal(tokens.size, 1);
  studio.complete([...studio.bridge.jobs.values()][0]);
  assert.equal(studio.tracks().length, 4);
});

test("lost results are queried before the import", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  let lost = 0;
  studio.bridge.drop = ([address]) => address === "/sab/result" && (lost += 1) <= 4;
  studio.complete(job);
  assert.deepEqual(studio.tracks(), ["Rhodes Loop (Vocals)", "Rhodes Loop (Drums)", "Rhodes Loop (Bass)", "Rhodes Loop (Other)"]);
});

test("a query whose answer is lost is sent again", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  let lost = 0;
  studio.bridge.drop = ([address]) => address === "/sab/query" && (lost += 1) <= 1;
  studio.complete(job);
  assert.equal(studio.tracks().length, 0);
  studio.clock.advance(9000);
  assert.equal(studio.tracks().length, 4);
});

test("a job whose last message is lost is completed", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.result(job.id, "stem", "vocals", "/Music/Stems #1/v.wav");
  studio.clock.advance(10);
  studio.bridge.jobs.get(job.id).state = "done";
  studio.clock.advance(12000);
  assert.deepEqual(studio.tracks(), ["Rhodes Loop (Vocals)"]);
  studio.bridge.opens = "unknown_address";
  studio.device.rules.browses = true;
  studio.device.click("folder");
  studio.clock.advance(10);
  assert.equal(studio.device.browsed[0][2], "file:///Music/Stems%20%231");
});

test("after a lost connection the job goes on", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.vanish();
  studio.clock.advance(AWAY);
  assert.equal(studio.device.value("light"), 0);
  assert.match(studio.device.words("problem"), /gone in the middle of a job/);
  studio.bridge.comeBack({ forgetting: false });
  studio.clock.advance(3000);
  assert.equal(studio.bridge.asked("submit").length, 1);
  studio.complete(job);
  assert.equal(studio.tracks().length, 4);
});

test("a restarted bridge without the job gets it again, but only once", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.separate();
  studio.bridge.vanish();
  studio.device.click("stem_bass");
  studio.clock.advance(AWAY);
  studio.bridge.comeBack({ forgetting: true });
  studio.clock.advance(3000);
  assert.equal(studio.bridge.asked("submit").length, 2);
  assert.match(studio.device.words("problem"), /sent again/);
  assert.equal([...studio.bridge.jobs.values()].pop().keys.stems, "vocals,drums,bass,other", "as it was asked for at first");
  studio.bridge.vanish();
  studio.clock.advance(AWAY);
  studio.bridge.comeBack({ forgetting: true });
  studio.clock.advance(3000);
  assert.equal(studio.bridge.asked("submit").length, 2);
  assert.match(studio.device.words("problem"), /lost this job twice/);
});

test("a job cancelled by closing the bridge is submitted to the next one", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.finish(job.id, "cancelled");
  studio.bridge.say("bye", "9.9");
  studio.clock.advance(10);
  studio.bridge.vanish();
  studio.clock.advance(AWAY);
  studio.bridge.comeBack({ forgetting: false });
  studio.clock.advance(3000);
  assert.equal(studio.bridge.asked("submit").length, 2);
});

test("a job cancelled before it is accepted is cancelled afterwards", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  let lost = 0;
  studio.bridge.drop = ([address]) => address === "/sab/accepted" && (lost += 1) <= 1;
  studio.separate();
  studio.device.click("cancel");
  studio.clock.advance(2000);
  assert.equal(studio.device.words("result"), "Cancelled.");
  assert.equal([...studio.bridge.jobs.values()][0].state, "cancelled");
});

test("a lost cancel is sent again", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.separate();
  let lost = 0;
  studio.bridge.drop = ([address]) => address === "/sab/cancel" && (lost += 1) <= 1;
  studio.device.click("cancel");
  studio.clock.advance(12000);
  assert.equal(studio.device.words("result"), "Cancelled.");
});

test("a job that was done before it could be cancelled is imported", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.on_cancel = () => {};
  studio.device.click("cancel");
  studio.complete(job);
  assert.equal(studio.tracks().length, 4);
});

test("a job that fails while it is cancelled is cancelled", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.on_cancel = () => {};
  studio.device.click("cancel");
  studio.clock.advance(10);
  studio.bridge.finish(job.id, "failed");
  studio.clock.advance(3000);
  assert.equal(studio.device.words("result"), "Cancelled.");
  assert.equal(studio.device.words("problem"), "");
});

test("Cancel cancels, and reports when there is nothing to cancel", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.separate();
  studio.device.click("cancel");
  studio.clock.advance(100);
  assert.equal(studio.device.words("result"), "Cancelled.");
  assert.equal(studio.bridge.asked("cancel").length, 1);
  studio.clock.advance(ONE_PRESS_MS);
  studio.device.click("cancel");
  studio.clock.advance(10);
  assert.match(studio.device.words("problem"), /nothing to cancel/);
});

test("a failed job shows the bridge's message", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.say("fail", "/sab/submit", "out_of_memory", "The memory was full. Choose a shorter region.", job.id);
  studio.bridge.progress(job.id, "separating", 0.4, 1);
  studio.bridge.finish(job.id, "failed");
  studio.clock.advance(3000);
  assert.equal(studio.device.words("problem"), "The memory was full. Choose a shorter region.");
  assert.equal(studio.device.value("progress"), 0);
});

test("a long warning is shown in complete sentences", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  const first = "The model htdemucs is not on this machine and cannot be fetched.";
  studio.bridge.say("warning", job.id, "weights_unavailable", `${first} ${"It cannot be reached. ".repeat(4)}${"x".repeat(200)}.`);
  studio.clock.advance(10);
  assert.equal(studio.device.words("problem"), `${first}${" It cannot be reached.".repeat(3)}`);
  studio.bridge.say("warning", job.id, "w", "word ".repeat(60));
  studio.clock.advance(10);
  assert.match(studio.device.words("problem"), /^(word )+…$/);
  assert.ok(studio.device.words("problem").length <= 160);
});

test("a rejected clip shows the reason", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.bridge.on_submit = (...atoms) => studio.bridge.say("fail", "/sab/submit", "not_audio", "No audio.", atoms[atoms.length - 1]);
  studio.device.click("separate");
  studio.clock.advance(100);
  assert.equal(studio.device.words("problem"), "No audio.");
});

test("other clients' jobs are ignored", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.bridge.drop = ([address]) => address === "/sab/submit";
  studio.separate();
  studio.bridge.say("accepted", "another's token", "job99", 0);
  studio.clock.advance(10);
  studio.bridge.drop = () => false;
  studio.clock.advance(1000);
  const [job] = studio.bridge.jobs.values();
  const before = studio.device.words("stage");
  studio.bridge.say("progress", "job99", "separating", 0.7, 3);
  studio.bridge.say("midi.end", "job99", "vocals", "failed", 0, 0, 0);
  studio.bridge.say("result", "job99", "stem", "vocals", "/elsewhere/v.wav", 2, 44100);
  studio.bridge.say("finished", "job99", "done", 4, "/elsewhere");
  studio.clock.advance(1000);
  assert.equal(studio.device.words("stage"), before);
  assert.equal(studio.device.words("problem"), "");
  studio.complete(job);
  assert.equal(studio.tracks().length, 4);
});

test("messages with missing, wrong or hostile arguments change nothing", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  for (const message of [
    ["progress", job.id], ["progress", job.id, "separating", "half", "soon"], ["pong", "__proto__"], ["pong", "toString"], ["pong"],
    ["accepted", job.req], ["accepted"], ["result", job.id, "stem", "__proto__", "/x.wav"], ["result", job.id], ["finished"], ["fail"],
    ["job", job.id], ["progress", job.id, "separating", 0.5, 4, ...Array(5000).fill("more")], ["nothing", 1],
  ]) {
    studio.bridge.say(...message);
    studio.clock.advance(10);
  }
  const { context } = [...studio.device.boxes.values()].find((box) => box.context);
  assert.equal(vm.runInContext("({}).stem", context), undefined);
  assert.equal(studio.device.words("stage"), "Separating · 50 % · 4 s left");
  studio.complete(job);
  assert.equal(studio.tracks().length, 4);
});

test("a restarted bridge gets a hello at once, even without a bye before", () => {
  const studio = new Studio().start();
  const before = studio.bridge.asked("subscribe").length;
  studio.bridge.say("startup", "9.9");
  studio.clock.advance(10);
  assert.equal(studio.bridge.asked("subscribe").length, before + 1);
  assert.equal(studio.device.value("light"), 1);
  const pings = studio.bridge.asked("ping").length;
  studio.clock.advance(60000);
  assert.ok(studio.bridge.asked("ping").length - pings <= 25, "one line, not two");
});

test("a job cancelled on the bridge's screen ends", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  const job = studio.separate();
  studio.bridge.finish(job.id, "cancelled");
  studio.clock.advance(2000);
  assert.equal(studio.device.words("result"), "Cancelled at the bridge.");
  assert.equal(studio.bridge.asked("submit").length, 1);
});

test("without any answer, the device gives up sending a clip", () => {
  const studio = new Studio().start();
  studio.sessionClip();
  studio.bridge.drop = ([address]) => address === "/sab/submit";
  studio.separate();
  studio.clock.advance(15000);
  assert.match(studio.device.words("problem"), /does not take the clip/);
});

test("changing the port on the face connects to another bridge", () => {
  const studio = new Studio().start();
  studio.device.click("port", 9800);
  studio.clock.advance(10);
  assert.equal(studio.device.value("light"), 0, "at once");
  studio.clock.advance(AWAY);
  assert.equal(studio.device.value("light"), 0);
  studio.device.click("port", 9720);
  studio.clock.advance(AWAY);
  assert.equal(studio.device.value("light"), 1);
});
