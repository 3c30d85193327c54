// Generated from the bridge's tables by `python -m max_for_live.generator --tables`: do not edit.

exports.VERSION = 1;
exports.STEMS = ["vocals", "drums", "bass", "other", "guitar", "piano"];
exports.AUDIO_STEMS = ["vocals", "drums", "kick", "snare", "toms", "hats", "cymbals", "bass", "other", "guitar", "piano", "instrumental", "no_drums", "no_bass", "no_other", "no_guitar", "no_piano"];
exports.PLAYED_BY = [["vocals", ["vocals"]], ["drums", ["cymbals", "hats", "kick", "snare", "toms"]], ["bass", ["bass"]], ["other", ["other"]], ["guitar", ["guitar"]], ["piano", ["piano"]], ["instrumental", ["bass", "cymbals", "guitar", "hats", "kick", "other", "piano", "snare", "toms"]], ["no_drums", ["bass", "guitar", "other", "piano", "vocals"]], ["no_bass", ["cymbals", "guitar", "hats", "kick", "other", "piano", "snare", "toms", "vocals"]], ["no_other", ["bass", "cymbals", "guitar", "hats", "kick", "piano", "snare", "toms", "vocals"]], ["no_guitar", ["bass", "cymbals", "hats", "kick", "other", "piano", "snare", "toms", "vocals"]], ["no_piano", ["bass", "cymbals", "guitar", "hats", "kick", "other", "snare", "toms", "vocals"]], ["kick", ["kick"]], ["snare", ["snare"]], ["toms", ["toms"]], ["hats", ["hats"]], ["cymbals", ["cymbals"]]];
exports.OPPOSITES = ["", "instrumental", "no_drums", "no_bass", "no_other", "no_guitar", "no_piano"];
exports.ENGINES = ["auto", "draft", "htdemucs", "htdemucs_ft", "htdemucs_6s", "hdemucs_mmi", "mdx", "mdx_extra", "mdx_q", "umxhq", "umxl", "mdx_extra_q", "good", "spleeter"];
exports.QUALITIES = ["draft", "good", "htdemucs", "auto"];
exports.ENGINE_STEMS = {
    "draft": ["vocals", "drums", "bass", "other"],
    "htdemucs": ["vocals", "drums", "bass", "other"],
    "htdemucs_ft": ["vocals", "drums", "bass", "other"],
    "htdemucs_6s": ["vocals", "drums", "bass", "other", "guitar", "piano"],
    "hdemucs_mmi": ["vocals", "drums", "bass", "other"],
    "mdx": ["vocals", "drums", "bass", "other"],
    "mdx_extra": ["vocals", "drums", "bass", "other"],
    "mdx_q": ["vocals", "drums", "bass", "other"],
    "umxhq": ["vocals", "drums", "bass", "other"],
    "umxl": ["vocals", "drums", "bass", "other"],
    "mdx_extra_q": ["vocals", "drums", "bass", "other"],
    "good": ["vocals", "drums", "bass", "other"],
    "spleeter": ["vocals", "other"]
};
exports.FOUR_STEMS = ["vocals", "drums", "bass", "other"];
exports.PRESETS = {
    "vocals": {"stems": ["vocals"], "opposite": "", "all": false},
    "karaoke": {"stems": [], "opposite": "instrumental", "all": false},
    "drums_bass": {"stems": ["drums", "bass"], "opposite": "", "all": false},
    "all": {"stems": [], "opposite": "", "all": true}
};
exports.READINGS = [[], ["reading", "clean"], ["quantise", "1/8"], ["quantise", "1/16"], ["quantise", "1/8t"], ["quantise", "1/16t"]];
exports.TEMPO_RANGE = [20.0, 400.0];
exports.PORT_NAMES = {
    "vocals": "SAB Vocals",
    "drums": "SAB Drums",
    "bass": "SAB Bass",
    "other": "SAB Other",
    "guitar": "SAB Guitar",
    "piano": "SAB Piano"
};
exports.STEM_LABELS = {
    "vocals": "Vocals",
    "drums": "Drums",
    "kick": "Drums Kick",
    "snare": "Drums Snare",
    "toms": "Drums Toms",
    "hats": "Drums Hats",
    "cymbals": "Drums Cymbals",
    "bass": "Bass",
    "other": "Other",
    "guitar": "Guitar",
    "piano": "Piano",
    "instrumental": "Instrumental",
    "no_drums": "No Drums",
    "no_bass": "No Bass",
    "no_other": "No Other",
    "no_guitar": "No Guitar",
    "no_piano": "No Piano"
};
exports.STEM_COLORS = {
    "vocals": 14833018,
    "drums": 7039607,
    "bass": 8019158,
    "other": 2792847,
    "guitar": 14715438,
    "piano": 4030425,
    "kick": 5723743,
    "snare": 7039607,
    "toms": 8355212,
    "hats": 9671072,
    "cymbals": 10986932,
    "instrumental": 11627133,
    "no_drums": 7697529,
    "no_bass": 8220331,
    "no_other": 5607048,
    "no_guitar": 11568471,
    "no_piano": 6193069
};
exports.UNPITCHED = ["drums"];
exports.STAGE_WORDS = {
    "queued": "Waiting",
    "loading": "Loading",
    "separating": "Separating",
    "transcribing": "Finding notes",
    "writing": "Writing files"
};
exports.REQUESTS = {
    "hello": "/sab/hello",
    "ping": "/sab/ping",
    "status": "/sab/status",
    "subscribe": "/sab/subscribe",
    "submit": "/sab/submit",
    "cancel": "/sab/cancel",
    "list": "/sab/list",
    "query": "/sab/query",
    "group.results": "/sab/group.results",
    "group.cancel": "/sab/group.cancel",
    "play": "/sab/play",
    "stop": "/sab/stop",
    "panic": "/sab/panic",
    "open": "/sab/open",
    "models": "/sab/models"
};
exports.MESSAGES = {
    "/sab/hello.reply": ["i:protocol", "s:version", "s:server", "i:client_id"],
    "/sab/pong": ["s:token"],
    "/sab/status.reply": ["i:queued", "i:running", "s:engine", "s:device", "s:midi_backend", "s:computing"],
    "/sab/done": ["s:request", "s:job"],
    "/sab/accepted": ["s:req", "s:job", "i:queue_position"],
    "/sab/list.begin": ["i:n"],
    "/sab/job": ["s:job", "s:state", "f:progress", "s:name"],
    "/sab/job.group": ["s:job", "s:group", "i:position", "s:group_id"],
    "/sab/list.end": [],
    "/sab/result": ["s:job", "s:kind", "s:name", "s:path", "f:seconds", "i:sample_rate"],
    "/sab/group.begin": ["s:group", "i:clips", "i:n", "s:group_id"],
    "/sab/group.clip": ["s:group", "i:position", "s:job", "s:state", "f:progress", "s:name", "s:output_dir"],
    "/sab/group.result": ["s:group", "i:position", "s:kind", "s:name", "s:path", "f:seconds", "i:sample_rate"],
    "/sab/group.end": ["s:group", "i:next"],
    "/sab/models.begin": ["i:n"],
    "/sab/model": ["s:name", "i:stems", "i:present", "s:note"],
    "/sab/models.end": [],
    "/sab/startup": ["s:version"],
    "/sab/nonce": ["s:nonce"],
    "/sab/bye": ["s:version"],
    "/sab/progress": ["s:job", "s:stage", "f:fraction", "f:eta_seconds"],
    "/sab/music": ["s:job", "f:tempo", "s:source", "f:confidence", "f:first_beat", "s:key", "f:margin"],
    "/sab/tempo": ["s:job", "f:tempo", "s:time_signature", "f:share"],
    "/sab/finished": ["s:job", "s:outcome", "i:results", "s:output_dir"],
    "/sab/group": ["s:group", "i:clips", "i:ended", "f:fraction", "s:state", "s:group_id"],
    "/sab/group.finished": ["s:group", "s:outcome", "i:clips", "i:done", "i:failed", "i:cancelled", "s:group_id"],
    "/sab/removed": ["s:job"],
    "/sab/restored": ["s:job"],
    "/sab/warning": ["s:job", "s:code", "s:message"],
    "/sab/fail": ["s:address", "s:code", "s:message", "s:req_or_job"],
    "/sab/preview": ["s:job", "s:stem", "s:path", "i:sample_rate", "i:channels"],
    "/sab/horizon": ["s:job", "f:seconds"],
    "/sab/midi.wait": ["s:job", "s:stem", "s:sync"],
    "/sab/midi.delay": ["s:job", "f:seconds"],
    "/sab/midi.start": ["s:job", "s:stem", "f:seconds", "i:notes"],
    "/sab/midi.starved": ["s:job", "s:stem", "f:seconds"],
    "/sab/midi.position": ["s:job", "s:stem", "f:seconds"],
    "/sab/midi.end": ["s:job", "s:stem", "s:outcome", "f:late_p50_ms", "f:late_p99_ms", "f:late_worst_ms", "i:missed"]
};
