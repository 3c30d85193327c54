// Errors that a musician can do something about; their messages are shown on the device's face.

exports.problem = function (words) {
    var error = new Error(words);
    error.forPeople = true;
    return error;
};

// The text to show for any thrown error.
exports.words = function (error) {
    if (error && error.forPeople) { return error.message; }
    return "The device has met something it does not know (" + (error && error.message || error) + "). Please send us this line.";
};
