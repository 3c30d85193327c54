// What changes the set, one after the other: imports, and notes that were read again.

// listener: {started(), ended(result, remarks)}.
exports.Queue = function (listener) {
    this.listener = listener;
    this.waiting = []; // {order, start}: the first is at work
    this.work = null;
};

var methods = exports.Queue.prototype;

methods.isBusy = function () { return this.waiting.length > 0; };

methods.has = function (order) { return this.waiting.some(function (one) { return one.order === order; }); };

// start(done(result, remarks)) returns an object that stops it.
methods.add = function (order, start) {
    this.waiting.push({ order: order, start: start });
    if (this.waiting.length === 1) { this.next(); }
};

methods.next = function () {
    var self = this;
    this.listener.started();
    this.work = this.waiting[0].start(function (result, remarks) {
        self.waiting.shift();
        self.listener.ended(result, remarks);
        if (self.waiting.length) { self.next(); }
    });
};

methods.stop = function () { if (this.work) { this.work.stop(); } };
