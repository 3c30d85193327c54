// Live's own shapes, taken off: `get` gives arrays, ids come as ["id", 5] or "id 5", dictionaries as JSON text.

exports.at = function (path) { return new LiveAPI(path); };

exports.exists = function (api) { return Number(api.id) !== 0; };

// A value that is one number.
exports.number = function (api, property) {
    var value = api.get(property);
    return Number(Array.isArray(value) ? value[0] : value);
};

// A value that is text; Max breaks some texts at their blanks.
exports.text = function (api, property) {
    var value = api.get(property);
    if (value === null || value === undefined) { return ""; }
    return String(Array.isArray(value) ? value.join(" ") : value);
};

// A dictionary, without the outer one that only repeats the property's name; null where it cannot be read.
exports.dictionary = function (api, property) {
    var told;
    try {
        told = JSON.parse(exports.text(api, property));
    } catch (error) {
        return null;
    }
    return told && told[property] !== undefined ? told[property] : told;
};

// Whether this Live knows a function, or a property, of an object: `info` lists them, a line each.
exports.can = function (api, name) { return listed(api, "function", name); };
exports.knows = function (api, name) { return listed(api, "property", name); };

function listed(api, kind, name) {
    return new RegExp("(^|\\n)" + kind + " " + name + "(\\s|$)").test(String(api.info));
}

// The object that a call has made, or null.
exports.made = function (result) {
    var words = Array.isArray(result) ? result.join(" ") : String(result);
    var id = /id (\d+)/.exec(words);
    return id && id[1] !== "0" ? exports.at("id " + id[1]) : null;
};

// The path of an object as it can be given back to Live.
exports.path = function (api) {
    return String(api.unquotedpath || api.path || "").replace(/"/g, "");
};
