"""How the bridge answers under load, beside an echo process that answers the same client on the same machine.

    python -m benchmarks.speed.load                 # all rows
    python -m benchmarks.speed.load --rows ping burst
    python -m benchmarks.speed.load --rounds 5 --json

ping      the time of a pong, p99 of each round: of an idle bridge; beside a running job, a flood from one sender, a
          datagram of as many `/sab/list` as fit, a clip on a drive that hangs, clips in a folder of 100 000 files.
          Bridge and echo process are asked in turns, one datagram each; what is lost is asked again, as clients do.
burst     1000 submits of 20 clients at once while a job runs: the time until each is accepted
restart   from the start of the process until it listens, with no history and with one of 20 000 finished jobs
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from statistics import median

from benchmarks.report import Figure, Row, show
from bridge.errors import BridgeError
from bridge.osc.addresses import Message
from bridge.osc.client import open_client
from bridge.osc.codec import decode, encode
from bridge.stems import STEMS
from tests.reliability.bench import Bench
from tests.reliability.fault import started
from tests.reliability.place import Place
from tests.reliability.processes import resident_bytes
from tests.reliability.storage import hanging_drive, why_no_mounts

CLIENTS, BURST = 20, 1000
HISTORY = 20_000
MANY_FILES = 100_000
#: Seconds of pinging in one round.
ROUND_SECONDS = 3.0
#: A ping that is not answered for so long is sent again.
REPEAT_SECONDS = 0.5
#: Afterwards it counts as this long.
LATEST_SECONDS = 30.0
QUEUE_LIMIT = {"SAB_QUEUE_LIMIT": "5000"}
_ECHO = """
import socket
served = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
served.bind(("127.0.0.1", 0))
print(served.getsockname()[1], flush=True)
while True:
    data, sender = served.recvfrom(65536)
    served.sendto(data, sender)
"""

Load = Callable[[Bench, asyncio.Event], Coroutine[None, None, None]]


@contextlib.asynccontextmanager
async def running_bench(**environment: str) -> AsyncIterator[Bench]:
    """A bridge on folders of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sab-load-"))
    try:
        async with started(Bench(Place(folder), environment={**QUEUE_LIMIT, **environment})) as bench:
            yield bench
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def echo_port() -> Iterator[int]:
    """The port of a process that sends each datagram back."""
    with subprocess.Popen([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


class Pinger(asyncio.DatagramProtocol):
    """Sends one datagram at a time and measures how long its answer takes."""

    def __init__(self) -> None:
        self._answered: asyncio.Future[None] | None = None

    def datagram_received(self, data: bytes, addr: object) -> None:  # noqa: ARG002 - asyncio's signature
        addresses = [message.address for message in decode(data) if isinstance(message, Message)]
        if self._answered is not None and not self._answered.done() and {"/sab/pong", "/sab/ping"} & {*addresses}:
            self._answered.set_result(None)

    async def ping(self, transport: asyncio.DatagramTransport) -> float:
        """Seconds until the answer."""
        began = time.perf_counter()
        while (waited := time.perf_counter() - began) < LATEST_SECONDS:
            self._answered = asyncio.get_running_loop().create_future()
            transport.sendto(encode(Message("/sab/ping", ("x",))))
            try:
                await asyncio.wait_for(self._answered, REPEAT_SECONDS)
                return time.perf_counter() - began
            except asyncio.TimeoutError:
                continue
        return waited


async def pinged(ports: Sequence[int], seconds: float) -> list[list[float]]:
    """Pings ports in turns; the seconds of each answer, by port."""
    loop = asyncio.get_running_loop()
    found: list[list[float]] = [[] for _ in ports]
    made = [await loop.create_datagram_endpoint(Pinger, remote_addr=("127.0.0.1", port)) for port in ports]
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        for times, (transport, pinger) in zip(found, made, strict=True):
            times.append(await pinger.ping(transport))
        await asyncio.sleep(0.004)
    for transport, _ in made:
        transport.close()
    return found


def p99(values: Sequence[float]) -> float:
    """The value that 99 of 100 do not exceed."""
    return sorted(values)[min(len(values) - 1, int(len(values) * 0.99))]


async def nothing(bench: Bench, stop: asyncio.Event) -> None:
    del bench
    await stop.wait()


async def job_after_job(bench: Bench, stop: asyncio.Event) -> None:
    number = 0
    while not stop.is_set():
        number += 1
        job = await bench.submit(bench.place.clip(bench.place.inside / f"{number}.wav", long=True))
        await bench.hears(lambda job=job: bool(bench.jobs[job].outcome) or stop.is_set(), 60)  # type: ignore[misc]


async def flood(bench: Bench, stop: asyncio.Event) -> None:
    """`/sab/status` from one sender, some 20 000 a second, without reading an answer."""
    data = encode(Message("/sab/status"))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        while not stop.is_set():
            for _ in range(100):
                with contextlib.suppress(OSError):
                    sender.sendto(data, ("127.0.0.1", bench.port))
            await asyncio.sleep(0.005)


async def bundles(bench: Bench, stop: asyncio.Event) -> None:
    """A datagram of as many `/sab/list` as fit, once a second; a hundred jobs are known."""
    clip = bench.place.clip(bench.place.inside / "clip.wav")
    for _ in range(100):
        await bench.submit(clip, "midi", "none")
    data = encode(Message("/sab/list"))
    element = struct.pack(">i", len(data)) + data
    datagram = b"#bundle\0" + b"\0" * 7 + b"\1" + element * min(1000, 16_000 // len(element))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        while not stop.is_set():
            sender.sendto(datagram, ("127.0.0.1", bench.port))
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(stop.wait(), 1.0)


async def hanging_clip(bench: Bench, stop: asyncio.Event) -> None:
    if reason := why_no_mounts():
        raise SystemExit(reason)
    with hanging_drive(bench.place.folder / "hanging") as drive:
        async with open_client("127.0.0.1", bench.port) as client:
            client.send("/sab/submit", str(drive / "clip.wav"))
            await stop.wait()


async def big_folder(bench: Bench, stop: asyncio.Event) -> None:
    folder = bench.place.inside / "many"
    folder.mkdir(exist_ok=True)
    for number in range(MANY_FILES):
        (folder / f"{number}.wav").touch()
    clip = bench.place.clip(folder / "clip.wav")
    while not stop.is_set():
        await bench.submit(clip, "out", str(bench.place.inside / "out"), "midi", "none")
        await asyncio.sleep(0.1)


LOADS: dict[str, tuple[Load, str]] = {
    "idle": (nothing, "p99 ≤ 10 ms"),
    "beside a job": (job_after_job, "p99 ≤ 50 ms"),
    "beside a flood of one sender": (flood, "p99 ≤ 100 ms"),
    "beside a bundle of 1000 × /sab/list": (bundles, "p99 ≤ 100 ms"),
    "beside a clip on a hanging drive": (hanging_clip, "p99 ≤ 50 ms"),
    "beside clips among 100 000 files": (big_folder, "p99 ≤ 100 ms"),
}


async def ping_row(name: str, rounds: int) -> list[Row]:
    """The p99 of each round in ms, of the bridge and of the echo process, and what the bridge holds afterwards."""
    load, aim = LOADS[name]
    ours: list[float] = []
    theirs: list[float] = []
    worst_of: list[float] = []
    with echo_port() as echo:
        async with running_bench() as bench:
            await pinged([bench.port, echo], 0.3)
            held = bench.descriptors()
            memory = resident_bytes(bench.pid)
            stop = asyncio.Event()
            working = asyncio.create_task(load(bench, stop))
            await asyncio.sleep(1.0)
            for _ in range(rounds):
                if working.done():
                    await working
                us, them = await pinged([bench.port, echo], ROUND_SECONDS)
                ours.append(p99(us) * 1000)
                worst_of.append(max(us))
                theirs.append(p99(them) * 1000)
            stop.set()
            with contextlib.suppress(BridgeError):
                await working
            await asyncio.sleep(0.5)
            worst = max(worst_of) * 1000
            grown = (resident_bytes(bench.pid) - memory) / 1e6
            more = bench.descriptors() - held
    details = {
        "worst": worst,
        "times an echo's p99": median(ours) / median(theirs), "more descriptors": more, "more MB": grown,
    }  # fmt: skip
    return [
        Figure(f"pong {name}, p99", "ms", ours, aim, details),
        Figure(f"echo process {name}, p99", "ms", theirs, "peer"),
    ]


async def burst(rounds: int) -> list[Row]:
    """1000 submits of 20 clients while a job runs: p50 and p99 until accepted, in ms."""
    middle: list[float] = []
    late: list[float] = []
    unanswered = 0
    with echo_port() as echo:
        theirs: list[float] = []
        for _ in range(rounds):
            async with running_bench() as bench:
                await bench.submit(bench.place.clip(bench.place.inside / "long.wav", long=True))
                clip = bench.place.clip(bench.place.inside / "clip.wav")
                (them,) = await pinged([echo], 0.5)
                theirs.append(p99(them) * 1000)
                found = await asyncio.gather(*(_submits(bench, clip, BURST // CLIENTS) for _ in range(CLIENTS)))
                seconds = [each for client in found for each in client]
                unanswered += BURST - len(seconds)
                middle.append(median(seconds) * 1000)
                late.append(p99(seconds) * 1000)
                await bench.ask("/sab/cancel", "*", within=30)
    details = {"not accepted": float(unanswered), "times an echo's p99": median(late) / median(theirs)}
    return [
        Figure("1000 submits of 20 clients beside a job, accepted, p50", "ms", middle, "≤ 50 ms"),
        Figure("1000 submits of 20 clients beside a job, accepted, p99", "ms", late, "≤ 100 ms", details),
    ]


async def _submits(bench: Bench, clip: Path, count: int) -> list[float]:
    """One client sends a submit as soon as the last one is answered."""
    found = []
    async with open_client(bench.host, bench.port) as client:
        await client.ask("/sab/hello", f"client {id(client)}", 1, answer_seconds=30)
        for _ in range(count):
            began = time.perf_counter()
            with contextlib.suppress(BridgeError):
                await client.ask("/sab/submit", str(clip), "midi", "none", answer_seconds=30)
                found.append(time.perf_counter() - began)
    return found


def write_history(bench: Bench, jobs: int) -> None:
    """Writes finished jobs of four stems each as bridges before the database kept them; later ones import them once."""
    folder = bench.place.state / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(jobs):
        name = "".join("abcdefghij"[int(digit)] for digit in f"{number:08d}")
        lines = (json.dumps(event, separators=(",", ":")) for event in history_of(name, number))
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines))


def history_of(job: str, number: int) -> list[dict[str, object]]:
    """The events of a job that has made four stems, as every version of the bridge reads them."""
    folder, began_unix = f"/music/stems/{job}", 1_700_000_000 + number
    of_stem = {"kind": "stem", "folder": folder, "seconds": 180.0, "sample_rate_hz": 44_100, "channels": 2}
    request = {"source": "/music/song.wav"}
    produced: list[dict[str, object]] = [
        {"type": "produced", "job": job, "result": {**of_stem, "name": stem, "file": f"song ({stem}).wav"}}
        for stem in STEMS[:4]
    ]
    return [
        {"type": "submitted", "job": job, "name": "song", "request": request, "unix_seconds": began_unix},
        {"type": "started", "job": job, "engine": "draft", "device": "cpu", "output_dir": folder},
        *produced,
        {"type": "ended", "job": job, "outcome": "done", "unix_seconds": began_unix + 1},
    ]


async def restart(rounds: int) -> list[Row]:
    """Seconds until the bridge listens and has answered, without history and with one."""
    rows: list[Row] = []
    for jobs in (0, HISTORY):
        async with running_bench(SAB_HISTORY_LIMIT="50000") as bench:
            if jobs:
                await bench.kill()
                write_history(bench, jobs)
                await bench.start()
                await bench.ask("/sab/list", within=120)
                await bench.kill(signal.SIGTERM)  # in order: an import of the old history ends first
                await bench.start()
            seconds = []
            for _ in range(rounds):
                await bench.kill()
                await bench.gone()
                seconds.append(await bench.start())
        rows.append(Figure(f"start until it listens, {jobs} finished jobs", "s", seconds, "≤ 1 s"))
    return rows


async def measured(names: Sequence[str], rounds: int) -> list[Row]:
    rows: list[Row] = []
    if "ping" in names:
        for name in LOADS:
            rows += await ping_row(name, rounds)
    if "burst" in names:
        rows += await burst(rounds)
    if "restart" in names:
        rows += await restart(rounds)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", nargs="*", default=["ping", "burst", "restart"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    show(asyncio.run(measured(options.rows, options.rounds)), as_json=options.json)


if __name__ == "__main__":
    main()
