// The connection to the bridge: finds it, notices when it goes, finds it again.
//
// A reply port is ours once our own ping comes back on it. UDP reports no error when nothing listens, and Max none when
// a port is in use: silence can mean either, so after two attempts without an answer the next port is tried.

var protocol = require("./protocol");

var ANSWER_MS = 1000, PING_MS = 2500, MISSED = 3, TTL_SECONDS = 60, PINGS_PER_SUBSCRIPTION = 8, ATTEMPTS_PER_PORT = 2;

// wire: {send(address, atoms), listen(port)};
// listener: {connected(version), lost(), refused(text), received(message)}.
exports.Connection = function (wire, clock, ports, listener) {
    this.wire = wire;
    this.clock = clock;
    this.ports = ports;
    this.listener = listener;
    this.isUp = false;
    this.isRefused = false; // by a bridge that speaks another protocol
    this.version = "";
    this.name = "live-" + Math.floor(Math.random() * 1e9).toString(36);
    this.attempts = 0;
    this.pings = 0;
    this.missed = 0;
    this.fences = Object.create(null); // by token; a token may be any word
    this.fenceCount = 0;
    this.timer = null;
};

var methods = exports.Connection.prototype;

methods.open = function () {
    this.wire.listen(this.ports.next());
    this.attempt();
};

methods.close = function () {
    if (this.timer) { this.timer.cancel(); }
    if (this.isUp) { this.send("subscribe", [0]); }
    this.isUp = false;
    this.ports.release();
};

methods.send = function (request, atoms) { this.wire.send(protocol.REQUESTS[request], atoms || []); };

// Calls `action` when everything sent before has been answered: UDP on one machine keeps its order.
methods.fence = function (action) {
    this.fenceCount += 1;
    var token = this.name + "/" + this.fenceCount;
    this.fences[token] = action;
    this.send("ping", [token]);
};

methods.attempt = function () {
    if (this.attempts >= ATTEMPTS_PER_PORT) {
        this.attempts = 0;
        this.wire.listen(this.ports.next());
    }
    this.attempts += 1;
    this.isRefused = false;
    this.send("hello", ["live", protocol.VERSION, this.ports.port]);
    this.send("ping", [this.name]);
    this.later(ANSWER_MS, this.attempt);
};

methods.later = function (milliseconds, method) {
    var self = this;
    if (this.timer) { this.timer.cancel(); }
    this.timer = this.clock.after(milliseconds, function () { method.call(self); });
};

methods.tick = function () {
    this.missed += 1;
    if (this.missed > MISSED) { this.lose(); return; }
    this.pings += 1;
    if (this.pings % PINGS_PER_SUBSCRIPTION === 0) { this.send("subscribe", [1, TTL_SECONDS]); }
    this.send("status");
    this.send("ping", [this.name]);
    this.later(PING_MS, this.tick);
};

methods.lose = function () {
    this.isUp = false;
    this.fences = Object.create(null);
    this.attempts = 0;
    this.listener.lost();
    this.later(ANSWER_MS, this.attempt);
};

// One OSC message from the bridge.
methods.receive = function (address, atoms) {
    var message = protocol.read(address, atoms);
    if (!message) { return; }
    switch (message.topic) {
    case "hello.reply": this.version = message.version; break;
    case "pong": this.pong(message.token); break;
    case "bye": if (this.isUp) { this.lose(); } break;
    case "startup": if (this.isUp) { this.lose(); } this.attempt(); break;
    case "fail":
        if (message.code === "protocol") {
            this.isRefused = true;
            this.listener.refused(message.message);
        }
        break;
    }
    this.listener.received(message);
};

methods.pong = function (token) {
    this.missed = 0;
    if (this.fences[token]) {
        var action = this.fences[token];
        delete this.fences[token];
        action();
    }
    if (token !== this.name || this.isUp || this.isRefused) { return; }
    this.isUp = true;
    this.pings = 0;
    this.send("subscribe", [1, TTL_SECONDS]);
    this.send("status");
    this.later(PING_MS, this.tick);
    this.listener.connected(this.version);
};
