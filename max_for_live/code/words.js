// What the device says on its face. Short: a line holds about sixty letters.

var LETTERS = 160;
var NAMES = { vocals: "Vocals", drums: "Drums", bass: "Bass", other: "Other", guitar: "Guitar", piano: "Piano" };
var STAGES = {
    queued: "Waiting", loading: "Loading the model", separating: "Separating", transcribing: "Finding notes", writing: "Writing"
};

exports.stem = function (stem) { return NAMES[stem] || stem; };

// As many whole sentences as two lines of the face hold; the bridge's own screen shows the rest.
exports.fitting = function (text) {
    var kept = "";
    if (text.length <= LETTERS) { return text; }
    text.split(/(?:\. )/).every(function (sentence) {
        var longer = kept + (kept ? " " : "") + sentence.replace(/\.$/, "") + ".";
        if (longer.length > LETTERS) { return false; }
        kept = longer;
        return true;
    });
    return kept || text.slice(0, LETTERS - 2).replace(/\s\S*$/, "") + " …";
};

exports.count = function (n, one, many) { return n + " " + (n === 1 ? one : many || one + "s"); };

// "Separating · 42 % · 12 s left"; slower: why the time left has risen.
exports.progress = function (stage, fraction, eta, isSlower) {
    var said = [STAGES[stage] || stage];
    if (stage !== "queued") { said.push(Math.round(fraction * 100) + " %"); }
    if (eta >= 0) { said.push(exports.duration(eta) + " left"); }
    if (eta >= 0 && isSlower) { said.push("slower than expected"); }
    return said.join(" · ");
};

exports.duration = function (seconds) {
    var whole = Math.max(1, Math.round(seconds));
    return whole < 90 ? whole + " s" : Math.floor(whole / 60) + ":" + ("0" + whole % 60).slice(-2);
};

// "8.0 s · warped · Session": what of a clip is taken.
exports.part = function (clip, region) {
    var said = [(region.end - region.start).toFixed(1) + " s", clip.warped ? "warped" : "not warped"];
    said.push(clip.time === null ? "Session" : "Arrangement");
    return said.join(" · ");
};

exports.imported = function (report) {
    var said = [];
    if (report.audio) { said.push(report.audio + " audio"); }
    if (report.midi) { said.push(report.midi + " MIDI"); }
    if (!said.length) { return "Nothing to import."; }
    var tracks = report.audio + report.midi === 1 ? " track" : " tracks";
    return "Imported " + said.join(" and ") + tracks + (report.midi ? ", " + exports.count(report.notes, "note") : "") + ".";
};
