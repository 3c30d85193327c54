// The pace of something long: each step is an event of its own, so that Live stays responsive and shows what the last one
// has changed; an error or a value that never comes does not hold up the next step.

var PAUSE_MS = 40;

// failed(error) is told what a step throws; the phase that it belongs to then counts as ended.
exports.pace = function (clock, failed) {
    var stopped = false, skip = function () {};

    // Returns whether the action did not throw.
    function attempt(action) {
        try {
            action();
            return true;
        } catch (error) {
            failed(error);
            return false;
        }
    }

    function after(milliseconds, action) {
        clock.after(milliseconds, function () { if (!stopped && !attempt(action)) { skip(); } });
    }

    // phases: functions that call their argument when they have ended. A phase may have phases of its own.
    function inOrder(phases, done) {
        var outer = skip;
        function start(n) {
            var hasEnded = false;
            function next() {
                if (hasEnded) { return; }
                hasEnded = true;
                start(n + 1);
            }
            if (n === phases.length) {
                skip = outer;
                done();
                return;
            }
            skip = next;
            if (!attempt(function () { phases[n](next); })) { next(); }
        }
        start(0);
    }

    // action(item) for each of the list, then `then`.
    function each(list, action, then) {
        var n = 0;
        function next() {
            if (n >= list.length) { then(); return; }
            n += 1;
            attempt(function () { action(list[n - 1]); });
            after(PAUSE_MS, next);
        }
        next();
    }

    // Asks until test(milliseconds waited) holds, at most for `limit`; then(whether it holds).
    function until(limit, every, test, then) {
        var waited = 0;
        function ask() {
            var holds = test(waited);
            if (holds || waited >= limit) { then(holds); return; }
            waited += every;
            after(every, ask);
        }
        ask();
    }

    return { attempt: attempt, inOrder: inOrder, each: each, until: until, after: after, stop: function () { stopped = true; } };
};
