"use strict";
// Runs the built device beside a fake Live, in real time and with real sockets, for a test to control: one line of JSON
// in for each command, one line out for each change of its face.
//
//   node run_device.js '{"device": …, "port": …, "set": …, "tempo": …, "clip": {"file": …, "view": …, "values": …, "markers": …}}'
//   in: {"click": name, "value": n} {"look": true} {"quit": true}

const fs = require("node:fs");
const readline = require("node:readline");
const { FakeLive } = require("./fake_live");
const { Device, WallClock } = require("./fake_max");
const { udp } = require("./udp");

const options = JSON.parse(process.argv[2]);
const clock = new WallClock();
const net = udp();
const print = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

// The length of a WAV file.
function secondsOf(file) {
  const data = fs.readFileSync(file);
  let at = 12, rate = 0;
  while (at + 8 <= data.length) {
    const tag = data.toString("ascii", at, at + 4), size = data.readUInt32LE(at + 4);
    if (tag === "fmt ") rate = data.readUInt32LE(at + 16);
    if (tag === "data") return size / rate;
    at += 8 + size + size % 2;
  }
  throw new Error(`${file} has no audio`);
}

const live = new FakeLive({ clock, tempo: options.tempo, file: options.set, can: options.can, ports: options.ports, secondsOf });
const track = live.addTrack("audio");
const { file, view, values, markers } = options.clip;
const place = view === "session" ? track.slots[1] : track;
const clip = live.addAudioClip(place, file, values, markers);
live.detail = clip;

const device = new Device(options.device, { live, clock, net });
device.byName.get("port").value = options.port;
device.onWords = (name, words) => print({ face: name, words });
device.load();

function clipState(one) {
  return { ...one.values, markers: one.markers, notes: one.notes };
}

function look() {
  print({
    tracks: live.song.tracks.map((each) => ({
      name: each.values.name,
      kind: each.kind,
      color: each.values.color,
      mute: each.values.mute,
      session: each.slots.map((slot) => slot.clip && clipState(slot.clip)),
      arrangement: each.arrangement.map(clipState),
    })),
    errors: live.errors,
    console: device.console,
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const command = JSON.parse(line);
  if (command.click) device.click(command.click, command.value);
  if (command.look) look();
  if (command.quit) { device.unload(); setTimeout(() => process.exit(0), 50); }
});
