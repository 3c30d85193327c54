"""Clients that ask for too much, in the wrong form, or for others: nobody else may notice."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
import resource
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from bridge.errors import BridgeError
from bridge.osc.addresses import Message
from bridge.osc.client import open_client
from bridge.osc.codec import encode
from tests.reliability.bench import Bench
from tests.reliability.case import ANY, DONE, Case
from tests.reliability.fault import Fault, started
from tests.reliability.place import Place
from tests.reliability.processes import resident_bytes, send

KIND = "flood"
BUNDLE = b"#bundle\0" + b"\0" * 7 + b"\1"
#: A server may grow by this much under a flood. Its tables have limits; they fill once.
GROWTH_BYTES = 30_000_000
#: As few descriptors as a Mac gives.
DESCRIPTORS = 256


def small_bench(folder: Path) -> contextlib.AbstractAsyncContextManager[Bench]:
    """A bridge that may have 256 descriptors."""

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (DESCRIPTORS, DESCRIPTORS))

    return started(Bench(Place(folder), before_start=limit))


def _element(message: Message) -> bytes:
    data = encode(message, 16_000)
    return struct.pack(">i", len(data)) + data


def hostile_datagram(rng: random.Random) -> bytes:
    """A datagram that no client would send."""
    match rng.randrange(8):
        case 0:
            return rng.randbytes(rng.randrange(1200))
        case 1:
            return b"/sab/" + rng.choice((b"submit", b"play", b"list", b"nonsense")) + rng.randbytes(rng.randrange(60))
        case 2:
            depth = rng.randrange(1, 7000)
            return b"/sab/submit\0," + b"[" * depth + b"]" * depth + b"\0" * (4 - (2 * depth + 1) % 4)
        case 3:
            return BUNDLE + struct.pack(">i", rng.choice((-1, 0, 2**31 - 1, 4))) + rng.randbytes(40)
        case 4:
            return (BUNDLE + struct.pack(">i", 2000)) * rng.randrange(1, 300)
        case 5:
            tags = bytes(rng.choice(b"ifshdbtrmTFNIScX[]") for _ in range(rng.randrange(1, 30)))
            tagged = b"/sab/ping\0\0\0," + tags
            return tagged + b"\0" * (4 - len(tagged) % 4) + rng.randbytes(4 * rng.randrange(40))
        case 6:
            words = rng.choice(("\x1b[2J", "../../x", "x" * 900, "[/b]", "\u202e", "/dev/zero", "*"))
            return encode(Message(rng.choice(("/sab/cancel", "/sab/query", "/sab/hello")), (words, 1, 9)))
        case _:
            return encode(Message("/sab/subscribe", (1, rng.choice((-1, 0, 1, 10**9)))))


@contextlib.contextmanager
def _sockets(count: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        made = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(count)]
        for each in made:
            each.bind(("127.0.0.1", 0))
            each.setblocking(False)
        yield made


async def _send(case: Case, sender: socket.socket, datagrams: list[bytes]) -> None:
    for number, datagram in enumerate(datagrams):
        with contextlib.suppress(OSError):  # the buffer is full: the flood is as fast as it can be
            sender.sendto(datagram, (case.bench.host, case.bench.port))
        if number % 50 == 49:
            await asyncio.sleep(0.001)


@contextlib.contextmanager
def _grows_little(case: Case) -> Iterator[None]:
    before = resident_bytes(case.bench.pid)
    yield
    grown = resident_bytes(case.bench.pid) - before
    if grown > GROWTH_BYTES:
        case.found("other", f"the server grew by {grown / 1e6:.0f} MB")


async def hostile_datagrams(case: Case) -> None:
    """500 datagrams that no client would send, from one sender, beside a job."""
    await case.submit(case.clip(), "midi", "none")
    with _sockets(1) as (sender,), _grows_little(case):
        async with case.others_are_answered():
            await _send(case, sender, [hostile_datagram(case.rng) for _ in range(500)])


async def many_pings(case: Case) -> None:
    """5 000 requests from one sender, as fast as it can."""
    await case.submit(case.clip(), "midi", "none")
    request = encode(Message("/sab/status"))
    with _sockets(1) as (sender,):
        async with case.others_are_answered():
            await _send(case, sender, [request] * 5000)


async def bundle(address: str, case: Case) -> None:
    """One datagram of as many requests as fit into it."""
    element = _element(Message(address))
    datagram = BUNDLE + element * min(1000, (16_000 - len(BUNDLE)) // len(element))
    for _ in range(3):
        await case.submit(case.clip(), "midi", "none")
    with _sockets(1) as (sender,):
        async with case.others_are_answered():
            await _send(case, sender, [datagram])
            await asyncio.sleep(0.2)


async def subscriptions(case: Case) -> None:
    """256 subscriptions of a day from 256 ports; a newcomer hears of its own job, or is refused in words."""
    request = encode(Message("/sab/subscribe", (1, 86_400)))
    with _sockets(256) as senders:
        for sender in senders:
            await _send(case, sender, [request])
            await asyncio.sleep(0.001)
        async with open_client(case.bench.host, case.bench.port) as newcomer:
            await newcomer.ask("/sab/hello", "newcomer", 1)
            refused = False
            try:
                await newcomer.ask("/sab/subscribe", 1)
            except BridgeError:
                refused = True
            (accepted,) = await newcomer.ask("/sab/submit", str(case.clip()), "midi", "none")
            case.expected[job := str(accepted.arguments[1])] = DONE
            heard = False
            with contextlib.suppress(asyncio.TimeoutError, BridgeError):
                while not heard:
                    push = await asyncio.wait_for(newcomer.next_push(), 10)
                    heard = push.address == "/sab/finished" and push.arguments[0] == job
            if not heard and not refused:
                case.found("lost", "a newcomer whose subscription was confirmed hears nothing")
        for sender in senders:
            await _send(case, sender, [encode(Message("/sab/subscribe", (0,)))])
    with contextlib.suppress(BridgeError):
        await case.bench.connect()


async def tokens(case: Case) -> None:
    """400 requests with tokens of 10 kB, from 20 ports; the server's memory stays."""
    clip = case.clip()
    with _sockets(20) as senders, _grows_little(case):
        async with case.others_are_answered():
            for number in range(400):
                token = f"{case.rng.random()}" + "x" * 10_000
                request = encode(Message("/sab/submit", (str(clip), "midi", "none", "req", token)), 16_000)
                await _send(case, senders[number % 20], [request])
                if number % 20 == 19:
                    await _send(case, senders[0], [encode(Message("/sab/cancel", ("*",)))])
                    await asyncio.sleep(0.005)
    for followed in case.bench.jobs:
        case.expected.setdefault(followed, ANY)
    for sender in range(3):
        del sender
        await case.bench.ask("/sab/ping", "still there")


async def announced_ports(case: Case) -> None:
    """300 senders that each announce a port of their own."""
    with _sockets(300) as senders, _grows_little(case):
        async with case.others_are_answered():
            for number, sender in enumerate(senders):
                await _send(case, sender, [encode(Message("/sab/hello", (f"client {number}", 1, 20_000 + number)))])
    await case.submit(case.clip(), "midi", "none")


async def connections(case: Case) -> None:
    """300 connections that say nothing or half a request; a killed worker comes back, and a job is done."""
    await case.submit(case.clip(), "midi", "none")
    with contextlib.ExitStack() as stack:
        for number in range(300):
            each = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            each.settimeout(0.3)
            with contextlib.suppress(OSError):
                each.connect((case.bench.host, case.bench.port))
                each.sendall(b"GET /jobs HTTP/1.1\r\nHost: 127.0" if number % 2 else b"")
            if number % 20 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(0.1)
        async with case.others_are_answered():
            send(case.bench.pid_of("bridge.worker"), 9)  # type: ignore[arg-type]
            await asyncio.sleep(0.1)
            try:
                job = await case.submit(case.clip(), "midi", "none")
                if not await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 20):
                    case.found("stuck", "no worker beside idle connections")
            except BridgeError as error:
                case.found("lost", f"a job was refused beside idle connections ({error.code})")


async def strangers(case: Case) -> None:
    """A stranger cancels `*`, unsubscribes, and subscribes for a second: it touches nobody else's."""
    await case.bench.ask("/sab/hello", "owner", 1)
    job = await case.submit(long=True)
    following = await case.submit(case.clip(), "midi", "none")
    with _sockets(3) as senders:
        for sender, message in zip(
            senders,
            (Message("/sab/cancel", ("*",)), Message("/sab/subscribe", (1, 1)), Message("/sab/subscribe", (0,))),
            strict=True,
        ):
            await _send(case, sender, [encode(message)])
    if not await case.bench.hears(lambda: bool(case.bench.jobs[following].outcome), 30):
        case.found("lost", "the owner hears nothing more of its jobs")
        await case.bench.connect()
    del job


async def repeated(case: Case) -> None:
    """A request is sent five times with one token, as over a bad network: it is one job."""
    clip = case.clip()
    token = f"token{case.rng.random()}"
    jobs = {await case.submit(clip, "midi", "none", "req", token) for _ in range(5)}
    if len(jobs) != 1:
        case.found("other", f"one request became {len(jobs)} jobs")


FAULTS = (
    Fault(KIND, "500 datagrams that no client would send", hostile_datagrams, 70, quick=True),
    Fault(KIND, "5 000 requests of one sender", many_pings, 20),
    Fault(KIND, "a datagram of as many ‘/sab/list’ as fit", functools.partial(bundle, "/sab/list"), 10, quick=True),
    Fault(KIND, "a datagram of as many ‘/sab/models’ as fit", functools.partial(bundle, "/sab/models"), 5),
    Fault(KIND, "256 subscriptions of a day", subscriptions, 8),
    Fault(KIND, "400 requests with tokens of 10 kB", tokens, 8),
    Fault(KIND, "300 senders that announce a port each", announced_ports, 15),
    Fault(KIND, "300 idle connections, 256 descriptors", connections, 8, small_bench),
    Fault(KIND, "a stranger cancels, subscribes, unsubscribes", strangers, 30),
    Fault(KIND, "a request is repeated five times", repeated, 40, quick=True),
)
