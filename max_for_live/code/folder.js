// Opens the folder of a job: the bridge does it, because Max's own way does nothing on Windows. Max's way is left for a
// bridge that does not know the request, or does not answer.

var protocol = require("./protocol");

var ANSWER_MS = 5000; // the bridge waits for the system's window

// listener: {opened(folder), refused(words), browse(folder)}.
exports.Folder = function (connection, clock, listener) {
    this.connection = connection;
    this.clock = clock;
    this.listener = listener;
    this.asked = null; // {job, folder, timer}
};

var methods = exports.Folder.prototype;

methods.open = function (job, folder) {
    var self = this;
    this.forget();
    if (!this.connection.isUp) { this.listener.browse(folder); return; }
    this.asked = {
        job: job, folder: folder,
        timer: this.clock.after(ANSWER_MS, function () {
            self.asked = null;
            self.listener.browse(folder);
        })
    };
    this.connection.send("open", [job]);
};

methods.forget = function () {
    if (this.asked) { this.asked.timer.cancel(); }
    this.asked = null;
};

// One message from the bridge, as returned by protocol.read.
methods.receive = function (message) {
    var asked = this.asked;
    if (!asked) { return; }
    if (message.topic === "done" && message.request === protocol.REQUESTS.open && message.job === asked.job) {
        this.forget();
        this.listener.opened(asked.folder);
    } else if (message.topic === "fail" && message.address === protocol.REQUESTS.open) {
        this.forget();
        if (message.code === "unknown_address") { this.listener.browse(asked.folder); } else { this.listener.refused(message.message); }
    }
};
