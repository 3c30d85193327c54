// The device: the actions of its buttons, and the state of the bridge, the job and the selected clip on its face.

var again = require("./again");
var choices = require("./choices");
var clips = require("./clip");
var clock = require("./clock");
var importer = require("./importer");
var problem = require("./problem");
var protocol = require("./protocol");
var recorder = require("./recorder");
var regions = require("./region");
var requests = require("./request");
var tempi = require("./tempi");
var warp = require("./warp");
var words = require("./words");
var Again = again.Again;
var Connection = require("./connection").Connection;
var Face = require("./face").Face;
var Folder = require("./folder").Folder;
var Job = require("./job").Job;
var Playback = require("./playback").Playback;
var Ports = require("./ports").Ports;
var Queue = require("./queue").Queue;

// A button may send at its press and at its release: that is one press.
var ONE_PRESS_MS = 300;
// What the device observes: what is selected, and what else determines the part of a clip.
var OBSERVED = {
    "live_set view": ["detail_clip", "selected_scene", "selected_track"], // the highlighted slot itself cannot be observed
    "live_set": ["tempo", "loop", "loop_start", "loop_length"]
};

// world: {send(address, atoms), talkTo(port), listen(port), show(name, …), browse(folder)}.
exports.Device = function (world, claimedPorts) {
    var wire = { send: world.send, listen: world.listen }, self = this;
    this.world = world;
    this.face = new Face(world.show);
    this.connection = new Connection(wire, clock, new Ports(claimedPorts), this);
    this.wishes = { stems: {}, engine: "auto", reading: [] }; // the values of the controls, which they send when the device loads
    this.pressed = {}; // by button: when
    this.clip = null; // the last audio clip that was chosen
    this.observers = [];
    this.job = null;
    this.order = null; // the last completed job, for Import, Stream, Folder and the tempo
    this.recording = null;
    this.playback = null;
    this.queue = new Queue({
        started: function () { self.face.text("stage", "Importing"); },
        ended: function (result, remarks) {
            self.showActivity();
            self.face.imported(result, remarks);
        }
    });
    this.again = new Again(this);
    this.folderOf = new Folder(this.connection, clock, {
        opened: function (folder) { self.face.problem(words.folder(folder)); },
        refused: function (text) { self.face.problem(text); },
        browse: function (folder) {
            self.face.problem(words.folder(folder));
            world.browse(folder);
        }
    });
};

var device = exports.Device.prototype;

device.start = function () {
    var self = this;
    Object.keys(OBSERVED).forEach(function (path) {
        OBSERVED[path].forEach(function (property) {
            var observer = new LiveAPI(function () { self.selectionMayHaveChanged(); }, path);
            observer.property = property;
            self.observers.push(observer);
        });
    });
    this.offline("Looking for the bridge … If this stays, see that Live's audio is on.");
    this.connection.open();
    this.selectionMayHaveChanged();
};

// Live's API may be gone by then: what needs it holds up nothing else.
device.end = function () {
    try {
        this.stopRecording();
        this.queue.stop();
    } finally {
        this.connection.close();
        clock.cancelAll();
    }
};

// Live calls observers in the middle of a change, so the selection is read a moment later.
device.selectionMayHaveChanged = function () {
    var self = this;
    if (this.refresh) { this.refresh.cancel(); }
    this.refresh = clock.after(60, function () { self.showSelection(); });
};

device.showSelection = function () {
    try {
        var chosen = this.chosen();
        this.face.text("clip", chosen.clip.name);
        this.face.text("part", words.part(chosen.clip, chosen.region, chosen.how, this.wishes.brace));
    } catch (error) {
        this.face.text("clip", "No audio clip selected");
        this.face.text("part", problem.words(error));
    }
    this.again.show();
};

// The clip to work on, the set, and the clip's part: {clip, how, set, region}.
device.chosen = function () {
    var choice = clips.chosen(this.clip), clip = clips.read(choice.api), set = clips.readSet();
    if (choice.how !== "track") { this.clip = clip; }
    return { clip: clip, how: choice.how, set: set, region: regions.of(clip, set, this.wishes.brace) };
};

// ---- the choice of stems and engine

device.engineChosen = function (engine) {
    this.wishes.engine = engine;
    this.showEngine();
};

// The tab says the engine in words, and the switches of stems that it does not give are grey: they take no click.
device.showEngine = function () {
    var stems = choices.stemsOf(this.wishes.engine), self = this;
    this.world.show("quality", "set", choices.qualityOf(this.wishes.engine));
    protocol.STEMS.forEach(function (stem) {
        self.world.show("stem_" + stem, "active", stems.indexOf(stem) >= 0 ? 1 : 0);
    });
};

// The wishes for one job: without grey stems, which may still be switched on from before.
device.wishesNow = function () {
    var wishes = JSON.parse(JSON.stringify(this.wishes)), stems = choices.stemsOf(this.wishes.engine);
    protocol.STEMS.forEach(function (stem) { wishes.stems[stem] = wishes.stems[stem] && stems.indexOf(stem) >= 0; });
    return wishes;
};

device.qualityChosen = function (quality) {
    var index = choices.engineOf(quality);
    if (index >= 0) {
        this.world.show("engine", index); // the menu sends it back
        return;
    }
    this.face.problem("Choose the engine in the menu beside it.");
    this.showEngine();
};

// The switches and the menu send their new values back.
device.choosePreset = function (name) {
    var preset = choices.preset(name, this.wishes.engine), self = this;
    if (!preset) { return; }
    protocol.STEMS.forEach(function (stem) { self.world.show("stem_" + stem, preset.stems[stem]); });
    this.world.show("opposite", preset.opposite);
};

// ---- the connection to the bridge

device.connected = function (version) {
    this.face.value("light", 1);
    this.face.text("server", "Source Audio Bridge " + version);
    this.face.problem("");
    if (this.job) { this.job.reconnected(); }
};

device.lost = function () {
    var wasRecording = this.stopRecording();
    this.offline(wasRecording ? "The bridge has gone in the middle of a recording. Start it again, then press Stream." :
        this.job && !this.job.isOver
        ? "The bridge has gone in the middle of a job. Start it again: the job goes on by itself."
        : "The bridge has gone. Start it again: run sab.");
};

device.offline = function (text) {
    this.face.value("light", 0);
    this.face.text("queue", "");
    this.face.text("server", "No bridge. Start it: run sab");
    if (text) { this.face.problem(text); }
};

// The bridge's port was changed on the face.
device.moved = function (port) {
    this.world.talkTo(port);
    if (this.connection.isUp) { this.connection.lose(); }
};

device.refused = function (message) { this.face.problem(message); };

device.received = function (message) {
    if (message.topic === "status.reply") { this.face.text("queue", words.queue(message.device, message.queued)); }
    this.folderOf.receive(message);
    if (this.job) { this.job.receive(message); }
    if (this.playback) { this.playback.receive(message); }
};

// ---- the buttons

// choice: which of several alike, or undefined.
device.press = function (button, choice) {
    var now = clock.now(), name = button + " " + choice, since = now - this.pressed[name];
    if (since >= 0 && since < ONE_PRESS_MS) { return; }
    this.pressed[name] = now;
    try {
        if (clock.standsStill()) { throw problem.problem("Live's audio is off, and the device stands still with it. Switch it on, then press again."); }
        this[button](choice);
    } catch (error) {
        this.face.problem(problem.words(error));
    }
};

device.mayWork = function () {
    if (this.job && !this.job.isOver) { throw problem.problem("A clip is being worked on. Cancel it first, or wait."); }
    if (!this.connection.isUp) { throw problem.problem("There is no bridge to send the clip to. Start it: run sab in a terminal."); }
};

device.separate = function () {
    this.mayWork();
    var self = this, chosen = this.chosen(), clip = chosen.clip, set = chosen.set, wishes = this.wishesNow();
    var order = { clip: clip, region: chosen.region, set: set, tempo: set.tempo, wishes: wishes, remarks: [] };
    var time = tempi.timeOf(clip, order.region, wishes.own);
    if (set.file === null) { order.remarks.push("This Live does not say where the set lies: the files go beside the clip, or into its project."); }
    this.work(order, time, wishes, function (outcome, message) { self.over(order, time, outcome, message); });
};

// Sends a job and follows it; over(outcome, message).
device.work = function (order, time, wishes, over) {
    var self = this;
    var build = function (notesAsList) { return requests.build(order.clip, order.set, order.region, time, wishes, notesAsList); };
    build(true); // throws its errors before anything is sent
    this.face.value("progress", 0);
    this.face.text("stage", "Sending \"" + order.clip.name + "\"");
    this.face.result("");
    this.job = new Job(this.connection, clock, build, {
        progress: function (stage, fraction, eta, isSlower) {
            self.face.value("progress", fraction);
            self.face.text("stage", words.progress(stage, fraction, eta, isSlower));
        },
        remark: function (text) { order.remarks.push(text); self.face.problem(text); },
        again: function () { self.face.problem("The bridge is back; it had lost the clip. It was sent again."); },
        over: over
    });
    this.job.submit();
};

// The face after a job; returns whether there are results.
device.isDone = function (outcome, message) {
    this.showActivity();
    this.face.value("progress", outcome === "done" ? 1 : 0);
    if (outcome === "done") { return true; }
    this.face.result(outcome === "cancelled" ? message || "Cancelled." : "");
    this.face.problem(outcome === "cancelled" ? "" : message);
    return false;
};

device.over = function (order, time, outcome, message) {
    if (!this.isDone(outcome, message)) { return; }
    tempi.keep(order, time, this.job.told);
    order.played = this.job.id;
    order.job = this.job.id;
    order.results = this.job.results;
    order.folder = this.job.outputDir || folderOf(this.job.results);
    this.order = order;
    this.again.show();
    if (this.wishes.audio || this.wishes.notes) {
        this.bringIn();
    } else {
        this.face.result("Done. The files lie in the folder: press Folder.");
    }
};

device.cancel = function () {
    if (this.stopRecording()) {
        this.face.result("Stopped.");
        return;
    }
    if (!this.job || this.job.isOver) { throw problem.problem("There is nothing to cancel."); }
    this.job.cancel();
};

device.finished = function () {
    if (!this.order) { throw problem.problem("Separate a clip first."); }
    return this.order;
};

// Imports the last results, after those that are already being imported.
device.bringIn = function () {
    var order = this.finished();
    if (this.queue.has(order)) { return; }
    if (!this.wishes.audio && !this.wishes.notes) { throw problem.problem("Switch on Audio or Notes: what is to be imported."); }
    order.audio = this.wishes.audio;
    order.notes = this.wishes.notes;
    order.mute = this.wishes.mute;
    if (!this.queue.isBusy()) { this.face.problem(""); }
    this.queue.add(order, function (done) {
        return importer.run(order, protocol.AUDIO_STEMS, clock, function (report) {
            if (report.clips.length) { order.clips = report.clips; }
            done(words.imported(report), order.remarks.concat(report.remarks));
        });
    });
};

device.stream = function () {
    var order = this.finished(), self = this;
    if (this.recording) { throw problem.problem("It is recording already. Cancel stops it."); }
    if (!this.connection.isUp) { throw problem.problem("There is no bridge that could play. Start it: run sab in a terminal."); }
    var stems = again.stems(order);
    var remarks = warp.isPlain(order.region.marks, order.tempo) && !clips.transposed(order.clip) ? [] :
        ["The bridge plays the notes of the file, not of the warped or transposed clip: MIDI clips fit."];
    function remark(text) { remarks.push(text); self.face.problem(remarks.join(" ")); }
    function failed(text) { self.stopRecording(); self.face.problem(text); }
    var playback = new Playback(this.connection, clock, order.played, {
        late: function () { remark("The bridge was late to answer: if the notes lie late, press Stream again."); },
        notPlayed: function (stem) { remark("The bridge could not play " + words.stem(stem) + "."); },
        failed: failed
    });
    this.face.result("");
    this.face.problem(remarks.join(" "));
    this.face.text("stage", "Arming " + words.count(stems.length, "track"));
    this.playback = playback;
    this.recording = recorder.recording({
        clip: order.clip, region: order.region, tempo: order.tempo, stems: stems,
        play: function () { playback.start(); },
        stop: function () { self.connection.send("stop", [order.played]); }
    }, clock, {
        recording: function () { self.face.text("stage", "Recording"); },
        done: function () {
            self.stopRecording();
            self.face.result("Recorded " + words.count(stems.length, "track") + ".");
            self.face.problem(remarks.join(" "));
        },
        failed: failed
    });
    this.recording.start();
};

// Stops the recording; returns whether there was one.
device.stopRecording = function () {
    var recording = this.recording;
    if (!recording) { return false; }
    this.recording = null;
    this.playback.end();
    this.playback = null;
    recording.stop();
    this.showActivity();
    return true;
};

// Shows what is still running after something has ended; a job's next progress message replaces it.
device.showActivity = function () {
    this.face.text("stage", this.queue.isBusy() ? "Importing" : this.recording ? "Recording" : "");
};

device.readAgain = function (name) { this.again.read(name); };

device.folder = function () {
    var order = this.finished();
    this.folderOf.open(order.job, order.folder);
};

function folderOf(results) {
    var stem = Object.keys(results)[0], found = results[stem] || {};
    return String(found.stem || found.midi || found.notes || "").replace(/[\/\\][^\/\\]*$/, "");
}
