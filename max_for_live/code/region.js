// The part of the file to separate, and the position of its results.

var clips = require("./clip");
var warp = require("./warp");
var problem = require("./problem").problem;

var SHORTEST_SECONDS = 0.05, CLOSE = 1e-6;

// The part of a clip: all that it plays, or what is under the Arrangement's loop brace.
//
// start, end   seconds in the file
// marks        the warp markers of a file of just this part (it starts at beat 0); at the song's tempo if unwarped
// tempo        the part's average tempo in the file's time; the song's tempo where the file plays unchanged
// time         the clip's start on the song's timeline, in beats; null in the Session
// beat         the part's start on that timeline: before `time` where the clip starts inside its loop
// lasts        on the timeline, in beats, with every turn of its loop; null in the Session
// length       of its file, in beats
// markers      a new clip's startMarker, endMarker, loopStart, loopEnd, in its own unit, from the part's start
exports.of = function (clip, set, useBrace) {
    var span = useBrace ? underBrace(clip, set) : whole(clip, set);
    var marks = clip.marks || [{ seconds: 0, beats: 0 }, { seconds: perBeat(clip, set), beats: 1 }];
    var toSeconds = function (value) { return clip.warped ? warp.secondsAt(marks, value) : value; };
    var start = Math.max(0, toSeconds(span.from));
    var end = Math.min(clip.seconds, toSeconds(span.to));
    if (!(end - start >= SHORTEST_SECONDS)) { throw problem("There is no audio in this part of \"" + clip.name + "\"."); }
    var origin = clip.warped ? warp.beatsAt(marks, start) : start;
    var cut = warp.cut(marks, start, end);
    var markers = markersFrom(clip, span, origin);
    var lead = clip.warped ? markers.startMarker : warp.beatsAt(cut, markers.startMarker);
    return {
        start: start,
        end: end,
        marks: cut,
        length: cut[cut.length - 1].beats,
        lasts: span.lasts,
        tempo: 60 * cut[cut.length - 1].beats / (end - start),
        time: span.time,
        beat: span.time === null ? null : span.time - lead,
        markers: markers,
        looping: clip.looping && !span.isPart
    };
};

// The same part after the song's tempo has changed by a ratio: an unwarped clip keeps its seconds, a warped one its beats.
exports.atTempo = function (region, clip, ratio) {
    if (clip.warped || !(ratio > 0) || ratio === 1) { return region; }
    var found = {};
    Object.keys(region).forEach(function (name) { found[name] = region[name]; });
    found.marks = region.marks.map(function (mark) { return { seconds: mark.seconds, beats: mark.beats * ratio }; });
    found.length = region.length * ratio;
    found.tempo = region.tempo * ratio;
    found.lasts = region.lasts === null ? null : region.lasts * ratio;
    found.beat = region.beat === null ? null : region.time - (region.time - region.beat) * ratio;
    return found;
};

// The length of one beat of the song in the markers' unit. Without warping, transposition changes the file's speed.
function perBeat(clip, set) {
    return clip.warped ? 1 : 60 / set.tempo * Math.pow(2, clips.transposed(clip) / 12);
}

// Where a clip starts to play. (An unlooped clip plays between its loop ends; its end marker may be elsewhere.)
function first(clip) { return clip.looping ? clip.startMarker : clip.loopStart; }

function whole(clip, set) {
    var span = played(clip, set);
    span.lasts = clip.time === null ? null : clip.endTime - clip.time;
    return span;
}

function played(clip, set) {
    if (!clip.looping) { return { from: clip.loopStart, to: clip.loopEnd, time: clip.time, isPart: false }; }
    if (clip.startMarker >= clip.loopEnd) { // then it never reaches its loop
        var last = clip.time === null ? clip.endMarker : clip.startMarker + (clip.endTime - clip.time) * perBeat(clip, set);
        return { from: clip.startMarker, to: last, time: clip.time, isPart: true };
    }
    if (clip.time !== null) {
        var shownTo = clip.startMarker + (clip.endTime - clip.time) * perBeat(clip, set);
        if (shownTo <= clip.loopEnd + CLOSE) { return { from: clip.startMarker, to: shownTo, time: clip.time, isPart: true }; }
    }
    return { from: Math.min(clip.startMarker, clip.loopStart), to: clip.loopEnd, time: clip.time, isPart: false };
}

function underBrace(clip, set) {
    if (clip.time === null) { throw problem("Session clips have no loop brace. Choose Clip."); }
    if (!set.brace) { throw problem("Switch the loop on: select the time, then press Ctrl+L or Cmd+L."); }
    var begin = Math.max(clip.time, set.brace.start), end = Math.min(clip.endTime, set.brace.end);
    if (end <= begin) { throw problem("The loop brace does not touch \"" + clip.name + "\"."); }
    var unit = perBeat(clip, set);
    var from = first(clip) + (begin - clip.time) * unit, to = first(clip) + (end - clip.time) * unit;
    if (clip.looping && clip.startMarker < clip.loopEnd && to > clip.loopEnd + CLOSE) {
        throw problem("The clip's loop begins anew under the brace. Make it shorter.");
    }
    return { from: from, to: to, time: begin, lasts: end - begin, isPart: true };
}

function markersFrom(clip, span, origin) {
    var place = function (value) { return value - origin; };
    if (span.isPart || !clip.looping) {
        return { startMarker: place(span.from), endMarker: place(span.to), loopStart: place(span.from), loopEnd: place(span.to) };
    }
    return {
        startMarker: place(clip.startMarker), endMarker: place(Math.min(clip.endMarker, clip.loopEnd)),
        loopStart: place(clip.loopStart), loopEnd: place(clip.loopEnd)
    };
}
