"use strict";
// The built device beside a fake Live, on real time and real sockets, for a test to steer: a line of JSON in for each
// wish, a line out for each change of its face.
//
//   node run_device.js '{"device": …, "port": …, "set": …, "tempo": …, "clip": {"file": …, "view": …, "values": …, "markers": …}}'
//   in: {"click": name, "value": n} {"look": true} {"quit": true}

const fs = require("node:fs");
const readline = require("node:readline");
const { FakeLive } = require("./fake_live");
const { Device, WallClock } = require("./fake_max");
const { udp } = require("./udp");

const order = JSON.parse(process.argv[2]);
const clock = new WallClock();
const net = udp();
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);

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

const live = new FakeLive({ clock, tempo: order.tempo, file: order.set, can: order.can, ports: order.ports, secondsOf });
const track = live.addTrack("audio");
const { file, view, values, markers } = order.clip;
const place = view === "session" ? track.slots[1] : track;
const clip = live.addAudioClip(place, file, values, markers);
live.detail = clip;

const device = new Device(order.device, { live, clock, net });
device.byName.get("port").value = order.port;
device.onWords = (name, words) => tell({ face: name, words });
device.load();

function told(one) {
  return { ...one.values, markers: one.markers, notes: one.notes };
}

function look() {
  tell({
    tracks: live.song.tracks.map((each) => ({
      name: each.values.name,
      kind: each.kind,
      color: each.values.color,
      session: each.slots.map((slot) => slot.clip && told(slot.clip)),
      arrangement: each.arrangement.map(told),
    })),
    errors: live.errors,
    console: device.console,
  });
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const wish = JSON.parse(line);
  if (wish.click) device.click(wish.click, wish.value);
  if (wish.look) look();
  if (wish.quit) { device.unload(); setTimeout(() => process.exit(0), 50); }
});
