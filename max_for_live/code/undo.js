// Steps of Live's Undo: what happens between `begin` and `end` is taken back by one press. (Live makes steps of its own of
// the names of tracks and the values of faders.)

var live = require("./live");

// A step that another has left open would swallow ours, so the open one is ended first.
exports.begin = function () {
    var set = live.at("live_set");
    if (!live.can(set, "begin_undo_step")) { return; }
    exports.end();
    set.call("begin_undo_step");
};

exports.end = function () {
    var set = live.at("live_set");
    if (live.can(set, "end_undo_step")) { set.call("end_undo_step"); }
};
