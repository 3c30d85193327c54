// What stands on the device's face, sent only where it changes.

// show(name, …) hands a change to the patch.
exports.Face = function (show) {
    this.show = show;
    this.shown = {};
};

var methods = exports.Face.prototype;

methods.text = function (name, words) {
    if (this.shown[name] === words) { return; }
    this.shown[name] = words;
    if (words) {
        this.show(name, "set", words);
    } else {
        this.show(name, "set"); // Max writes an empty word as two quotation marks
    }
};

methods.value = function (name, number) {
    if (this.shown[name] === number) { return; }
    this.shown[name] = number;
    this.show(name, number);
};

// One line for what went well, one for what did not; a new one takes the place of both.
methods.result = function (words) { this.text("result", words); this.text("problem", ""); };
methods.problem = function (words) { this.text("problem", words); };
