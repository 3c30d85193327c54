// The bridge's protocol, by name. The tables themselves are made from the bridge's own: see tables.js.

var tables = require("./tables");

var PREFIX = "/sab/";

exports.VERSION = tables.VERSION;
exports.REQUESTS = tables.REQUESTS;
exports.STEMS = tables.STEMS;
exports.ENGINES = tables.ENGINES;
exports.TEMPO_RANGE = tables.TEMPO_RANGE;
exports.PORT_NAMES = tables.PORT_NAMES;

// A message as an object: {topic: "progress", job: …, stage: …}; null where it is none of the bridge's. What is missing
// is an empty text, or 0; so is what should be a number and is none.
exports.read = function (address, atoms) {
    var names = tables.MESSAGES[address], said, i, number;
    if (!names) { return null; }
    said = { topic: address.slice(PREFIX.length) };
    for (i = 0; i < names.length; i += 1) {
        number = Number(atoms[i]);
        said[names[i].slice(2)] = names[i].charAt(0) === "s" ? String(atoms[i] === undefined ? "" : atoms[i]) : isFinite(number) ? number : 0;
    }
    return said;
};
