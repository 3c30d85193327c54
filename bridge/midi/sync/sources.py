"""The seam between the player and whatever tells it how the music goes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from bridge.errors import EngineFailed
from bridge.midi.sync.midi_clock import MidiClock
from bridge.midi.timeline import Timeline

CLOCK, JACK, LINK = "clock", "jack", "link"


class SyncMessage(NamedTuple):
    """A message that came in on the port `SAB Sync`, and when, on the player's clock."""

    at_ns: int
    data: bytes


class Source(Protocol):
    """Something that a playback can follow."""

    @property
    def poll_ns(self) -> int | None:
        """How often it wants to be asked while something follows it; None: never, unless something was heard."""
        ...

    def expect(self, bpm: float) -> None:
        """The tempo to go by as long as nothing else is known."""
        ...

    def timeline(self, now_ns: int) -> Timeline | None:
        """Where the music is; None: it stands still.

        Raises:
            EngineFailed: it will tell no more.
        """
        ...


Open: TypeAlias = Callable[[], Source]


class Sources:
    """Each source of time by its name, opened when it is first asked for."""

    def __init__(self, openers: Mapping[str, Open] | None = None) -> None:
        self.clock = MidiClock()
        self._openers = dict(openers or {})
        self._open: dict[str, Source] = {CLOCK: self.clock}

    def get(self, name: str) -> Source:
        """Raises EngineFailed: there is none of that name here, and why."""
        if name not in self._open:
            if name not in self._openers:
                raise EngineFailed(f"There is no sync {name} here.", advice=f"There is {', '.join(self._names())}.")
            self._open[name] = self._openers[name]()
        return self._open[name]

    def _names(self) -> list[str]:
        return sorted({*self._open, *self._openers})
