// Timers on Max's low-priority thread, where Live's API may be used.

var waiting = [];

// Runs `action` once, in `milliseconds`; returns an object that cancels it.
exports.after = function (milliseconds, action) {
    var task = new Task(function () {
        forget(task);
        action();
    });
    waiting.push(task); // else Max's garbage collector frees it before it has run
    task.schedule(milliseconds);
    return { cancel: function () { task.cancel(); forget(task); } };
};

// For when the device is removed.
exports.cancelAll = function () {
    waiting.forEach(function (task) { task.cancel(); });
    waiting = [];
};

function forget(task) { waiting = waiting.filter(function (other) { return other !== task; }); }
