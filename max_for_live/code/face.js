// What stands on the device's face, sent only where it changes.

var words = require("./words");

// show(name, …) hands a change to the patch.
exports.Face = function (show) {
    this.show = show;
    this.shown = {};
};

var methods = exports.Face.prototype;

methods.text = function (name, said) {
    if (this.shown[name] === said) { return; }
    this.shown[name] = said;
    if (said) {
        this.show(name, "set", said);
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
methods.result = function (said) { this.text("result", said); this.text("problem", ""); };
// A result that comes by itself: what went wrong meanwhile goes on being said.
methods.imported = function (said, remarks) {
    var standing = this.shown.problem || "";
    this.text("result", said);
    this.problem([standing].concat(remarks).filter(function (text, n) {
        return text && (n === 0 || standing.indexOf(text) < 0);
    }).join(" "));
};
methods.problem = function (said) { this.text("problem", words.fitting(said)); };
