"use strict";
// Shared by the tests: the script's modules, and the built device in a fake Max with a fake Live and a fake bridge.

const path = require("node:path");
const { FakeLive } = require("./fake_live");
const { FakeBridge } = require("./fake_bridge");
const { Device, HandClock } = require("./fake_max");

const ROOT = path.join(__dirname, "..", "..", "..");
const DEVICE = path.join(process.env.SAB_DEVICE || path.join(ROOT, "build", "device", "unfrozen"), "Source Audio Bridge.amxd");

const code = (name) => require(path.join(ROOT, "max_for_live", "code", `${name}.js`));

// Pseudo-random numbers from 0 to 1, the same in every run.
function numbers(seed) {
  let state = seed * 2654435761 % 4294967296;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

const CLIP = "/Music/My Set Project/Samples/Imported/Rhodes Loop.wav";
const STEMS = "/Music/My Set Project/Samples/Processed/Stems/Rhodes Loop";
const PORTS = ["SAB Vocals", "SAB Drums", "SAB Bass", "SAB Other", "SAB Guitar", "SAB Piano"];

const ONE_PRESS_MS = 300;

class Studio {
  constructor({ can, rules, file, seconds = 10, stemSeconds = null, fileOfSet } = {}) {
    this.clock = new HandClock();
    this.bridge = new FakeBridge(this.clock);
    this.stemSeconds = stemSeconds;
    this.live = new FakeLive({
      clock: this.clock, can, rules, ports: PORTS, file: fileOfSet !== undefined ? fileOfSet : "/Music/My Set Project/My Set.als",
      secondsOf: (name) => (name === (file || CLIP) ? seconds : this.stemSeconds || seconds),
    });
    this.track = this.live.addTrack("audio");
    this.globals = new Map();
    this.device = this.open();
  }

  open() { return new Device(DEVICE, { live: this.live, clock: this.clock, net: this.bridge.net, globals: this.globals }); }

  start() {
    this.device.load();
    this.clock.advance(1500);
    return this;
  }

  sessionClip(values = {}, markers = null, row = 2) {
    const clip = this.live.addAudioClip(this.track.slots[row], CLIP, values, markers);
    this.live.select(clip);
    this.clock.advance(100);
    return clip;
  }

  arrangementClip(values = {}, markers = null) {
    const clip = this.live.addAudioClip(this.track, CLIP, { start_time: 16, ...values }, markers);
    this.live.select(clip);
    this.clock.advance(100);
    return clip;
  }

  // Clicks Separate, as a new press and not the second half of the last one; returns the bridge's job.
  separate() {
    this.clock.advance(Math.max(0, (this.pressableAt || 0) - this.clock.now));
    this.pressableAt = this.clock.now + ONE_PRESS_MS;
    this.device.click("separate");
    this.clock.advance(50);
    return [...this.bridge.jobs.values()].pop();
  }

  // The bridge does its work and the device imports.
  complete(job, results = []) {
    this.bridge.progress(job.id, "separating", 0.5, 4);
    this.clock.advance(10);
    const stems = job.keys.stems === "none" ? [] : job.keys.stems.split(",");
    stems.forEach((stem) => this.bridge.result(job.id, "stem", stem, `${STEMS}/Rhodes Loop (${stem}).wav`));
    results.forEach((result) => this.bridge.result(job.id, ...result));
    this.clock.advance(10);
    this.bridge.finish(job.id, "done");
    this.imported();
  }

  // Waits until nothing is imported any more.
  imported() {
    this.clock.advance(100);
    for (let waited = 0; waited < 60000 && this.device.words("stage") === "Importing"; waited += 100) this.clock.advance(100);
  }

  tracks() { return this.live.song.tracks.slice(1).map((track) => track.values.name); }
}

module.exports = { CLIP, ONE_PRESS_MS, PORTS, STEMS, Studio, code, numbers };
