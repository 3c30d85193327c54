// Later, on Max's low-priority thread, where Live may be touched.

var waiting = [];

// Does `action` once, in `milliseconds`; gives what cancels it.
exports.after = function (milliseconds, action) {
    var task = new Task(function () {
        forget(task);
        action();
    });
    waiting.push(task); // else Max's collector takes it before its time
    task.schedule(milliseconds);
    return { cancel: function () { task.cancel(); forget(task); } };
};

// For when the device is taken away.
exports.cancelAll = function () {
    waiting.forEach(function (task) { task.cancel(); });
    waiting = [];
};

function forget(task) { waiting = waiting.filter(function (other) { return other !== task; }); }
