// Reply ports: each device needs its own. Max does not report that a port is in use; only the missing reply shows it.

var FIRST = 9731, COUNT = 60;

// The ports that one device tries in turn. `claimed` is shared by all devices in this Live: {"p" + port: 1 or 0}.
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
