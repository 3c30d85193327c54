// Builds the request for one part of one clip.

var protocol = require("./protocol");
var problem = require("./problem").problem;

// wishes: {engine, stems: {vocals: true, …}, opposite: "instrumental" or "", audio, notes, kit, reading: pairs of keys and
// values, play: while it separates};
// time: as of tempi.timeOf. Returns the arguments of /sab/submit, without `req`.
// Times are sent as text: Max sends numbers with only single precision.
exports.build = function (clip, set, region, time, wishes, notesAsList) {
    var stems = protocol.STEMS.filter(function (stem) { return wishes.stems[stem]; }).join(",");
    var audio = wishes.notes && !wishes.audio ? "" : [stems, wishes.opposite].filter(Boolean).join(",");
    if (!stems && !audio) { throw problem("Choose at least one stem."); }
    if (set.file === "") {
        throw problem("Save the Live Set first (Ctrl+S or Cmd+S): the stems go into its folder.");
    }
    var atoms = [
        clip.file,
        "stems", audio || "none",
        "midi", wishes.notes && stems || "none",
        "start", exact(region.start), "end", exact(region.end),
        "name", clip.name.replace(/[\/\\]/g, "-")
    ];
    // The bridge writes its MIDI files at this tempo, so their beats match the clip, not the file.
    var tempo = time.tempo === null ? "" : exact(time.tempo), range = protocol.TEMPO_RANGE;
    if (tempo && Number(tempo) >= range[0] && Number(tempo) <= range[1]) { atoms.push("tempo", tempo); }
    if (time.metre) { atoms.push("time-signature", time.metre); }
    if (wishes.engine !== "auto") { atoms.push("engine", wishes.engine); } // else the bridge's setting
    if (time.beat !== null) { atoms.push("beat", exact(time.beat)); }
    if (set.file) { atoms.push("project", set.file); }
    if (audio && wishes.kit && wishes.stems.drums) { atoms.push("kit", 1); }
    if (wishes.notes && wishes.reading) { atoms = atoms.concat(wishes.reading); }
    if (wishes.notes && stems && wishes.play) { atoms.push("play", "live"); }
    if (wishes.notes && notesAsList) { atoms.push("notes", "json"); }
    return atoms;
};

function exact(number) { return number.toFixed(7).replace(/\.?0+$/, ""); }
