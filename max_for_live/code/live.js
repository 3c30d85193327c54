// Unwraps the values of Live's API: `get` returns arrays, ids are ["id", 5] or "id 5", dictionaries are JSON text.

exports.at = function (path) { return new LiveAPI(path); };

exports.exists = function (api) { return Number(api.id) !== 0; };

// A numeric property.
exports.number = function (api, property) {
    var value = api.get(property);
    return Number(Array.isArray(value) ? value[0] : value);
};

// A text property; Max splits some texts at their spaces.
exports.text = function (api, property) {
    var value = api.get(property);
    if (value === null || value === undefined) { return ""; }
    return String(Array.isArray(value) ? value.join(" ") : value);
};

// A dictionary property, without the outer dictionary that only repeats the property's name; null if it is unreadable.
exports.dictionary = function (api, property) {
    var value;
    try {
        value = JSON.parse(exports.text(api, property));
    } catch (error) {
        return null;
    }
    return value && value[property] !== undefined ? value[property] : value;
};

// Whether an object has a function, or a property, in this version of Live: `info` lists them, one a line.
exports.can = function (api, name) { return listed(api, "function", name); };
exports.knows = function (api, name) { return listed(api, "property", name); };

function listed(api, kind, name) {
    return new RegExp("(^|\\n)" + kind + " " + name + "(\\s|$)").test(String(api.info));
}

// Sets a property unless it has this value already.
exports.put = function (api, property, value) {
    if (exports.text(api, property) !== String(value)) { api.set(property, value); }
};

// The object that a call has created, or null.
exports.made = function (result) {
    var words = Array.isArray(result) ? result.join(" ") : String(result);
    var id = /id (\d+)/.exec(words);
    return id && id[1] !== "0" ? exports.at("id " + id[1]) : null;
};

// The path of an object, in the form that Live accepts.
exports.path = function (api) {
    return String(api.unquotedpath || api.path || "").replace(/"/g, "");
};
