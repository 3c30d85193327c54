// Reads the notes of the last job again at another tempo, and puts them in place of those that it has imported.

var clips = require("./clip");
var clock = require("./clock");
var problem = require("./problem").problem;
var protocol = require("./protocol");
var rewriting = require("./rewriting");
var tempi = require("./tempi");
var words = require("./words");

// The stems of an order that have notes.
exports.stems = function (order) {
    var stems = protocol.STEMS.filter(function (stem) {
        return order.results[stem] && (order.results[stem].midi || order.results[stem].notes);
    });
    if (!stems.length) { throw problem("This job has no notes. Switch on MIDI clips and separate again."); }
    return stems;
};

exports.Again = function (device) { this.device = device; };

var methods = exports.Again.prototype;

// The tempo of the last job on the face, and which buttons have one to offer.
methods.show = function () {
    var order = this.device.order, face = this.device.face, choices = tempi.choices(order, clips.readSet().tempo);
    face.text("tempo", tempi.line(order));
    tempi.READINGS.forEach(function (name) { face.active("read_" + name, choices[name] ? 1 : 0); });
    face.label("read_other", choices.other ? words.tempo(tempi.asHeard(order, choices.other.tempo)) : "Other");
};

// name: one of tempi.READINGS.
methods.read = function (name) {
    var device = this.device, self = this, order = device.finished(), time = tempi.choices(order, clips.readSet().tempo)[name];
    if (!time) { throw problem("There is no such tempo for this clip."); }
    device.mayWork();
    if (device.queue.has(order)) { throw problem("The clip is being imported. Wait a moment, then press again."); }
    var wishes = { stems: {}, engine: order.wishes.engine, notes: true, audio: false, reading: device.wishes.reading };
    exports.stems(order).forEach(function (stem) { wishes.stems[stem] = true; });
    order.remarks = [];
    device.work(order, time, wishes, function (outcome, message) {
        if (device.isDone(outcome, message)) { self.over(order, time, device.job); }
    });
};

methods.over = function (order, time, job) {
    var read = Object.keys(job.results), face = this.device.face;
    tempi.keep(order, time, job.told);
    order.played = job.id;
    read.forEach(function (stem) {
        order.results[stem].notes = job.results[stem].notes;
        order.results[stem].midi = job.results[stem].midi;
    });
    this.show();
    if (!order.clips) {
        face.result(words.readAt(tempi.name(order)) + ". Press Import.");
        return;
    }
    this.device.queue.add(order, function (done) {
        return rewriting.run(order, order.clips, read, clock, function (report) {
            done(words.readAgain(report, tempi.name(order)), report.remarks);
        });
    });
};
