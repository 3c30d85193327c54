"use strict";
// The parts of Max that the device needs: loads the .amxd file, runs its boxes and cords, and its script with Max's own
// objects. What Max would drop without an error is an error here; what others have measured of Max is in RULES.

const fs = require("node:fs");
const path = require("node:path");
const vm = require("node:vm");

// A clock that tests advance.
class HandClock {
  constructor() { this.now = 0; this.waiting = []; this.count = 0; }
  after(milliseconds, action) {
    const entry = { at: this.now + milliseconds, order: (this.count += 1), action };
    this.waiting.push(entry);
    return () => { this.waiting = this.waiting.filter((other) => other !== entry); };
  }
  advance(milliseconds) {
    const end = this.now + milliseconds;
    for (;;) {
      const next = this.waiting.filter((entry) => entry.at <= end).sort((a, b) => a.at - b.at || a.order - b.order)[0];
      if (!next) break;
      this.now = next.at;
      this.waiting = this.waiting.filter((entry) => entry !== next);
      next.action();
    }
    this.now = end;
  }
}

class WallClock {
  get now() { return performance.now(); }
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds);
    return () => clearTimeout(timer);
  }
}

// What the real Max does, or is said to do; a test may switch a rule off.
const RULES = {
  integerSliders: true, // a multislider with settype 0 holds whole numbers
  applyThrows: true, // `outlet.apply` fails: "error calling function"
  pressesTwice: true, // a live.text in button mode sends at its press and at its release
  browses: false, // `; max launchbrowser file:///…` does nothing on Windows
};
const HELD_MS = 150; // how long a finger stays on the mouse

function readDevice(file) {
  const data = fs.readFileSync(file);
  return JSON.parse(data.subarray(32, data.length - 1).toString("utf8")).patcher;
}

class Device {
  // net: {send(port, atoms), listen(port, receive) → close}; globals: shared by all devices in one Max.
  constructor(file, { live, clock, net, globals = new Map(), rules = {} }) {
    Object.assign(this, { live, clock, net, globals, console: [], browsed: [], closeSocket: () => {} });
    this.rules = { ...RULES, ...rules };
    this.isAudioOn = true;
    this.held = []; // Tasks that are due while audio is off
    const patcher = readDevice(file);
    this.boxes = new Map(patcher.boxes.map(({ box }) => [box.id, this.box(box)]));
    this.cords = patcher.lines.map(({ patchline }) => patchline);
    this.byName = new Map([...this.boxes.values()].filter((box) => box.varname).map((box) => [box.varname, box]));
    this.sendPort = 0;
    for (const box of this.boxes.values()) {
      const [word, ...rest] = (box.maxclass === "newobj" ? box.text : "").split(" ");
      if (word === "js") box.context = this.loadScript(path.join(path.dirname(file), rest[0]), box.id);
      if (word === "udpsend") this.sendPort = Number(rest[1]);
      if (word === "udpreceive") this.listen(box.id, Number(rest[0]));
    }
  }

  box(box) {
    const parameter = box.saved_attribute_attributes && box.saved_attribute_attributes.valueof;
    return { ...box, value: parameter && parameter.parameter_initial_enable ? parameter.parameter_initial[0] : 0, words: box.text || "" };
  }

  // live.thisdevice bangs: Live's API is available.
  load() {
    this.live.isReady = true;
    this.out([...this.boxes.values()].find((box) => box.text === "live.thisdevice").id, 0, ["bang"]);
    return this;
  }

  unload() {
    const { context } = [...this.boxes.values()].find((box) => box.context);
    context.notifydeleted();
    this.closeSocket();
  }

  words(name) { return this.byName.get(name).words; }
  value(name) { return this.byName.get(name).value; }

  // A click, or choosing a menu entry.
  click(name, value) {
    const box = this.byName.get(name);
    if (box.active === 0) return; // an inactive control takes no click
    if (box.mode === 0 && box.maxclass === "live.text") { this.press(box); return; }
    box.value = value !== undefined ? value : 1 - box.value;
    this.out(box.id, 0, [box.value]);
  }

  // outputmode 1 is Mouse Up: what a button sends, it sends at the release.
  press(box) {
    if (!this.rules.pressesTwice) { this.out(box.id, 0, ["bang"]); return; }
    this.out(box.id, 0, [1]);
    this.clock.after(box.outputmode === 1 ? 0 : HELD_MS, () => this.out(box.id, 0, [0]));
  }

  // Max's scheduler stands still while Live's audio is off: no Task runs.
  setAudio(isOn) {
    this.isAudioOn = isOn;
    if (isOn) this.held.splice(0).forEach((action) => this.clock.after(0, action));
  }

  out(id, outlet, atoms) {
    for (const { source, destination } of this.cords) {
      if (source[0] === id && source[1] === outlet) this.into(this.boxes.get(destination[0]), atoms);
    }
  }

  into(box, atoms) {
    const [word, ...rest] = box.maxclass === "newobj" ? box.text.split(" ") : [box.maxclass];
    const handler = this[`into_${word.replace(/\W/g, "_")}`];
    if (!handler) throw new Error(`nothing goes into ${word}`);
    handler.call(this, box, atoms, rest);
  }

  into_deferlow(box, atoms) { this.clock.after(0, () => this.out(box.id, 0, atoms)); }
  into_prepend(box, atoms, words) { this.out(box.id, 0, [...words, ...atoms]); }
  into_t(box) { this.out(box.id, 1, ["bang"]); this.out(box.id, 0, ["bang"]); }
  into_message(box) { this.out(box.id, 0, box.text.split(" ")); }
  into_route(box, atoms, words) {
    const outlet = words.indexOf(atoms[0]);
    if (outlet < 0) throw new Error(`nothing routes ${atoms[0]}`);
    this.out(box.id, outlet, atoms.slice(1));
  }
  into_js(box, atoms) {
    const method = box.context[atoms[0]];
    if (typeof method !== "function") throw new Error(`js has no function ${atoms[0]}`);
    method.apply(box.context, atoms.slice(1));
  }
  into_udpsend(box, atoms) {
    if (atoms[0] === "port") { this.sendPort = atoms[1]; return; }
    this.net.send(this.sendPort, atoms);
  }
  into_udpreceive(box, atoms) {
    if (atoms[0] !== "port") throw new Error(`udpreceive knows no ${atoms[0]}`);
    this.listen(box.id, atoms[1]);
  }
  listen(id, port) {
    this.closeSocket();
    this.closeSocket = this.net.listen(port, (atoms) => this.scheduled(() => this.out(id, 0, atoms)));
  }
  // Max's scheduler stands still while Live's audio is off.
  scheduled(action) {
    if (this.isAudioOn || !this.live.rules.tasksNeedAudio) action();
    else this.held.push(action);
  }
  into_comment(box, atoms) {
    if (atoms[0] !== "set") throw new Error(`comment knows no ${atoms[0]}`);
    if (atoms.includes("")) throw new Error("Max would show two quotation marks");
    box.words = atoms.slice(1).join(" ");
    if (this.onWords) this.onWords(box.varname, box.words);
  }
  into_led(box, [value]) { box.value = value; if (this.onWords) this.onWords(box.varname, value); }
  into_multislider(box, [value]) {
    const [lowest, highest] = box.setminmax;
    const inside = Math.min(highest, Math.max(lowest, value));
    box.value = box.settype === 0 && this.rules.integerSliders ? Math.trunc(inside) : inside;
  }
  into_live_text(box, atoms) {
    if (atoms[0] === "active") { box.active = atoms[1]; return; }
    if (atoms[0] === "text") { // an attribute that is one symbol
      if (atoms.length !== 2 || typeof atoms[1] !== "string" || !atoms[1]) throw new Error(`text is one symbol, not ${atoms.slice(1)}`);
      box.words = atoms[1];
      return;
    }
    this.control(box, atoms);
  }
  into_live_menu(box, atoms) { this.control(box, atoms); }
  into_live_tab(box, atoms) { this.control(box, atoms); }
  into_live_numbox(box, atoms) { this.control(box, atoms); }
  // `set` changes a control silently; a number changes it as a click does.
  control(box, atoms) {
    const value = atoms[0] === "set" ? atoms[1] : atoms[0] === "outputvalue" ? box.value : atoms[0];
    const { parameter_mmin, parameter_mmax } = box.saved_attribute_attributes.valueof;
    if (!(value >= parameter_mmin && value <= parameter_mmax)) throw new Error(`${box.varname} knows no ${atoms.join(" ")}`);
    box.value = value;
    if (atoms[0] !== "set") this.out(box.id, 0, [value]);
  }

  // Like Max's own, it takes an array as one argument, too.
  outlet(id) {
    const send = (outlet, ...given) => {
      const atoms = given.flat();
      for (const atom of atoms) {
        if (!["string", "number"].includes(typeof atom) || Number.isNaN(atom)) throw new Error(`outlet ${outlet}: ${atoms}`);
      }
      this.out(id, outlet, atoms);
    };
    if (this.rules.applyThrows) send.apply = () => { throw new Error("error calling function"); };
    return send;
  }

  loadScript(file, id) {
    const device = this;
    const context = vm.createContext({
      LiveAPI: this.live.LiveAPI,
      Task: class {
        constructor(action) { this.action = action; this.stop = () => {}; }
        schedule(milliseconds) {
          let isCancelled = false;
          const stop = device.clock.after(milliseconds, () => device.scheduled(() => { if (!isCancelled) this.action(); }));
          this.stop = () => { isCancelled = true; stop(); };
        }
        cancel() { this.stop(); }
      },
      File: class {
        constructor(name) {
          this.isopen = fs.existsSync(name);
          this.bytes = this.isopen ? fs.readFileSync(name) : Buffer.alloc(0);
          this.position = 0;
          this.eof = this.bytes.length;
        }
        readbytes(count) {
          const chunk = [...this.bytes.subarray(this.position, this.position + count)];
          this.position += chunk.length;
          return chunk;
        }
        close() { this.isopen = false; }
      },
      Dict: class Dict {
        constructor() { this.values = {}; }
        set(key, value) { this.values[key] = value; }
        get(key) { return this.values[key]; }
        freepeer() { this.values = null; }
      },
      Global: function (name) {
        if (!device.globals.has(name)) device.globals.set(name, {});
        return device.globals.get(name);
      },
      arrayfromargs: (list) => [...list],
      messnamed: (...atoms) => { if (device.rules.browses) device.browsed.push(atoms); },
      Date: class { getTime() { return device.clock.now; } },
      post: (...words) => device.console.push(words.join(" ")),
      outlet: this.outlet(id),
    });
    vm.runInContext(fs.readFileSync(file, "utf8"), context, { filename: file });
    return context;
  }
}

module.exports = { Device, HandClock, RULES, WallClock };
