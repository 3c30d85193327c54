// The reply port: each device needs its own. Max does not say when a port is taken; a reply that never comes does.

var FIRST = 9731, COUNT = 60;

// Ports for one device, one after another. `claimed` is shared by all devices of this Live: {port: true}.
exports.Ports = function (claimed) {
    this.claimed = claimed;
    this.port = FIRST - 1;
};

exports.Ports.prototype.next = function () {
    this.release();
    var tried = 0;
    do {
        this.port = this.port + 1 < FIRST + COUNT ? this.port + 1 : FIRST;
        tried += 1;
    } while (this.claimed["p" + this.port] && tried < COUNT);
    this.claimed["p" + this.port] = 1;
    return this.port;
};

exports.Ports.prototype.release = function () {
    if (this.port >= FIRST) { this.claimed["p" + this.port] = 0; }
};
