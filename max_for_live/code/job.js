// One job: sent until it is accepted, followed to its end, and queried in case messages were lost.

var protocol = require("./protocol");
var tempi = require("./tempi");
var words = require("./words");

var SEND_AGAIN_MS = 1000, ATTEMPTS = 12, ASK_MS = 8000; // the bridge waits 10 s for a drive
var RISE_SECONDS = 1;

// build(notesAsList) → the arguments of /sab/submit without `req`. listener: {progress(stage, fraction, eta, isSlower, horizon),
// remark(text), again(), over(outcome, message)}. Outcomes: done, failed, cancelled.
// playsLive: its notes are played while it separates.
exports.Job = function (connection, clock, build, listener, playsLive) {
    this.connection = connection;
    this.clock = clock;
    this.build = build;
    this.listener = listener;
    this.playsLive = playsLive;
    this.notesAsList = true;
    this.id = "";
    this.token = "";
    this.isOver = false;
    this.wasCancelled = false; // by us
    this.eta = -1; // seconds left, in the last progress message
    this.isSlower = false; // the time left has risen
    this.horizon = 0; // with `play live`: the seconds of the clip whose notes can be played
    this.last = null; // the last progress message
    this.hasBegunAnew = false;
    this.reason = "";
    this.outputDir = "";
    this.told = tempi.none(); // the tempo of its notes
    this.results = {}; // by stem: {stem, midi, notes}: paths
    this.timer = null;
};

var methods = exports.Job.prototype, tokens = 0;

methods.submit = function () {
    tokens += 1;
    this.id = "";
    this.results = {};
    this.told = tempi.none();
    this.eta = -1;
    this.isSlower = false;
    this.horizon = 0;
    this.last = null;
    this.token = this.connection.name + "-" + tokens;
    this.attempts = 0;
    this.send();
};

methods.send = function () {
    if (!this.connection.isUp) { return; }
    if (this.attempts >= ATTEMPTS) { this.end("failed", "The bridge does not take the clip. Try once more."); return; }
    this.attempts += 1;
    this.connection.send("submit", this.build(this.notesAsList).concat(["req", this.token]));
    this.later(SEND_AGAIN_MS, this.send);
};

methods.cancel = function () {
    this.wasCancelled = true;
    if (!this.connection.isUp) {
        this.end("cancelled", "");
    } else if (this.id) {
        this.connection.send("cancel", [this.id]);
    } // else as soon as it is accepted
};

methods.later = function (milliseconds, method) {
    var self = this;
    if (this.timer) { this.timer.cancel(); }
    this.timer = this.clock.after(milliseconds, function () { if (!self.isOver) { method.call(self); } });
};

methods.end = function (outcome, message) {
    if (this.isOver) { return; }
    this.isOver = true;
    if (this.timer) { this.timer.cancel(); }
    this.listener.over(this.wasCancelled && outcome === "failed" ? "cancelled" : outcome, message);
};

// The connection is back: the job may still run, have ended, or be unknown to a new bridge.
methods.reconnected = function () {
    if (this.isOver) { return; }
    if (this.id) { this.ask(); } else { this.attempts = 0; this.send(); }
};

methods.ask = function () {
    var self = this;
    if (!this.connection.isUp) { return; }
    this.state = "";
    this.connection.send("query", [this.id]);
    this.connection.fence(function () { if (!self.isOver) { self.answered(); } });
    this.later(ASK_MS, this.ask);
};

methods.answered = function () {
    if (this.state === "done") {
        this.end("done", "");
    } else if (this.state === "unknown" || this.state === "failed" || this.state === "cancelled") {
        this.interrupted();
    } else if (this.wasCancelled) {
        this.cancel(); // the first cancel was lost
    }
};

// The job failed while the connection was down, or the bridge ended: it is submitted again, but only once.
methods.interrupted = function () {
    if (this.wasCancelled) { this.end("cancelled", ""); return; }
    if (this.hasBegunAnew) {
        this.end("failed", this.reason || "The bridge has lost this job twice. Look at its window, then separate again.");
        return;
    }
    this.hasBegunAnew = true;
    this.listener.again();
    this.submit();
};

// One message from the bridge, as returned by protocol.read.
methods.receive = function (message) {
    if (this.isOver) { return; }
    if (message.topic === "accepted" && message.req === this.token && message.job && !this.id) {
        this.id = message.job;
        this.later(ASK_MS, this.ask);
        if (this.wasCancelled) { this.cancel(); }
    } else if (message.topic === "fail" && (message.req_or_job === this.token || this.id && message.req_or_job === this.id)) {
        this.failed(message);
    } else if (this.id && message.job === this.id) {
        if (handlers[message.topic]) { handlers[message.topic].call(this, message); }
    }
};

methods.failed = function (fail) {
    if (fail.code === "bad_arguments" && this.notesAsList && /\bnotes\b/.test(fail.message)) {
        this.notesAsList = false; // an older bridge; its MIDI files have the same notes
        this.submit();
    } else if (fail.code === "not_found" && this.id && fail.req_or_job === this.id) {
        this.state = "unknown"; // the answer to our query
    } else if (fail.req_or_job === this.token) {
        this.end("failed", fail.message);
    } else {
        this.reason = fail.message; // /sab/finished follows
    }
};

var handlers = {
    progress: function (message) {
        this.isSlower = this.isSlower || this.eta > 0 && message.eta_seconds > this.eta + RISE_SECONDS;
        this.eta = message.eta_seconds;
        this.last = message;
        this.tellProgress();
    },
    horizon: function (message) {
        this.horizon = message.seconds;
        if (this.last) { this.tellProgress(); }
    },
    "midi.delay": function (message) {
        if (this.playsLive) { this.listener.remark("Separating is slow here: the notes start in " + words.duration(message.seconds) + "."); }
    },
    "midi.end": function (message) {
        if (this.playsLive && message.outcome === "failed") { this.listener.remark("The bridge could not play " + words.stem(message.stem) + "."); }
    },
    warning: function (message) { this.listener.remark(message.message); },
    music: function (message) { tempi.heard(this.told, message); },
    tempo: function (message) { tempi.heardOther(this.told, message); },
    job: function (message) { this.state = message.state; },
    result: function (message) {
        if (protocol.AUDIO_STEMS.indexOf(message.name) < 0 || message.kind === "notes" && !/\.json$/.test(message.path)) { return; }
        this.results[message.name] = this.results[message.name] || {};
        this.results[message.name][message.kind] = message.path;
    },
    finished: function (message) {
        this.outputDir = message.output_dir;
        if (message.outcome === "done") {
            this.ask(); // to receive results again whose messages were lost
        } else if (message.outcome === "cancelled" && !this.wasCancelled) {
            this.cancelledElsewhere();
        } else {
            this.end(message.outcome, this.reason);
        }
    }
};

methods.tellProgress = function () {
    this.listener.progress(this.last.stage, this.last.fraction, this.eta, this.isSlower, this.horizon);
};

// Cancelled on the bridge's screen; or the bridge is closing, and the connection goes down next.
methods.cancelledElsewhere = function () {
    this.later(SEND_AGAIN_MS, function () {
        if (this.connection.isUp) { this.end("cancelled", "Cancelled at the bridge."); }
    });
};
