// Reads the clip that is selected in Live into plain values.

var live = require("./live");
var warp = require("./warp");
var problem = require("./problem").problem;

var NONE = "Select an audio clip first: click it in Session or Arrangement.";
var RE_PITCH = 3;
var SOUND = ["gain", "pitch_coarse", "pitch_fine"];

// The clip to work on: {api, how}; `api` is null if there is none. To press the device's buttons a musician clicks its
// track, and that takes the clip out of the Clip View, or shows a MIDI clip of that track; so the last audio clip stays
// chosen until another clip is clicked. `how` is "" for the clip in the Clip View, "kept" for the last one, "track" for a clip
// of the device's own track. last: what `read` has returned for the last audio clip, or null.
exports.chosen = function (last) {
    var shown = inView(), own = ownTrack(), found;
    if (shown && (isAudio(shown) || live.path(shown).indexOf(own + " ") !== 0)) { return { api: shown, how: "" }; }
    found = last && again(last);
    if (found) { return { api: found, how: "kept" }; }
    found = own && onTrack(own);
    if (found) { return { api: found, how: "track" }; }
    return { api: shown, how: "" };
};

// The clip in the Clip View, else the one in the highlighted slot; else null.
function inView() {
    var clip = live.at("live_set view detail_clip");
    if (live.exists(clip)) { return live.at("id " + clip.id); }
    var slot = live.at("live_set view highlighted_clip_slot");
    if (live.exists(slot) && live.number(slot, "has_clip") === 1) { return live.at(live.path(slot) + " clip"); }
    return null;
}

// The path of the track that the device is on, also from within a rack; empty on a return or the main track.
function ownTrack() {
    var found = /^live_set tracks \d+/.exec(live.path(live.at("this_device")));
    return found ? found[0] : "";
}

function isAudio(api) { return live.exists(api) && live.number(api, "is_audio_clip") === 1; }

// The clip that was read before: by its id, or, because ids of Arrangement clips change, by its place.
function again(last) {
    var api = live.at("id " + last.id);
    if (isSame(api, last)) { return api; }
    api = live.at(last.path);
    if (isSame(api, last)) { return live.at("id " + api.id); }
    var track = /^live_set tracks \d+/.exec(last.path);
    return last.time === null || !track ? null :
        among(track[0], function (clip) { return isSame(clip, last); });
}

function isSame(api, last) {
    return isAudio(api) && live.text(api, "file_path") === last.file &&
        (last.time === null || live.number(api, "start_time") === last.time);
}

// The audio clip of a track that plays in the Session, else the one at the song's position in the Arrangement; or null.
function onTrack(path) {
    var row = live.number(live.at(path), "playing_slot_index");
    var clip = row >= 0 ? live.at(path + " clip_slots " + row + " clip") : null;
    if (clip && isAudio(clip)) { return live.at("id " + clip.id); }
    var now = live.number(live.at("live_set"), "current_song_time");
    return among(path, function (one) {
        return isAudio(one) && live.number(one, "start_time") <= now && now < live.number(one, "end_time");
    });
}

// The first Arrangement clip of a track that fits, or null.
function among(path, fits) {
    var count = live.at(path).getcount("arrangement_clips"), i, clip;
    for (i = 0; i < count; i += 1) {
        clip = live.at(path + " arrangement_clips " + i);
        if (fits(clip)) { return live.at("id " + clip.id); }
    }
    return null;
}

// A clip's transposition in semitones. In Re-Pitch mode the tempo determines the pitch, and transposition is ignored.
exports.transposed = function (clip) {
    if (clip.warped && clip.warpMode === RE_PITCH) { return 0; }
    return (clip.sound.pitch_coarse || 0) + (clip.sound.pitch_fine || 0) / 100;
};

// The properties of a clip that the device needs, in Live's units: markers are beats where the clip is warped, else
// seconds; `time` and `endTime` are beats on the song's timeline, null in the Session.
exports.read = function (api) {
    if (!api || !live.exists(api)) { throw problem(NONE); }
    var name = live.text(api, "name");
    if (live.number(api, "is_audio_clip") !== 1) {
        throw problem("\"" + name + "\" is a MIDI clip. Select an audio clip.");
    }
    var file = live.text(api, "file_path");
    if (!file) { throw problem("Live cannot find the file of \"" + name + "\". See File > Manage Files."); }
    var path = live.path(api);
    var place = /tracks \d+ clip_slots (\d+)/.exec(path);
    var inArrangement = live.number(api, "is_arrangement_clip") === 1;
    var warped = live.number(api, "warping") === 1;
    return {
        id: String(api.id),
        path: path,
        track: live.at(/^live_set tracks \d+/.exec(path)[0]).id,
        name: name || file.replace(/^.*[\/\\]/, "").replace(/\.[^.]*$/, ""),
        file: file,
        seconds: secondsOf(api),
        slot: place ? Number(place[1]) : 0,
        time: inArrangement ? live.number(api, "start_time") : null,
        endTime: inArrangement ? live.number(api, "end_time") : null,
        warped: warped,
        warpMode: live.number(api, "warp_mode"),
        sound: soundOf(api),
        marks: warped ? marksOf(api) : null,
        looping: live.number(api, "looping") === 1,
        startMarker: live.number(api, "start_marker"),
        endMarker: live.number(api, "end_marker"),
        loopStart: live.number(api, "loop_start"),
        loopEnd: live.number(api, "loop_end")
    };
};

// The length of the file. Live before 11.0.5 does not report it; the bridge ignores what is beyond a file's end.
function secondsOf(api) {
    var seconds = live.number(api, "sample_length") / live.number(api, "sample_rate");
    return seconds > 0 ? seconds : Infinity;
}

// Gain and transposition, by Live's property names; those that this version of Live reports.
function soundOf(api) {
    var sound = {};
    SOUND.forEach(function (name) { if (live.knows(api, name)) { sound[name] = live.number(api, name); } });
    return sound;
}

function marksOf(api) {
    var marks = warp.marks(live.dictionary(api, "warp_markers"));
    if (marks.length < 2) {
        throw problem("This Live tells no warp markers. Switch Warp off in the clip.");
    }
    return marks;
}

// The properties of the set. `file` is empty while the set is unsaved, null if this version of Live does not report it;
// `brace` is the Arrangement's loop in beats, null while it is off.
exports.readSet = function () {
    var set = live.at("live_set");
    var start = live.number(set, "loop_start");
    return {
        tempo: live.number(set, "tempo"),
        file: live.knows(set, "file_path") ? live.text(set, "file_path") : null,
        brace: live.number(set, "loop") === 1 ? { start: start, end: start + live.number(set, "loop_length") } : null
    };
};
