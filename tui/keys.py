"""The keys and their actions: one table for the footer, the help and the command palette."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual.binding import Binding


@dataclass(frozen=True)
class Key:
    keys: str
    action: str
    label: str
    """One word, for the footer."""
    help: str
    """One sentence, for the help and the command palette."""
    shown_as: str | None = None
    rank: int = 2
    """When the footer takes it: 1 first, the greatest where there is room; 0: only the help and the palette show it."""


KEYS = (
    Key("enter", "open", "Open", "Enter: see and hear a job, and read its notes anew.", "⏎", rank=1),
    Key("p", "play", "Play", "Play the selected job's notes to the MIDI ports.", rank=1),
    Key("f", "follow", "Follow", "Play the notes in time with a MIDI clock, JACK or Link.", rank=0),
    Key("s", "stop", "Stop", "Stop playing.", rank=3),
    Key("!,P", "panic", "Panic", "Silence every MIDI port at once, hanging notes too.", shown_as="!", rank=3),
    Key("o", "results", "Files", "Show the selected job's files, and copy a path.", rank=6),
    Key("t", "tempo", "Tempo", "Read the selected job's notes again at another tempo.", rank=0),
    Key("space", "clips", "Clips", "Space: show or hide the clips of the selected group.", "␣", rank=0),
    Key("C", "connections", "Connections", "Show who talks to the bridge, and all it says.", rank=5),
    Key("D", "models", "Models", "Show the models: sizes, speeds, terms; download one.", rank=5),
    Key("comma", "settings", "Settings", "Show and change the settings.", ",", rank=5),
    Key("?,f1", "help", "Help", "Show this help.", shown_as="?", rank=1),
    Key("b", "leave_running", "Leave", "Quit this screen; the bridge works on in the background.", rank=0),
    Key("q", "quit", "Quit", "Close the bridge, or this screen of it; asks first while jobs would stop."),
)

#: What the table does with its jobs: with the marked ones, or else with the selected one.
DESK = (
    Key("a", "add", "Add", "Add a song by its path, or drop its file onto this window.", rank=1),
    Key("l", "live", "Live", "Add a song, and play its notes while it is separated.", rank=0),
    Key("c", "cancel_job", "Cancel", "Cancel the selected job or group; files that are complete stay.", rank=3),
    Key("r", "retry", "Retry", "Run failed and cancelled jobs again, as they were asked for.", rank=4),
    Key("R", "again", "Run again", "Change a job's request in the form, and run it again.", rank=7),
    Key("x", "remove", "Remove", "Take jobs that are over off the list; their files stay.", rank=6),
    Key("u", "undo", "Undo", "Bring back what was removed or cancelled last.", rank=7),
    Key("/", "filter", "Filter", "Show the jobs with these words: name, engine, state, today.", "/", rank=4),
    Key("S", "sort", "Sort", "Sort the history by time, name, state or length.", rank=0),
    Key("m", "mark", "Mark", "Mark a job: c, r, x, O and y act on all that are marked.", rank=0),
    Key("M", "mark_all", "Mark all", "Mark all jobs that are shown, or none.", rank=0),
    Key("O", "open_folder", "Folder", "Open the folder of a job's files.", rank=0),
    Key("y", "copy_folder", "Copy", "Copy the path of the folder of a job's files.", rank=0),
)

#: While there are no jobs.
FIRST_START = (Key("d", "demo", "Demo", "With no job yet: take the clip apart that comes with the bridge.", rank=1),)

#: The main screen's own, which it acts on without the app.
PANELS = (Key("v", "grow", "View", "Let the details grow, then the log, then show all panels again.", rank=0),)

#: An opened job's.
JOB_KEYS = (
    Key("space", "hear", "Hear", "Hear the stems on this machine's own output, or pause them.", shown_as="␣", rank=1),
    Key("up,k", "choose(-1)", "Stem", "↑ ↓: choose a stem, which stands out in the roll.", "↑↓", rank=4),
    Key("down,j", "choose(1)", "Stem", "Choose the next stem.", "↓", rank=0),
    Key("S", "solo", "Solo", "Hear and play the chosen stem alone, or with others that are solo.", "S"),
    Key("M,m", "mute", "Mute", "Silence the chosen stem.", "M", rank=3),
    Key("n", "notes", "Notes", "Hear the chosen stem's notes in place of its audio, or its audio again.", "n", rank=3),
    Key("N", "all_notes", "All notes", "Hear the notes of all stems, or their audio again.", "N", rank=0),
    Key("tab", "slider(1)", "Sliders", "Tab: go to the next slider.", "⇥", rank=1),
    Key("shift+tab", "slider(-1)", "Back", "Go to the slider before.", "⇧⇥", rank=0),
    Key("left", "move(-1)", "Less", "← →: change the slider; without one, go a beat back or on.", "←", rank=0),
    Key("right", "move(1)", "More", "Change the slider, or go a beat on.", "→", rank=0),
    Key("w", "write", "Write", "Write the notes with the changed settings, into a folder of their own.", rank=1),
    Key("z", "take_back", "Undo", "Take back the last change of a setting.", rank=3),
    Key("Z", "take_all_back", "Undo all", "Take back every change of a setting.", "Z", rank=0),
    Key("t", "tempo", "Tempo", "Read the notes at another tempo: doubled, halved, tapped."),
    Key("p", "play", "Play", "Play the notes to the MIDI ports, with solo and mute."),
    Key("f", "follow", "Follow", "Play the notes in time with a MIDI clock, JACK or Link.", rank=0),
    Key("s", "stop", "Stop", "Stop what is heard and what plays.", rank=3),
    Key("plus,equals_sign", "zoom(0.5)", "Zoom", "+ −: show a shorter or a longer stretch.", "+", rank=0),
    Key("minus", "zoom(2)", "Wider", "Show a longer stretch.", "−", rank=0),
    Key("comma,shift+left", "scroll(-0.25)", "Earlier", ", or shift+←: show what comes before.", ",", rank=0),
    Key("full_stop,shift+right", "scroll(0.25)", "Later", ". or shift+→: show what follows.", ".", rank=0),
    Key("pageup", "scroll(-1)", "Page back", "Show the page before.", rank=0),
    Key("pagedown", "scroll(1)", "Page on", "Show the next page.", rank=0),
    Key("home,g", "go(0)", "Start", "Go to the clip's start.", rank=0),
    Key("end,G", "go(1)", "End", "Go to the clip's end.", rank=0),
    Key("v", "all_stems", "All stems", "Show all stems alike, or the chosen one before the others.", rank=0),
    Key("c", "cancel", "Cancel", "Cancel the job; files that are complete stay.", rank=0),
    Key("r", "retry", "Again", "Run a job again that failed or was cancelled.", rank=0),
    Key("escape", "back", "Back", "Back to the jobs; asks once where changes are not written.", "Esc", rank=1),
)

#: Those of the screen Connections.
CONNECTIONS = (
    Key("/", "filter", "Filter", "Show only messages with a word, a client or an address."),
    Key("space", "pause", "Pause", "Hold the wire still; what comes meanwhile is kept.", "␣"),
    Key("w", "save", "Save", "Save the messages that are shown to a text file."),
    Key("escape,C", "close", "Back", "Take the filter away, then go back to the jobs.", "Esc", rank=1),
)

#: Those of the screen Models.
MODELS = (
    Key("p", "pull", "Download", "Download the selected model, so that it works offline."),
    Key("c", "cancel_pull", "Cancel", "Cancel the download; what has come is kept."),
    Key("e", "make_default", "Default", "Let jobs that name no engine take this one."),
    Key("escape,D", "close", "Back", "Go back to the jobs; downloads go on.", "Esc", rank=1),
)

#: Those of the screen Settings.
SETTINGS = (
    Key("e", "edit", "Edit", "Change the selected setting; so does Enter."),
    Key("x", "reset", "Reset", "Take the selected setting out of the file: its default counts again."),
    Key("escape", "close", "Back", "Leave the field, then go back to the jobs.", "Esc", rank=1),
)

#: What every screen does.
EVERYWHERE = (Key("ctrl+o", "jump", "Jump", "Go anywhere on this screen by a letter.", "^o", rank=0),)

#: Screen or panel → its keys: the help shows them in this order. A screen adds its own row here.
KEYS_BY_SCREEN: dict[str, tuple[Key, ...]] = {
    "Jobs": (*DESK, *KEYS, *PANELS, *FIRST_START),
    "An opened job": JOB_KEYS,
    "Connections": CONNECTIONS,
    "Models": MODELS,
    "Settings": SETTINGS,
    "Everywhere": EVERYWHERE,
}


def bindings(keys: Sequence[Key] = (*KEYS, *EVERYWHERE)) -> list[Binding]:
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown_as, tooltip=key.help, show=key.rank > 0)
        for key in keys
    ]
