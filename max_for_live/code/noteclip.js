// Writes notes into a clip of Live, and counts those that it has taken.

var live = require("./live");

var AT_ONCE = 500, READ_AT_ONCE = 100, LATE_BEATS = 1e6;

// Whether this Live tells the notes of a clip and takes them away.
exports.canReplace = function (clip) {
    return ["get_notes_extended", "remove_notes_extended", "add_new_notes"].every(function (name) { return live.can(clip, name); });
};

exports.clear = function (clip) { clip.call("remove_notes_extended", 0, 128, 0, LATE_BEATS); };

// All that Live tells of a clip's notes except their ids, to see whether they were changed; null as for `read`.
exports.signature = function (clip, list) {
    var notes = exports.read(clip, list);
    return notes && notes.map(function (note) {
        return Object.keys(note).sort().filter(function (name) { return name !== "note_id"; })
            .map(function (name) { return name + ":" + note[name]; }).join();
    }).sort().join(";");
};

exports.write = function (clip, list) {
    var i;
    if (live.can(clip, "add_new_notes")) {
        for (i = 0; i < list.length; i += AT_ONCE) { clip.call("add_new_notes", { notes: list.slice(i, i + AT_ONCE) }); }
        return;
    }
    clip.call("set_notes"); // Live 10
    clip.call("notes", list.length);
    list.forEach(function (note) {
        clip.call("note", note.pitch, note.start_time.toFixed(6), note.duration.toFixed(6), note.velocity, 0);
    });
    clip.call("done");
};

// The notes that Live has, in order of their start, read in pieces: a long text may not pass through Max; null where this
// Live does not tell. `list`: what was written.
exports.read = function (clip, list) {
    var found = [], i, from, to, part, pieces = Math.max(1, list.length);
    if (!live.can(clip, "get_notes_extended")) { return null; }
    for (i = 0; i < pieces; i += READ_AT_ONCE) {
        from = i === 0 ? 0 : list[i].start_time;
        to = i + READ_AT_ONCE < list.length ? list[i + READ_AT_ONCE].start_time : LATE_BEATS;
        part = to > from ? exports.between(clip, from, to) : [];
        if (!part) { return null; }
        found = found.concat(part);
    }
    return found;
};

// The notes that start from beat `from` on and before `to`; null if they cannot be read.
exports.between = function (clip, from, to) {
    var answer = clip.call("get_notes_extended", 0, 128, from, to - from);
    try {
        return JSON.parse(Array.isArray(answer) ? answer.join(" ") : String(answer)).notes || null;
    } catch (error) {
        return null;
    }
};
