"""How late notes are sent that become known while they play.

`python -m benchmarks.speed.midi_live [--seconds 600] [--takes 1] [--json]`

Four stems of 50 messages a second are played by `python -m bridge.midi` in turns as the files of a finished job
(`closed`); as a live take (`live`), known for six seconds at first, then extended every 1–6 s, half a second before the
notes would end; and as one that starves each time (`starving`), extended 0.3 s after they have ended. Lateness is
measured at the send call, against the schedule; with the right to real-time priority, witnesses (`standstill`) watch
how long the machine itself stood still.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import tempfile
import time
from bisect import bisect_left
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from benchmarks.report import machine
from benchmarks.speed.midi import jack_or_silence
from benchmarks.speed.midi_players import write_song
from benchmarks.speed.standstill import PRIORITY, Standstills, standstills
from bridge.events import Event, MidiEnded, MidiStarted, MidiStarved
from bridge.midi.client import MidiPlayer
from bridge.midi.ports.port_layout import PortLayout
from bridge.model import Lateness
from bridge.smf.reading import read_midi
from tests.support.real_time import may_have_real_time

STEMS = ("vocals", "drums", "bass", "other")
MESSAGES_A_SECOND = 50
FIRST_SECONDS = 6.0
STEP_SECONDS = (1.0, 6.0)
#: How long before its horizon an extension comes.
MARGIN_SECONDS = 0.5
#: How long after it, in a take that starves.
LATE_SECONDS = 0.3
P99_AIM_MS = 1.0

Messages = list[tuple[float, bytes]]


@dataclass(frozen=True)
class LiveTake:
    """One take of all stems; lateness is that of the stem in which it is largest."""

    kind: str
    messages: int
    extensions: int
    p50_ms: float
    p99_ms: float
    worst_ms: float
    missed: int
    starved: int
    standstill_ms: float

    def line(self) -> str:
        return (
            f"{self.kind}: {self.messages} messages of {len(STEMS)} stems, {self.extensions} extensions, "
            f"p50 {self.p50_ms:.3f} ms, p99 {self.p99_ms:.3f} ms (aim: {P99_AIM_MS:g}), worst {self.worst_ms:.2f} ms, "
            f"{self.missed} notes missed, starved {self.starved} times; the machine stood still for at most "
            f"{self.standstill_ms:.1f} ms"
        )


class LivePlayer:
    """The player's process, and what it tells of its last take."""

    def __init__(self, environment: Mapping[str, str], layout: PortLayout) -> None:
        self.player = MidiPlayer(self._happened, layout, environment=environment)
        self._started = asyncio.Event()
        self._ended = asyncio.Event()
        self._ends: list[MidiEnded] = []
        self._starved = 0

    async def take(self, kind: str, play: Callable[[], Awaitable[int]], machine_time: Standstills) -> LiveTake:
        """`play` starts a take and returns the number of its extensions."""
        self._ends, self._starved = [], 0
        self._started.clear()
        self._ended.clear()
        began_ns = time.perf_counter_ns()
        extensions = await play()
        await self._ended.wait()
        late = [end.lateness or Lateness(messages=0, p50_ms=0.0, p99_ms=0.0, worst_ms=0.0) for end in self._ends]
        return LiveTake(
            kind,
            sum(each.messages for each in late),
            extensions,
            max(each.p50_ms for each in late),
            max(each.p99_ms for each in late),
            max(each.worst_ms for each in late),
            sum(end.missed for end in self._ends),
            self._starved,
            machine_time.longest_ms(began_ns, time.perf_counter_ns()),
        )

    async def closed(self, songs: Mapping[str, Path]) -> int:
        await self.player.play("closed", songs)
        return 0

    async def live(self, messages: Mapping[str, Messages], rng: random.Random, margin: float) -> int:
        """`margin`: how long before its horizon the take is extended; negative: after it."""
        end = max(stem[-1][0] for stem in messages.values())
        known = {stem: bisect_left(pairs, (FIRST_SECONDS,)) for stem, pairs in messages.items()}
        first = {stem: pairs[: known[stem]] for stem, pairs in messages.items()}
        await self.player.play_live("live", first, FIRST_SECONDS)
        await self._started.wait()
        begin, horizon, extensions = asyncio.get_running_loop().time(), FIRST_SECONDS, 0
        while horizon <= end:
            await asyncio.sleep(begin + horizon - margin - asyncio.get_running_loop().time())
            horizon += rng.uniform(*STEP_SECONDS)
            more = {}
            for stem, pairs in messages.items():
                since, known[stem] = known[stem], bisect_left(pairs, (horizon,))
                more[stem] = pairs[since : known[stem]]
            await self.player.extend("live", more, horizon, is_last=horizon > end)
            extensions += 1
        return extensions

    def _happened(self, event: Event) -> None:
        match event:
            case MidiStarted():
                self._started.set()
            case MidiStarved():
                self._starved += 1
            case MidiEnded():
                self._ends.append(event)
                if len(self._ends) == len(STEMS):
                    self._ended.set()


async def measure(seconds: float, takes: int, work: Path, period_frames: int) -> list[LiveTake]:
    notes = round(seconds * MESSAGES_A_SECOND / 2)
    songs = {
        stem: write_song(work / f"{stem}.mid", notes, seed=seed, messages_per_second=MESSAGES_A_SECOND)
        for seed, stem in enumerate(STEMS)
    }
    messages = {stem: [(m.seconds, m.data) for m in read_midi(song).messages] for stem, song in songs.items()}
    found = []
    with contextlib.ExitStack() as stack:
        environment, layout = stack.enter_context(jack_or_silence(period_frames))
        watching = standstills() if may_have_real_time(PRIORITY) else contextlib.nullcontext(Standstills())
        machine_time = stack.enter_context(watching)
        ours = LivePlayer(environment, layout)
        await ours.player.start()
        try:
            await ours.player.wait_ready()
            for number in range(takes):
                found.append(await ours.take("closed", lambda: ours.closed(songs), machine_time))
                for kind, margin in (("live", MARGIN_SECONDS), ("starving", -LATE_SECONDS)):
                    live = partial(ours.live, messages, random.Random(number), margin)
                    found.append(await ours.take(kind, live, machine_time))
        finally:
            await ours.player.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600.0, help="length of a take")
    parser.add_argument("--takes", type=int, default=1, help="takes of each kind, in turns")
    parser.add_argument("--period", type=int, default=256, help="period of the JACK server in frames")
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        takes = asyncio.run(measure(chosen.seconds, chosen.takes, Path(folder), chosen.period))
    if chosen.json:
        print(json.dumps({"machine": machine(), "rows": [asdict(take) for take in takes]}, indent=2))
        return
    print("; ".join(f"{key} {value}" for key, value in machine().items()))
    for take in takes:
        print(take.line())


if __name__ == "__main__":
    main()
