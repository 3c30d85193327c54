// One job of ours: sent until it is accepted, followed to its end, asked for again where messages were lost.

var protocol = require("./protocol");

var SEND_AGAIN_MS = 1000, ATTEMPTS = 12, ASK_MS = 8000; // the bridge waits 10 s for a drive
var RISE_SECONDS = 1;

// build(notesAsList) → the arguments of /sab/submit without `req`. listener: {progress(stage, fraction, eta, isSlower),
// remark(text), again(), over(outcome, message)}. Outcomes: done, failed, cancelled.
exports.Job = function (connection, clock, build, listener) {
    this.connection = connection;
    this.clock = clock;
    this.build = build;
    this.listener = listener;
    this.notesAsList = true;
    this.id = "";
    this.token = "";
    this.isOver = false;
    this.wasCancelled = false; // by us
    this.eta = -1; // seconds left, as last told
    this.isSlower = false; // they have risen
    this.hasBegunAnew = false;
    this.reason = "";
    this.outputDir = "";
    this.results = {}; // by stem: {stem, midi, notes}: paths
    this.timer = null;
};

var methods = exports.Job.prototype, tokens = 0;

methods.submit = function () {
    tokens += 1;
    this.id = "";
    this.results = {};
    this.eta = -1;
    this.isSlower = false;
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
    } // else as soon as it has a name
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

// The line is back: the job may have gone on, have ended, or be unknown to a new bridge.
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
        this.cancel(); // the first one was lost
    }
};

// The job has ended badly while the line was down, or the bridge with it: once, it is worth another try.
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

// One message of the bridge, as protocol.read gives it.
methods.hear = function (said) {
    if (this.isOver) { return; }
    if (said.topic === "accepted" && said.req === this.token && said.job && !this.id) {
        this.id = said.job;
        this.later(ASK_MS, this.ask);
        if (this.wasCancelled) { this.cancel(); }
    } else if (said.topic === "fail" && (said.req_or_job === this.token || this.id && said.req_or_job === this.id)) {
        this.failed(said);
    } else if (this.id && said.job === this.id) {
        if (hearing[said.topic]) { hearing[said.topic].call(this, said); }
    }
};

methods.failed = function (said) {
    if (said.code === "bad_arguments" && this.notesAsList && /\bnotes\b/.test(said.message)) {
        this.notesAsList = false; // an older bridge; its MIDI files say the same
        this.submit();
    } else if (said.code === "not_found" && this.id && said.req_or_job === this.id) {
        this.state = "unknown"; // the answer to our query
    } else if (said.req_or_job === this.token) {
        this.end("failed", said.message);
    } else {
        this.reason = said.message; // /sab/finished follows
    }
};

var hearing = {
    progress: function (said) {
        this.isSlower = this.isSlower || this.eta > 0 && said.eta_seconds > this.eta + RISE_SECONDS;
        this.eta = said.eta_seconds;
        this.listener.progress(said.stage, said.fraction, said.eta_seconds, this.isSlower);
    },
    warning: function (said) { this.listener.remark(said.message); },
    job: function (said) { this.state = said.state; },
    result: function (said) {
        if (protocol.STEMS.indexOf(said.name) < 0 || said.kind === "notes" && !/\.json$/.test(said.path)) { return; }
        this.results[said.name] = this.results[said.name] || {};
        this.results[said.name][said.kind] = said.path;
    },
    finished: function (said) {
        this.outputDir = said.output_dir;
        if (said.outcome === "done") {
            this.ask(); // what was lost on the way is told again before the end
        } else if (said.outcome === "cancelled" && !this.wasCancelled) {
            this.cancelledElsewhere();
        } else {
            this.end(said.outcome, this.reason);
        }
    }
};

// By somebody at the bridge's screen; or the bridge is closing, then the line goes down next.
methods.cancelledElsewhere = function () {
    this.later(SEND_AGAIN_MS, function () {
        if (this.connection.isUp) { this.end("cancelled", "Cancelled at the bridge."); }
    });
};
