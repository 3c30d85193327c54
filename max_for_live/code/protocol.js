// The bridge's protocol, by name. The tables themselves are made from the bridge's own: see tables.js.

var tables = require("./tables");

var PREFIX = "/sab/";

exports.VERSION = tables.VERSION;
exports.PORT = tables.PORT;
exports.REQUESTS = tables.REQUESTS;
exports.KEYS = tables.KEYS;
exports.STEMS = tables.STEMS;
exports.ENGINES = tables.ENGINES;
exports.PORT_NAMES = tables.PORT_NAMES;

// A message as an object: {topic: "progress", job: …, stage: …}; null where it is none of the bridge's.
exports.read = function (address, atoms) {
    var names = tables.MESSAGES[address], said, i;
    if (!names) { return null; }
    said = { topic: address.slice(PREFIX.length) };
    for (i = 0; i < names.length; i += 1) {
        said[names[i].slice(2)] = names[i].charAt(0) === "s" ? String(atoms[i] === undefined ? "" : atoms[i]) : Number(atoms[i]);
    }
    return said;
};
