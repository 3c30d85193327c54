// Imports results into Live: a named, coloured track for each stem, with a clip at the source's position, warped like it.
//
// One track at a time, with a pause between: Live stays responsive, and has applied its delayed changes before they are
// read back.

var clips = require("./clip");
var live = require("./live");
var notes = require("./notes");
var problem = require("./problem");
var tables = require("./tables");
var warp = require("./warp");
var words = require("./words");

var PAUSE_MS = 40, NOTES_AT_ONCE = 500;
var CLOSE = 1e-6; // in seconds or beats: the same position

// order: {clip, region, results, audio, notes, mute}. Calls done(report); report: {audio, midi, notes, remarks}.
exports.run = function (order, stems, clock, done) {
    var report = { audio: 0, midi: 0, notes: 0, remarks: [] };
    var steps = [], audible = 0;
    stems.forEach(function (stem) {
        var found = order.results[stem];
        if (!found) { return; }
        if (order.audio && found.stem) {
            audible += 1;
            steps.push(function () { audioTrack(order, stem, found.stem, report); });
        }
        if (order.notes && (found.notes || found.midi)) { steps.push(function () { midiTrack(order, stem, found, report); }); }
    });
    if (repeats(order)) { remark(report, "The source repeats its loop: drag the new clips' right edges to its end."); }
    if (order.mute) { steps.push(function () { if (report.audio && report.audio === audible) { muteSource(order, report); } }); }
    next();

    function next() {
        var step = steps.shift();
        if (!step) { done(report); return; }
        try {
            step();
        } catch (error) {
            remark(report, problem.words(error));
        }
        clock.after(PAUSE_MS, next);
    }
};

// Whether the source is longer than its loop: Live's API cannot set the length of a looped clip in the Arrangement.
function repeats(order) {
    return order.region.looping && order.region.time !== null && order.clip.endTime - order.region.beat > order.region.length + CLOSE;
}

function remark(report, text) { if (report.remarks.indexOf(text) < 0) { report.remarks.push(text); } }

// Adds a track after all others; kind: "audio" or "midi".
exports.newTrack = function (kind) {
    var set = live.at("live_set"), track;
    try {
        track = live.made(set.call("create_" + kind + "_track", -1));
    } catch (error) {
        track = null;
    }
    if (!track) { throw problem.problem("Live makes no more tracks: Intro and Lite have only a few. Delete some, then try again."); }
    return track;
};

// Called last: Live names a track after the first clip that it gets.
function setNameAndColor(api, name, stem) {
    api.set("name", name);
    api.set("color", tables.STEM_COLORS[stem] || 0x808080);
}

function label(order, stem) { return order.clip.name + " (" + words.stem(stem) + ")"; }

function audioTrack(order, stem, path, report) {
    if (!live.can(live.at("live_set tracks 0 clip_slots 0"), "create_audio_clip")) {
        throw problem.problem("This Live cannot load audio from a device (12.0.5 can). Drag the files in from the folder: press Folder.");
    }
    var track = exports.newTrack("audio");
    var clip = createClip(order, track, report, {
        direct: "create_audio_clip", first: path, last: order.region.time,
        inSlot: function (slot) { slot.call("create_audio_clip", path); },
        fill: function (clip) { fit(clip, order, report); }
    });
    setNameAndColor(clip, label(order, stem), stem);
    setNameAndColor(track, label(order, stem), stem);
    report.audio += 1;
}

function midiTrack(order, stem, found, report) {
    var semitones = tables.UNPITCHED.indexOf(stem) >= 0 ? 0 : Math.round(clips.transposed(order.clip)); // a drum note's number is no pitch
    var list = notes.forLive(notes.read(found), order.region, semitones);
    var track = exports.newTrack("midi");
    var length = order.region.length;
    var clip = createClip(order, track, report, {
        direct: "create_midi_clip", first: order.region.time, last: length,
        inSlot: function (slot) { slot.call("create_clip", length); },
        fill: function (clip) {
            write(clip, list);
            var markers = beatMarkers(order);
            if (order.region.looping || Math.abs(markers.startMarker) > CLOSE) { setMarkers(clip, markers, order.region.looping); }
        }
    });
    setNameAndColor(clip, label(order, stem), stem);
    setNameAndColor(track, label(order, stem) + " MIDI", stem);
    report.midi += 1;
    report.notes += list.length;
}

// Creates and fills the clip at the source's position: in the same scene; or in the Arrangement, directly or through a
// slot. way: {direct, first, last: the API function for the Arrangement and its arguments; inSlot(slot); fill(clip)}.
function createClip(order, track, report, way) {
    var path = live.path(track), clip;
    if (order.region.time === null) { return throughSlot(path, order.clip.slot, way); }
    if (live.can(track, way.direct)) {
        clip = live.made(track.call(way.direct, way.first, way.last)) || inArrangement(path, order.region.time);
        way.fill(clip);
        return clip;
    }
    clip = throughSlot(path, 0, way);
    if (!live.can(track, "duplicate_clip_to_arrangement")) {
        remark(report, "This Live puts no clips into the Arrangement: they are in the first scene. Drag them over.");
        return clip;
    }
    track.call("duplicate_clip_to_arrangement", "id " + clip.id, order.region.time);
    live.at(path + " clip_slots 0").call("delete_clip");
    return inArrangement(path, order.region.time);
}

function throughSlot(path, row, way) {
    var slot = live.at(path + " clip_slots " + row);
    if (!live.exists(slot)) { throw problem.problem("The scene of the clip is gone. Press Import once more."); }
    way.inSlot(slot);
    var clip = live.at(live.path(slot) + " clip"); // a failed call is reported only on Max's console
    if (!live.exists(clip)) { throw problem.problem("Live has not made the clip. Press Import once more."); }
    way.fill(clip);
    return clip;
}

// Objects of Arrangement clips become invalid, so they are always looked up again by their position.
function inArrangement(path, time) {
    var count = live.at(path).getcount("arrangement_clips"), i, clip;
    for (i = 0; i < count; i += 1) {
        clip = live.at(path + " arrangement_clips " + i);
        if (Math.abs(live.number(clip, "start_time") - time) < 1e-3) { return clip; }
    }
    throw problem.problem("Live has not made the clip in the Arrangement. Press Import once more.");
}

// Applies the source's warping, gain, transposition, markers and loop to a file that starts at the part's start.
function fit(clip, order, report) {
    var source = order.clip;
    clip.set("warping", source.warped ? 1 : 0);
    if (source.warped) {
        clip.set("warp_mode", source.warpMode);
        warpAs(clip, order.region.marks, report);
    }
    Object.keys(source.sound).forEach(function (name) { clip.set(name, source.sound[name]); });
    setMarkers(clip, order.region.markers, order.region.looping);
    if (Math.abs(live.number(clip, "start_marker") - order.region.markers.startMarker) > 0.01) {
        remark(report, "Live has moved a clip's start marker: check that the new clips line up.");
    }
}

// Removes the markers that Live has guessed, except the first, which is moved to its right position; adds the source's
// markers; and checks which of them Live has accepted.
function warpAs(clip, marks, report) {
    if (!live.can(clip, "add_warp_marker") || !live.can(clip, "move_warp_marker")) {
        remark(report, "This Live sets no warp markers: switch Warp off in the new clips, or warp them by hand.");
        return;
    }
    var old = live.dictionary(clip, "warp_markers") || [];
    old.slice(1, -1).reverse().forEach(function (marker) { clip.call("remove_warp_marker", marker.beat_time); });
    var first = old[0], right = warp.beatsAt(marks, first.sample_time);
    if (Math.abs(first.beat_time - right) > CLOSE) { clip.call("move_warp_marker", first.beat_time, right - first.beat_time); }
    marks.forEach(function (mark) {
        if (Math.abs(mark.seconds - first.sample_time) > CLOSE) {
            clip.call("add_warp_marker", { beat_time: mark.beats, sample_time: mark.seconds });
        }
    });
    var accepted = live.dictionary(clip, "warp_markers") || [];
    var missing = marks.filter(function (mark) {
        return !accepted.some(function (marker) {
            return Math.abs(marker.sample_time - mark.seconds) < 1e-3 && Math.abs(marker.beat_time - mark.beats) < 1e-3;
        });
    });
    if (missing.length) { remark(report, "Live has not taken every warp marker: check that the new clips line up."); }
}

// The loop is set first, while looping is on: in an unlooped clip the loop's ends are the clip's markers.
function setMarkers(clip, markers, looping) {
    clip.set("looping", 1);
    clip.set("loop_end", markers.loopEnd);
    clip.set("loop_start", markers.loopStart);
    clip.set("end_marker", markers.endMarker);
    clip.set("start_marker", markers.startMarker);
    if (!looping) { clip.set("looping", 0); }
}

// The source's markers in beats, for clips of notes.
function beatMarkers(order) {
    if (order.clip.warped) { return order.region.markers; }
    var beats = {};
    Object.keys(order.region.markers).forEach(function (name) {
        beats[name] = warp.beatsAt(order.region.marks, order.region.markers[name]);
    });
    return beats;
}

function write(clip, list) {
    var i;
    if (live.can(clip, "add_new_notes")) {
        for (i = 0; i < list.length; i += NOTES_AT_ONCE) {
            clip.call("add_new_notes", { notes: list.slice(i, i + NOTES_AT_ONCE) });
        }
        return;
    }
    clip.call("set_notes"); // Live 10
    clip.call("notes", list.length);
    list.forEach(function (note) {
        clip.call("note", note.pitch, note.start_time.toFixed(6), note.duration.toFixed(6), note.velocity, 0);
    });
    clip.call("done");
}

function muteSource(order, report) {
    var clip = live.at(order.clip.path);
    if (!live.exists(clip) || live.text(clip, "file_path") !== order.clip.file) {
        remark(report, "The source clip has moved; it was not switched off.");
        return;
    }
    clip.set("muted", 1);
}
