// Something that went wrong and that a musician can do something about: the words are for the device's face.

exports.problem = function (words) {
    var error = new Error(words);
    error.forPeople = true;
    return error;
};

// What to show for anything that was thrown.
exports.words = function (error) {
    if (error && error.forPeople) { return error.message; }
    return "The device has met something it does not know (" + (error && error.message || error) + "). Please send us this line.";
};
