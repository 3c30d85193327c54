"""How late notes are sent while the machine is busy.

`python -m benchmarks.speed.midi [--take 5000] [--idle] [--json]`

Notes of up to 16 voices, 200 messages per second, are played alternately by `python -m bridge.midi` – the player as it
is – and by `mido.MidiFile.play`, while a bridge separates a song on all cores and draws its screen. Lateness is
measured at the send call, against the schedule. The benchmark starts its own JACK server without a sound card (jackd's
dummy driver); without jackd, the same loop plays on outputs that discard the messages.

There is one round with the rights of this process, one without the right to real-time priority (Linux, as root: the
right is given up in between, for good) if RealtimeKit grants the priority instead, and one as an ordinary process. If
this process had the right itself, witnesses (`standstill`) watch all rounds but the ordinary one: a take of either
player in which the machine itself stood still for longer than the target for the worst lateness is void, and is
repeated until 5000 notes were played in valid takes. The results of void takes are printed, too. `--take 5000` plays
all notes in one take.

Before that `jack-exact`, without load; takes in which the server lost time (xruns) are void and repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import NamedTuple

from benchmarks.report import machine
from benchmarks.speed.busy_bridge import BusyBridge, busy_bridge
from benchmarks.speed.midi_exact import NOTES as EXACT_NOTES
from benchmarks.speed.midi_exact import ExactTake, exact
from benchmarks.speed.midi_players import mido_plays, our_player, write_song
from benchmarks.speed.standstill import PRIORITY, Standstills, standstills
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.silent import SILENT
from tests.support.jack_server import running_jack, why_no_jack
from tests.support.real_time import give_up_real_time, may_have_real_time, succeeds
from tools.full_size_model import FULL_SIZE, build

#: Notes in valid takes, with and without --quick; notes in one take: few, so that some takes have no standstill.
NOTES, QUICK_NOTES, NOTES_A_TAKE = 5000, 1000, 500
#: The maximum number of takes for each valid take that is wanted.
PATIENCE = 10
P99_AIM_MS, WORST_AIM_MS = 1.0, 5.0
#: A longer standstill of the machine makes a take void: no program is in time then.
STANDSTILL_MS = WORST_AIM_MS


class Played(NamedTuple):
    """The result of one take."""

    messages: int
    p99_ms: float
    worst_ms: float
    standstill_ms: float = 0.0
    """The longest standstill of the machine during the take."""


@dataclass
class Row:
    """The results of one player in all its takes."""

    player: str
    rights: str
    load: str
    wanted: int
    """Valid takes wanted from the bridge."""
    has_witnesses: bool
    """False: standstills were not measured, and no take is void."""
    takes: list[Played] = field(default_factory=list)
    void: list[Played] = field(default_factory=list)

    def line(self) -> str:
        text = f"{self.player} ({self.rights}, {self.load}{'' if self.has_witnesses else ', no witnesses'}): "
        if self.player == "bridge" and len(self.takes) < self.wanted:
            text += f"ONLY {len(self.takes)} OF {self.wanted} TAKES ARE VALID; "
        if self.takes:
            p99s, worsts = [take.p99_ms for take in self.takes], [take.worst_ms for take in self.takes]
            text += (
                f"{sum(take.messages for take in self.takes)} messages in {len(self.takes)} takes, "
                f"p99 {median(p99s):.3f} ms, in the worst take {max(p99s):.3f} (aim: {P99_AIM_MS:g}), "
                f"worst {max(worsts):.2f} ms (aim: {WORST_AIM_MS:g})"
            )
        if self.void:
            text += (
                f"; {len(self.void)} takes void, worst {max(take.worst_ms for take in self.void):.2f} ms, "
                f"where the machine stood still for {max(take.standstill_ms for take in self.void):.1f} ms"
            )
        return text


async def in_turns(
    song: Path,
    wanted: int,
    rights: str,
    load: str,
    environment: Mapping[str, str],
    layout: PortLayout,
    machine_time: Standstills,
) -> list[Row]:
    """Plays with both players in turns until `wanted` takes of ours are valid."""
    watched = machine_time.has_witnesses
    rows = {player: Row(player, rights, load, wanted, watched) for player in ("bridge", "mido")}

    async def take(player: str, play: Callable[[], Awaitable[Played]]) -> None:
        began_ns = time.perf_counter_ns()
        played = await play()
        played = played._replace(standstill_ms=machine_time.longest_ms(began_ns, time.perf_counter_ns()))
        is_void = played.standstill_ms > STANDSTILL_MS
        (rows[player].void if is_void else rows[player].takes).append(played)

    async with our_player(environment, layout) as ours:

        async def play_ours() -> Played:
            lateness = await ours.play(song)
            return Played(lateness.messages, lateness.p99_ms, lateness.worst_ms)

        async def play_mido() -> Played:
            return Played(*await asyncio.to_thread(mido_plays, song, environment))

        for _ in range(PATIENCE * wanted):
            await take("bridge", play_ours)
            await take("mido", play_mido)
            if len(rows["bridge"].takes) == wanted:
                break
    return list(rows.values())


def realtime_kit_gives() -> bool:
    return succeeds(
        "import sys, threading; from bridge.midi.realtime.realtime_kit import request_real_time; "
        "sys.exit(not request_real_time([threading.get_native_id()], 1))"
    )


@contextlib.contextmanager
def jack_or_silence(period_frames: int) -> Iterator[tuple[Mapping[str, str], PortLayout]]:
    """The environment in which the players find a JACK server, and our ports there; or silent outputs."""
    if reason := why_no_jack():
        print(f"no JACK server: {reason}; using outputs that discard the messages", file=sys.stderr)
        yield {}, PortLayout(backend=SILENT)
    else:
        with running_jack(period_frames, synchronous=False) as server:
            yield server.environment, PortLayout()


async def jitter(chosen: argparse.Namespace, work: Path) -> tuple[list[Row], BusyBridge | None]:
    song = write_song(work / "song.mid", chosen.take)
    wanted = -(-(QUICK_NOTES if chosen.quick else NOTES) // chosen.take)
    rows: list[Row] = []
    busy: BusyBridge | None = None
    async with contextlib.AsyncExitStack() as stack:
        environment, layout = stack.enter_context(jack_or_silence(chosen.period))
        if not chosen.idle:
            models = chosen.models or work / "models"
            if chosen.models is None:
                build(models, FULL_SIZE, 0)
            busy = await stack.enter_async_context(busy_bridge(models, chosen.engine))
        load = "idle" if chosen.idle else "separating, screen drawn"
        has_real_time = may_have_real_time()
        with standstills() if may_have_real_time(PRIORITY) else contextlib.nullcontext(Standstills()) as machine_time:
            if has_real_time:
                rows += await in_turns(song, wanted, "real-time allowed", load, environment, layout, machine_time)
                give_up_real_time()  # the witnesses have it already
            if not may_have_real_time() and realtime_kit_gives():
                rows += await in_turns(
                    song, wanted, "real-time by RealtimeKit", load, environment, layout, machine_time
                )
        if not may_have_real_time():
            # No witnesses: each of their wake-ups makes Linux reschedule, which helps processes without priority.
            alone = {**environment, "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}
            rows += await in_turns(song, wanted, "ordinary user", load, alone, layout, Standstills())
    return rows, busy


async def sample_exact(chosen: argparse.Namespace, work: Path) -> list[ExactTake]:
    if reason := why_no_jack():
        print(f"no JACK server: {reason}; jack-exact is left out", file=sys.stderr)
        return []
    with running_jack(chosen.period, real_time=True) as server:
        return [await exact(write_song(work / "short.mid", EXACT_NOTES), server, chosen.period)]


async def measure(chosen: argparse.Namespace, work: Path) -> tuple[list[Row], list[ExactTake], BusyBridge | None]:
    exacts = await sample_exact(chosen, work) if "exact" in chosen.rows else []
    rows, busy = await jitter(chosen, work) if "jitter" in chosen.rows else ([], None)
    return rows, exacts, busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_NOTES} notes in place of {NOTES}")
    parser.add_argument("--take", type=int, default=NOTES_A_TAKE, help="notes in one take")
    parser.add_argument("--idle", action="store_true", help="without the load")
    parser.add_argument("--rows", default="jitter,exact", type=lambda text: text.split(","))
    parser.add_argument("--period", type=int, default=256, help="period of the JACK server in frames")
    parser.add_argument("--engine", default="htdemucs", help="engine of the separation that is the load")
    parser.add_argument(
        "--models", type=Path, help="folder of its model; by default a model with random weights is created"
    )
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.take < 1:
        parser.error("--take must be at least 1")
    with tempfile.TemporaryDirectory() as folder:
        rows, exacts, busy = asyncio.run(measure(chosen, Path(folder)))
    if chosen.json:
        described = [asdict(row) for row in rows] + [asdict(take) for take in exacts]
        load = None if busy is None else {"songs": busy.jobs, "screen_bytes_per_second": busy.drawn_per_second}
        print(json.dumps({"machine": machine(), "load": load, "rows": described}, indent=2))
        return
    print("; ".join(f"{key} {value}" for key, value in machine().items()))
    for line in [row.line() for row in rows] + [take.line() for take in exacts]:
        print(line)


if __name__ == "__main__":
    main()
