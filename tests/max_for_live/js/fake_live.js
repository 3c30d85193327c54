"use strict";
// A fake Live whose API behaves like the real one: arrays for values, "id 5", texts split at spaces, dictionaries as
// JSON text, settings that change with a delay, Arrangement objects that become invalid, errors that only go to the
// console, and the rules of fake_live_rules.js. No LiveAPI before the device is ready.

const { RULES } = require("./fake_live_rules");
const { beatsAt, check, clips, secondsAt } = require("./fake_live_clips");

const LATE_MS = 300;
// The properties of Song.View and of Song that the device observes.
const OBSERVABLE = ["detail_clip", "selected_scene", "selected_track", "tempo", "loop", "loop_start", "loop_length"];
// What is never a step of Undo, and what is always one of its own.
const NOT_UNDONE = ["arm", "begin_undo_step", "end_undo_step", "fire", "stop", "get_notes_extended", "notes", "note", "done"];
const DEVICES = ["Drift", "Electric", "Wavetable", "Drum Rack"];

// The features of the newest Live; older versions lack some. autoWarp and autoLoop are the user's preferences.
const LIVE_12 = {
  songFile: true, slotAudio: true, trackAudio: true, trackMidi: true, duplicate: true, addNotes: true, readNotes: true, removeNotes: true,
  warpEdit: true, undoSteps: true, insertDevice: true, trackIndex: true, position: true,
  tracks: Infinity, routingSpelling: 0, idsAsText: false, guessStart: 0, guessBeat: 0,
  autoWarp: true, autoLoop: true, warpStays: false, analysisMs: 2400, markersAs: "both", recordMs: 0, devices: DEVICES, returns: 2,
};

class Node {
  constructor(live, type, parent, values = {}) {
    Object.assign(this, { live, type, parent, values, id: String((live.lastId += 1)), gone: false });
    live.nodes.set(this.id, this);
  }
}

class FakeLive {
  constructor({ tempo = 120, file = "/Music/My Set Project/My Set.als", can = {}, rules = {}, clock, secondsOf, ports = [] }) {
    Object.assign(this, { clock, secondsOf, ports, can: { ...LIVE_12, ...can }, rules: { ...RULES, ...rules } });
    this.undo = { isOpen: false, steps: [] };
    this.transport = { beat: 0, since: null };
    this.nodes = new Map();
    this.lastId = 0;
    this.errors = [];
    this.observers = [];
    this.isReady = false;
    this.song = new Node(this, "Song", null, {
      tempo, file_path: file, loop: 0, loop_start: 0, loop_length: 4, is_playing: 0, midi_recording_quantization: 0,
    });
    this.view = new Node(this, "Song.View", this.song);
    this.song.tracks = [];
    this.detail = null;
    this.highlighted = null;
    this.device = null; // see putDeviceOn
    const live = this;
    this.LiveAPI = class {
      constructor(first, second) {
        if (!live.isReady) throw new Error("LiveAPI in global code");
        this.callback = typeof first === "function" ? first : null;
        this.node = live.resolve(typeof first === "string" ? first : second);
        this.asked = typeof first === "string" ? first : second;
      }
      get id() { return this.node && !this.node.gone ? this.node.id : "0"; }
      get unquotedpath() { return this.node ? live.pathOf(this.node) : ""; }
      get path() { return `"${this.unquotedpath}"`; }
      get info() { return this.node ? live.info(this.node) : "No object"; }
      set property(name) {
        if (!OBSERVABLE.includes(name)) { live.errors.push(`${name} cannot be observed`); return; }
        live.observers.push({ name, callback: this.callback }); this.callback(["property", name]);
      }
      get(name) { return live.guarded(this.node, `get ${name}`, (node) => live.get(node, name)); }
      set(name, value) { live.guarded(this.node, `set ${name}`, (node) => live.set(node, name, value)); }
      call(name, ...rest) { return live.guarded(this.node, `call ${name}`, (node) => live.call(node, name, rest)); }
      getcount(name) { return live.children(this.node, name).length; }
    };
  }

  // ---- building a set

  node(type, parent, values) { return new Node(this, type, parent, values); }

  addTrack(kind, values = {}, index = this.song.tracks.length) {
    const track = new Node(this, "Track", this.song, {
      name: `${this.song.tracks.length + 1}-${kind}`, color: 0, arm: 0, mute: 0, routing: null, playing_slot_index: -1, ...values,
    });
    track.kind = kind;
    track.isUnnamed = values.name === undefined;
    track.devices = [];
    track.mixer = new Node(this, "MixerDevice", track);
    const parameter = (value) => new Node(this, "DeviceParameter", track.mixer, { value });
    Object.assign(track.mixer, { volume: parameter(0.85), panning: parameter(0) });
    track.mixer.sends = Array.from({ length: this.can.returns }, () => parameter(0));
    track.arrangement = [];
    track.slots = [0, 1, 2, 3].map(() => {
      const slot = new Node(this, "ClipSlot", track, { is_recording: 0 });
      slot.clip = null;
      return slot;
    });
    this.song.tracks.splice(index, 0, track);
    return track;
  }

  place(clip, parent) {
    const track = parent.type === "ClipSlot" ? parent.parent : parent;
    if (track.isUnnamed && clip.values.name) Object.assign(track, { isUnnamed: false }).values.name = clip.values.name;
    if (parent.type === "ClipSlot") { parent.clip = clip; return; }
    parent.arrangement.push(clip);
    parent.arrangement.sort((a, b) => a.values.start_time - b.values.start_time);
    this.renew(parent, clip);
  }

  // Makes the ids of the other clips in a track's Arrangement invalid.
  renew(track, except) {
    for (const clip of track.arrangement) {
      if (clip === except) continue;
      this.nodes.delete(clip.id);
      clip.id = String((this.lastId += 1));
      this.nodes.set(clip.id, clip);
    }
  }

  // The track that the device is on; without one it is on the main track.
  putDeviceOn(track) { this.device = new Node(this, "Device", track); }

  select(clip) {
    this.detail = clip;
    this.observers.forEach((observer) => observer.callback(["detail_clip", "id", clip ? clip.id : 0]));
  }

  // ---- paths

  resolve(path) {
    const words = String(path).trim().split(/\s+/);
    if (words[0] === "id") return this.nodes.get(words[1]) || null;
    if (words[0] === "this_device") return this.device;
    if (words.shift() !== "live_set") return null;
    let node = this.song;
    while (node && words.length) {
      const word = words.shift();
      if (word === "view") node = this.view;
      else if (word === "detail_clip") node = this.detail;
      else if (word === "highlighted_clip_slot") node = this.highlighted;
      else if (word === "clip") node = node.clip;
      else if (word === "mixer_device") node = node.mixer;
      else if (word === "volume" || word === "panning") node = node[word];
      else node = this.children(node, word)[Number(words.shift())] || null;
    }
    return node || null;
  }

  children(node, name) {
    const all = { tracks: node.tracks, clip_slots: node.slots, arrangement_clips: node.arrangement, sends: node.sends, devices: node.devices };
    return all[name] || [];
  }

  pathOf(node) {
    if (node === this.song) return "live_set";
    if (node === this.view) return "live_set view";
    const parent = node.parent;
    const above = this.pathOf(parent);
    if (node.type === "MixerDevice") return `${above} mixer_device`;
    if (node.type === "DeviceParameter") {
      return `${above} ${["volume", "panning"].find((name) => parent[name] === node) || `sends ${parent.sends.indexOf(node)}`}`;
    }
    if (node.type === "Device") return `${above} devices ${Math.max(0, parent.devices.indexOf(node))}`;
    if (node.type === "Track") return `${above} tracks ${parent.tracks.indexOf(node)}`;
    if (node.type === "ClipSlot") return `${above} clip_slots ${parent.slots.indexOf(node)}`;
    return parent.type === "ClipSlot" ? `${above} clip` : `${above} arrangement_clips ${parent.arrangement.indexOf(node)}`;
  }

  // ---- properties and functions of the API; errors only go to the console

  guarded(node, what, action) {
    if (!node || node.gone) { this.errors.push(`${what}: no object`); return [0]; }
    try {
      return action(node);
    } catch (error) {
      this.errors.push(`${what}: ${error.message}`);
      return null;
    }
  }

  info(node) {
    const known = this.functions(node).map((name) => `function ${name}`);
    const properties = Object.keys(node.values).filter((name) => (name !== "file_path" || node.type !== "Song" || this.can.songFile)
      && (name !== "playing_position" || this.can.position));
    return [`id ${node.id}`, `type ${node.type}`, ...properties.map((name) => `property ${name} x`), ...known, "done"].join("\n");
  }

  functions(node) {
    const can = this.can;
    return {
      Song: ["create_audio_track", "create_midi_track", "delete_track", can.undoSteps && "begin_undo_step", can.undoSteps && "end_undo_step"],
      "Song.View": [], MixerDevice: [], DeviceParameter: [], Device: [],
      Track: [can.insertDevice && "insert_device", can.trackAudio && "create_audio_clip", can.trackMidi && "create_midi_clip", can.duplicate && "duplicate_clip_to_arrangement"],
      ClipSlot: [can.slotAudio && "create_audio_clip", "create_clip", "delete_clip", "fire", "stop"],
      Clip: can.addNotes
        ? ["add_new_notes", can.readNotes && "get_notes_extended", can.readNotes && "apply_note_modifications", can.removeNotes && "remove_notes_extended", can.warpEdit && "add_warp_marker", can.warpEdit && "remove_warp_marker", can.warpEdit && "move_warp_marker"]
        : ["set_notes", "notes", "note", "done"],
    }[node.type].filter(Boolean);
  }

  get(node, name) {
    const { values, markers } = node.shown || node;
    if (name === "warp_markers") return [JSON.stringify({ warp_markers: this.shownMarkers(node, markers) })];
    if (name === "has_clip") return [node.clip ? 1 : 0];
    if (name === "is_arrangement_clip") return [node.parent.type === "Track" ? 1 : 0];
    if (name === "available_input_routing_types") return [JSON.stringify({ available_input_routing_types: this.routes() })];
    if (name === "input_routing_type") return [JSON.stringify({ input_routing_type: values.routing || this.routes()[0] })];
    if (name === "end_time") return [values.start_time + this.lengthOf(node.shown ? { ...node, ...node.shown } : node)];
    if (name === "current_song_time") return [this.songTime()];
    if (name === "playing_position" && "playing_position" in values) {
      return [this.songTime() - node.parent.recordedFrom];
    }
    if (!(name in values)) throw new Error(`no property ${name}`);
    if (typeof values[name] === "string") return values[name].split(" ");
    return [values[name]];
  }

  routes() {
    return ["No Input", ...this.ports].map((display_name, n) => ({ display_name, identifier: 10 + n }));
  }

  // ---- what a change brings with it

  // Before a node is changed: until the next event `get` shows what it was.
  change(node) {
    if (!this.rules.showsLater || node.shown) return;
    node.shown = { values: { ...node.values }, markers: node.markers, extent: node.extent };
    this.clock.after(0, () => { delete node.shown; });
  }

  // One more step of Undo, or a part of the open one; names of tracks and values of parameters are always their own.
  remember(what, isOwn) {
    if (NOT_UNDONE.includes(what.split(" ").pop())) return;
    if (isOwn || !this.undo.isOpen) { this.undo.steps.push(what); return; }
    if (!this.undo.isRecorded) this.undo.steps.push("a step of the script");
    this.undo.isRecorded = true;
  }

  Song_begin_undo_step() { if (!this.undo.isOpen) Object.assign(this.undo, { isOpen: true, isRecorded: false }); }
  Song_end_undo_step() { this.undo.isOpen = false; }

  startTransport() {
    if (this.transport.since === null) this.transport.since = this.clock.now;
    this.song.values.is_playing = 1;
  }

  songTime() {
    const { beat, since } = this.transport;
    return since === null ? beat : beat + (this.clock.now - since) * this.song.values.tempo / 60000;
  }

  set(node, name, value) {
    const values = node.values;
    if (name === "input_routing_type") return this.setRouting(node, value);
    if (name === "arm") {
      this.clock.after(LATE_MS, () => { if (!value || values.routing) values.arm = value; });
      return undefined;
    }
    if (!(name in values)) throw new Error(`no property ${name}`);
    this.change(node);
    this.remember(`${node.type} ${name}`, node.type === "DeviceParameter" || node.type === "Track" && name === "name");
    if (node.type === "Track" && name === "name") node.isUnnamed = false;
    if (node.type === "Clip") this.setOfClip(node, name, value); else values[name] = value;
    return undefined;
  }

  setRouting(track, value) {
    const routing = JSON.parse(value);
    const spelling = routing.input_routing_type ? 1 : routing.display_name ? 2 : 0;
    if (spelling !== this.can.routingSpelling) return;
    const { identifier } = routing.input_routing_type || routing;
    this.clock.after(LATE_MS, () => { track.values.routing = this.routes().find((route) => route.identifier === identifier); });
  }

  call(node, name, rest) {
    if (!this.functions(node).includes(name)) throw new Error(`no function ${name}`);
    this.change(node);
    this.remember(`${node.type} ${name}`, false);
    return this[`${node.type.replace(".", "")}_${name}`](node, ...rest);
  }

  idOf(node) { return this.can.idsAsText ? `id ${node.id}` : ["id", Number(node.id)]; }

  newTrack(kind, index) {
    const count = this.song.tracks.length;
    if (count >= this.can.tracks) throw new Error("too many tracks");
    check(Number.isInteger(index) && index >= -1 && index <= count && (this.can.trackIndex || index === -1), `index ${index}`);
    return this.idOf(this.addTrack(kind, {}, index === -1 ? count : index));
  }
  Song_create_audio_track(song, index) { return this.newTrack("audio", index); }
  Song_create_midi_track(song, index) { return this.newTrack("midi", index); }

  Song_delete_track(song, index) {
    check(song.tracks[index] && song.tracks.length > 1, `index ${index}`);
    song.tracks.splice(index, 1)[0].gone = true;
  }

  Track_insert_device(track, name, index) {
    check(track.kind === "midi" && this.can.devices.includes(name) && !(index === 0 && !track.devices.length), `device ${name}`);
    const device = new Node(this, "Device", track, { name });
    track.devices.push(device);
    return this.idOf(device);
  }

  Track_create_audio_clip(track, path, time) {
    check(track.kind === "audio" && typeof path === "string" && typeof time === "number", "arguments");
    return this.idOf(this.createAudioClip(track, path, { start_time: time }));
  }
  Track_create_midi_clip(track, time, length) {
    check(track.kind === "midi" && length > 0, "arguments");
    return this.idOf(this.addMidiClip(track, length, { start_time: time }));
  }
  Track_duplicate_clip_to_arrangement(track, which, time) {
    const clip = this.resolve(which);
    check(clip && typeof time === "number", "arguments");
    const copy = this.copyOf(clip, track, { start_time: time });
    return this.idOf(copy);
  }

  ClipSlot_create_audio_clip(slot, path) {
    check(!slot.clip && slot.parent.kind === "audio", "slot");
    this.createAudioClip(slot, path);
    return null;
  }
  ClipSlot_create_clip(slot, length) {
    check(!slot.clip && slot.parent.kind === "midi" && length > 0, "slot");
    this.addMidiClip(slot, length);
    return null;
  }
  ClipSlot_delete_clip(slot) { check(slot.clip, "empty"); slot.clip.gone = true; slot.clip = null; }
}

Object.assign(FakeLive.prototype, clips);

module.exports = { FakeLive, secondsAt, beatsAt };
