"""Runs the player without real time: a manual clock, commands that arrive by it, ports that record."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from queue import Empty
from types import MappingProxyType

import pytest

from bridge.errors import EngineFailed
from bridge.events import MidiMoved
from bridge.midi.player.loop import Player
from bridge.midi.player.messages import Command, Report
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import Ports
from bridge.midi.ports.stall import Stall
from bridge.midi.sync.sources import SyncMessage, SyncSources
from bridge.model import MidiStatus, Port
from bridge.stems import STEMS
from tests.support.fakes import RecordingOutput

SECOND = 1_000_000_000


@dataclass
class ManualClock:
    """Nanoseconds; each reading advances it by `look_ns`, so that a spinning loop makes progress."""

    now_ns: int = 7 * SECOND
    look_ns: int = 10_000

    def __call__(self) -> int:
        self.now_ns += self.look_ns
        return self.now_ns


@dataclass
class ScriptedInbox:
    """Delivers each command at its time (seconds after the start); waiting advances the clock.

    `oversleep_ns` is how late a timed wait returns, as on a busy machine.
    """

    clock: ManualClock
    script: Iterable[tuple[float, Command | SyncMessage | Stall]]
    oversleep_ns: int = 0

    def __post_init__(self) -> None:
        start_ns = self.clock.now_ns
        self._coming: list[tuple[int, Command | SyncMessage | Stall | None]] = [
            (start_ns + round(at * SECOND), c) for at, c in self.script
        ]
        self._coming.append((max((at for at, _ in self._coming), default=start_ns) + 3600 * SECOND, None))

    def get(self, block: bool = True, timeout: float | None = None) -> Command | SyncMessage | Stall | None:
        due_ns, command = self._coming[0]
        if block and timeout is None:
            self.clock.now_ns = max(self.clock.now_ns, due_ns)
        elif block and timeout is not None:
            woken_ns = self.clock.now_ns + round(timeout * SECOND)
            self.clock.now_ns = max(self.clock.now_ns, due_ns) if due_ns <= woken_ns else woken_ns + self.oversleep_ns
        if due_ns > self.clock.now_ns:
            raise Empty
        del self._coming[0]
        return command


@dataclass
class TimedRecordingOutput(RecordingOutput):
    """A recording port that also records when each message is sent, and breaks after `breaks_after` of them.

    A message with a time is sent at that time, unless it is taken back before.
    """

    clock: ManualClock = field(default_factory=ManualClock)
    at_ns: list[int] = field(default_factory=list)
    breaks_after: int | None = None

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        if self.breaks_after is not None and len(self.sent) >= self.breaks_after:
            raise EngineFailed("The port is gone.", advice="")
        super().send(message, at_ns)
        self.at_ns.append(max(self.clock.now_ns, at_ns if at_ns is not None and self.ahead_ns else 0))

    def take_back(self) -> None:
        super().take_back()
        while self.at_ns and self.at_ns[-1] > self.clock.now_ns:
            self.at_ns.pop()
            self.sent.pop()


class PlayerHarness:
    """A player on recording ports for `stems`; `run` executes a script until its last command.

    `leftovers` are what an earlier player left sounding, as `Player` takes them.
    """

    def __init__(
        self, stems: Sequence[str] = STEMS, leftovers: Mapping[str, tuple[bytes, ...]] = MappingProxyType({})
    ) -> None:
        self._leftovers = leftovers
        self.clock = ManualClock()
        self.start_ns = self.clock.now_ns
        self.outputs = {stem: TimedRecordingOutput(PortLayout().name(stem), clock=self.clock) for stem in stems}
        self.reports: list[Report] = []
        """All reports but positions, which are in `positions`."""
        self.positions: list[tuple[float, MidiMoved]] = []
        """Each with its time, in seconds after the start."""
        self.sources = SyncSources()
        self.pauses: list[float] = []
        """The time of each pause, in seconds after the start."""
        self.openings = 0
        self.connections: list[tuple[float, set[tuple[str, str]]]] = []
        """(second, the connections from then on); empty: the back-end cannot list connections."""
        self.look_ns = 0
        """How long it takes to list the connections."""
        self.answers_from = 0
        """The back-end answers after this many attempts to open it."""

    def open_ports(self) -> Ports:
        self.openings += 1
        if self.openings <= self.answers_from:
            return Ports(MidiStatus(message="nothing here"), {})
        ports = tuple(Port(stem=stem, name=output.name) for stem, output in self.outputs.items())
        return Ports(
            MidiStatus(backend="jack", ports=ports),
            dict(self.outputs),
            self._connections_now if self.connections else None,
        )

    def _connections_now(self) -> frozenset[tuple[str, str]]:
        self.clock.now_ns += self.look_ns
        now = (self.clock.now_ns - self.start_ns) / SECOND
        return frozenset(
            next((connections for since, connections in reversed(self.connections) if since <= now), set())
        )

    def run(self, *script: tuple[float, Command | SyncMessage | Stall], oversleep_ns: int = 0) -> None:
        player = Player(self.open_ports, self._report, self.clock, self._pause, self.sources, self._leftovers)
        player.run(ScriptedInbox(self.clock, script, oversleep_ns))

    def _report(self, report: Report) -> None:
        if isinstance(report, MidiMoved):
            self.positions.append(((self.clock.now_ns - self.start_ns) / SECOND, report))
        else:
            self.reports.append(report)

    def _pause(self, seconds: float) -> None:
        assert not any(output.closed for output in self.outputs.values()), "closed before the note-offs were sent"
        self.pauses.append((self.clock.now_ns - self.start_ns) / SECOND)
        self.clock.now_ns += round(seconds * SECOND)

    def seconds(self, stem: str) -> list[float]:
        """When each message was sent on the stem's port, in seconds after the start."""
        return [(at_ns - self.start_ns) / SECOND for at_ns in self.outputs[stem].at_ns]


def refuse_hosted_ports(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """From here on, processes that are started get RtMidi's ports on JACK: the process of hosted ports refuses to
    start.
    """
    (folder / "sitecustomize.py").write_text(
        "import sys\nif 'bridge.midi.ports.jack_process' in sys.orig_argv:\n    raise SystemExit('refused')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(folder))


def hanging(messages: Iterable[Sequence[int]]) -> list[str]:
    """What still sounds, is bent or held after these messages, as a synthesiser would count it."""
    notes: Counter[tuple[int, int]] = Counter()
    wheel: dict[int, tuple[int, ...]] = {}
    pedal: dict[int, int] = {}
    for status, *values in messages:
        channel = status % 16
        match status // 16:
            case 9 if values[1]:
                notes[channel, values[0]] += 1
            case 8 | 9:
                notes[channel, values[0]] = max(0, notes[channel, values[0]] - 1)
            case 14:
                wheel[channel] = tuple(values)
            case 11 if values[0] == 64:
                pedal[channel] = values[1]
    return (
        [f"note {pitch} on channel {channel}" for (channel, pitch), count in notes.items() if count]
        + [f"bend on channel {channel}" for channel, values in wheel.items() if values != (0, 64)]
        + [f"pedal on channel {channel}" for channel, value in pedal.items() if value]
    )
