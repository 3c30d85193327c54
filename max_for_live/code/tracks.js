// Makes tracks beside the source: named, coloured, and as loud as its own.

var live = require("./live");
var problem = require("./problem").problem;
var source = require("./source");
var tables = require("./tables");

var TOO_MANY = "Live makes no more tracks: Intro and Lite have only a few. Delete some, then try again.";

// A new track of a kind, "audio" or "midi": the n-th below the source's, from 0 on; or the last where that is impossible.
exports.make = function (kind, clip, n) {
    var name = "create_" + kind + "_track", index = source.index(clip), set = live.at("live_set");
    var track = index >= 0 && index + 1 + n <= set.getcount("tracks") ? made(set, name, index + 1 + n) : null;
    track = track || made(set, name, -1);
    if (!track) { throw problem(TOO_MANY); }
    return track;
};

function made(set, name, index) {
    try {
        return live.made(set.call(name, index));
    } catch (error) {
        return null;
    }
}

// Takes away a new track that got no clip.
exports.remove = function (track) {
    var set = live.at("live_set"), found = /tracks (\d+)$/.exec(live.path(track));
    if (found && live.can(set, "delete_track")) { set.call("delete_track", Number(found[1])); }
};

// Called after the clip was made: Live names a track after the first clip that it gets.
exports.label = function (api, name, stem) {
    live.put(api, "name", name);
    api.set("color", tables.STEM_COLORS[stem] || 0x808080);
};

// Volume, pan and sends of the source's track, as they are now. Values that agree are left: each set is a step of Undo.
exports.copyMixer = function (clip, track) {
    var from = source.track(clip);
    if (!from) { return; }
    var theirs = live.path(from) + " mixer_device", ours = live.path(track) + " mixer_device";
    var names = ["volume", "panning"], sends = live.at(theirs).getcount("sends"), i;
    for (i = 0; i < sends; i += 1) { names.push("sends " + i); }
    names.forEach(function (name) {
        var theirFader = live.at(theirs + " " + name), fader = live.at(ours + " " + name);
        if (!live.exists(theirFader) || !live.exists(fader)) { return; } // what Live cannot tell reads as 0: silence
        var value = live.number(theirFader, "value");
        if (Math.abs(live.number(fader, "value") - value) > 1e-6) { fader.set("value", value); }
    });
};

// Those of the stems that would sound twice: parts of the drums beside the drums, opposites beside stems that they hold.
exports.doubled = function (stems) {
    var heard = [];
    return tables.PLAYED_BY.filter(function (row) {
        if (stems.indexOf(row[0]) < 0) { return false; }
        var isDouble = row[1].some(function (part) { return heard.indexOf(part) >= 0; });
        if (!isDouble) { heard = heard.concat(row[1]); }
        return isDouble;
    }).map(function (row) { return row[0]; });
};
