"""The words of every face for stages, states, files, back-ends and playback.

The screen, the command line and the device for Live take them from here; labels of stems are in `bridge.stems`. They
are in lower case, for use within a line; `sentence` capitalises one for the start of a line.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.model import Kind, PlayOutcome, Stage, State

STAGE_WORDS: Mapping[Stage, str] = {
    "queued": "waiting",
    "loading": "loading",
    "separating": "separating",
    "transcribing": "finding notes",
    "writing": "writing files",
}
STATE_WORDS: Mapping[State, str] = {
    "queued": "waiting",
    "running": "running",
    "done": "done",
    "failed": "failed",
    "cancelled": "cancelled",
}
KIND_WORDS: Mapping[Kind, str] = {
    "stem": "stem",
    "midi": "notes",
    "notes": "table",
    "picture": "picture",
    "chords": "chords",
    "score": "score",
    "dawproject": "project",
}
PLAY_OUTCOME_WORDS: Mapping[PlayOutcome, str] = {
    "finished": "played to the end",
    "stopped": "stopped",
    "failed": "could not be played",
}
#: By the names that `midi_backend` and `/sab/status.reply` use.
BACKEND_WORDS: Mapping[str, str] = {
    "jack": "JACK",
    "jack-exact": "JACK, to the sample",
    "alsa": "ALSA",
    "coremidi": "Core MIDI",
    "winmm": "Windows MIDI",
    "none": "no MIDI",
}
WORKER_WORDS: Mapping[str, str] = {
    "starting": "warming up",
    "ready": "ready",
    "busy": "at work",
    "down": "restarting",
    "closing": "closing",
    "gone": "gone",
}
#: What musicians call the engines to choose between first; the others are called by their names.
ENGINE_WORDS: Mapping[str, str] = {"draft": "fast", "good": "good", "htdemucs": "best"}
SYNC_WORDS: Mapping[str, str] = {
    "now": "At once",
    "clock": "With your DAW's MIDI clock, on the port SAB Sync",
    "jack": "With JACK's transport",
    "link": "With Ableton Link",
}


def sentence(words: str) -> str:
    """The words with a capital at their beginning."""
    return words[:1].upper() + words[1:]


def adding_extra(extra: str) -> str:
    """What to do where a part of the bridge needs an extra that this installation lacks."""
    return f"Install the bridge with the extra {extra} (docs/installation.md)."
