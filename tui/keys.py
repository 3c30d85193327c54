"""The keys and their actions: one table for the footer, the help and the command palette."""

from __future__ import annotations

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
    Key("a", "add", "Add", "Add a song by its path, or drop its file onto this window."),
    Key("l", "live", "Live", "Add a song, and play its notes while it is separated.", in_footer=False),
    Key("c", "cancel_job", "Cancel", "Cancel the selected job or group; files that are complete stay."),
    Key("p", "play", "Play", "Play the selected job's notes to the MIDI ports."),
    Key("f", "follow", "Follow", "Play the notes in time with a MIDI clock, JACK or Link.", in_footer=False),
    Key("s", "stop", "Stop", "Stop playing."),
    Key("!,P", "panic", "Panic", "Silence every MIDI port at once, hanging notes too.", shown_as="!"),
    Key("o", "results", "Files", "Show the selected job's files, and copy a path."),
    Key("t", "tempo", "Tempo", "Read the selected job's notes again at another tempo.", in_footer=False),
    Key("enter", "open", "Open", "Enter: see and hear the selected job, and read its notes anew.", "⏎"),
    Key("space", "clips", "Clips", "Space: show or hide the clips of the selected group.", "␣", in_footer=False),
    Key("?", "help", "Help", "Show this help.", shown_as="?"),
    Key("q", "quit", "Quit", "Close the bridge; asks first while jobs are unfinished."),
)

ACTIONS = frozenset(key.action for key in KEYS)
#: Those that are possible on every screen.
EVERYWHERE = frozenset({"panic", "help", "quit"})


def bindings() -> list[Binding]:
    return [
        Binding(key.keys, key.action, key.label, key_display=key.shown_as, tooltip=key.help, show=key.in_footer)
        for key in KEYS
    ]
