// A recorded clip, moved so that it starts where the bridge began to play: Live records from its own start on, the bridge
// plays a moment later.

var live = require("./live");
var noteclip = require("./noteclip");

var PIECE_BEATS = 8, CLOSE = 1e-4;

// How much has been recorded, in beats: from the clip itself, else from the song's time when recording was asked for.
exports.recorded = function (slot, askedAt) {
    var clip = live.at(live.path(slot) + " clip");
    if (live.exists(clip) && live.knows(clip, "playing_position")) { return Math.max(0, live.number(clip, "playing_position")); }
    return Math.max(0, live.number(live.at("live_set"), "current_song_time") - askedAt);
};

// lag: in beats; length: what the clip should last.
exports.align = function (slot, lag, length) {
    var clip = live.at(live.path(slot) + " clip"), start = 0;
    if (!live.exists(clip)) { return; }
    if (lag > CLOSE && !earlier(clip, lag, lag + length)) { start = lag; }
    clip.set("loop_end", start + length);
    clip.set("loop_start", start);
    clip.set("end_marker", start + length);
    clip.set("start_marker", start);
};

// Moves the notes themselves, so that they lie on the clip's grid; false where this Live moves none.
function earlier(clip, lag, until) {
    var pieces = [], from, piece;
    if (!live.can(clip, "get_notes_extended") || !live.can(clip, "apply_note_modifications")) { return false; }
    for (from = 0; from < until; from += PIECE_BEATS) {
        piece = noteclip.between(clip, from, from + PIECE_BEATS);
        if (!piece) { return false; }
        pieces.push(piece);
    }
    pieces.forEach(function (notes) {
        if (!notes.length) { return; }
        notes.forEach(function (note) { note.start_time = Math.max(0, note.start_time - lag); });
        clip.call("apply_note_modifications", { notes: notes });
    });
    return true;
}
