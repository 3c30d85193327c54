// Imports results into Live: a named, coloured track for each stem, with a clip at the source's position, warped like it.
//
// First all tracks and clips are made; then the clips are fitted together, because Live applies Warp late and analyses new
// files for seconds; then what Live has made of it is read back.

var fitting = require("./fitting");
var instrument = require("./instrument");
var live = require("./live");
var noteclip = require("./noteclip");
var pacing = require("./pace");
var placing = require("./placing");
var problem = require("./problem");
var rewriting = require("./rewriting");
var source = require("./source");
var tracks = require("./tracks");
var undo = require("./undo");
var words = require("./words");

// order: {clip, region, tempo, results, audio, notes, mute}. Calls done(report); report: {audio, midi, notes, remarks, clips:
// those of notes, as rewriting.run takes them}.
// Returns an object that stops it.
exports.run = function (order, stems, clock, done) {
    var report = { audio: 0, midi: 0, notes: 0, remarks: [], clips: [] };
    var pace = pacing.pace(clock, function (error) { remark(problem.words(error)); });
    var region = rewriting.regionNow(order);
    var plan = [], made = [], different = {}, doubled = [], silent = 0;
    stems.forEach(function (stem) {
        var found = order.results[stem];
        if (!found) { return; }
        if (order.audio && found.stem) { plan.push({ stem: stem, path: found.stem, isAudio: true }); }
        if (order.notes && (found.notes || found.midi)) { plan.push({ stem: stem, isAudio: false }); }
    });
    doubled = tracks.doubled(plan.filter(function (item) { return item.isAudio; }).map(function (item) { return item.stem; }));
    var isOver = false;
    pace.inOrder([create, remember, fit, finish], function () { isOver = true; done(report); });
    return { stop: function () { if (!isOver) { pace.stop(); undo.end(); } } };

    function remark(text) { if (text && report.remarks.indexOf(text) < 0) { report.remarks.push(text); } }

    function create(next) {
        undo.begin();
        pace.each(plan, function (item) { if (item.isAudio) { audioTrack(item); } else { midiTrack(item); } }, function () {
            undo.end();
            next();
        });
    }

    function audioTrack(item) {
        if (!live.can(live.at("live_set tracks 0 clip_slots 0"), "create_audio_clip")) {
            throw problem.problem("This Live cannot load audio from a device (12.0.5 can). Drag the files in from the folder: press Folder.");
        }
        var track = tracks.make("audio", order.clip, made.length);
        place(item, track, {
            direct: "create_audio_clip", first: item.path, last: region.time,
            inSlot: function (slot) { slot.call("create_audio_clip", item.path); }
        }, "");
        live.put(placing.find(item.place), "warping", order.clip.warped ? 1 : 0);
        tracks.copyMixer(order.clip, track);
        if (doubled.indexOf(item.stem) >= 0) {
            live.put(track, "mute", 1);
            silent += 1;
        }
    }

    function midiTrack(item) {
        var length = region.time === null ? region.length : region.lasts;
        item.list = rewriting.list(order, item.stem, region);
        var track = tracks.make("midi", order.clip, made.length);
        place(item, track, {
            direct: "create_midi_clip", first: region.time, last: length,
            inSlot: function (slot) { slot.call("create_clip", length); }
        }, " MIDI");
        noteclip.write(placing.find(item.place), item.list);
        remark(instrument.insert(track, item.stem));
    }

    // The new clip of an item on its new track.
    function place(item, track, way, suffix) {
        var name = order.clip.name + " (" + words.stem(item.stem) + ")";
        try {
            item.place = placing.make(order.clip, region, track, way);
        } catch (error) {
            tracks.remove(track);
            throw error;
        }
        made.push(item);
        if (item.place.moved) { remark("This Live puts no clips into the Arrangement: they are in the first scene. Drag them over."); }
        tracks.label(placing.find(item.place), name, item.stem);
        tracks.label(track, name + suffix, item.stem);
    }

    // Before the musician can have changed anything.
    function remember(next) {
        report.clips = made.filter(function (item) { return !item.isAudio; });
        report.clips.forEach(function (item) { pace.attempt(function () { rewriting.remember(item); }); });
        next();
    }

    function fit(next) {
        fitting.fit(made, order, region, pace, function (what) { different[what] = (different[what] || 0) + 1; }, next);
    }

    function finish(next) {
        Object.keys(different).forEach(function (what) { remark(words.differs(what, different[what], order.clip.warped)); });
        made.forEach(function (item) { pace.attempt(function () { count(item); }); });
        if (silent) { remark(words.doubled(silent)); }
        var audible = plan.filter(function (item) { return item.isAudio; }).length;
        // A source that is off could not be compared with clips that may not line up.
        var linesUp = !different.warp && !different.markers && !different["no markers"];
        if (order.mute && linesUp && audible && report.audio === audible) { muteSource(); }
        next();
    }

    // What is there in the end; finding a clip throws where its track was deleted meanwhile.
    function count(item) {
        var clip = placing.find(item.place);
        if (item.isAudio) {
            report.audio += 1;
            return;
        }
        var there = noteclip.read(clip, item.list);
        report.midi += 1;
        report.notes += there ? there.length : item.list.length;
        if (there && there.length < item.list.length) { remark("Live has not taken every note of " + words.stem(item.stem) + "."); }
    }

    function muteSource() {
        var clip = source.clip(order.clip);
        if (clip) { clip.set("muted", 1); } else { remark("The source clip has moved; it was not switched off."); }
    }
};
