// Puts notes that were read again in place of the former ones, in the clips that an import has made. A clip whose notes
// are not as the device has left them is the musician's work, and stays.

var clips = require("./clip");
var live = require("./live");
var noteclip = require("./noteclip");
var notes = require("./notes");
var pacing = require("./pace");
var placing = require("./placing");
var problem = require("./problem");
var regions = require("./region");
var tables = require("./tables");
var undo = require("./undo");
var words = require("./words");

// The notes of a stem for Live, in the beats of `region`: that of the order at the song's present tempo.
exports.list = function (order, stem, region) {
    // a drum note's number is no pitch
    var semitones = tables.UNPITCHED.indexOf(stem) >= 0 ? 0 : Math.round(clips.transposed(order.clip));
    return notes.forLive(notes.read(order.results[stem]), region, semitones);
};

// The region of an order at the song's present tempo: an unwarped clip keeps its seconds.
exports.regionNow = function (order) {
    return regions.atTempo(order.region, order.clip, live.number(live.at("live_set"), "tempo") / order.tempo);
};

// Remembers the notes of a new clip as Live has taken them: item: {place, list}.
exports.remember = function (item) {
    var now = noteclip.signature(placing.find(item.place), item.list);
    item.known = (item.known || []).concat(now === null ? [] : [now]);
};

// items: those of the last import, {stem, place, list, known}; stems: those that were read again. Calls
// done({midi, notes, remarks}); returns an object that stops it.
exports.run = function (order, items, stems, clock, done) {
    var report = { midi: 0, notes: 0, remarks: [] }, written = [], edited = [], isOver = false;
    var pace = pacing.pace(clock, function (error) { remark(problem.words(error)); });
    pace.inOrder([replace, count], function () {
        if (edited.length) { remark("Changed since, so left as they are: " + edited.map(words.stem).join(", ") + ". Import brings the new notes."); }
        isOver = true;
        done(report);
    });
    return { stop: function () { if (!isOver) { pace.stop(); undo.end(); } } };

    function remark(text) { if (report.remarks.indexOf(text) < 0) { report.remarks.push(text); } }

    function replace(next) {
        var region = exports.regionNow(order);
        undo.begin();
        pace.each(items.filter(function (item) { return stems.indexOf(item.stem) >= 0; }), function (item) {
            var list = exports.list(order, item.stem, region), clip = placing.find(item.place);
            if (!noteclip.canReplace(clip)) { throw problem.problem("This Live lets no device replace notes. Import brings the new ones on new tracks."); }
            if (item.known.indexOf(noteclip.signature(clip, item.list)) < 0) {
                edited.push(item.stem);
                return;
            }
            noteclip.clear(clip);
            noteclip.write(clip, list);
            item.list = list;
            written.push(item);
        }, function () {
            undo.end();
            next();
        });
    }

    // In a later event, when Live shows what it has taken.
    function count(next) {
        written.forEach(function (item) {
            pace.attempt(function () {
                exports.remember(item);
                var there = noteclip.read(placing.find(item.place), item.list).length;
                report.midi += 1;
                report.notes += there;
                if (there < item.list.length) { remark("Live has not taken every note of " + words.stem(item.stem) + "."); }
            });
        });
        next();
    }
};
