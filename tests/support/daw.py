"""A fake DAW: the MIDI clock that it sends, with times, tempi and jumps, and its true song position."""

from __future__ import annotations

import random
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from bridge.midi.player.messages import Command, Play
from bridge.midi.schedule import Schedule, schedule
from bridge.midi.sync.sources import SyncMessage
from tests.support.stage import SECOND, PlayerHarness

TICKS_PER_QUARTER = 24
TICK, START, CONTINUE, STOP = (bytes((status,)) for status in (0xF8, 0xFA, 0xFB, 0xFC))


@dataclass
class FakeDaw:
    """Builds a list of (second, message). `passes` holds each stretch of rolling music as (second, beat) points, linear
    between.
    """

    seconds: float = 0.5
    beat: float = 0.0
    sent: list[tuple[float, bytes]] = field(default_factory=list)
    passes: list[list[tuple[float, float]]] = field(default_factory=list)

    def start(self) -> None:
        self.beat = 0.0
        self._send(START)
        self._new_pass()

    def resume(self) -> None:
        self._send(CONTINUE)
        self._new_pass()

    def stop(self) -> None:
        self._send(STOP)

    def wait(self, seconds: float) -> None:
        self.seconds += seconds

    def locate(self, sixteenths: int) -> None:
        self._send(bytes((0xF2, sixteenths & 0x7F, sixteenths >> 7)))
        self.beat = sixteenths / 4

    def jump(self, sixteenths: int) -> None:
        """Locates while it is rolling."""
        self.locate(sixteenths)
        self._new_pass()

    def roll(self, quarters: float, bpm: float, until_bpm: float | None = None) -> None:
        """Sends ticks at a tempo, or along a ramp of the tempo, and moves on to where the next tick would be."""
        ticks = round(quarters * TICKS_PER_QUARTER)
        for index in range(ticks):
            tempo = bpm + ((until_bpm or bpm) - bpm) * index / ticks
            self._send(TICK)
            self.seconds += 60 / tempo / TICKS_PER_QUARTER
            self.beat += 1 / TICKS_PER_QUARTER
            self.passes[-1].append((self.seconds, self.beat))

    def jittered(self, ms: float, seed: int) -> list[tuple[float, bytes]]:
        """The sent messages, each up to `ms` early or late, but in their order."""
        rng = random.Random(seed)
        late = 0.0
        moved = []
        for seconds, data in self.sent:
            late = max(late, seconds + rng.uniform(-ms, ms) / 1000)
            moved.append((late, data))
        return moved

    def seconds_at(self, beat: float) -> list[float]:
        """When the song was at a beat: once for each pass that reached it."""
        found = []
        for line in self.passes:
            if line[0][1] - 1e-9 <= beat < line[-1][1] - 1e-9:
                index = bisect_right(line, beat + 1e-9, key=lambda point: point[1]) - 1
                (at, before), (after_at, after) = line[index], line[index + 1]
                found.append(at + (after_at - at) * (beat - before) / (after - before))
        return found

    def _send(self, data: bytes) -> None:
        self.sent.append((self.seconds, data))

    def _new_pass(self) -> None:
        self.passes.append([(self.seconds, self.beat)])


def grid(quarters: float, *, beat: float | None = 0.0, step: float = 0.25, bpm: float = 120.0) -> Schedule:
    """A note on every sixteenth, each with its own pitch and velocity, half as long as its step."""
    pairs: list[tuple[float, bytes]] = []
    for index in range(round(quarters / step)):
        name = bytes((index % 128, 1 + index // 128))
        pairs.append((index * step * 60 / bpm, b"\x90" + name))
        pairs.append(((index + 0.5) * step * 60 / bpm, bytes((0x80, index % 128, 64))))
    return schedule("job", "bass", pairs, tempo_bpm=bpm, beat=beat)


def numbered(messages: Iterable[tuple[float, Sequence[int]]]) -> list[tuple[int, float]]:
    """The index in `grid` of each note that was played, and the second of its onset."""
    return [(data[1] + 128 * (data[2] - 1), at) for at, data in messages if data[0] == 0x90]


def expected(daw: FakeDaw, notes: int, beat: float = 0.0, step: float = 0.25) -> list[tuple[int, float]]:
    found = [(index, at) for index in range(notes) for at in daw.seconds_at(beat + index * step)]
    return sorted(found, key=lambda entry: entry[1])


def play_along(
    daw: FakeDaw, part: Schedule, jitter_ms: float = 0.0, seed: int = 1, armed: float = 0.1, ahead_ns: int = 0
) -> PlayerHarness:
    """The player with the DAW's MIDI clock, which jitters: the part, of a bass, is armed at that second."""
    harness = PlayerHarness()
    harness.outputs["bass"].ahead_ns = ahead_ns
    received = [
        (at, SyncMessage(harness.start_ns + round(at * SECOND), data))
        for at, data in (daw.jittered(jitter_ms, seed) if jitter_ms else daw.sent)
    ]
    script: list[tuple[float, Command | SyncMessage]] = sorted(
        [(armed, Play(schedules=(part,), sync="clock")), *received], key=lambda entry: entry[0]
    )
    harness.run(*script)
    return harness
