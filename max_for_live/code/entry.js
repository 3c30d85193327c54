// Max's side of the script: its inlet, its outlets (0 to udpsend, 1 to udpreceive, 2 to the face), and the functions
// that Max calls by name.

inlets = 1;
outlets = 3;
autowatch = 0;

var protocol = require("./protocol");
var Device = require("./main").Device;

var device = null;

// From live.thisdevice: Live's API is available from now on.
function bang() {
    if (device) { return; }
    // `outlet` belongs to Max: it takes one array, and its own `apply` is said to end Live (docs/decisions/0165).
    var world = {
        send: function (address, atoms) { outlet(0, [address].concat(atoms)); },
        talkTo: function (port) { outlet(0, "port", port); },
        listen: function (port) { outlet(1, "port", port); },
        show: function () { outlet(2, Array.prototype.slice.call(arguments)); },
        browse: function (folder) { messnamed("max", "launchbrowser", fileAddress(folder)); }
    };
    device = new Device(world, new Global("source_audio_bridge_ports"));
    pending.forEach(function (action) { action(); });
    device.start();
}

// The controls send their values before Live is ready: they are applied once it is.
var pending = [];

function whenReady(action) {
    if (device) { action(); } else { pending.push(action); }
}

function osc(address) {
    var atoms = arrayfromargs(arguments).slice(1);
    if (device) { device.connection.receive(address, atoms); }
}

function stem(name, on) { whenReady(function () { device.wishes.stems[name] = on === 1; }); }

function wish(name, on) {
    whenReady(function () {
        device.wishes[name] = on === 1;
        if (name === "brace" && device.observers.length) { device.showSelection(); }
    });
}

function engine(index) { whenReady(function () { device.engineChosen(protocol.ENGINES[index] || "auto"); }); }

function quality(index) { if (device) { device.qualityChosen(index); } }

function opposite(index) { whenReady(function () { device.wishes.opposite = protocol.OPPOSITES[index] || ""; }); }

function server(port) { whenReady(function () { device.moved(port); }); }

function reading(index) { whenReady(function () { device.wishes.reading = protocol.READINGS[index] || []; }); }

function press(button, choice) { if (device) { device.press(button, choice); } }

function preset(name) { if (device) { device.choosePreset(name); } }

// Not callable from the patch.
whenReady.local = 1;
fileAddress.local = 1;

function notifydeleted() { if (device) { device.end(); device = null; } }

function fileAddress(folder) {
    var path = folder.replace(/\\/g, "/");
    return "file://" + (path.charAt(0) === "/" ? "" : "/") + encodeURI(path).replace(/#/g, "%23").replace(/\?/g, "%3F");
}
