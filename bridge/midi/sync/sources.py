"""The protocol between the player and its sync sources, and their registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol, TypeAlias

from bridge.errors import EngineFailed
from bridge.midi.sync.midi_clock import MidiClock
from bridge.midi.timeline import Timeline
from bridge.request import CLOCK


class SyncMessage(NamedTuple):
    """A message received on the port `SAB Sync`, and its time on the player's clock."""

    at_ns: int
    data: bytes


class SyncSource(Protocol):
    """A source of position and tempo that a playback can follow."""

    @property
    def poll_ns(self) -> int | None:
        """The interval at which it must be polled while a playback follows it; None: only after a message."""
        ...

    @property
    def bar_quarters(self) -> float | None:
        """The length of a bar in quarter notes; None: the source does not tell."""
        ...

    def expect_tempo(self, bpm: float) -> None:
        """Sets the tempo to assume until the source has one."""
        ...

    def timeline(self, now_ns: int) -> Timeline | None:
        """The current timeline; None if the music has stopped.

        Raises:
            EngineFailed: the source has failed for good.
        """
        ...


SourceFactory: TypeAlias = Callable[[], SyncSource]


class SyncSources:
    """The sync sources by name, each opened at its first use."""

    def __init__(self, factories: Mapping[str, SourceFactory] | None = None) -> None:
        self.clock = MidiClock()
        self._factories = dict(factories or {})
        self._open: dict[str, SyncSource] = {CLOCK: self.clock}

    def get(self, name: str) -> SyncSource:
        """Raises EngineFailed: the source does not exist here, and why."""
        if name not in self._open:
            if name not in self._factories:
                raise EngineFailed(f"There is no sync {name} here.", advice=f"There is {', '.join(self._names())}.")
            self._open[name] = self._factories[name]()
        return self._open[name]

    @property
    def heard(self) -> Mapping[str, SyncSource]:
        """By name the sources that are open; the MIDI clock only once a tick has come."""
        return {name: source for name, source in self._open.items() if source is not self.clock or self.clock.is_heard}

    def _names(self) -> list[str]:
        return sorted({*self._open, *self._factories})
