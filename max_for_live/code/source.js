// Where the source clip is now: tracks may have come and gone since it was read.

var live = require("./live");

// Its track, or null.
exports.track = function (clip) {
    var track = live.at("id " + clip.track);
    return live.exists(track) ? track : null;
};

// The track's number in the set, or -1.
exports.index = function (clip) {
    var track = exports.track(clip), found = track && /tracks (\d+)$/.exec(live.path(track));
    return found ? Number(found[1]) : -1;
};

// The clip itself, or null where another lies in its place.
exports.clip = function (clip) {
    var track = exports.track(clip);
    if (!track) { return null; }
    var api = live.at(live.path(track) + clip.path.replace(/^live_set tracks \d+/, ""));
    return live.exists(api) && live.text(api, "file_path") === clip.file ? api : null;
};
