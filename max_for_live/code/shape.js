// The loop and the length of one new clip.
//
// In the Arrangement only the end of an unlooped clip moves the right edge; a loop that is switched on after that repeats
// within the new length. Without warping there is no loop: touching `looping` would switch Warp on.

var live = require("./live");

// wanted: {markers: {startMarker, endMarker, loopStart, loopEnd} in the clip's unit, looping, lasts: on the timeline in the
// clip's unit, null in the Session, isWarped}.
exports.give = function (clip, wanted) {
    var markers = wanted.markers, last = wanted.lasts === null ? markers.loopEnd : markers.startMarker + wanted.lasts;
    if (!wanted.isWarped) {
        unlooped(clip, markers, last);
        return;
    }
    clip.set("looping", 1);
    looped(clip, markers);
    if (!wanted.looping || wanted.lasts !== null) {
        clip.set("looping", 0);
        unlooped(clip, markers, last);
    }
    if (wanted.looping) {
        clip.set("looping", 1);
        looped(clip, markers);
    }
};

// In this order no end is ever before its start.
function looped(clip, markers) {
    clip.set("loop_end", markers.loopEnd);
    clip.set("loop_start", markers.loopStart);
    clip.set("end_marker", markers.endMarker);
    clip.set("start_marker", markers.startMarker);
}

function unlooped(clip, markers, last) {
    clip.set("loop_start", markers.startMarker);
    clip.set("loop_end", last);
    clip.set("end_marker", markers.endMarker);
}

// What differs from what was wanted, or "": "loop", "start", "end". `close` is a difference that nobody hears, in the
// clip's unit; `lengthInBeats` what the Arrangement should show, null in the Session.
exports.difference = function (clip, wanted, close, lengthInBeats, closeBeats) {
    function differs(name, value) { return Math.abs(live.number(clip, name) - value) > close; }
    var markers = wanted.markers;
    if ((live.number(clip, "looping") === 1) !== wanted.looping) { return "loop"; }
    if (wanted.looping && (differs("loop_start", markers.loopStart) || differs("loop_end", markers.loopEnd))) { return "loop"; }
    if (differs(wanted.looping ? "start_marker" : "loop_start", markers.startMarker)) { return "start"; }
    if (lengthInBeats !== null) {
        return Math.abs(live.number(clip, "end_time") - live.number(clip, "start_time") - lengthInBeats) > closeBeats ? "end" : "";
    }
    return !wanted.looping && differs("loop_end", markers.loopEnd) ? "end" : "";
};
