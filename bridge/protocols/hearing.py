"""The seam through which a screen plays stems and notes on the output of its own machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.model import Note
from bridge.value import Value


class Track(Value, frozen=True, kw_only=True):
    """One voice of what is heard."""

    name: str
    """Its stem."""
    path: str = ""
    """Its audio file; empty: its notes are played by a simple synthesiser."""
    notes: tuple[Note, ...] = ()
    is_drums: bool = False
    """Whether the notes are percussion keys."""


class HearingStatus(Value, frozen=True, kw_only=True):
    """What is heard now."""

    is_playing: bool = False
    seconds: float = 0.0
    """The place in the clip that sounds now."""
    device: str = ""
    """The name of the output; empty if none is open."""
    message: str = ""
    """Why nothing can be heard, in words for the user; empty if it can."""


class Hearing(Protocol):
    """Plays tracks in step; its process and its library are loaded when it is first used."""

    async def play(self, tracks: Sequence[Track], at_seconds: float = 0.0) -> None:
        """Plays these tracks together from that place, in place of what was played before.

        Raises:
            NotFound, NotAudio, NotReadable: a file cannot be read.
            EngineFailed: there is no output; the message says what to do.
        """
        ...

    def set_silent(self, names: Sequence[str]) -> None:
        """Of the tracks that play, these are silent, and no others. It clicks nowhere."""
        ...

    def replace_notes(self, name: str, notes: Sequence[Note]) -> None:
        """The track's synthesiser goes on with other notes."""
        ...

    def seek(self, seconds: float) -> None: ...

    def pause(self) -> None: ...

    def resume(self) -> None: ...

    def stop(self) -> None:
        """Silence; the output is closed."""
        ...

    @property
    def status(self) -> HearingStatus: ...

    def subscribe(self, listener: Callable[[HearingStatus], None]) -> Callable[[], None]:
        """Calls `listener` on the event loop with each change, and about ten times a second while it plays."""
        ...

    async def close(self) -> None: ...
