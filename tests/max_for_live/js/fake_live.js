"use strict";
// A fake Live whose API behaves like the real one: arrays for values, "id 5", texts split at spaces, dictionaries as
// JSON text, settings that change with a delay, Arrangement objects that become invalid, errors that only go to the
// console. No LiveAPI before the device is ready.

const LATE_MS = 300;
// The properties of Song.View and of Song that the device observes.
const OBSERVABLE = ["detail_clip", "selected_scene", "selected_track", "tempo", "loop", "loop_start", "loop_length"];
const SHADOW_BEATS = 1 / 32;

// The features of the newest Live; older versions lack some.
const LIVE_12 = {
  songFile: true, slotAudio: true, trackAudio: true, trackMidi: true, duplicate: true, addNotes: true, warpEdit: true,
  tracks: Infinity, routingSpelling: 0, idsAsText: false, guessStart: 0, guessBeat: 0,
};

class Node {
  constructor(live, type, parent, values = {}) {
    Object.assign(this, { live, type, parent, values, id: String((live.lastId += 1)), gone: false });
    live.nodes.set(this.id, this);
  }
}

class FakeLive {
  constructor({ tempo = 120, file = "/Music/My Set Project/My Set.als", can = {}, clock, secondsOf, ports = [] }) {
    Object.assign(this, { clock, secondsOf, ports, can: { ...LIVE_12, ...can } });
    this.nodes = new Map();
    this.lastId = 0;
    this.errors = [];
    this.observers = [];
    this.isReady = false;
    this.song = new Node(this, "Song", null, { tempo, file_path: file, loop: 0, loop_start: 0, loop_length: 4, current_song_time: 0 });
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

  addTrack(kind, values = {}) {
    const track = new Node(this, "Track", this.song, {
      name: `${this.song.tracks.length + 1}-${kind}`, color: 0, arm: 0, routing: null, playing_slot_index: -1, ...values,
    });
    track.kind = kind;
    track.arrangement = [];
    track.slots = [0, 1, 2, 3].map(() => {
      const slot = new Node(this, "ClipSlot", track, { is_recording: 0 });
      slot.clip = null;
      return slot;
    });
    this.song.tracks.push(track);
    return track;
  }

  addAudioClip(parent, path, values = {}, markers = null) {
    const seconds = this.secondsOf(path);
    const clip = new Node(this, "Clip", parent, {
      name: path.split("/").pop().replace(/\.\w+$/, ""), color: 0xff0000, muted: 0, warping: 1, warp_mode: 0, looping: 0,
      file_path: path, sample_rate: 44100, sample_length: Math.round(seconds * 44100), is_audio_clip: 1,
      gain: 0.4, pitch_coarse: 0, pitch_fine: 0,
    });
    const start = this.can.guessStart, beat = this.can.guessBeat;
    clip.markers = markers || [{ sample_time: start, beat_time: beat }, { sample_time: start + 1, beat_time: beat + 97 / 60 }];
    const end = beatsAt(this.withShadow(clip), seconds);
    Object.assign(clip.values, { start_marker: 0, end_marker: end, loop_start: 0, loop_end: end }, values);
    this.place(clip, parent);
    return clip;
  }

  addMidiClip(parent, length, values = {}) {
    const clip = new Node(this, "Clip", parent, {
      name: "", color: 0, muted: 0, looping: 1, is_audio_clip: 0,
      start_marker: 0, end_marker: length, loop_start: 0, loop_end: length, ...values,
    });
    clip.notes = [];
    this.place(clip, parent);
    return clip;
  }

  place(clip, parent) {
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
      else node = this.children(node, word)[Number(words.shift())] || null;
    }
    return node || null;
  }

  children(node, name) {
    return { tracks: node.tracks, clip_slots: node.slots, arrangement_clips: node.arrangement }[name] || [];
  }

  pathOf(node) {
    if (node === this.song) return "live_set";
    if (node === this.view) return "live_set view";
    const parent = node.parent;
    const above = this.pathOf(parent);
    if (node.type === "Track") return `${above} tracks ${parent.tracks.indexOf(node)}`;
    if (node.type === "Device") return `${above} devices 0`;
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
    const properties = Object.keys(node.values).filter((name) => name !== "file_path" || node.type !== "Song" || this.can.songFile);
    return [`id ${node.id}`, `type ${node.type}`, ...properties.map((name) => `property ${name} x`), ...known, "done"].join("\n");
  }

  functions(node) {
    const can = this.can;
    return {
      Song: ["create_audio_track", "create_midi_track"],
      "Song.View": [],
      Track: [can.trackAudio && "create_audio_clip", can.trackMidi && "create_midi_clip", can.duplicate && "duplicate_clip_to_arrangement"],
      ClipSlot: [can.slotAudio && "create_audio_clip", "create_clip", "delete_clip", "fire", "stop"],
      Clip: can.addNotes
        ? ["add_new_notes", can.warpEdit && "add_warp_marker", can.warpEdit && "remove_warp_marker", can.warpEdit && "move_warp_marker"]
        : ["set_notes", "notes", "note", "done"],
    }[node.type].filter(Boolean);
  }

  get(node, name) {
    const values = node.values;
    if (name === "warp_markers") return [JSON.stringify({ warp_markers: this.withShadow(node) })];
    if (name === "has_clip") return [node.clip ? 1 : 0];
    if (name === "is_arrangement_clip") return [node.parent.type === "Track" ? 1 : 0];
    if (name === "available_input_routing_types") return [JSON.stringify({ available_input_routing_types: this.routes() })];
    if (name === "input_routing_type") return [JSON.stringify({ input_routing_type: values.routing || this.routes()[0] })];
    if (name === "end_time") return [values.end_time !== undefined ? values.end_time : values.start_time + this.lengthOf(node)];
    if (!(name in values)) throw new Error(`no property ${name}`);
    if (typeof values[name] === "string") return values[name].split(" ");
    return [values[name]];
  }

  routes() {
    return ["No Input", ...this.ports].map((display_name, n) => ({ display_name, identifier: 10 + n }));
  }

  lengthOf(clip) {
    const speed = 2 ** ((clip.values.pitch_coarse + clip.values.pitch_fine / 100) / 12);
    const unit = clip.values.warping === 0 ? this.song.values.tempo / 60 / speed : 1;
    return (clip.values.end_marker - clip.values.start_marker) * unit;
  }

  set(node, name, value) {
    const values = node.values;
    if (name === "input_routing_type") return this.setRouting(node, value);
    if (name === "arm") {
      this.clock.after(LATE_MS, () => { if (!value || values.routing) values.arm = value; });
      return undefined;
    }
    if (!(name in values)) throw new Error(`no property ${name}`);
    if (name === "warping" && value !== values.warping) this.convert(node, value);
    if (name === "looping" && !value) Object.assign(values, { loop_start: values.start_marker, loop_end: values.end_marker });
    values[name] = value;
    if (node.type === "Clip" && !values.looping) {
      if (name === "loop_start") values.start_marker = value;
      if (name === "loop_end") values.end_marker = value;
      if (name === "start_marker") values.loop_start = value;
      if (name === "end_marker") values.loop_end = value;
    }
    if (values.loop_end <= values.loop_start || values.end_marker <= values.start_marker) throw new Error(`bad ${name} ${value}`);
    return undefined;
  }

  setRouting(track, value) {
    const routing = JSON.parse(value);
    const spelling = routing.input_routing_type ? 1 : routing.display_name ? 2 : 0;
    if (spelling !== this.can.routingSpelling) return;
    const { identifier } = routing.input_routing_type || routing;
    this.clock.after(LATE_MS, () => { track.values.routing = this.routes().find((route) => route.identifier === identifier); });
  }

  convert(clip, toWarped) {
    const marks = this.withShadow(clip);
    for (const name of ["start_marker", "end_marker", "loop_start", "loop_end"]) {
      clip.values[name] = toWarped ? beatsAt(marks, clip.values[name]) : secondsAt(marks, clip.values[name]);
    }
  }

  withShadow(clip) {
    const marks = clip.markers;
    const last = marks[marks.length - 1];
    const before = marks[marks.length - 2] || { sample_time: last.sample_time - 0.5, beat_time: last.beat_time - 1 };
    const pace = (last.sample_time - before.sample_time) / (last.beat_time - before.beat_time);
    return [...marks, { sample_time: last.sample_time + pace * SHADOW_BEATS, beat_time: last.beat_time + SHADOW_BEATS }];
  }

  call(node, name, rest) {
    if (!this.functions(node).includes(name)) throw new Error(`no function ${name}`);
    return this[`${node.type.replace(".", "")}_${name}`](node, ...rest);
  }

  idOf(node) { return this.can.idsAsText ? `id ${node.id}` : ["id", Number(node.id)]; }

  newTrack(kind) {
    if (this.song.tracks.length >= this.can.tracks) throw new Error("too many tracks");
    return this.idOf(this.addTrack(kind));
  }
  Song_create_audio_track(song, index) { check(index === -1, "index"); return this.newTrack("audio"); }
  Song_create_midi_track(song, index) { check(index === -1, "index"); return this.newTrack("midi"); }

  Track_create_audio_clip(track, path, time) {
    check(track.kind === "audio" && typeof path === "string" && typeof time === "number", "arguments");
    return this.idOf(this.addAudioClip(track, path, { start_time: time }));
  }
  Track_create_midi_clip(track, time, length) {
    check(track.kind === "midi" && length > 0, "arguments");
    return this.idOf(this.addMidiClip(track, length, { start_time: time, end_time: time + length }));
  }
  Track_duplicate_clip_to_arrangement(track, which, time) {
    const clip = this.resolve(which);
    check(clip && typeof time === "number", "arguments");
    const copy = new Node(this, "Clip", track, { ...clip.values, start_time: time });
    copy.markers = clip.markers && clip.markers.map((marker) => ({ ...marker }));
    copy.notes = clip.notes && clip.notes.slice();
    this.place(copy, track);
    return this.idOf(copy);
  }

  ClipSlot_create_audio_clip(slot, path) {
    check(!slot.clip && slot.parent.kind === "audio", "slot");
    this.addAudioClip(slot, path);
    return null;
  }
  ClipSlot_create_clip(slot, length) {
    check(!slot.clip && slot.parent.kind === "midi" && length > 0, "slot");
    this.addMidiClip(slot, length);
    return null;
  }
  ClipSlot_delete_clip(slot) { check(slot.clip, "empty"); slot.clip.gone = true; slot.clip = null; }
  ClipSlot_fire(slot, length, quantisation) {
    check(!slot.clip, "slot: its clip would only play");
    slot.fired = { length, quantisation };
    if (!slot.parent.values.arm) return;
    slot.values.is_recording = 1;
    this.clock.after(length * 60000 / this.song.values.tempo, () => {
      slot.values.is_recording = 0;
      if (!slot.clip) this.addMidiClip(slot, length);
    });
  }
  ClipSlot_stop(slot) { slot.values.is_recording = 0; }

  Clip_add_warp_marker(clip, { beat_time, sample_time }) {
    const ordered = [...clip.markers, { beat_time, sample_time }].sort((a, b) => a.beat_time - b.beat_time);
    check(ordered.every((mark, n) => !n || (mark.sample_time > ordered[n - 1].sample_time && mark.beat_time > ordered[n - 1].beat_time)),
      `marker ${beat_time} ${sample_time} among ${JSON.stringify(clip.markers)}`);
    clip.markers = ordered;
  }
  Clip_remove_warp_marker(clip, beat) {
    const kept = clip.markers.filter((mark) => Math.abs(mark.beat_time - beat) > 1e-9);
    check(kept.length && kept.length < clip.markers.length, `no marker to remove at ${beat}`);
    clip.markers = kept;
  }
  Clip_move_warp_marker(clip, beat, distance) {
    const mark = clip.markers.find((one) => Math.abs(one.beat_time - beat) < 1e-9);
    check(mark, `no marker at ${beat}`);
    mark.beat_time += distance;
  }
  Clip_add_new_notes(clip, dictionary) {
    check(clip.notes && Array.isArray(dictionary.notes), "notes");
    for (const note of dictionary.notes) {
      check(note.duration > 0 && note.start_time >= 0 && note.pitch >= 0 && note.pitch < 128 && note.velocity >= 1, "a note");
    }
    check(dictionary.notes.length <= 500, "number of notes at once");
    clip.notes.push(...dictionary.notes);
  }
  Clip_set_notes(clip) { clip.notes = []; }
  Clip_notes(clip, count) { clip.expected = count; }
  Clip_note(clip, pitch, start, duration, velocity) {
    check(/\./.test(start) && /\./.test(duration), "Live 10 wants decimal points");
    clip.notes.push({ pitch, start_time: Number(start), duration: Number(duration), velocity });
  }
  Clip_done(clip) { check(clip.notes.length === clip.expected, "count of notes"); }
}

function check(holds, what) { if (!holds) throw new Error(`bad ${what}`); }

function between(marks, from, to, value) {
  let i = 1;
  while (i < marks.length - 1 && value > marks[i][from]) i += 1;
  const [a, b] = [marks[i - 1], marks[i]];
  return a[to] + (value - a[from]) * (b[to] - a[to]) / (b[from] - a[from]);
}
const secondsAt = (marks, beats) => between(marks, "beat_time", "sample_time", beats);
const beatsAt = (marks, seconds) => between(marks, "sample_time", "beat_time", seconds);

module.exports = { FakeLive, secondsAt, beatsAt };
