// Reads the notes of a Standard MIDI File, in seconds: for bridges that write no list of notes.

var problem = require("./problem").problem;

// [{pitch, onset_seconds, offset_seconds, velocity}], ordered by onset.
exports.notes = function (bytes) {
    if (word(bytes, 0, 4) !== 0x4d546864) { throw problem("A MIDI file of the bridge cannot be read."); }
    var division = word(bytes, 12, 2), at = 8 + word(bytes, 4, 4), events = [];
    while (at + 8 <= bytes.length) {
        var size = word(bytes, at + 4, 4);
        if (word(bytes, at, 4) === 0x4d54726b) { events = events.concat(track(bytes, at + 8, Math.min(at + 8 + size, bytes.length))); }
        at += 8 + size;
    }
    events.sort(function (a, b) { return a.tick - b.tick || a.order - b.order; });
    return sounding(events, division);
};

function sounding(events, division) {
    var notes = [], open = {}, seconds = 0, tick = 0, quarter = 0.5;
    events.forEach(function (event) {
        seconds += (event.tick - tick) / division * quarter;
        tick = event.tick;
        if (event.quarter) { quarter = event.quarter; return; }
        var key = event.channel + ":" + event.pitch;
        if (open[key]) { open[key].offset_seconds = seconds; delete open[key]; }
        if (event.velocity) {
            open[key] = { pitch: event.pitch, onset_seconds: seconds, offset_seconds: seconds, velocity: event.velocity };
            notes.push(open[key]);
        }
    });
    return notes.filter(function (note) { return note.offset_seconds > note.onset_seconds; });
}

// Note-ons, note-offs (velocity 0; before note-ons of the same tick) and tempo changes of one track.
function track(bytes, at, end) {
    var events = [], tick = 0, status = 0;
    function variable() {
        var value = 0, byte;
        do { byte = bytes[at]; at += 1; value = value * 128 + (byte & 127); } while (byte & 128);
        return value;
    }
    while (at < end) {
        tick += variable();
        if (bytes[at] & 128) { status = bytes[at]; at += 1; }
        var kind = status >> 4;
        if (status === 0xff) {
            var type = bytes[at]; at += 1;
            var size = variable();
            if (type === 0x51) { events.push({ tick: tick, order: 0, quarter: word(bytes, at, 3) / 1e6 }); }
            at += size;
        } else if (kind === 0xf) {
            var skipped = variable();
            at += skipped;
        } else {
            var velocity = kind === 9 ? bytes[at + 1] : 0;
            if (kind === 8 || kind === 9) {
                events.push({ tick: tick, order: velocity ? 2 : 1, channel: status & 15, pitch: bytes[at], velocity: velocity });
            }
            at += kind === 0xc || kind === 0xd ? 1 : 2;
        }
    }
    return events;
}

// An unsigned big-endian number of `size` bytes.
function word(bytes, at, size) {
    var value = 0, i;
    for (i = 0; i < size; i += 1) { value = value * 256 + bytes[at + i]; }
    return value;
}
