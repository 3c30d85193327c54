"use strict";
// The fake Live's clips: regions, warping, warp markers, analysis and notes. Mixed into FakeLive.

const SHADOW_BEATS = 1 / 32;
const WARP_MS = 300;
const GUESSED_BPM = 97; // never the tempo of a test's clip
const FIRST_MARKERS_MS = 600;
const MARKER_NAMES = ["start_marker", "end_marker", "loop_start", "loop_end"];

const RECORDING_GRID = { 1: 1, 2: 0.5, 3: 1 / 3, 5: 0.25, 6: 1 / 6, 8: 0.125 };

function check(holds, what) { if (!holds) throw new Error(`bad ${what}`); }

function between(marks, from, to, value) {
  let i = 1;
  while (i < marks.length - 1 && value > marks[i][from]) i += 1;
  const [a, b] = [marks[i - 1], marks[i]];
  return a[to] + (value - a[from]) * (b[to] - a[to]) / (b[from] - a[from]);
}
const secondsAt = (marks, beats) => between(marks, "beat_time", "sample_time", beats);
const beatsAt = (marks, seconds) => between(marks, "sample_time", "beat_time", seconds);

const clips = {
  // ---- making clips

  // A clip of the set that is being built: its values and markers are as given.
  addAudioClip(parent, path, values = {}, markers = null) {
    const clip = this.audioClip(parent, path, markers || this.guess(), values);
    this.place(clip, parent);
    return clip;
  },

  // A clip as the API makes it: with Live's own idea of its tempo, and not yet analysed.
  createAudioClip(parent, path, values = {}) {
    const { autoWarp, autoLoop } = this.can;
    const clip = this.audioClip(parent, path, this.guess(), { warping: 1, ...values });
    if (!autoWarp) { this.convert(clip, 0); clip.values.warping = 0; }
    if (autoWarp && autoLoop) clip.values.looping = 1;
    this.place(clip, parent);
    if (this.rules.analyses) {
      clip.markers = [];
      this.clock.after(FIRST_MARKERS_MS, () => this.analysed(clip));
      this.clock.after(this.can.analysisMs, () => this.analysed(clip));
    }
    return clip;
  },

  analysed(clip) {
    if (clip.gone) return;
    this.change(clip);
    clip.markers = this.guess();
  },

  guess() {
    const { guessStart: start, guessBeat: beat } = this.can;
    return [{ sample_time: start, beat_time: beat }, { sample_time: start + 1, beat_time: beat + GUESSED_BPM / 60 }];
  },

  audioClip(parent, path, markers, values) {
    const seconds = this.secondsOf(path);
    const clip = this.node("Clip", parent, {
      name: path.split("/").pop().replace(/\.\w+$/, ""), color: 0xff0000, muted: 0, warping: 1, warp_mode: 0, looping: 0,
      file_path: path, sample_rate: 44100, sample_length: Math.round(seconds * 44100), is_audio_clip: 1,
      gain: 0.4, pitch_coarse: 0, pitch_fine: 0,
    });
    clip.markers = markers;
    const end = values.warping === 0 ? seconds : beatsAt(this.withShadow(clip), seconds);
    Object.assign(clip.values, { start_marker: 0, end_marker: end, loop_start: 0, loop_end: end }, values);
    this.measure(clip);
    return clip;
  },

  addMidiClip(parent, length, values = {}) {
    const clip = this.node("Clip", parent, {
      name: "", color: 0, muted: 0, looping: 1, is_audio_clip: 0,
      start_marker: 0, end_marker: length, loop_start: 0, loop_end: length, ...values,
    });
    clip.notes = [];
    clip.extent = { beats: length };
    clip.naturalEnd = length;
    this.place(clip, parent);
    return clip;
  },

  copyOf(clip, parent, values) {
    const copy = this.node("Clip", parent, { ...clip.values, ...values });
    copy.markers = clip.markers && clip.markers.map((marker) => ({ ...marker }));
    copy.notes = clip.notes && clip.notes.map((note) => ({ ...note }));
    copy.naturalEnd = clip.naturalEnd;
    this.measure(copy);
    if (this.rules.analyses && copy.markers) this.clock.after(this.can.analysisMs, () => this.analysed(copy));
    this.place(copy, parent);
    return copy;
  },

  // ---- length on the timeline: {beats}, or {seconds} of the file where the clip is not warped

  measure(clip) {
    const { end_time: end, start_time: start, loop_start: first, loop_end: last, looping, warping } = clip.values;
    delete clip.values.end_time;
    clip.naturalEnd = clip.naturalEnd || last;
    clip.isGiven = end !== undefined;
    if (clip.isGiven) clip.extent = { beats: end - start };
    else if (warping === 0) clip.extent = { seconds: last - first };
    else clip.extent = { beats: (looping ? clip.values.end_marker - clip.values.start_marker : last - first) };
  },

  lengthOf(clip) {
    const speed = 2 ** (((clip.values.pitch_coarse || 0) + (clip.values.pitch_fine || 0) / 100) / 12);
    const unit = this.song.values.tempo / 60 / speed;
    if (!this.rules.guessedLength && !clip.isGiven) {
      return (clip.values.end_marker - clip.values.start_marker) * (clip.values.warping === 0 ? unit : 1);
    }
    return clip.extent.seconds !== undefined ? clip.extent.seconds * unit : clip.extent.beats;
  },

  // ---- settings

  setOfClip(clip, name, value) {
    const { values } = clip, { rules } = this;
    if (name === "warping") { this.setWarping(clip, value); return; }
    if (name === "looping") { this.setLooping(clip, value); return; }
    if (name === "loop_end" && values.warping === 0) value = Math.min(value, values.sample_length / values.sample_rate);
    values[name] = value;
    if (!values.looping) {
      if (name === "loop_start") values.start_marker = value;
      if (name === "start_marker") values.loop_start = value;
      if (!rules.endReverts && name === "loop_end") values.end_marker = value;
      if (!rules.endReverts && name === "end_marker") values.loop_end = value;
      if (name === "loop_start" || name === "loop_end" || name === "start_marker") {
        clip.extent = { [values.warping === 0 ? "seconds" : "beats"]: values.loop_end - values.loop_start };
      }
    }
    if (values.loop_end <= values.loop_start || values.end_marker <= values.start_marker) throw new Error(`${name} ${value}`);
  },

  setLooping(clip, value) {
    const { values } = clip;
    if (value && values.warping !== undefined && this.rules.loopingWarps) {
      clip.warpsTo = null;
      if (values.warping === 0) { this.convert(clip, 1); values.warping = 1; }
    }
    if (value === values.looping) return;
    if (value && clip.loop) Object.assign(values, clip.loop);
    if (!value) {
      clip.loop = { loop_start: values.loop_start, loop_end: values.loop_end };
      const end = !this.rules.endReverts ? values.end_marker
        : clip.parent.type === "Track" ? values.start_marker + this.lengthOf(clip) : clip.naturalEnd;
      Object.assign(values, { loop_start: values.start_marker, loop_end: end });
    }
    values.looping = value;
  },

  setWarping(clip, value) {
    const apply = () => {
      if (clip.gone || clip.warpsTo !== value || value === clip.values.warping) return;
      this.change(clip);
      this.convert(clip, value);
      clip.values.warping = value;
      if (!value && clip.values.looping) {
        Object.assign(clip.values, { looping: 0, loop_start: clip.values.start_marker });
      }
    };
    clip.warpsTo = value;
    if (this.can.warpStays) return;
    if (this.rules.warpsLater) this.clock.after(WARP_MS, apply); else apply();
  },

  convert(clip, toWarped) {
    const marks = this.withShadow(clip);
    for (const name of MARKER_NAMES) {
      if (this.rules.warpsLater && !toWarped && name === "end_marker") continue;
      clip.values[name] = toWarped ? beatsAt(marks, clip.values[name]) : secondsAt(marks, clip.values[name]);
    }
    if (clip.values.end_marker <= clip.values.start_marker) clip.values.end_marker = clip.values.loop_end;
    clip.naturalEnd = toWarped ? beatsAt(marks, clip.naturalEnd) : secondsAt(marks, clip.naturalEnd);
  },

  // ---- warp markers

  withShadow(clip) {
    const marks = clip.markers.length ? clip.markers : this.guess();
    const last = marks[marks.length - 1];
    const before = marks[marks.length - 2] || { sample_time: last.sample_time - 0.5, beat_time: last.beat_time - 1 };
    const pace = (last.sample_time - before.sample_time) / (last.beat_time - before.beat_time);
    return [...marks, { sample_time: last.sample_time + pace * SHADOW_BEATS, beat_time: last.beat_time + SHADOW_BEATS }];
  },

  shownMarkers(clip, markers) { return markers.length ? this.withShadow({ markers }) : []; },

  Clip_add_warp_marker(clip, given) {
    const isDict = given.constructor.name === "Dict";
    if (this.can.markersAs === (isDict ? "object" : "dict")) return;
    const beat_time = isDict ? given.get("beat_time") : given.beat_time;
    const sample_time = isDict ? given.get("sample_time") : given.sample_time;
    if (this.rules.markersInFile) {
      check(clip.values.warping === 1, "clip: it is not warped");
      check(sample_time >= 0 && sample_time <= clip.values.sample_length / clip.values.sample_rate, `sample_time ${sample_time}`);
      if (clip.markers.some((mark) => Math.abs(mark.sample_time - sample_time) < 0.5 / clip.values.sample_rate)) return;
    }
    const ordered = [...clip.markers, { beat_time, sample_time }].sort((a, b) => a.beat_time - b.beat_time);
    check(ordered.every((mark, n) => !n || (mark.sample_time > ordered[n - 1].sample_time && mark.beat_time > ordered[n - 1].beat_time)),
      `marker ${beat_time} ${sample_time} among ${JSON.stringify(clip.markers)}`);
    clip.markers = ordered;
  },
  Clip_remove_warp_marker(clip, beat) {
    const kept = clip.markers.filter((mark) => Math.abs(mark.beat_time - beat) > 1e-9);
    check(kept.length && kept.length < clip.markers.length, `no marker to remove at ${beat}`);
    clip.markers = kept;
  },
  Clip_move_warp_marker(clip, beat, distance) {
    const mark = clip.markers.find((one) => Math.abs(one.beat_time - beat) < 1e-9);
    check(mark, `no marker at ${beat}`);
    clip.markers = clip.markers.map((one) => (one === mark ? { ...mark, beat_time: beat + distance } : one));
  },

  // ---- notes

  Clip_add_new_notes(clip, dictionary) {
    check(clip.notes && Array.isArray(dictionary.notes), "notes");
    for (const note of dictionary.notes) {
      check(note.duration > 0 && note.start_time >= 0 && note.pitch >= 0 && note.pitch < 128 && note.velocity >= 1, "a note");
    }
    check(dictionary.notes.length <= 500, "number of notes at once");
    dictionary.notes.forEach((note) => this.addNote(clip, { ...note }));
  },
  addNote(clip, note) {
    if (this.rules.notesCollide) {
      clip.notes = clip.notes.filter((other) => other.pitch !== note.pitch || Math.abs(other.start_time - note.start_time) > 1e-6);
      for (const other of clip.notes) {
        if (other.pitch !== note.pitch) continue;
        if (other.start_time < note.start_time) other.duration = Math.min(other.duration, note.start_time - other.start_time);
        else note.duration = Math.min(note.duration, other.start_time - note.start_time);
      }
    }
    note.note_id = this.lastNote = (this.lastNote || 0) + 1;
    clip.notes.push(note);
  },
  Clip_get_notes_extended(clip, pitch, pitches, time, times) {
    const within = (note) => note.pitch >= pitch && note.pitch < pitch + pitches && note.start_time >= time && note.start_time < time + times;
    return JSON.stringify({ notes: clip.notes.filter(within) });
  },
  Clip_remove_notes_extended(clip, pitch, pitches, time, times) {
    check([pitch, pitches, time, times].every(Number.isFinite) && pitches > 0 && times > 0, "area");
    const within = (note) => note.pitch >= pitch && note.pitch < pitch + pitches && note.start_time >= time && note.start_time < time + times;
    clip.notes = clip.notes.filter((note) => !within(note));
  },
  Clip_apply_note_modifications(clip, { notes }) {
    for (const note of notes) {
      const known = clip.notes.find((other) => other.note_id === note.note_id);
      check(known, `note ${note.note_id}`);
      Object.assign(known, note);
    }
  },
  Clip_set_notes(clip) { clip.notes = []; },
  Clip_notes(clip, count) { clip.expected = count; },
  Clip_note(clip, pitch, start, duration, velocity) {
    check(/\./.test(start) && /\./.test(duration), "Live 10 wants decimal points");
    clip.notes.push({ pitch, start_time: Number(start), duration: Number(duration), velocity });
  },
  Clip_done(clip) { check(clip.notes.length === clip.expected, "count of notes"); },

  // ---- recording

  ClipSlot_fire(slot, length, quantisation) {
    check(!slot.clip, "slot: its clip would only play");
    slot.fired = { length, quantisation };
    this.startTransport();
    if (!slot.parent.values.arm) return;
    this.clock.after(this.can.recordMs, () => {
      slot.values.is_recording = 1;
      slot.clip = this.addMidiClip(slot, length);
      slot.recordedFrom = this.songTime();
      slot.clip.values.playing_position = 0;
      this.clock.after(length * 60000 / this.song.values.tempo, () => this.endRecording(slot));
    });
  },
  ClipSlot_stop(slot) { this.endRecording(slot); },
  endRecording(slot) {
    slot.values.is_recording = 0;
    if (slot.clip) delete slot.clip.values.playing_position;
  },
  // Notes that arrive at a port now: {pitch, velocity, duration in beats}.
  hear(port, note) {
    for (const track of this.song.tracks) {
      if (!track.values.routing || track.values.routing.display_name !== port) continue;
      for (const slot of track.slots.filter((each) => each.values.is_recording)) {
        const grid = this.rules.quantisesRecordings && RECORDING_GRID[this.song.values.midi_recording_quantization];
        const at = this.songTime() - slot.recordedFrom;
        this.addNote(slot.clip, { velocity: 100, duration: 0.25, ...note, start_time: grid ? Math.round(at / grid) * grid : at });
      }
    }
  },
};

module.exports = { clips, check, secondsAt, beatsAt };
