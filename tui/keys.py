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
    in_footer: bool = True
    """False where the footer has no room for it: only the help and the palette show it."""


KEYS = (
    Key("p", "play", "Play", "Play the selected job's notes to the MIDI ports."),
    Key("f", "follow", "Follow", "Play the notes in time with a MIDI clock, JACK or Link.", in_footer=False),
    Key("s", "stop", "Stop", "Stop playing."),
    Key("!,P", "panic", "Panic", "Silence every MIDI port at once, hanging notes too.", shown_as="!"),
    Key("o", "results", "Files", "Show the selected job's files, and copy a path."),
    Key("t", "tempo", "Tempo", "Read the selected job's notes again at another tempo.", in_footer=False),
    Key("enter", "open", "Open", "Enter: see and hear a job, and read its notes anew.", "⏎", in_footer=False),
    Key("space", "clips", "Clips", "Space: show or hide the clips of the selected group.", "␣", in_footer=False),
    Key("C", "connections", "Connections", "Show who talks to the bridge, and all it says.", in_footer=False),
    Key("D", "models", "Models", "Show the models: sizes, speeds, terms; download one.", in_footer=False),
    Key("comma", "settings", "Settings", "Show and change the settings.", ",", in_footer=False),
    Key("?,f1", "help", "Help", "Show this help.", shown_as="?"),
    Key("b", "leave_running", "Leave", "Quit this screen; the bridge works on in the background.", in_footer=False),
    Key("q", "quit", "Quit", "Close the bridge, or this screen of it; asks first while jobs would stop."),
)

#: What the table does with its jobs: with the marked ones, or else with the selected one.
DESK = (
    Key("a", "add", "Add", "Add a song by its path, or drop its file onto this window."),
    Key("l", "live", "Live", "Add a song, and play its notes while it is separated.", in_footer=False),
    Key("c", "cancel_job", "Cancel", "Cancel the selected job or group; files that are complete stay."),
    Key("r", "retry", "Retry", "Run failed and cancelled jobs again, as they were asked for.", in_footer=False),
    Key("R", "again", "Run again", "Change a job's request in the form, and run it again.", in_footer=False),
    Key("x", "remove", "Remove", "Take jobs that are over off the list; their files stay.", in_footer=False),
    Key("u", "undo", "Undo", "Bring back what was removed or cancelled last.", in_footer=False),
    Key("/", "filter", "Filter", "Show the jobs with these words: name, engine, state, today.", "/", in_footer=False),
    Key("S", "sort", "Sort", "Sort the history by time, name, state or length.", in_footer=False),
    Key("m", "mark", "Mark", "Mark a job: c, r, x, O and y act on all that are marked.", in_footer=False),
    Key("M", "mark_all", "Mark all", "Mark all jobs that are shown, or none.", in_footer=False),
    Key("O", "open_folder", "Folder", "Open the folder of a job's files.", in_footer=False),
    Key("y", "copy_folder", "Copy", "Copy the path of the folder of a job's files.", in_footer=False),
)

#: While there are no jobs.
FIRST_START = (Key("d", "demo", "Demo", "With no job yet: take the clip apart that comes with the bridge."),)

#: The main screen's own, which it acts on without the app.
PANELS = (Key("v", "grow", "View", "Let the details grow, then the log, then show all panels again.", in_footer=False),)

#: An opened job's.
JOB_KEYS = (
    Key("space", "hear", "Hear", "Hear the stems on this machine's own output, or pause them.", shown_as="␣"),
    Key("up,k", "choose(-1)", "Stem", "↑ ↓: choose a stem, which stands out in the roll.", "↑↓"),
    Key("down,j", "choose(1)", "Stem", "Choose the next stem.", "↓", in_footer=False),
    Key("S", "solo", "Solo", "Hear and play the chosen stem alone, or with others that are solo.", "S"),
    Key("M,m", "mute", "Mute", "Silence the chosen stem.", "M"),
    Key("n", "notes", "Notes", "Hear the chosen stem's notes in place of its audio, or its audio again.", "n"),
    Key("N", "all_notes", "All notes", "Hear the notes of all stems, or their audio again.", "N", in_footer=False),
    Key("tab", "slider(1)", "Sliders", "Tab: go to the next slider.", "⇥"),
    Key("shift+tab", "slider(-1)", "Back", "Go to the slider before.", "⇧⇥", in_footer=False),
    Key("left", "move(-1)", "Less", "← →: change the slider; without one, go a beat back or on.", "←", in_footer=False),
    Key("right", "move(1)", "More", "Change the slider, or go a beat on.", "→", in_footer=False),
    Key("w", "write", "Write", "Write the notes with the changed settings, into a folder of their own."),
    Key("z", "take_back", "Undo", "Take back the last change of a setting."),
    Key("Z", "take_all_back", "Undo all", "Take back every change of a setting.", "Z", in_footer=False),
    Key("t", "tempo", "Tempo", "Read the notes at another tempo: doubled, halved, tapped."),
    Key("p", "play", "Play", "Play the notes to the MIDI ports, with solo and mute."),
    Key("f", "follow", "Follow", "Play the notes in time with a MIDI clock, JACK or Link.", in_footer=False),
    Key("s", "stop", "Stop", "Stop what is heard and what plays."),
    Key("plus,equals_sign", "zoom(0.5)", "Zoom", "+ −: show a shorter or a longer stretch.", "+", in_footer=False),
    Key("minus", "zoom(2)", "Wider", "Show a longer stretch.", "−", in_footer=False),
    Key("comma,shift+left", "scroll(-0.25)", "Earlier", ", or shift+←: show what comes before.", ",", in_footer=False),
    Key("full_stop,shift+right", "scroll(0.25)", "Later", ". or shift+→: show what follows.", ".", in_footer=False),
    Key("pageup", "scroll(-1)", "Page back", "Show the page before.", in_footer=False),
    Key("pagedown", "scroll(1)", "Page on", "Show the next page.", in_footer=False),
    Key("home,g", "go(0)", "Start", "Go to the clip's start.", in_footer=False),
    Key("end,G", "go(1)", "End", "Go to the clip's end.", in_footer=False),
    Key("v", "all_stems", "All stems", "Show all stems alike, or the chosen one before the others.", in_footer=False),
    Key("c", "cancel", "Cancel", "Cancel the job; files that are complete stay.", in_footer=False),
    Key("r", "retry", "Again", "Run a job again that failed or was cancelled.", in_footer=False),
    Key("escape", "back", "Back", "Back to the jobs; asks once where changes are not written.", "Esc"),
)

#: Those of the screen Connections.
CONNECTIONS = (
    Key("/", "filter", "Filter", "Show only messages with a word, a client or an address."),
    Key("space", "pause", "Pause", "Hold the wire still; what comes meanwhile is kept.", "␣"),
    Key("w", "save", "Save", "Save the messages that are shown to a text file."),
    Key("escape,C", "close", "Back", "Take the filter away, then go back to the jobs.", "Esc"),
)

#: Those of the screen Models.
MODELS = (
    Key("p", "pull", "Download", "Download the selected model, so that it works offline."),
    Key("c", "cancel_pull", "Cancel", "Cancel the download; what has come is kept."),
    Key("e", "make_default", "Default", "Let jobs that name no engine take this one."),
    Key("escape,D", "close", "Back", "Go back to the jobs; downloads go on.", "Esc"),
)

#: Those of the screen Settings.
SETTINGS = (
    Key("e", "edit", "Edit", "Change the selected setting; so does Enter."),
    Key("x", "reset", "Reset", "Take the selected setting out of the file: its default counts again."),
    Key("escape", "close", "Back", "Leave the field, then go back to the jobs.", "Esc"),
)

#: What every screen does.
EVERYWHERE = (Key("ctrl+o", "jump", "Jump", "Go anywhere on this screen by a letter.", "^o", in_footer=False),)

#: Screen or panel → its keys: the help shows them in this order. A screen adds its own row here.
KEYS_BY_SCREEN: dict[str, tuple[Key, ...]] = {
    "Jobs": (*KEYS, *DESK, *PANELS, *FIRST_START),
    "An opened job": JOB_KEYS,
    "Connections": CONNECTIONS,
    "Models": MODELS,
    "Settings": SETTINGS,
    "Everywhere": EVERYWHERE,
}


def bindings(keys: Sequence[Key] = (*KEYS, *EVERYWHERE)) -> list[Binding]:
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown_as, tooltip=key.help, show=key.in_footer)
        for key in keys
    ]
