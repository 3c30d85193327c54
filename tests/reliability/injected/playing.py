"""Processes that are killed while notes sound: an independent client on a real JACK server watches every note."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import signal
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

from bridge.errors import BridgeError, EngineFailed
from tests.reliability.bench import Bench
from tests.reliability.case import Case
from tests.reliability.fault import Fault, started
from tests.reliability.place import Place
from tests.reliability.processes import send
from tests.support.jack_server import MidiReader, ReceivedMessage, running_jack, why_no_jack

KIND = "playing"
PORT = "Source Audio Bridge:SAB Stems"
PORTS_SECONDS = 20.0
#: All notes must be off after this time.
SILENT_SECONDS = 12.0


class PlayingBench(Bench):
    """A bridge with one MIDI port on JACK, and a client that records what it sends."""

    reader: MidiReader

    async def connected(self) -> bool:
        """Whether the reader is connected to the port, as a DAW or a patchbay does it again and again."""
        for _ in range(round(PORTS_SECONDS / 0.1)):
            if self.reader.is_connected() or self.reader.is_connected_again(PORT):
                return True
            await asyncio.sleep(0.1)
        return False


@contextlib.asynccontextmanager
async def playing_bench(folder: Path) -> AsyncIterator[Bench]:
    with running_jack() as server, MidiReader(server) as reader:
        environment = {**server.environment, "SAB_NO_MIDI": "", "SAB_MIDI_PORTS": "one", "SAB_MIDI_NAMES": "SAB {stem}"}
        bench = PlayingBench(Place(folder), environment=environment)
        bench.reader = reader
        async with started(bench):
            yield bench


def sounding(received: Iterable[ReceivedMessage]) -> set[tuple[int, int]]:
    """The (channel, pitch) of every note that has not ended."""
    on: set[tuple[int, int]] = set()
    for _, data in received:
        if len(data) < 3:
            continue
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if kind == 0x90 and data[2]:
            on.add((channel, data[1]))
        elif kind in (0x80, 0x90):
            on.discard((channel, data[1]))
        elif kind == 0xB0 and data[1] in (120, 123):
            on = {note for note in on if note[0] != channel}
    return on


async def killed(targets: tuple[str, ...], case: Case) -> None:
    """Kills processes at a random moment while notes sound; each note ends, and the next play works."""
    bench = case.bench
    assert isinstance(bench, PlayingBench)
    if not await bench.connected():
        case.found("stuck", "the port does not appear")
        return
    job = await case.submit(long=True)
    await bench.hears(lambda: bool(bench.jobs[job].outcome), 40)
    if bench.jobs[job].outcome != "done":
        return  # `settle` says so
    bench.reader.received.clear()
    await _play(bench, job)
    await _until(lambda: bool(sounding(bench.reader.received)), 10)
    await asyncio.sleep(case.rng.uniform(0, 1.5))
    for target in targets:
        if target == "server":
            await bench.kill()
        elif target == "stop":
            await bench.ask("/sab/stop")
        elif target == "panic":
            await bench.ask("/sab/panic")
        elif target == "end":
            await bench.kill(signal.SIGTERM)
        else:
            send(bench.pid_of(target), signal.SIGKILL)
    if not bench.is_running:
        await case.restart()
    await bench.connected()
    if not await _until(lambda: not sounding(bench.reader.received), SILENT_SECONDS):
        case.found("stuck", f"{len(sounding(bench.reader.received))} notes still sound")
    with contextlib.suppress(BridgeError):
        await bench.ask("/sab/stop")


async def _play(bench: PlayingBench, job: str) -> None:
    """Plays a job; a JACK server without a sound card may stall on a busy machine, and recovers."""
    for _ in range(10):
        with contextlib.suppress(EngineFailed):
            await bench.ask("/sab/play", job)
            return
        await asyncio.sleep(0.5)


async def _until(condition: object, seconds: float) -> bool:
    assert callable(condition)
    for _ in range(round(seconds / 0.02)):
        if condition():
            return True
        await asyncio.sleep(0.02)
    return False


def _row(name: str, share: int, *targets: str, quick: bool = False) -> Fault:
    return Fault(KIND, name, functools.partial(killed, targets), share, playing_bench, why_no_jack, quick=quick)


FAULTS = (
    _row("the player is killed", 5, "bridge.midi"),
    _row("the ports' process is killed", 4, "bridge.midi.ports.jack_process"),
    _row("the player and its ports are killed", 4, "bridge.midi", "bridge.midi.ports.jack_process"),
    _row("the server is killed", 4, "server"),
    _row("the server, player and ports are killed", 3, "bridge.midi", "bridge.midi.ports.jack_process", "server"),
    _row("the server ends", 3, "end"),
    _row("the worker is killed, then /sab/stop", 4, "bridge.worker", "stop"),
    _row("/sab/panic", 3, "panic"),
)
