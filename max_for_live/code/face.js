// The texts and values on the device's face; only changes are sent.

var words = require("./words");

// show(name, …) sends a change to the patch.
exports.Face = function (show) {
    this.show = show;
    this.shown = { stage: "", result: "" }; // as in the patch
    this.stage = "";
    this.lastResult = "";
};

var methods = exports.Face.prototype;

// The stage and the result share one line: the result shows while nothing is running.
methods.text = function (name, text) {
    if (name === "stage") { this.stage = text; }
    if (name === "result") { this.lastResult = text; }
    if (name === "stage" || name === "result") {
        this.put("stage", this.stage);
        this.put("result", this.stage ? "" : this.lastResult);
    } else {
        this.put(name, text);
    }
};

methods.put = function (name, text) {
    if (this.shown[name] === text) { return; }
    this.shown[name] = text;
    if (text) {
        this.show(name, "set", text);
    } else {
        this.show(name, "set"); // Max shows an empty symbol as two quotation marks
    }
};

methods.value = function (name, number) {
    if (this.shown[name] === number) { return; }
    this.shown[name] = number;
    this.show(name, number);
};

// Whether a button takes clicks, and what stands on it.
methods.active = function (name, isActive) { this.change(name, "active", isActive); };
methods.label = function (name, text) { this.change(name, "text", text); };

methods.change = function (name, attribute, value) {
    var key = name + " " + attribute;
    if (this.shown[key] === value) { return; }
    this.shown[key] = value;
    this.show(name, attribute, value);
};

// One line shows results, another one problems; a new result clears the problem.
methods.result = function (text) { this.text("result", text); this.text("problem", ""); };
// The result of an import, which runs in the background: problems that are already shown stay.
methods.imported = function (result, remarks) {
    var previous = this.shown.problem || "";
    this.text("result", result);
    this.problem([previous].concat(remarks).filter(function (text, n) {
        return text && (n === 0 || previous.indexOf(text) < 0);
    }).join(" "));
};
methods.problem = function (text) { this.text("problem", words.fitting(text)); };
