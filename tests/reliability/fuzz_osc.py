"""Hostile datagrams to a real `sab serve`: `python -m tests.reliability.fuzz_osc --count N --seed S`.

Every 500 of them, another client's ping must be answered within a second. Counted are ends of the server, pings without
an answer, lines on its standard error that look like a fault, and the growth of its memory. The figures go to
build/reliability/fuzz_osc.json.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bridge.osc.addresses import REQUESTS, Message
from bridge.osc.client import NoAnswer, OscClient, open_client
from bridge.osc.codec import MAX_INCOMING_BYTES, encode
from tests.support.hostile import NAMES
from tests.support.programs import Server, serving

PINGED_EVERY = 500
PING_SECONDS = 1.0
#: Faster, and the system drops most of them before they are read.
SENT_AT_ONCE = 25
#: Datagrams of a round go from so many ports.
PORTS = 8
RESULTS = Path("build") / "reliability" / "fuzz_osc.json"

#: Values for any argument: wrong types, limits, text that is more than text, paths that are not clips.
VALUES: tuple[object, ...] = (
    *NAMES, "", " ", "*", "0", "1", "-1", "1e999", "nan", "inf", "true", "all", "none", "vocals,bass", "x" * 300,
    "/" * 4_000, "../" * 400, "/dev/null", "/dev/zero", "/proc/self/mem", "/proc/self/fd/0", "~root/x", "file://host/x",
    "file:///%00", "Macintosh HD:/x", "\\\\host\\share", "/tmp", "\u202e", "é" * 200, "stems", "req", "midi",
    0, 1, -1, 2**31 - 1, -(2**31), 9721, 65_536, 0.0, -0.0, 1e-45, 3e38, -3e38, 0.5,
)  # fmt: skip


@dataclass
class Figures:
    """What came of the datagrams."""

    sent: int = 0
    pings: int = 0
    silent: int = 0
    """Pings without an answer in time."""
    slowest_ms: float = 0.0
    ended: int = 0
    """Ends of the server."""
    faults: list[str] = field(default_factory=list)
    """Lines on its standard error."""
    rss_mb: list[float] = field(default_factory=list)
    """Its memory at each tenth."""


class Fuzzer:
    """Makes hostile datagrams; the same ones for the same seed."""

    def __init__(self, seed: int, clip: Path) -> None:
        self._random = random.Random(seed)
        self._clip = str(clip)
        self._corpus = [encode(self._request(), MAX_INCOMING_BYTES) for _ in range(2_000)]
        self._kinds: tuple[Callable[[], bytes], ...] = (
            lambda: encode(self._request(), MAX_INCOMING_BYTES),
            self._mutated, self._mutated, self._noise, self._typed, self._nested_arrays, self._bundle,
            self._deep_bundle, self._misaligned, self._huge_count,
        )  # fmt: skip

    def datagram(self) -> bytes:
        return self._random.choice(self._kinds)()[:65_000]

    def _request(self) -> Message:
        """A request to any address, with hostile values for its arguments and for any of its keys."""
        request = self._random.choice(list(REQUESTS.values()))
        arguments = [self._value(request.address) for _ in request.parameters]
        for key in self._random.sample(request.keys, self._random.randint(0, min(4, len(request.keys)))):
            arguments += [key, self._value(key)]
        if self._random.random() < 0.1:
            arguments.append(self._value(""))
        return Message(request.address, tuple(arguments))

    def _value(self, name: str) -> object:
        is_clip = name == "/sab/submit" and self._random.random() < 0.02
        return self._clip if is_clip else self._random.choice(VALUES)

    def _mutated(self) -> bytes:
        datagram = bytearray(self._random.choice(self._corpus))
        for _ in range(self._random.randint(1, 6)):
            place = self._random.randrange(len(datagram) or 1)
            match self._random.randrange(4):
                case 0:
                    datagram[place : place + 1] = bytes([self._random.randrange(256)])
                case 1:
                    del datagram[place : place + self._random.randint(1, 8)]
                case 2:
                    datagram[place:place] = self._random.randbytes(self._random.randint(1, 8))
                case _:
                    datagram = datagram[:place]
        return bytes(datagram)

    def _noise(self) -> bytes:
        head = self._random.choice(
            (b"", b"/", b"/sab/", b"#bundle\0", b"/sab/list\0\0\0", b"GET / HTTP/1.1\r\n", b"\0")
        )
        return head + self._random.randbytes(self._random.randint(0, 200))

    def _typed(self) -> bytes:
        """A valid address, any types, any bytes."""
        address = self._random.choice(list(REQUESTS)).encode()
        tags = b"," + bytes(self._random.choices(b"ifsSbhtdcrmTFNI[]zQ*\x00", k=self._random.randint(0, 30)))
        content = self._random.randbytes(4 * self._random.randint(0, 30))
        return _padded(address) + _padded(tags) + content

    def _nested_arrays(self) -> bytes:
        depth = self._random.choice((1, 8, 9, 200, 3_000, 7_500))
        tags = b"," + b"[" * depth + b"i" + b"]" * self._random.choice((depth, depth - 1, 0))
        return _padded(self._random.choice(list(REQUESTS)).encode()) + _padded(tags) + bytes(4)

    def _bundle(self) -> bytes:
        parts = self._random.choices(self._corpus, k=self._random.choice((0, 1, 3, 30)))
        return _bundled(parts, self._random.randbytes(8))

    def _deep_bundle(self) -> bytes:
        packet = self._random.choice(self._corpus)
        for _ in range(self._random.choice((1, 8, 9, 500))):
            packet = _bundled([packet])
        return packet

    def _misaligned(self) -> bytes:
        return self._random.choice(self._corpus)[: -self._random.randint(1, 3)]

    def _huge_count(self) -> bytes:
        if self._random.random() < 0.5:
            part = encode(Message(self._random.choice(("/sab/ping", "/sab/list", "/sab/status", "/sab/models"))))
            return _bundled([part] * self._random.choice((100, 700)))
        size = self._random.choice((-1, 0x7FFFFFFC, -(2**31), 0, 3, 1 << 20))
        return b"#bundle\0" + bytes(8) + size.to_bytes(4, "big", signed=True) + self._random.choice(self._corpus)


def _padded(text: bytes) -> bytes:
    return text + b"\0" * (4 - len(text) % 4)


def _bundled(parts: list[bytes], time_tag: bytes = bytes(8)) -> bytes:
    return b"#bundle\0" + time_tag + b"".join(len(part).to_bytes(4, "big") + part for part in parts)


async def fuzz(count: int, seed: int, folder: Path) -> Figures:
    """Sends `count` datagrams to a new server in `folder`."""
    (folder / "state").mkdir()
    clip = folder / "clip.wav"
    write_clip(clip)
    figures = Figures()
    options = ("--engine", "draft", "--no-midi")
    with contextlib.suppress(subprocess.TimeoutExpired), serving(folder / "state", *options, dies=True) as server:
        async with open_client(server.host, server.port) as client:
            await _send_all(Fuzzer(seed, clip), count, server, client, figures)
    log = (folder / "state" / "server.log").read_text("utf-8", "replace")
    figures.faults = re.findall(
        r"^.*(?:Traceback|Error:|internal|Task exception|never retrieved).*$", log, re.MULTILINE
    )
    return figures


async def _send_all(fuzzer: Fuzzer, count: int, server: Server, client: OscClient, figures: Figures) -> None:
    await client.ask("/sab/ping", answer_seconds=10)
    with _senders() as senders:
        while figures.sent < count:
            for _ in range(min(PINGED_EVERY, count - figures.sent)):
                with contextlib.suppress(OSError):
                    senders[figures.sent % PORTS].sendto(fuzzer.datagram(), (server.host, server.port))
                figures.sent += 1
                if figures.sent % SENT_AT_ONCE == 0:
                    await asyncio.sleep(0.006)  # else it is a flood, which the system drops unread
            await _ping(client, figures)
            if server.process.poll() is not None:
                figures.ended += 1
                return
            if figures.sent * 10 // count > len(figures.rss_mb):
                figures.rss_mb.append(_rss_mb(server.process.pid))


async def _ping(client: OscClient, figures: Figures) -> None:
    figures.pings += 1
    began = time.monotonic()
    while True:
        try:  # as any client must: the system drops datagrams where a burst of them is not read at once
            await client.exchange("/sab/ping", str(figures.pings), answer_seconds=PING_SECONDS / 4)
            break
        except NoAnswer:
            if time.monotonic() - began > PING_SECONDS:
                figures.silent += 1
                break
    figures.slowest_ms = max(figures.slowest_ms, 1000 * (time.monotonic() - began))
    client.received()


@contextlib.contextmanager
def _senders() -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        opened = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(PORTS)]
        yield opened


def write_clip(path: Path) -> None:
    """Half a second of noise."""
    import wave

    with wave.open(str(path), "wb") as clip:
        clip.setnchannels(1)
        clip.setsampwidth(2)
        clip.setframerate(8_000)
        clip.writeframes(random.Random(1).randbytes(8_000))


def _rss_mb(pid: int) -> float:
    """The memory of a process in 10⁶ bytes; 0 where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path(f"/proc/{pid}/status").read_text("ascii").splitlines()
        return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1000
    return 0.0


def row(figures: Figures) -> dict[str, object]:
    """The figures as a row of `docs/reliability.md`."""
    lost = figures.ended + len(figures.faults)
    memory = f"{figures.rss_mb[0]:.0f} → {figures.rss_mb[-1]:.0f} MB" if figures.rss_mb else "not measured"
    note = (
        f"{figures.ended} ends, {len(figures.faults)} faults on standard error, {figures.silent} of {figures.pings} "
        f"pings of another client not answered within 1 s, slowest {figures.slowest_ms:.0f} ms; memory {memory}"
    )
    held = figures.sent - lost - figures.silent
    return {
        "kind": "OSC", "fault": "hostile datagram", "times": figures.sent, "held": held, "lost": lost,
        "stuck": figures.silent, "partial": 0, "outside": 0, "note": note,
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=16)
    asked = parser.parse_args()
    results = RESULTS.absolute()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # jobs with a relative folder write there
        os.environ["SAB_CACHE_DIR"] = str(Path(folder) / "cache")
        figures = asyncio.run(fuzz(asked.count, asked.seed, Path(folder)))
        os.chdir(results.anchor)
    results.parent.mkdir(parents=True, exist_ok=True)
    results.write_text(json.dumps([row(figures)], indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join((str(row(figures)["note"]), *figures.faults[:10], "")))
    return 1 if figures.ended or figures.faults or figures.silent else 0


if __name__ == "__main__":
    sys.exit(main())
