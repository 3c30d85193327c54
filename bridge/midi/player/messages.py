"""The messages between the main process and the MIDI player, which reports events as they are published."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from bridge.connections.values import PlayerActivity
from bridge.events import MidiEvent, MidiReady, Noticed
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.schedule import Schedule, TimedBytes
from bridge.request import NOW
from bridge.value import Value


class PlayerSettings(Value, frozen=True, kw_only=True, tag="settings"):
    """The first message."""

    layout: PortLayout
    leftovers: dict[str, tuple[bytes, ...]] = msgspec.field(default_factory=dict)
    """By stem, the messages that end what an earlier player may have left sounding, for each connection of its port."""


class Play(Value, frozen=True, kw_only=True, tag="play"):
    """Plays schedules that start together, each on its stem's port; earlier playback on that port ends."""

    schedules: tuple[Schedule, ...]
    sync: str = NOW
    """What they follow: one of `request.SYNCS`."""


class Extend(Value, frozen=True, kw_only=True, tag="extend"):
    """Appends to an open schedule; does nothing if its playback has ended."""

    job: str
    stem: str
    messages: tuple[TimedBytes, ...]
    """Sorted by time; none is earlier than those that the player has."""
    until_seconds: float
    """The new horizon; never earlier than the one before."""
    is_last: bool = False
    """Nothing follows: the schedule is closed."""


class BreakOff(Value, frozen=True, kw_only=True, tag="break_off"):
    """Ends the playbacks of one job as failed, because no more of their notes will come."""

    job: str
    reason: str


class Stop(Value, frozen=True, kw_only=True, tag="stop"):
    """Ends the playbacks of one job; None: of all jobs."""

    job: str | None = None


class Panic(Value, frozen=True, kw_only=True, tag="panic"):
    """Ends everything and sends the silencing controllers on every channel of every port."""


class Silenced(Value, frozen=True, kw_only=True, tag="silenced"):
    """The `leftovers` of `PlayerSettings` were sent to every connection that was made in time."""


class Watch(Value, frozen=True, kw_only=True, tag="watch"):
    """Asks for a `PlayerActivity` several times a second, for so many seconds from now."""

    seconds: float


Command: TypeAlias = Play | Extend | BreakOff | Stop | Panic | Watch
Report: TypeAlias = MidiReady | MidiEvent | Noticed | Silenced | PlayerActivity
