// Errors that a musician can do something about; their messages are shown on the device's face.

exports.problem = function (words) {
    var error = new Error(words);
    error.forPeople = true;
    return error;
};

// The text to show for any thrown error.
exports.words = function (error) {
    if (error && error.forPeople) { return error.message; }
    return "An unexpected error in the device (" + (error && error.message || error) + "). Save this line for a bug report.";
};
