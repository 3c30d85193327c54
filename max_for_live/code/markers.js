// The warp markers of one clip: what Live has, and what it should have.

var live = require("./live");
var warp = require("./warp");

var SAME_SECONDS = 1e-5; // half a sample: Live drops a marker on the sample of another without a word
var AUDIBLE_SECONDS = 0.0005;

// Whether this Live lets a device write them.
exports.canWrite = function (clip) { return live.can(clip, "add_warp_marker") && live.can(clip, "move_warp_marker"); };

// What Live has now, to see whether it changes; "" while there are none.
exports.signature = function (clip) {
    var list = read(clip);
    return list.length ? JSON.stringify(list) : "";
};

function read(clip) { return live.dictionary(clip, "warp_markers") || []; }

// The markers for this clip: within its own file, whose length Live may round otherwise than the bridge; `less` seconds
// before its end.
exports.wanted = function (clip, marks, less) {
    var own = live.number(clip, "sample_length") / live.number(clip, "sample_rate");
    return own > 0 ? warp.within(marks, own - less) : marks;
};

// Removes the markers that Live has guessed, except the first, which is moved to its right beat; then adds the others.
// As a Dict or as an object: versions of Live may take only one of them.
exports.write = function (clip, marks, asDict) {
    var old = read(clip), first = old[0];
    old.slice(1, -1).reverse().forEach(function (marker) { clip.call("remove_warp_marker", marker.beat_time); });
    if (first) {
        var right = warp.beatsAt(marks, first.sample_time);
        if (Math.abs(first.beat_time - right) > 1e-9) { clip.call("move_warp_marker", first.beat_time, right - first.beat_time); }
    }
    marks.forEach(function (mark) {
        if (first && Math.abs(mark.seconds - first.sample_time) < SAME_SECONDS) { return; }
        add(clip, mark, asDict);
    });
};

function add(clip, mark, asDict) {
    if (!asDict) {
        clip.call("add_warp_marker", { beat_time: mark.beats, sample_time: mark.seconds });
        return;
    }
    var dict = new Dict();
    dict.set("beat_time", mark.beats);
    dict.set("sample_time", mark.seconds);
    clip.call("add_warp_marker", dict);
    dict.freepeer();
}

// Whether the clip plays every marker's second on its beat.
exports.agree = function (clip, marks) {
    var now = warp.marks(read(clip));
    return now.length > 1 && marks.every(function (mark) {
        return Math.abs(warp.secondsAt(now, mark.beats) - mark.seconds) < AUDIBLE_SECONDS;
    });
};
