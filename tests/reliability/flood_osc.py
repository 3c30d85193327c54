"""What another client notices of a flood: `python -m tests.reliability.flood_osc --seconds 5`.

A real `sab serve` is flooded by another process; beside it a client, which was there before, pings fifty times a
second, and awaits each pong for at most a second. The figures go to build/reliability/flood_osc.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from bridge.osc.addresses import Message
from bridge.osc.client import NoAnswer, OscClient, open_client
from bridge.osc.codec import encode
from tests.support.programs import Server, serving

RESULTS = Path("build") / "reliability" / "flood_osc.json"
PINGS_A_SECOND = 50
FLOOD_A_SECOND = 20_000
PONG_SECONDS = 1.0
JOBS = 100


def lists(port: int, seconds: float) -> None:
    """A hundred datagrams of 800 × `/sab/list`, over the time."""
    part = encode(Message("/sab/list"))
    bundle = b"#bundle\0" + bytes(8) + (len(part).to_bytes(4, "big") + part) * 800
    _send([bundle], 1, 100 / seconds, port, seconds)


def one_port(port: int, seconds: float) -> None:
    _send([encode(Message("/sab/ping", ("flood",)))], 1, FLOOD_A_SECOND, port, seconds)


def thousand_ports(port: int, seconds: float) -> None:
    _send([encode(Message("/sab/status"))], 1_000, FLOOD_A_SECOND, port, seconds)


def rubbish(port: int, seconds: float) -> None:
    _send([b"rubbish!"], 1, FLOOD_A_SECOND, port, seconds)


def nothing(port: int, seconds: float) -> None:
    del port
    time.sleep(seconds)


FLOODS: tuple[Callable[[int, float], None], ...] = (nothing, lists, one_port, thousand_ports, rubbish)


def _send(datagrams: list[bytes], ports: int, per_second: float, port: int, seconds: float) -> None:
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(ports)]
    began, sent = time.monotonic(), 0
    while (now := time.monotonic() - began) < seconds:
        while sent < now * per_second:
            with contextlib.suppress(OSError):
                sockets[sent % ports].sendto(datagrams[sent % len(datagrams)], ("127.0.0.1", port))
            sent += 1
        time.sleep(0.001)
    sys.stdout.write(f"{sent}\n")


async def measured(server: Server, flood: Callable[[int, float], None], seconds: float) -> dict[str, object]:
    """The row of one flood."""
    async with open_client(port=server.port) as client:
        while await _pong(client, 0) is None:
            pass  # the flood before has used up what newcomers share
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.reliability.flood_osc", "--flood", flood.__name__,
            "--port", str(server.port), "--seconds", str(seconds), stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        waited, lost = list[float](), 0
        while process.returncode is None:
            milliseconds = await _pong(client, len(waited) + lost)
            waited += [] if milliseconds is None else [milliseconds]
            lost += milliseconds is None
            await asyncio.sleep(1 / PINGS_A_SECOND)
        out, _ = await process.communicate()
    p99 = statistics.quantiles(waited, n=100)[98]
    median = statistics.median(waited)
    note = f"{len(waited) + lost} pings beside it, {lost} lost, median {median:.1f} ms, p99 {p99:.1f} ms"
    words = flood.__name__.replace("_", " ")
    return {
        "kind": "OSC flood", "fault": words, "times": int(out or 0), "held": int(out or 0), "lost": lost,
        "stuck": 0, "partial": 0, "outside": 0, "note": note,
    }  # fmt: skip


async def _pong(client: OscClient, number: int) -> float | None:
    began = time.monotonic()
    try:
        await client.exchange("/sab/ping", str(number), answer_seconds=PONG_SECONDS)
    except NoAnswer:
        return None
    return 1000 * (time.monotonic() - began)


@contextlib.contextmanager
def served_with_jobs(folder: Path) -> Iterator[Server]:
    """A server with a list of jobs, all cancelled."""
    with serving(folder, "--engine", "draft", "--no-midi", dies=True) as server:
        asyncio.run(_make_jobs(server, folder))
        yield server


async def _make_jobs(server: Server, folder: Path) -> None:
    from tests.reliability.fuzz_osc import write_clip

    write_clip(folder / "clip.wav")
    async with open_client(port=server.port) as client:
        for _ in range(JOBS):
            (accepted,) = await client.ask("/sab/submit", str(folder / "clip.wav"), "out", str(folder / "out"))
            await client.ask("/sab/cancel", str(accepted.arguments[1]))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--flood", choices=[flood.__name__ for flood in FLOODS])
    parser.add_argument("--port", type=int, default=0)
    asked = parser.parse_args()
    floods = {flood.__name__: flood for flood in FLOODS}
    if asked.flood:
        floods[asked.flood](asked.port, asked.seconds)
        return 0
    with tempfile.TemporaryDirectory() as folder, served_with_jobs(Path(folder)) as server:
        rows = [asyncio.run(measured(server, flood, asked.seconds)) for flood in FLOODS]
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    for row in rows:
        sys.stdout.write(f"{row['fault']}: {row['times']} datagrams; {row['note']}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
