// Reads files in chunks, as Max's js requires.

var problem = require("./problem").problem;

var CHUNK_BYTES = 4096;

exports.bytes = function (path) {
    var file = new File(path.replace(/\\/g, "/"), "read");
    if (!file.isopen) { throw problem("Max cannot read " + path + "."); }
    var bytes = [], chunk;
    while (file.position < file.eof) {
        chunk = file.readbytes(Math.min(CHUNK_BYTES, file.eof - file.position));
        if (!chunk || !chunk.length) { break; }
        bytes.push.apply(bytes, chunk);
    }
    file.close();
    return bytes;
};

// A file as text, with one character for each byte: only its numbers and field names are used, and these are ASCII.
exports.text = function (path) {
    var bytes = exports.bytes(path), parts = [], i;
    for (i = 0; i < bytes.length; i += CHUNK_BYTES) {
        parts.push(String.fromCharCode.apply(null, bytes.slice(i, i + CHUNK_BYTES)));
    }
    return parts.join("");
};
