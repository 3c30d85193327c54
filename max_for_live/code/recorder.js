// Streaming: for each stem, a MIDI track records from the bridge's port while the bridge plays.

var live = require("./live");
var problems = require("./problem");
var protocol = require("./protocol");
var quantisation = require("./quantisation");
var regions = require("./region");
var tables = require("./tables");
var take = require("./take");
var making = require("./tracks");
var words = require("./words");

var SETTLE_MS = 400, POLL_MS = 10, START_MS = 4000, TAIL_MS = 1500, NO_QUANTISATION = 0;
var SPELLINGS = 3;
var SPARE_SECONDS = 1; // recorded beyond the end, for the bridge begins after Live

// order: {clip, region, tempo (that of the region), stems, play(), stop()}; listener: {recording(), done(), failed(words)}.
// Returns an object that starts and stops the recording.
exports.recording = function (order, clock, listener) {
    var tracks = [], stopped = false, isPlaying = false, waited = 0, askedAt = 0;
    var restore = function () {}; // the record quantisation

    function start() {
        try {
            order.stems.forEach(function (stem, n) { tracks.push(prepared(order, stem, n)); });
        } catch (error) {
            fail(problems.words(error));
            return;
        }
        clock.after(SETTLE_MS, arm); // Live applies a routing a moment after it was set
    }

    function arm() {
        if (stopped) { return; }
        var unrouted = tracks.filter(function (track) { return !routed(track); });
        if (unrouted.length && unrouted[0].spelling < SPELLINGS) {
            unrouted.forEach(setRoute);
            clock.after(SETTLE_MS, arm);
            return;
        }
        if (unrouted.length) {
            fail("Live does not let \"" + unrouted[0].port + "\" in. Switch its Track input on in Settings > Link, Tempo & MIDI.");
            return;
        }
        tracks.forEach(function (track) { track.api.set("arm", 1); });
        clock.after(SETTLE_MS, fire);
    }

    function fire() {
        if (stopped) { return; }
        var unarmed = tracks.filter(function (track) { return live.number(track.api, "arm") !== 1; });
        if (unarmed.length) {
            fail("Live has not armed the track of \"" + unarmed[0].port + "\". Is the track frozen? Press Stream again.");
            return;
        }
        restore = quantisation.off();
        askedAt = live.number(live.at("live_set"), "current_song_time");
        tracks.forEach(function (track) { track.slot.call("fire", length() + spare(), NO_QUANTISATION); });
        whenRecording();
    }

    function whenRecording() {
        if (stopped) { return; }
        var all = tracks.every(function (track) { return live.number(track.slot, "is_recording") === 1; });
        if (all) {
            isPlaying = true;
            tracks.forEach(function (track) { track.lag = take.recorded(track.slot, askedAt); });
            order.play();
            listener.recording();
            clock.after((length() + spare()) * 60000 / tempo() + TAIL_MS, end);
        } else if (waited >= START_MS) {
            fail("Live has not begun to record. Is the count-in long, or another clip waiting?");
        } else {
            waited += POLL_MS;
            clock.after(POLL_MS, whenRecording);
        }
    }

    function end() {
        if (stopped) { return; }
        stopped = true;
        restore();
        tracks.forEach(function (track) { take.align(track.slot, track.lag, length()); });
        disarm();
        listener.done();
    }

    function fail(text) { stop(); listener.failed(text); }

    function disarm() { tracks.forEach(function (track) { if (live.exists(track.api)) { track.api.set("arm", 0); } }); }

    function stop() {
        if (stopped) { return; }
        stopped = true;
        restore();
        if (isPlaying) { order.stop(); }
        tracks.forEach(function (track) { track.slot.call("stop"); });
        disarm();
    }

    function tempo() { return live.number(live.at("live_set"), "tempo"); }

    function length() { return regions.atTempo(order.region, order.clip, tempo() / order.tempo).length; }

    function spare() { return Math.ceil(SPARE_SECONDS * tempo() / 60); }

    return { start: start, stop: stop };
};

// A track with the stem's port as its input: that of an earlier stream, else a new one.
function prepared(order, stem, n) {
    var name = order.clip.name + " (" + words.stem(stem) + ") stream", track = existing(name);
    if (!track) {
        track = making.make("midi", order.clip, n);
        track.set("name", name);
        track.set("color", tables.STEM_COLORS[stem]);
    }
    var row = order.region.time === null ? order.clip.slot : 0;
    var slot = live.at(live.path(track) + " clip_slots " + row);
    if (live.number(slot, "has_clip") === 1) { slot.call("delete_clip"); }
    var found = { api: track, slot: slot, port: protocol.PORT_NAMES[stem] };
    found.route = route(track, found.port);
    found.spelling = 0;
    setRoute(found);
    return found;
}

function existing(name) {
    var count = live.at("live_set").getcount("tracks"), i, track;
    for (i = 0; i < count; i += 1) {
        track = live.at("live_set tracks " + i);
        if (live.text(track, "name") === name) { return track; }
    }
    return null;
}

function route(track, port) {
    var routes = live.dictionary(track, "available_input_routing_types") || [], i;
    for (i = 0; i < routes.length; i += 1) {
        if (String(routes[i].display_name).indexOf(port) >= 0) { return routes[i]; }
    }
    throw problems.problem("Live sees no MIDI port \"" + port + "\". Is the bridge running with its ports? On Windows they are made with loopMIDI.");
}

// Versions of Live accept a routing in one of three forms; each is tried, and the result is read back.
function setRoute(found) {
    var plain = { identifier: found.route.identifier };
    var spellings = [JSON.stringify(plain), JSON.stringify({ input_routing_type: plain }), JSON.stringify(found.route)];
    found.api.set("input_routing_type", spellings[found.spelling]);
    found.spelling += 1;
}

function routed(found) {
    var now = live.dictionary(found.api, "input_routing_type");
    return !!now && now.display_name === found.route.display_name;
}
