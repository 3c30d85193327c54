// The texts on the device's face; a line has room for about sixty letters.

var tables = require("./tables");

var PROCESSORS = { cpu: "CPU", cuda: "GPU", mps: "GPU" };
var LETTERS = 132, PATH_LETTERS = 110;

exports.stem = function (stem) { return tables.STEM_LABELS[stem] || stem; };

// As many complete sentences as fit into two lines of the face; the bridge's screen shows the rest.
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

// "Separating · 42 % · 12 s left"; isSlower adds why the time left has risen, horizon how far the notes can be played.
exports.progress = function (stage, fraction, eta, isSlower, horizon) {
    var parts = [tables.STAGE_WORDS[stage] || stage];
    if (stage !== "queued") { parts.push(Math.round(fraction * 100) + " %"); }
    if (eta >= 0) { parts.push(exports.duration(eta) + " left"); }
    if (eta >= 0 && isSlower) { parts.push("slower than expected"); }
    if (horizon > 0) { parts.push("notes to " + exports.duration(horizon)); }
    return parts.join(" · ");
};

exports.duration = function (seconds) {
    var whole = Math.max(1, Math.round(seconds));
    return whole < 90 ? whole + " s" : Math.floor(whole / 60) + ":" + ("0" + whole % 60).slice(-2);
};

// "8.0 s · warped · Session": the part of a clip that is used. how: see clip.chosen. Live shows a selected time to no
// device, so where the loop brace is chosen the line says how to bring it there.
exports.part = function (clip, region, how, useBrace) {
    var parts = how === "kept" ? ["kept"] : how === "track" ? ["this track's"] : [];
    parts.push((region.end - region.start).toFixed(1) + " s", clip.warped ? "warped" : "not warped");
    parts.push(useBrace ? "brace (selected time: Ctrl/Cmd+L)" : clip.time === null ? "Session" : "Arrangement");
    return parts.join(" · ");
};

// What `count` new clips have otherwise than the source; what: see fitting.js.
exports.differs = function (what, count, isWarped) {
    var clips = exports.count(count, "new clip");
    return {
        warp: "Live has left Warp " + (isWarped ? "off" : "on") + " in " + clips + ": compare with the source.",
        markers: "Live has not taken every warp marker in " + clips + ": check that the clips line up.",
        "no markers": "This Live sets no warp markers: switch Warp off in the new clips, or warp them by hand.",
        loop: "Live has set another loop in " + clips + ": compare with the source.",
        start: "Live has moved the start of " + clips + ": check that the clips line up.",
        end: clips + (count === 1 ? " is" : " are") + " not as long as the source: drag the right edge."
    }[what];
};

// What is said of audio tracks that would double others.
exports.doubled = function (count) {
    return exports.count(count, "track") + (count === 1 ? " is switched off: it plays" : " are switched off: they play") + " what other stems play too.";
};

// "GPU · 2 waiting": what the bridge computes with, and how many jobs wait for it.
exports.queue = function (device, waiting) {
    var parts = PROCESSORS[device] ? [PROCESSORS[device]] : []; // before the first job the bridge may say only "auto"
    if (waiting) { parts.push(waiting + " waiting"); }
    return parts.join(" · ");
};

// A tempo with one decimal, or none: "92", "61.3".
exports.tempo = function (bpm) { return String(Math.round(bpm * 10) / 10); };

// "Read again at 46 BPM: 4 MIDI clips, 214 notes."
exports.readAgain = function (report, tempo) {
    return report.midi ? exports.readAt(tempo) + ": " + exports.count(report.midi, "MIDI clip") + ", " + exports.count(report.notes, "note") + "." :
        "No clip was changed.";
};
exports.readAt = function (tempo) { return "Read again" + (tempo ? " at " + tempo : ""); };

// Where the files are; of a long path its end, which tells the clip.
exports.folder = function (path) {
    return "The files are in " + (path.length > PATH_LETTERS ? "…" + path.slice(-PATH_LETTERS) : path);
};

exports.imported = function (report) {
    var parts = [];
    if (report.audio) { parts.push(report.audio + " audio"); }
    if (report.midi) { parts.push(report.midi + " MIDI"); }
    if (!parts.length) { return report.remarks.length ? "Nothing was imported." : "Nothing to import."; }
    var tracks = report.audio + report.midi === 1 ? " track" : " tracks";
    return "Imported " + parts.join(" and ") + tracks + (report.midi ? ", " + exports.count(report.notes, "note") : "") + ".";
};
