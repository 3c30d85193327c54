// An instrument of Live's own for a track of notes, so that it sounds at once. Devices can insert one since Live 12.3.

var live = require("./live");
var tables = require("./tables");

var INSTRUMENTS = { piano: ["Electric", "Drift"] }, OTHERS = ["Drift", "Wavetable"];
var NONE = "Put an instrument on the MIDI tracks: they are silent.";
var NO_KIT = "Put a drum kit on the MIDI track of the drums: it is silent."; // Live's own Drum Rack is empty

// Returns a remark, or "".
exports.insert = function (track, stem) {
    if (tables.UNPITCHED.indexOf(stem) >= 0) { return NO_KIT; }
    if (!live.can(track, "insert_device")) { return NONE; }
    var found = (INSTRUMENTS[stem] || OTHERS).some(function (name) { return live.made(track.call("insert_device", name)); });
    return found ? "" : NONE;
};
