"""Handles what has arrived, taking turns between the senders, so that nobody waits behind another one's flood."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from bridge.osc.addresses import Message
from bridge.osc.codec import Rejected, decode
from bridge.osc.traffic.endpoints import Endpoint
from bridge.osc.traffic.limits import Intake

#: How long one round of turns may keep the event loop; the system drops datagrams that are not read for some 20 ms.
ROUND_SECONDS = 0.002
#: What may wait of one sender, who may send hundreds of clips without waiting for answers, and in all.
#: A sender of which nothing waits may always leave one datagram that is small.
MAX_WAITING = 1_024
MAX_WAITING_BYTES_OF_SENDER = 1_000_000
MAX_WAITING_BYTES = 8_000_000
MAX_SENDERS = 4_096
SMALL_BYTES = 2_048


class Arrivals:
    """The datagrams of each sender that are not handled yet. Used on the event loop."""

    def __init__(
        self,
        intake: Intake,
        handle: Callable[[Message | Rejected, Endpoint, int], bool],
        dropped: Callable[[Endpoint], None],
    ) -> None:
        """
        Args:
            handle: gets a message, its sender, and the bytes of its datagram if it is the first one of it, else 0;
                returns whether it has begun something that must come before the sender's next message.
            dropped: is told whose datagram, or a part of it, was dropped.
        """
        self._intake = intake
        self._handle = handle
        self._dropped = dropped
        self._lines: dict[Endpoint, _Line] = {}  # the next one in turn is first
        self._bytes = 0
        self._round: asyncio.Handle | None = None

    def put(self, data: bytes, source: Endpoint) -> bool:
        """Takes a datagram, to be handled at its sender's turn; False if it was dropped."""
        if not self._intake.admits(source) or not self._has_room(source, len(data)):
            self._dropped(source)
            return False
        self._bytes += len(data)
        self._lines.setdefault(source, _Line()).append(data)
        return True

    def take_turns(self) -> None:
        """Handles a message of each sender in turn; what is left after a while, soon."""
        self._round = None
        loop = asyncio.get_running_loop()
        end = loop.time() + ROUND_SECONDS
        held = list[tuple[Endpoint, _Line]]()
        while self._lines and loop.time() < end:
            source = next(iter(self._lines))
            line = self._lines.pop(source)
            has_begun = self._handle_next(source, line)
            if line.messages or line.datagrams:
                if has_begun:
                    held.append((source, line))
                else:
                    self._lines[source] = line
        self._lines.update(held)
        if self._lines:
            self._round = loop.call_soon(self.take_turns)

    @property
    def is_busy(self) -> bool:
        """Whether a round follows by itself."""
        return self._round is not None

    def close(self) -> None:
        """Drops what waits."""
        self._lines.clear()
        if self._round is not None:
            self._round.cancel()
            self._round = None

    def _handle_next(self, source: Endpoint, line: _Line) -> bool:
        size = 0
        if not line.messages:
            data = line.popleft()
            size = len(data)
            self._bytes -= size
            messages = decode(data)
            admitted = 1 if len(messages) == 1 else 1 + self._intake.admitted(source, len(messages) - 1)
            if admitted < len(messages):
                self._dropped(source)
            line.messages.extend(messages[:admitted])
        return bool(line.messages) and self._handle(line.messages.popleft(), source, size)

    def _has_room(self, source: Endpoint, size: int) -> bool:
        line = self._lines.get(source)
        if line is None:
            return len(self._lines) < MAX_SENDERS and (size <= SMALL_BYTES or self._bytes < MAX_WAITING_BYTES)
        of_sender = line.bytes == 0 or line.bytes + size <= MAX_WAITING_BYTES_OF_SENDER
        return len(line.datagrams) < MAX_WAITING and of_sender and self._bytes < MAX_WAITING_BYTES


class _Line:
    """What waits of one sender."""

    __slots__ = ("bytes", "datagrams", "messages")

    def __init__(self) -> None:
        self.datagrams: deque[bytes] = deque()
        self.bytes = 0
        """Of the datagrams together."""
        self.messages: deque[Message | Rejected] = deque()
        """Those of a datagram that is being handled."""

    def append(self, data: bytes) -> None:
        self.datagrams.append(data)
        self.bytes += len(data)

    def popleft(self) -> bytes:
        data = self.datagrams.popleft()
        self.bytes -= len(data)
        return data
