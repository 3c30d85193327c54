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
    Key("space,enter", "clips", "Clips", "Space: show or hide the clips of the selected group.", "␣", in_footer=False),
    Key("C", "connections", "Connections", "Show who talks to the bridge, and all it says.", in_footer=False),
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

#: Those of the screen Connections.
CONNECTIONS = (
    Key("/", "filter", "Filter", "Show only messages with a word, a client or an address."),
    Key("space", "pause", "Pause", "Hold the wire still; what comes meanwhile is kept.", "␣"),
    Key("w", "save", "Save", "Save the messages that are shown to a text file."),
    Key("escape,C", "close", "Back", "Take the filter away, then go back to the jobs.", "Esc"),
)

#: What every screen does.
EVERYWHERE = (Key("ctrl+o", "jump", "Jump", "Go anywhere on this screen by a letter.", "^o", in_footer=False),)

#: Screen or panel → its keys: the help shows them in this order. A screen adds its own row here.
KEYS_BY_SCREEN: dict[str, tuple[Key, ...]] = {
    "Jobs": (*KEYS, *DESK, *PANELS, *FIRST_START),
    "Connections": CONNECTIONS,
    "Everywhere": EVERYWHERE,
}


def bindings(keys: Sequence[Key] = (*KEYS, *EVERYWHERE)) -> list[Binding]:
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown_as, tooltip=key.help, show=key.in_footer)
        for key in keys
    ]
