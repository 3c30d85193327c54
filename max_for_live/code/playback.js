// One request to play a job's notes: sent until it is answered, and identified by its token.

var protocol = require("./protocol");

var SEND_AGAIN_MS = 250, ATTEMPTS = 12;

var tokens = 0;

// listener: {late(), notPlayed(stem), failed(words)}: the first request was lost, so playback is late; one stem cannot
// be played; nothing can be played.
exports.Playback = function (connection, clock, job, listener) {
    tokens += 1;
    this.connection = connection;
    this.clock = clock;
    this.job = job;
    this.listener = listener;
    this.token = connection.name + "-play-" + tokens;
    this.attempts = 0;
    this.isAnswered = false;
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

// Stops sending the request.
methods.end = function () {
    if (this.timer) { this.timer.cancel(); }
};

// One message from the bridge, as returned by protocol.read.
methods.receive = function (message) {
    if (!this.attempts) { return; }
    if (message.topic === "fail" && message.req_or_job === this.token) {
        this.fail(message.message);
    } else if (message.job === this.job && (message.topic !== "done" || message.request === protocol.REQUESTS.play)) {
        if (answers[message.topic]) { answers[message.topic].call(this, message); }
    }
};

methods.fail = function (words) {
    this.end();
    this.listener.failed(words);
};

methods.answered = function () {
    if (this.isAnswered) { return; }
    this.isAnswered = true;
    this.timer.cancel();
    if (this.attempts > 1) { this.listener.late(); }
};

var answers = {
    done: methods.answered,
    "midi.wait": methods.answered,
    "midi.start": methods.answered,
    "midi.end": function (message) {
        this.answered();
        if (message.outcome === "failed") { this.listener.notPlayed(message.stem); }
    }
};
