// Fits new clips to the source: waits until Live has applied Warp and has analysed the files, writes markers, loop and
// length, watches whether they stay, and tells what differs in the end. All clips go through each stage together.

var live = require("./live");
var markers = require("./markers");
var placing = require("./placing");
var shape = require("./shape");
var undo = require("./undo");
var warp = require("./warp");

var WARP_MS = 2000, QUIET_MS = 1000, ANALYSIS_MS = 10000, ASK_MS = 100;
var SHOWN_MS = 200; // then Live shows what was written
var WATCH_MS = [1000, 2000], WATCH_LONG_MS = 4000, LONG_SECONDS = 60; // Live's analysis may end after it seemed to
var CLOSE_SECONDS = 0.0005;

// clips: [{place, isAudio}]; region at the song's present tempo; differs(what) for each clip and thing: "warp", "markers",
// "no markers", "loop", "start" or "end".
exports.fit = function (clips, order, region, pace, differs, done) {
    var audio = clips.filter(function (clip) { return clip.isAudio; });
    var written = []; // the audio clips whose markers are ours
    var hasRewritten = false; // at the last look
    var watch = region.end - region.start > LONG_SECONDS ? WATCH_MS.concat(WATCH_LONG_MS) : WATCH_MS;
    var looks = watch.map(function (milliseconds) {
        return function (next) { pace.after(milliseconds, function () { rewrite(false, next); }); };
    });
    var phases = [warping, analysis, write, secondForm].concat(looks, [lastLook, warpAgain, shapeAgain, shown, tell]);
    pace.inOrder(phases.map(withThoseLeft), done);

    // A track that the musician deletes meanwhile is told of once, and left out from then on.
    function keepThoseLeft() {
        clips = clips.filter(function (clip) { return pace.attempt(function () { api(clip); }); });
        audio = audio.filter(function (clip) { return clips.indexOf(clip) >= 0; });
        written = written.filter(function (clip) { return clips.indexOf(clip) >= 0; });
    }

    function withThoseLeft(phase) {
        return function (next) {
            keepThoseLeft();
            phase(next);
        };
    }

    function api(clip) { return placing.find(clip.place); }

    function isWarped(clip) { return live.number(api(clip), "warping") === 1; }

    // A set that Live applies late; the clips that keep their own are fitted as they are.
    function warping(next) {
        pace.until(WARP_MS, ASK_MS, function () {
            keepThoseLeft();
            return audio.every(function (clip) { return isWarped(clip) === order.clip.warped; });
        }, function () {
            clips.forEach(function (clip) { clip.isWarped = !clip.isAudio || isWarped(clip); });
            next();
        });
    }

    function analysis(next) {
        var last = [], since = 0;
        written = audio.filter(function (clip) { return clip.isWarped && markers.canWrite(api(clip)); });
        if (!written.length) { next(); return; }
        pace.until(ANALYSIS_MS, ASK_MS, function (waited) {
            keepThoseLeft();
            var now = written.map(function (clip) { return markers.signature(api(clip)); });
            if (now.join() !== last.join() || now.indexOf("") >= 0) { since = waited; }
            last = now;
            return waited - since >= QUIET_MS;
        }, function () { next(); });
    }

    function write(next) {
        undo.begin();
        pace.each(clips, function (clip) {
            var made = api(clip);
            if (clip.isAudio) { sound(made, clip); }
            if (written.indexOf(clip) >= 0) {
                clip.marks = markers.wanted(made, region.marks, 0);
                markers.write(made, clip.marks, false);
            }
            shape.give(made, wanted(clip));
        }, function () { undo.end(); next(); });
    }

    function sound(made, clip) {
        if (clip.isWarped && order.clip.warped) { made.set("warp_mode", order.clip.warpMode); }
        Object.keys(order.clip.sound).forEach(function (name) { made.set(name, order.clip.sound[name]); });
    }

    // Markers that are not there at once were refused: in this form, or because of the file's last sample.
    function secondForm(next) { pace.after(SHOWN_MS, function () { rewrite(true, next); }); }

    function rewrite(isSecondForm, next) {
        keepThoseLeft();
        var gone = written.filter(function (clip) { return !markers.agree(api(clip), clip.marks); });
        hasRewritten = gone.length > 0;
        if (!hasRewritten) { next(); return; }
        undo.begin();
        pace.each(gone, function (clip) {
            var made = api(clip);
            if (isSecondForm) {
                clip.asDict = typeof Dict === "function";
                clip.marks = markers.wanted(made, region.marks, 1 / live.number(made, "sample_rate"));
            }
            markers.write(made, clip.marks, clip.asDict);
        }, function () { undo.end(); next(); });
    }

    // What was written at the last look has still to prove itself.
    function lastLook(next) { if (hasRewritten) { pace.after(QUIET_MS, next); } else { next(); } }

    function shown(next) { pace.after(SHOWN_MS, next); }

    // Live may warp a file by itself once it has analysed it, as the musician's preferences say.
    function warpAgain(next) {
        var turned = audio.filter(function (clip) { return isWarped(clip) !== clip.isWarped; });
        if (!turned.length) { next(); return; }
        undo.begin();
        pace.each(turned, function (clip) { live.put(api(clip), "warping", order.clip.warped ? 1 : 0); }, function () {
            undo.end();
            warping(function () { rewrite(false, next); });
        });
    }

    // The loop and the length once more, where they are not what was wanted.
    function shapeAgain(next) {
        var wrong = clips.filter(difference);
        if (!wrong.length) { next(); return; }
        undo.begin();
        pace.each(wrong, function (clip) { shape.give(api(clip), wanted(clip)); }, function () { undo.end(); next(); });
    }

    function tell(next) {
        audio.forEach(function (clip) {
            clip.isWarped = isWarped(clip);
            if (clip.isWarped !== order.clip.warped) { differs("warp"); }
            if (clip.isWarped && written.indexOf(clip) < 0) { differs("no markers"); }
        });
        written.forEach(function (clip) { if (!markers.agree(api(clip), clip.marks)) { differs("markers"); } });
        clips.forEach(function (clip) {
            var what = difference(clip);
            if (what) { differs(what); }
        });
        next();
    }

    function difference(clip) {
        var beatsPerSecond = region.length / (region.end - region.start);
        var lasts = clip.place.time === null ? null : region.lasts, closeBeats = CLOSE_SECONDS * beatsPerSecond;
        return shape.difference(api(clip), wanted(clip), clip.isWarped ? closeBeats : CLOSE_SECONDS, lasts, closeBeats);
    }

    // The source's loop and length in the clip's own unit.
    function wanted(clip) {
        var convert = function (value) { return value; };
        if (clip.isWarped && !order.clip.warped) { convert = function (value) { return warp.beatsAt(region.marks, value); }; }
        if (!clip.isWarped && order.clip.warped) { convert = function (value) { return warp.secondsAt(region.marks, value); }; }
        var found = {}, start = region.markers.startMarker;
        Object.keys(region.markers).forEach(function (name) { found[name] = convert(region.markers[name]); });
        var lasts = null;
        if (clip.place.time !== null) {
            lasts = clip.isWarped ? region.lasts : region.markers.loopEnd - start;
            if (!clip.isWarped && order.clip.warped) { lasts = convert(region.markers.loopEnd) - convert(start); }
        }
        return { markers: found, looping: region.looping && clip.isWarped, lasts: lasts, isWarped: clip.isWarped };
    }
};
