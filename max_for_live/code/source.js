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

// The clip itself, or null where it is no more. The number of an Arrangement clip changes with those before it.
exports.clip = function (clip) {
    var track = exports.track(clip);
    if (!track) { return null; }
    function isIt(api) {
        return live.exists(api) && live.text(api, "file_path") === clip.file &&
            (clip.time === null || live.number(api, "start_time") === clip.time);
    }
    var api = live.at(live.path(track) + clip.path.replace(/^live_set tracks \d+/, "")), i;
    if (isIt(api)) { return api; }
    for (i = 0; clip.time !== null && i < track.getcount("arrangement_clips"); i += 1) {
        api = live.at(live.path(track) + " arrangement_clips " + i);
        if (isIt(api)) { return api; }
    }
    return null;
};
