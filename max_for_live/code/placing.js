// Makes the new clips at the source's position, and finds them again.

var live = require("./live");
var problem = require("./problem").problem;

var AGAIN = " Press Import once more.";

// Makes a clip in the source's scene; or in the Arrangement, directly or through a slot. way: {direct, first, last: the API
// function for the Arrangement and its arguments; inSlot(slot)}. Returns its place: {track: id, row, time, moved}; `moved`
// tells of a clip for the Arrangement that had to stay in its slot.
exports.make = function (clip, region, track, way) {
    var place = { track: track.id, row: clip.slot, time: region.time, moved: false };
    if (region.time === null) {
        inSlot(track, place.row, way);
    } else if (live.can(track, way.direct)) {
        track.call(way.direct, way.first, way.last);
    } else {
        throughSlot(track, place, way);
    }
    exports.find(place); // a failed call is reported only on Max's console
    return place;
};

function inSlot(track, row, way) {
    var slot = live.at(live.path(track) + " clip_slots " + row);
    if (!live.exists(slot)) { throw problem("The scene of the clip is gone." + AGAIN); }
    way.inSlot(slot);
}

function throughSlot(track, place, way) {
    inSlot(track, 0, way);
    var made = exports.find({ track: place.track, row: 0, time: null });
    if (!live.can(track, "duplicate_clip_to_arrangement")) {
        place.row = 0;
        place.time = null;
        place.moved = true;
        return;
    }
    track.call("duplicate_clip_to_arrangement", "id " + made.id, place.time);
    live.at(live.path(track) + " clip_slots 0").call("delete_clip");
}

// The API object of the clip at a place. Those of Arrangement clips become invalid, so it is looked up each time.
exports.find = function (place) {
    var track = live.at("id " + place.track), path = live.path(track), clip, count, i;
    if (!live.exists(track)) { throw problem("A new track is gone." + AGAIN); }
    if (place.time === null) {
        clip = live.at(path + " clip_slots " + place.row + " clip");
        if (live.exists(clip)) { return clip; }
        throw problem("Live has not made the clip." + AGAIN);
    }
    count = track.getcount("arrangement_clips");
    for (i = 0; i < count; i += 1) {
        clip = live.at(path + " arrangement_clips " + i);
        if (Math.abs(live.number(clip, "start_time") - place.time) < 1e-3) { return clip; }
    }
    throw problem("A new clip is not where it was made in the Arrangement." + AGAIN);
};
