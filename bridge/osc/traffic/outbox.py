"""Sends answers and pushes: short ones at once, long ones in slices, taking turns between the receivers."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice

from bridge.osc.traffic.endpoints import Endpoint, machine_of
from bridge.osc.traffic.limits import MAX_MACHINES, TokenBucket

#: The first datagrams of an answer are sent at once; most answers are no longer.
AT_ONCE = 4
#: How many datagrams a receiver gets at its turn.
SLICE = 16
#: How long one round of turns may keep the event loop.
ROUND_SECONDS = 0.002
#: The pause when no machine may be sent more yet.
PAUSE_SECONDS = 0.005
#: What a machine is sent a second beyond short answers, and how much of it at once. A datagram counts as its bytes and
#: these more, which is about what it costs; a receiver's socket holds some 300 datagrams.
BYTES_A_SECOND = 4_000_000.0
BURST_BYTES = 64_000.0
DATAGRAM_BYTES = 256
#: How many answers may wait for one receiver, and for all receivers of a machine, before further requests are refused.
MAX_ANSWERS = 8
MAX_LONG_ANSWERS = 64
#: How many answers and pushes may wait for one receiver; what comes after them is lost, as UDP loses.
MAX_WAITING = 1024
#: Bytes in the socket's own queue from which on nothing is added to it.
MAX_UNSENT_BYTES = 65_536


class Outbox:
    """What waits for each receiver, in order. Made, and used, on the event loop."""

    def __init__(self, send: Callable[[bytes, Endpoint], None], unsent_bytes: Callable[[], int]) -> None:
        """`unsent_bytes`: the size of the socket's own queue."""
        self._send = send
        self._unsent_bytes = unsent_bytes
        self._lines: dict[Endpoint, _Line] = {}  # the next one in turn is first
        self._pace: dict[str, TokenBucket] = {}  # by machine; the one that was used last is last
        self._round: asyncio.Handle | None = None

    def has_room(self, receiver: Endpoint) -> bool:
        """Whether a further request of `receiver` may be answered: not too many of its answers wait."""
        line = self._lines.get(receiver)
        return line is None or len(line) < MAX_ANSWERS

    def put(self, receiver: Endpoint, datagrams: Iterable[bytes]) -> bool:
        """Sends them after everything that waits for that receiver; False if they are dropped.

        `datagrams` is read as it is sent, so a long list costs neither memory nor time at once.
        """
        line = self._lines.get(receiver)
        if line is not None:
            return line.append(iter(datagrams))
        rest = iter(datagrams)
        first = list(islice(rest, AT_ONCE + 1))
        if len(first) > AT_ONCE:
            machine = machine_of(receiver)
            if sum(machine_of(other) == machine for other in self._lines) >= MAX_LONG_ANSWERS:
                return False
            self._lines[receiver] = _Line(chain(first[AT_ONCE:], rest))
            self._schedule(0.0)
        for datagram in first[:AT_ONCE]:
            self._send(datagram, receiver)
        return True

    def close(self) -> None:
        """Drops what waits."""
        self._lines.clear()
        if self._round is not None:
            self._round.cancel()
            self._round = None

    def _schedule(self, seconds: float) -> None:
        if self._round is None:
            loop = asyncio.get_running_loop()
            self._round = loop.call_later(seconds, self._take_turns) if seconds else loop.call_soon(self._take_turns)

    def _take_turns(self) -> None:
        self._round = None
        now = asyncio.get_running_loop().time
        end = now() + ROUND_SECONDS
        held_back = 0
        while held_back < len(self._lines) and now() < end and self._unsent_bytes() <= MAX_UNSENT_BYTES:
            receiver = next(iter(self._lines))
            line = self._lines.pop(receiver)  # it comes last in the next turn
            pace = self._pace_of(machine_of(receiver), now())
            if not pace.has_any(now()):
                held_back += 1
                self._lines[receiver] = line
            elif self._send_slice(receiver, line, pace):
                held_back = 0
                self._lines[receiver] = line
        if self._lines:
            self._schedule(0.0 if now() >= end else PAUSE_SECONDS)

    def _pace_of(self, machine: str, now: float) -> TokenBucket:
        pace = self._pace.pop(machine, None) or TokenBucket(BYTES_A_SECOND, BURST_BYTES, now)
        self._pace[machine] = pace
        if len(self._pace) > MAX_MACHINES:
            del self._pace[next(iter(self._pace))]
        return pace

    def _send_slice(self, receiver: Endpoint, line: _Line, pace: TokenBucket) -> bool:
        """Sends the next datagrams of a line; False after its last one."""
        for _ in range(SLICE):
            datagram = line.next()
            if datagram is None:
                return False
            self._send(datagram, receiver)
            pace.owe(len(datagram) + DATAGRAM_BYTES)
        return True


class _Line:
    """What waits for one receiver."""

    def __init__(self, first: Iterator[bytes]) -> None:
        self._parts = deque([first])

    def __len__(self) -> int:
        return len(self._parts)

    def append(self, datagrams: Iterator[bytes]) -> bool:
        if len(self._parts) >= MAX_WAITING:
            return False
        self._parts.append(datagrams)
        return True

    def next(self) -> bytes | None:
        while self._parts:
            datagram = next(self._parts[0], None)
            if datagram is not None:
                return datagram
            self._parts.popleft()
        return None
