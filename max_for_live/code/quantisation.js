// The set's record quantisation: off while the bridge plays, so that Live moves no note, and as it was afterwards.

var live = require("./live");

var OFF = 0;

// Returns a function that restores it, unless another was chosen meanwhile.
exports.off = function () {
    var set = live.at("live_set"), before = live.number(set, "midi_recording_quantization");
    if (!before || isNaN(before)) { return function () {}; }
    set.set("midi_recording_quantization", OFF);
    return function () {
        var now = live.at("live_set");
        if (live.number(now, "midi_recording_quantization") === OFF) { now.set("midi_recording_quantization", before); }
    };
};
