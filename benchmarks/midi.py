"""How late notes are sent while everything else is busy: `python -m benchmarks.midi [--quick] [--idle] [--json]`.

5000 notes of up to 16 voices, 200 messages a second, are played by `python -m bridge.midi` – the player as it is – and
by `mido.MidiFile.play`, in turns, while a bridge separates a song on all cores and draws its screen. Lateness is taken
at the call that sends, against the schedule. On a JACK server of the benchmark's own without a sound card (jackd's
dummy driver); where there is no jackd, on outputs that do nothing, with the same loop.

Once with the rights that this process has, once without the right to real-time priority (Linux, as root: the right is
given away in between, for good). Before that `jack-exact`, without load: by how many frames of JACK's own clock notes
are off, as a client hears them that is none of ours; takes in which the server lost time (xruns) are void and repeated.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types

from benchmarks.busy_bridge import BusyBridge, busy_bridge
from benchmarks.report import machine
from bridge.events import Event, MidiEnded
from bridge.midi.client import MidiPlayer
from bridge.midi.layout import PortLayout
from bridge.midi.silent import SILENT
from bridge.model import Lateness
from tests.jack_server import SAMPLE_RATE_HZ, JackServer, MidiReader, running_jack, why_no_jack
from tools.full_size_model import FULL_SIZE, build

NOTES, QUICK_NOTES = 5000, 1000
MESSAGES_PER_SECOND = 200
VOICES = 16
STEM = "piano"
#: Linux's prctl.h and capability.h.
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23
EXACT_TAKES = 6
#: Short enough for a take without xruns on a machine that does other things too.
EXACT_NOTES = 400


@dataclass(frozen=True)
class Take:
    """How one player did once."""

    player: str
    rights: str
    load: str
    messages: int
    p99_ms: float
    worst_ms: float
    machine_load: float

    def line(self) -> str:
        return (
            f"{self.player} ({self.rights}, {self.load}): {self.messages} messages, p99 {self.p99_ms:.3f} ms, "
            f"worst {self.worst_ms:.3f} ms (aim: 1, 5); load {self.machine_load:.1f}"
        )


@dataclass(frozen=True)
class ExactTake:
    """How far off the notes were that a client of its own heard; frames of JACK's clock."""

    messages: int
    off_frames: int
    spread_frames: float
    """Between the note most ahead and the one most behind; less than 1: all are at the frame nearest to their time."""
    xruns: int
    void_takes: int
    period_frames: int
    is_void: bool
    """The server lost time, or messages, in this take too: its figures say nothing."""

    def line(self) -> str:
        return (
            f"jack-exact, {self.period_frames} frames a period: {self.messages} messages, {self.off_frames} frames off "
            f"(aim: 0), spread {self.spread_frames:.2f}; xruns {self.xruns}, takes void before {self.void_takes}"
            f"{' – VOID, as all takes were' if self.is_void else ''}"
        )


def write_song(path: Path, notes: int) -> Path:
    """A file of 200 messages a second on average: up to 16 voices, onsets and lengths at random, always the same."""
    chance = random.Random(1)
    seconds = 2 * notes / MESSAGES_PER_SECOND
    onsets = sorted(chance.uniform(0.0, seconds - 0.2) for _ in range(notes))
    free_at = [0.0] * VOICES
    events: list[tuple[float, int, mido.Message]] = []
    for onset in onsets:
        voice = min(range(VOICES), key=free_at.__getitem__)
        start = max(onset, free_at[voice])  # a voice sounds one note at a time
        free_at[voice] = start + chance.uniform(0.03, 0.14)
        pitch = 24 + voice * 5 + chance.randrange(5)
        events.append((start, 1, mido.Message("note_on", note=pitch, velocity=chance.randint(1, 127))))
        events.append((free_at[voice], 0, mido.Message("note_off", note=pitch, velocity=64)))
    file = mido.MidiFile(type=0, ticks_per_beat=19_200)
    track = mido.MidiTrack()
    now = 0
    for at, _, message in sorted(events, key=lambda event: event[:2]):
        tick = round(at * 2 * file.ticks_per_beat)
        track.append(message.copy(time=tick - now))
        now = tick
    file.tracks.append(track)
    file.save(str(path))
    return path


class OurPlayer:
    """The player's process through its client, and what it said of its last playback."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._ended = asyncio.Event()
        self._lateness: Lateness | None = None
        self.player = MidiPlayer(self._happened, environment=environment)

    async def play(self, song: Path) -> Lateness:
        self._ended.clear()
        await self.player.play("benchmark", {STEM: song})
        await self._ended.wait()
        assert self._lateness is not None
        return self._lateness

    def _happened(self, event: Event) -> None:
        if isinstance(event, MidiEnded):
            self._lateness = event.lateness
            self._ended.set()


@contextlib.asynccontextmanager
async def our_player(environment: Mapping[str, str]) -> AsyncIterator[OurPlayer]:
    ours = OurPlayer(environment)
    await ours.player.start()
    try:
        await ours.player.wait_ready()
        yield ours
    finally:
        await ours.player.close()


def mido_plays(song: Path, environment: Mapping[str, str]) -> tuple[int, float, float]:
    """Messages, p99 and worst lateness in ms of mido's own player in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.midi", "--mido", str(song)]
    out = subprocess.run(command, check=True, capture_output=True, text=True, env={**os.environ, **environment}).stdout
    messages, p99_ms, worst_ms = json.loads(out.splitlines()[-1])
    return messages, p99_ms, worst_ms


def be_mido(song: Path) -> None:
    """Plays as mido's documentation says, and takes the time before each send."""
    file = mido.MidiFile(str(song))
    jack = mido.Backend("mido.backends.rtmidi/UNIX_JACK") if "JACK_DEFAULT_SERVER" in os.environ else None
    output = jack.open_output("SAB benchmark", virtual=True) if jack is not None else None
    due, late_ns = 0.0, []
    start_ns = time.perf_counter_ns()
    messages = iter(file.play(meta_messages=True))
    for message in messages:
        now_ns = time.perf_counter_ns()
        due += message.time
        if message.is_meta:
            continue
        late_ns.append(now_ns - start_ns - round(due * 1e9))
        if output is not None:
            output.send(message)
    late_ns.sort()
    p99_ns = late_ns[-(-99 * len(late_ns) // 100) - 1]
    print(json.dumps([len(late_ns), p99_ns / 1e6, late_ns[-1] / 1e6]))


async def in_turns(song: Path, rounds: int, rights: str, load: str, environment: Mapping[str, str]) -> list[Take]:
    takes = []
    async with our_player(environment) as ours:
        for _ in range(rounds):
            lateness = await ours.play(song)
            takes.append(
                Take("bridge", rights, load, lateness.messages, lateness.p99_ms, lateness.worst_ms, os.getloadavg()[0])
            )
            found = await asyncio.to_thread(mido_plays, song, environment)
            takes.append(Take("mido", rights, load, *found, os.getloadavg()[0]))
    return takes


async def exact(song: Path, server: JackServer, period_frames: int) -> ExactTake:
    """Plays on `jack-exact` until a take had no xruns, `EXACT_TAKES` at most."""
    environment = {**server.environment, **PortLayout(backend="jack-exact").environment()}
    file = mido.MidiFile(str(song))
    due, dues = 0.0, []
    for message in file:
        due += message.time
        if not message.is_meta:
            dues.append(due)
    void = 0
    async with our_player(environment) as ours:
        while True:
            with MidiReader(server) as reader:
                reader.connect(f"Source Audio Bridge:{PortLayout().name(STEM)}")
                await asyncio.sleep(3)  # a new client makes xruns of its own; and the frame map is laid anew
                reader.xruns = 0
                await ours.play(song)
                await asyncio.to_thread(reader.wait, lambda heard: len(heard) >= len(dues), 5)
                heard, xruns = list(reader.heard), reader.xruns
            if not xruns or void == EXACT_TAKES:
                break
            void += 1
            print(f"void: {xruns} xruns, {len(heard)} of {len(dues)} messages heard", file=sys.stderr)
    if not xruns and len(heard) != len(dues):
        raise SystemExit(f"jack-exact: {len(heard)} of {len(dues)} messages heard without an xrun")
    off = [message.frame - due * SAMPLE_RATE_HZ for message, due in zip(heard, dues, strict=False)]
    spread = max(off) - min(off)
    return ExactTake(len(heard), int(spread), spread, xruns, void, period_frames, is_void=xruns > 0)


def give_up_real_time() -> bool:
    """From here on no process that is started may ask for real-time priority; False where that cannot be arranged."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0) == 0)


def may_have_real_time() -> bool:
    probe = "import os; os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))"
    return subprocess.run([sys.executable, "-c", probe], capture_output=True, check=False).returncode == 0


async def measure(chosen: argparse.Namespace, work: Path) -> tuple[list[Take], list[ExactTake], BusyBridge | None]:
    song = write_song(work / "song.mid", QUICK_NOTES if chosen.quick else NOTES)
    takes: list[Take] = []
    exacts: list[ExactTake] = []
    busy: BusyBridge | None = None
    period = chosen.period
    with contextlib.ExitStack() as stack:
        reason = why_no_jack()
        if reason:
            print(f"no JACK server: {reason}; outputs that do nothing instead", file=sys.stderr)
        if not reason and "exact" in chosen.rows:
            with running_jack(period, real_time=True) as server:
                exacts.append(await exact(write_song(work / "short.mid", EXACT_NOTES), server, period))
        environment = (
            PortLayout(backend=SILENT).environment()
            if reason
            else stack.enter_context(running_jack(period, synchronous=False)).environment
        )
        if "jitter" in chosen.rows:
            async with contextlib.AsyncExitStack() as loads:
                if not chosen.idle:
                    models = chosen.models or work / "models"
                    if chosen.models is None:
                        build(models, FULL_SIZE, 0)
                    busy = await loads.enter_async_context(busy_bridge(models, chosen.engine))
                load = "idle" if chosen.idle else "separating, screen drawn"
                if may_have_real_time():
                    takes += await in_turns(song, chosen.rounds, "real-time allowed", load, environment)
                    if give_up_real_time() and not may_have_real_time():
                        takes += await in_turns(song, chosen.rounds, "ordinary user", load, environment)
                else:
                    takes += await in_turns(song, chosen.rounds, "ordinary user", load, environment)
    return takes, exacts, busy


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_NOTES} notes in place of {NOTES}")
    parser.add_argument("--rounds", type=int, default=1, help="how often both players play, in turns")
    parser.add_argument("--idle", action="store_true", help="without the load")
    parser.add_argument("--rows", default="jitter,exact", type=lambda text: text.split(","))
    parser.add_argument("--period", type=int, default=256, help="frames of a period of the JACK server")
    parser.add_argument("--engine", default="htdemucs", help="what the load separates with")
    parser.add_argument("--models", type=Path, help="where its model lies; else one with random weights is made")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--mido", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.mido:
        be_mido(chosen.mido)
        return
    with tempfile.TemporaryDirectory() as folder:
        takes, exacts, busy = asyncio.run(measure(chosen, Path(folder)))
    if chosen.json:
        rows = [asdict(take) for take in takes] + [asdict(take) for take in exacts]
        load = None if busy is None else {"songs": busy.jobs, "screen_bytes_per_second": busy.drawn_per_second}
        print(json.dumps({"machine": machine(), "load": load, "rows": rows}, indent=2))
        return
    print("; ".join(f"{key} {value}" for key, value in machine().items()))
    for line in [take.line() for take in takes] + [take.line() for take in exacts]:
        print(line)


if __name__ == "__main__":
    main()
