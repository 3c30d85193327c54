"""What the screen Connections shows, as values: `Connections` is one moment, `WireMessage` one message.

Ages are in seconds before that moment. All text in them is harmless: see `bridge.plain`.
"""

from __future__ import annotations

import math

import msgspec

from bridge.model import Lateness
from bridge.value import Value

#: What the programs of each DAW call themselves in `/sab/hello`: the device for Live, scripts for Ardour and REAPER.
DAW_CLIENTS = {"live": ("live", "ableton"), "ardour": ("ardour",), "reaper": ("reaper",)}
#: The beats of a bar where a source does not tell its metre.
USUAL_BAR_QUARTERS = 4.0


class ClientSeen(Value, frozen=True, kw_only=True):
    """A program that has sent OSC messages to this bridge, or receives its pushes."""

    name: str
    """As it said hello; empty: it never did."""
    host: str
    port: int
    """Where it listens."""
    is_subscribed: bool = False
    """Whether it receives the pushes of all jobs."""
    received: int = 0
    """Messages that came from it, also those that were refused."""
    sent: int = 0
    """Datagrams that were sent to it."""
    refused: int = 0
    last_in: str = ""
    """The address of its last message."""
    last_in_age_seconds: float | None = None
    last_out: str = ""
    """The address of the last message to it."""
    last_out_age_seconds: float | None = None
    last_refusal: str = ""
    """Why its last refused message was refused; a sentence."""


class HttpReader(Value, frozen=True, kw_only=True):
    """A program that reads the bridge over HTTP."""

    host: str
    agent: str
    """What it calls itself."""
    requests: int
    refused: int
    last_path: str
    last_age_seconds: float


class PortActivity(Value, frozen=True, kw_only=True):
    """What goes through one MIDI port."""

    stem: str
    notes: int = 0
    """Notes begun since the player started."""
    sounding: int = 0
    """Notes that sound now."""
    last_note_age_seconds: float | None = None
    """None: no note yet."""
    is_hanging: bool = False
    """Whether notes of a player that died may still sound: they are being ended."""
    lateness: Lateness | None = None
    """Of the newest messages of the take that plays; None: nothing plays."""


class DawPosition(Value, frozen=True, kw_only=True):
    """Where the DAW is, by one sync source."""

    source: str
    """`clock`, `jack` or `link`."""
    is_rolling: bool
    tempo_bpm: float | None = None
    """Quarter notes a minute; None: the source has no tempo."""
    position: float = 0.0
    """In quarter notes; in seconds if there is no tempo. 0 while it does not roll."""
    bar_quarters: float | None = None
    """The length of a bar in quarter notes; None: the source does not tell, and 4 is assumed."""

    @property
    def bar_and_beat(self) -> tuple[int, int] | None:
        """Both from 1, the beats in quarter notes; None without a tempo."""
        if self.tempo_bpm is None:
            return None
        length = self.bar_quarters or USUAL_BAR_QUARTERS
        bar = math.floor(self.position / length)
        return bar + 1, math.floor(self.position - bar * length) + 1


class PlayerActivity(Value, frozen=True, kw_only=True, tag="activity"):
    """What the MIDI player does at one moment."""

    ports: tuple[PortActivity, ...] = ()
    daws: tuple[DawPosition, ...] = ()
    """By each source that is followed, or was found."""


class FreeSpace(Value, frozen=True, kw_only=True):
    """The room on the drive of a folder."""

    role: str
    """`cache` or `results`."""
    folder: str
    free_bytes: int
    total_bytes: int


class Machine(Value, frozen=True, kw_only=True):
    """The computer, and what the bridge takes of it."""

    cpu_share: float | None = None
    """0–1: how busy all cores are together; None: not measured yet."""
    cores: int = 0
    memory_bytes: int = 0
    memory_free_bytes: int = 0
    """What programs can still have."""
    resident_bytes: dict[str, int] = msgspec.field(default_factory=dict)
    """By process of the bridge (`main`, `worker`, `player`), the memory that it has."""
    drives: tuple[FreeSpace, ...] = ()
    """Without those that do not answer."""


class Connections(Value, frozen=True, kw_only=True):
    """Everything that talks to the bridge at one moment."""

    clients: tuple[ClientSeen, ...] = ()
    """Who sent or received last is first."""
    readers: tuple[HttpReader, ...] = ()
    player: PlayerActivity = PlayerActivity()
    machine: Machine = Machine()
    queued: int = 0
    running: int = 0
    queue_end_seconds: float | None = None
    """In how long all of them are done, as this machine's last jobs took; None: unknown."""

    def has_heard_from(self, daw: str) -> bool:
        """Whether a program of `live`, `ardour` or `reaper` has said hello to this bridge."""
        names = DAW_CLIENTS[daw]
        return any(client.name.lower().startswith(names) for client in self.clients)


class WireMessage(Value, frozen=True, kw_only=True, tag="wire"):
    """One OSC message, as it came in or went out."""

    unix_seconds: float
    is_out: bool
    client: str
    """The name of the other end; empty: it never said hello."""
    place: str
    """Its address and port, as `127.0.0.1:9000`."""
    address: str
    """Empty: it could not be read."""
    arguments: str = ""
    """In words, shortened."""
    verdict: str = ""
    """Why a message that came in was not taken: a code of `bridge.errors`, or `proof`: it must show that it may ask,
    or `ignored`: it is an answer, and nobody asked. Empty: it was taken."""
    left_out: int = 0
    """How many messages before this one are not told, because there were too many."""
