// Converts the notes of a stem for Live: times in beats from the start of the clip.

var files = require("./files");
var smf = require("./smf");
var warp = require("./warp");

var SHORTEST_BEATS = 1 / 64, CLOSEST_BEATS = 1e-3;

// Reads the bridge's list of notes, else its MIDI file. `results` is {notes: path, midi: path}.
exports.read = function (results) {
    if (results.notes) {
        var list = JSON.parse(files.text(results.notes));
        return list.notes || list;
    }
    return smf.notes(files.bytes(results.midi));
};

// Live keeps no notes of one pitch that overlap: it cuts the earlier one, and replaces one with the same start. Done here,
// so that what is counted is what is there. Returns the notes in order of their start.
function apart(list) {
    var next = {}; // by pitch: the one that starts after
    list.sort(function (a, b) { return a.start_time - b.start_time || a.duration - b.duration; });
    return list.reverse().filter(function (note) {
        var later = next[note.pitch], distance = later ? later.start_time - note.start_time : Infinity;
        if (distance < CLOSEST_BEATS) { return false; }
        note.duration = Math.min(note.duration, distance);
        next[note.pitch] = note;
        return true;
    }).reverse();
}

// Notes in seconds from the part's start → dictionaries for `add_new_notes`, in the clip's beats and transposed like it.
exports.forLive = function (notes, region, semitones) {
    return apart(notes.map(function (note) {
        var start = Math.max(0, warp.beatsAt(region.marks, note.onset_seconds));
        var end = warp.beatsAt(region.marks, note.offset_seconds);
        return {
            pitch: note.pitch + semitones,
            start_time: start,
            duration: Math.max(SHORTEST_BEATS, end - start),
            velocity: Math.max(1, Math.min(127, Math.round(note.velocity))),
            mute: 0
        };
    }).filter(function (note) { return note.start_time < region.length && note.pitch >= 0 && note.pitch <= 127; }));
};
