// One wish of ours that the bridge play a job's notes: sent until it is answered, and told from all others by its token.

var protocol = require("./protocol");

var SEND_AGAIN_MS = 250, ATTEMPTS = 12;

var tokens = 0;

// listener: {late(), deaf(stem), failed(words)}: it was heard only when it was said again; one stem cannot be played;
// nothing can.
exports.Playback = function (connection, clock, job, listener) {
    tokens += 1;
    this.connection = connection;
    this.clock = clock;
    this.job = job;
    this.listener = listener;
    this.token = connection.name + "-play-" + tokens;
    this.attempts = 0;
    this.isHeard = false;
    this.timer = null;
};

var methods = exports.Playback.prototype;

methods.start = function () {
    var self = this;
    if (this.attempts >= ATTEMPTS) { this.fail("The bridge does not answer, and nothing was played. Press Stream again."); return; }
    this.attempts += 1;
    this.connection.send("play", [this.job, "req", this.token]);
    this.timer = this.clock.after(SEND_AGAIN_MS, function () { self.start(); });
};

// Nothing is sent again; what the bridge says from now on is nobody's.
methods.end = function () {
    if (this.timer) { this.timer.cancel(); }
};

// One message of the bridge, as protocol.read gives it.
methods.hear = function (said) {
    if (!this.attempts) { return; }
    if (said.topic === "fail" && said.req_or_job === this.token) {
        this.fail(said.message);
    } else if (said.job === this.job && (said.topic !== "done" || said.request === protocol.REQUESTS.play)) {
        if (answers[said.topic]) { answers[said.topic].call(this, said); }
    }
};

methods.fail = function (words) {
    this.end();
    this.listener.failed(words);
};

methods.answered = function () {
    if (this.isHeard) { return; }
    this.isHeard = true;
    this.timer.cancel();
    if (this.attempts > 1) { this.listener.late(); }
};

var answers = {
    done: methods.answered,
    "midi.wait": methods.answered,
    "midi.start": methods.answered,
    "midi.end": function (said) {
        this.answered();
        if (said.outcome === "failed") { this.listener.deaf(said.stem); }
    }
};
