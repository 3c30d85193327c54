// The tempo of an unwarped clip: Live's, or the clip's own, which the bridge estimates; and the tempi at which the notes of
// a finished job can be read again.

var words = require("./words");
var regions = require("./region");

var SURE = 0.5; // the bridge uses an estimate below it only where its octave alone is unsure
var SAME = 0.01; // tempi that differ less, relatively, are the same
// The readings that a button offers: at Live's tempo, at the clip's own, and at the runners-up.
exports.READINGS = ["live", "own", "half", "double", "other"];

// What a job is told about the time of its notes: {tempo: of the file, or null for the bridge's estimate; beat: where the
// part starts on the timeline of that tempo, or null; metre: "" for the bridge's choice}. A warped clip has its own beats.
exports.timeOf = function (clip, region, isOwn) {
    return isOwn && !clip.warped ? { tempo: null, beat: null, metre: "" } : { tempo: region.tempo, beat: region.beat, metre: "" };
};

// The tempo of a job, as the bridge tells it: {found: {tempo, source, confidence, firstBeat} or null, others: [{tempo, metre}]}.
exports.none = function () { return { found: null, others: [] }; };

exports.heard = function (told, message) {
    told.found = { tempo: plain(message.tempo), source: message.source, confidence: message.confidence, firstBeat: message.first_beat };
    told.others = []; // they follow
};

exports.heardOther = function (told, message) {
    if (!near(told.others, plain(message.tempo))) { told.others.push({ tempo: plain(message.tempo), metre: message.time_signature }); }
};

// A number that came in single precision.
function plain(number) { return Math.round(number * 1e4) / 1e4; }

function isNear(tempo, other) { return Math.abs(tempo / other - 1) < SAME; }

function near(list, tempo) { return list.filter(function (one) { return isNear(one.tempo, tempo); })[0] || null; }

// An order after a job: told is what that job was told, estimate what the last one that estimated was.
exports.keep = function (order, time, told) {
    order.time = time;
    order.told = told;
    if (time.tempo === null && told.found) { order.estimate = told; }
};

// What a button stands for at the moment: a time as of timeOf, or null. `songTempo`: Live's tempo now.
exports.choices = function (order, songTempo) {
    if (!order || order.clip.warped || !order.told) { return {}; }
    var told = order.told, now = told.found, estimate = order.estimate;
    var region = regions.atTempo(order.region, order.clip, songTempo / order.tempo);
    var first = estimate ? estimate.found.firstBeat : 0;
    function at(one) { return one && { tempo: one.tempo, beat: -first * one.tempo / 60, metre: one.metre }; }
    var half = now && near(told.others, now.tempo / 2), double = now && near(told.others, now.tempo * 2);
    return {
        live: exports.timeOf(order.clip, region, false),
        own: exports.timeOf(order.clip, region, true),
        half: order.time.metre || order.time.tempo === null ? at(half) : null,
        double: order.time.metre || order.time.tempo === null ? at(double) : null,
        other: at(other(order))
    };
};

// The best of what was weighed that no other button gives.
function other(order) {
    var now = order.told.found, taken = now && order.estimate ? [now.tempo, now.tempo / 2, now.tempo * 2] : [];
    return (order.estimate ? order.estimate.others : []).filter(function (one) {
        return taken.length && !taken.some(function (tempo) { return isNear(one.tempo, tempo); });
    })[0] || null;
}

// The line on the face; tempi as they are heard, for a transposed clip that is not warped plays at another speed.
exports.line = function (order) {
    var found = order && !order.clip.warped && order.told && order.told.found;
    if (!found) { return ""; }
    if (order.time.tempo !== null) { return exports.name(order); }
    if (found.source === "default") { return "No clear beat: " + exports.name(order); }
    return exports.name(order) + " · " + (found.confidence < SURE ? "half or double?" : Math.round(found.confidence * 100) + " %");
};

// The tempo that the notes were read at, in a sentence; "" where the bridge did not tell.
exports.name = function (order) {
    if (!order.told.found) { return ""; }
    var text = words.tempo(exports.asHeard(order, order.told.found.tempo)) + " BPM";
    return order.time.tempo !== null && !order.time.metre ? "Live's " + text : text;
};

exports.asHeard = function (order, tempo) { return tempo * order.tempo / order.region.tempo; };
