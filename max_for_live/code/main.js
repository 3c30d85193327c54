// The device: what its buttons do, and what its face shows of the bridge, the job and the selected clip.

var clips = require("./clip");
var clock = require("./clock");
var importer = require("./importer");
var problem = require("./problem");
var protocol = require("./protocol");
var recorder = require("./recorder");
var regions = require("./region");
var requests = require("./request");
var words = require("./words");
var Connection = require("./connection").Connection;
var Face = require("./face").Face;
var Job = require("./job").Job;
var Ports = require("./ports").Ports;

// Device, from the outside world: send(address, atoms), talkTo(port), listen(port), show(name, …),
// browse(folder).
exports.Device = function (world, claimedPorts) {
    var wire = { send: world.send, listen: world.listen };
    this.world = world;
    this.face = new Face(world.show);
    this.connection = new Connection(wire, clock, new Ports(claimedPorts), this);
    this.wishes = { engine: "auto", stems: {}, audio: true, notes: true, mute: true, brace: false };
    this.observers = [];
    this.job = null;
    this.recording = null;
};

var device = exports.Device.prototype;

device.start = function () {
    var self = this;
    // The highlighted slot itself cannot be observed; its scene and its track can.
    ["detail_clip", "selected_scene", "selected_track"].forEach(function (property) {
        var observer = new LiveAPI(function () { self.selectionMayHaveChanged(); }, "live_set view");
        observer.property = property;
        self.observers.push(observer);
    });
    this.offline("Looking for the bridge …");
    this.connection.open();
    this.selectionMayHaveChanged();
};

device.end = function () {
    if (this.recording) { this.recording.stop(); }
    this.connection.close();
    clock.cancelAll();
};

// Live calls while it is in the middle of a change: look a moment later.
device.selectionMayHaveChanged = function () {
    var self = this;
    if (this.looking) { this.looking.cancel(); }
    this.looking = clock.after(60, function () { self.showSelection(); });
};

device.showSelection = function () {
    try {
        var clip = clips.read(clips.selected()), region = regions.of(clip, clips.readSet(), this.wishes.brace);
        this.face.text("clip", clip.name);
        this.face.text("part", words.part(clip, region));
    } catch (error) {
        this.face.text("clip", "No audio clip selected");
        this.face.text("part", problem.words(error));
    }
};

// ---- the line to the bridge

device.connected = function (version) {
    this.face.value("light", 1);
    this.face.text("server", "Source Audio Bridge " + version);
    this.face.problem("");
    if (this.job) { this.job.reconnected(); }
};

device.lost = function () {
    this.offline(this.job && !this.job.isOver
        ? "The bridge has gone in the middle of a job. Start it again: the job goes on by itself."
        : "The bridge has gone. Start it again: run sab.");
};

device.offline = function (text) {
    this.face.value("light", 0);
    this.face.text("server", "No bridge. Start it: run sab");
    if (text) { this.face.problem(text); }
};

// The bridge is to be found on another port.
device.moved = function (port) {
    this.world.talkTo(port);
    if (this.connection.isUp) { this.connection.lose(); }
};

device.refused = function (message) { this.face.problem(message); };

device.heard = function (said) {
    if (this.job) { this.job.hear(said); }
    if (said.topic === "midi.end" && said.outcome === "failed" && this.job && said.job === this.job.id) {
        this.face.problem("The bridge could not play " + words.stem(said.stem) + ".");
    }
    if (said.topic === "fail" && said.address === protocol.REQUESTS.play && this.recording && said.req_or_job === this.job.id) {
        this.recording.stop();
        this.recording = null;
        this.face.text("stage", "");
        this.face.problem(said.message);
    }
};

// ---- the buttons

device.press = function (button) {
    try {
        this[button]();
    } catch (error) {
        this.face.problem(problem.words(error));
    }
};

device.separate = function () {
    if (this.job && !this.job.isOver) { throw problem.problem("A clip is being worked on. Cancel it first, or wait."); }
    if (!this.connection.isUp) { throw problem.problem("There is no bridge to send the clip to. Start it: run sab in a terminal."); }
    var self = this, clip = clips.read(clips.selected()), set = clips.readSet();
    var region = regions.of(clip, set, this.wishes.brace);
    var wishes = JSON.parse(JSON.stringify(this.wishes));
    var build = function (notesAsList) { return requests.build(clip, set, region, wishes, notesAsList); };
    build(true); // what is wrong with it is said before anything is sent
    this.order = { clip: clip, region: region, tempo: set.tempo, remarks: [] };
    if (set.file === null) { this.order.remarks.push("This Live does not say where the set lies: the files go beside the clip, or into its project."); }
    this.face.value("progress", 0);
    this.face.text("stage", "Sending \"" + clip.name + "\"");
    this.face.result("");
    this.job = new Job(this.connection, clock, build, {
        progress: function (stage, fraction, eta) {
            self.face.value("progress", fraction);
            self.face.text("stage", words.progress(stage, fraction, eta));
        },
        remark: function (text) { self.order.remarks.push(text); self.face.problem(text); },
        again: function () { self.face.problem("The bridge is back; it had lost the clip. It was sent again."); },
        over: function (outcome, message) { self.over(outcome, message); }
    });
    this.job.submit();
};

device.over = function (outcome, message) {
    this.face.text("stage", "");
    if (outcome !== "done") {
        this.face.value("progress", 0);
        this.face.result(outcome === "cancelled" ? message || "Cancelled." : "");
        this.face.problem(outcome === "cancelled" ? "" : message);
        return;
    }
    this.face.value("progress", 1);
    this.order.results = this.job.results;
    if (this.wishes.audio || this.wishes.notes) {
        this.bringIn();
    } else {
        this.face.result("Done. The files lie in the folder: press Folder.");
    }
};

device.cancel = function () {
    if (this.recording) { this.recording.stop(); this.recording = null; this.face.text("stage", ""); this.face.result("Stopped."); return; }
    if (!this.job || this.job.isOver) { throw problem.problem("There is nothing to cancel."); }
    this.job.cancel();
};

device.finished = function () {
    if (!this.order || !this.order.results) { throw problem.problem("Separate a clip first."); }
    return this.order;
};

device.bringIn = function () {
    var order = this.finished(), self = this;
    if (this.isImporting) { return; }
    if (!this.wishes.audio && !this.wishes.notes) { throw problem.problem("Switch on Audio or Notes: what is to be imported."); }
    this.isImporting = true;
    order.audio = this.wishes.audio;
    order.notes = this.wishes.notes;
    order.mute = this.wishes.mute;
    this.face.text("stage", "Importing");
    importer.run(order, protocol.STEMS, clock, function (report) {
        self.isImporting = false;
        self.face.text("stage", "");
        self.face.result(words.imported(report));
        self.face.problem(order.remarks.concat(report.remarks).join(" "));
    });
};

device.stream = function () {
    var order = this.finished(), self = this, job = this.job.id;
    if (this.recording) { throw problem.problem("It is recording already. Cancel stops it."); }
    if (!this.connection.isUp) { throw problem.problem("There is no bridge that could play. Start it: run sab in a terminal."); }
    var stems = protocol.STEMS.filter(function (stem) {
        return order.results[stem] && (order.results[stem].midi || order.results[stem].notes);
    });
    if (!stems.length) { throw problem.problem("This job has no notes. Switch on Notes and separate again."); }
    var failed = false;
    var recording = recorder.run({
        clip: order.clip, region: order.region, tempo: order.tempo, stems: stems,
        play: function () { self.connection.send("play", [job]); },
        stop: function () { self.connection.send("stop", [job]); }
    }, clock, {
        recording: function () { self.face.text("stage", "Recording"); },
        done: function () {
            self.recording = null;
            self.face.text("stage", "");
            self.face.result("Recorded " + words.count(stems.length, "track") + ".");
        },
        failed: function (text) {
            failed = true;
            self.recording = null;
            self.face.text("stage", "");
            self.face.problem(text);
        }
    });
    if (failed) { return; }
    this.recording = recording;
    this.face.result("");
    this.face.text("stage", "Arming " + words.count(stems.length, "track"));
};

device.folder = function () {
    this.finished();
    this.world.browse(this.job.outputDir || folderOf(this.order.results));
};

function folderOf(results) {
    var stem = Object.keys(results)[0], found = results[stem] || {};
    return String(found.stem || found.midi || found.notes || "").replace(/[\/\\][^\/\\]*$/, "");
}

