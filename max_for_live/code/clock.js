// Timers on Max's low-priority thread, where Live's API may be used.

var waiting = []; // {task, due}
var LATE_MS = 3000;

// Milliseconds since some moment. Unlike a timer it also runs while Live's audio is off.
exports.now = function () { return new Date().getTime(); };

// Runs `action` once, in `milliseconds`; returns an object that cancels it.
exports.after = function (milliseconds, action) {
    var task = new Task(function () {
        forget(task);
        action();
    });
    // else Max's garbage collector frees it before it has run
    waiting.push({ task: task, due: exports.now() + milliseconds });
    task.schedule(milliseconds);
    return { cancel: function () { task.cancel(); forget(task); } };
};

// Whether timers that are long due have not run: Max's scheduler does not while Live's audio is off.
exports.standsStill = function () {
    var now = exports.now();
    return waiting.some(function (one) { return now - one.due > LATE_MS; });
};

// For when the device is removed.
exports.cancelAll = function () {
    waiting.forEach(function (one) { one.task.cancel(); });
    waiting = [];
};

function forget(task) { waiting = waiting.filter(function (one) { return one.task !== task; }); }
