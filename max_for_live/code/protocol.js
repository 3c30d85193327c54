// Reads the bridge's messages by the tables in tables.js, which are generated from the bridge's own.

var tables = require("./tables");

var PREFIX = "/sab/";

exports.VERSION = tables.VERSION;
exports.REQUESTS = tables.REQUESTS;
exports.STEMS = tables.STEMS;
exports.AUDIO_STEMS = tables.AUDIO_STEMS; // single stems with the parts of the drums, then opposites
exports.OPPOSITES = tables.OPPOSITES; // by the index of the menu; the first is none
exports.ENGINES = tables.ENGINES;
exports.READINGS = tables.READINGS; // by the index of the menu; the first is as played
exports.TEMPO_RANGE = tables.TEMPO_RANGE;
exports.PORT_NAMES = tables.PORT_NAMES;

// A message as an object: {topic: "progress", job: …, stage: …}; null if its address is unknown. A missing text is
// empty; a missing or invalid number is 0.
exports.read = function (address, atoms) {
    var names = tables.MESSAGES[address], message, i, number;
    if (!names) { return null; }
    message = { topic: address.slice(PREFIX.length) };
    for (i = 0; i < names.length; i += 1) {
        number = Number(atoms[i]);
        message[names[i].slice(2)] = names[i].charAt(0) === "s" ? String(atoms[i] === undefined ? "" : atoms[i]) : isFinite(number) ? number : 0;
    }
    return message;
};
