// The controls that set other controls: presets of stems, and the words for engines.
//
// The stems' switches, the menu of opposites and the menu of engines hold the values that Live stores; these controls only
// move them, so that a set that was saved before they existed opens unchanged.

var tables = require("./tables");

var OTHER = tables.QUALITIES.length; // the entry of the tab for every other engine

// The stems that can be chosen with an engine: those that it gives; for `auto` the usual four, because the bridge does not
// tell which engine that will be, only which one has worked last.
exports.stemsOf = function (engine) { return tables.ENGINE_STEMS[engine] || tables.FOUR_STEMS; };

// What a preset sets: {stems: {vocals: 1, …}, opposite: index of the menu}; null if there is no such preset.
exports.preset = function (name, engine) {
    var preset = tables.PRESETS[name], stems = {};
    if (!preset) { return null; }
    tables.STEMS.forEach(function (stem) {
        var all = preset.all && exports.stemsOf(engine).indexOf(stem) >= 0;
        stems[stem] = all || preset.stems.indexOf(stem) >= 0 ? 1 : 0;
    });
    return { stems: stems, opposite: Math.max(0, tables.OPPOSITES.indexOf(preset.opposite)) };
};

// The index of the tab for an engine, and of the menu of engines for an entry of the tab; -1: the entry names none.
exports.qualityOf = function (engine) {
    var index = tables.QUALITIES.indexOf(engine);
    return index < 0 ? OTHER : index;
};
exports.engineOf = function (quality) { return quality < OTHER ? tables.ENGINES.indexOf(tables.QUALITIES[quality]) : -1; };
