// Warp markers: they map a clip's beats to the seconds of its file, linearly between the markers.
//
// Live's list ends with a hidden marker that sets the tempo after the last one. Before the first and after the last
// marker, the nearest segment is extended.

var AUDIBLE_SECONDS = 0.01;

// [{seconds, beats}], ascending, from Live's list.
exports.marks = function (markers) {
    var marks = [], i;
    for (i = 0; markers && i < markers.length; i += 1) {
        marks.push({ seconds: Number(markers[i].sample_time), beats: Number(markers[i].beat_time) });
    }
    marks.sort(function (a, b) { return a.beats - b.beats; });
    return marks.filter(function (mark, n) { return n === 0 || mark.beats > marks[n - 1].beats; });
};

// Whether the file plays unchanged: at a constant speed, which is its own at the song's tempo.
exports.isPlain = function (marks, tempo) {
    return marks.every(function (mark) { return Math.abs(mark.beats * 60 / tempo - mark.seconds) < AUDIBLE_SECONDS; });
};

exports.secondsAt = function (marks, beats) { return between(marks, "beats", "seconds", beats); };
exports.beatsAt = function (marks, seconds) { return between(marks, "seconds", "beats", seconds); };

function between(marks, from, to, value) {
    var i = 1;
    while (i < marks.length - 1 && value > marks[i][from]) { i += 1; }
    var a = marks[i - 1], b = marks[i];
    return a[to] + (value - a[from]) * (b[to] - a[to]) / (b[from] - a[from]);
}

// The marks of the same file where it turns out to be only `seconds` long: none behind its end, and one at it.
exports.within = function (marks, seconds) {
    var inner = marks.filter(function (mark) { return mark.seconds < seconds - 1e-6; }), last = marks[marks.length - 1];
    if (last.seconds <= seconds) { return marks; }
    return inner.concat([{ seconds: seconds, beats: exports.beatsAt(marks, seconds) }]);
};

// The marks of a file that contains only the seconds from `start` to `end`, and starts at beat 0.
exports.cut = function (marks, start, end) {
    var origin = exports.beatsAt(marks, start);
    var own = marks.slice(0, -1); // without Live's hidden one: it only continues its line
    var inner = own.filter(function (mark) { return mark.seconds > start + 1e-6 && mark.seconds < end - 1e-6; });
    var kept = [{ seconds: start, beats: origin }].concat(inner, [{ seconds: end, beats: exports.beatsAt(marks, end) }]);
    return kept.map(function (mark) { return { seconds: mark.seconds - start, beats: mark.beats - origin }; });
};
