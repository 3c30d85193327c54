"""Notices a flood of datagrams, and has the system drop it, so that the datagrams of others still find room."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from bridge.osc.traffic import kernel_filter
from bridge.osc.traffic.endpoints import Endpoint

#: So many datagrams within `FLOOD_SECONDS` are a flood: a group of a thousand clips is none.
FLOOD_DATAGRAMS = 2_000
FLOOD_SECONDS = 0.25
#: A sender of so large a part of a flood makes it.
HEAVY_PART = 1 / 20
#: How long before a flood a sender must have been heard, so as not to be a part of it.
BEFORE_SECONDS = 0.3
#: How long the filter stays after the flood has ended.
QUIET_TICKS = 2
#: How long a sender that was silent is known.
KNOWN_TICKS = 60
MAX_SENDERS = 8_192


class FloodGuard:
    """Counts what arrives. A few senders that make a flood are dropped; of one from many ports, all that are new.

    Args:
        seconds: the time of a clock that never goes back.
        drop: sets the program that filters what arrives, see `kernel_filter`; None: everything may pass.
    """

    def __init__(self, seconds: Callable[[], float], drop: Callable[[bytes | None], None]) -> None:
        self._seconds = seconds
        self._drop = drop
        self._began_seconds = seconds()
        self._left = FLOOD_DATAGRAMS
        self._counts: dict[Endpoint, int] = {}
        self._tick = 0
        self._senders: dict[Endpoint, _Sender] = {}
        self._flood_tick: int | None = None
        """When a flood was last seen; None: everything passes."""

    def arrived(self, source: Endpoint) -> None:
        """Called with each datagram."""
        if self._left <= 0 or self._seconds() - self._began_seconds >= FLOOD_SECONDS:
            self._look()
        self._counts[source] = self._counts.get(source, 0) + 1
        self._left -= 1

    def tick(self) -> None:
        """Called about once a second."""
        self._look()
        self._tick += 1
        if self._flood_tick is not None and self._tick - self._flood_tick > QUIET_TICKS:
            self._flood_tick = None
            self._drop(None)
        silent = [source for source, sender in self._senders.items() if self._tick - sender.last_tick > KNOWN_TICKS]
        for source in silent:
            del self._senders[source]

    def _look(self) -> None:
        now = self._seconds()
        counts, self._counts = self._counts, {}
        began, self._began_seconds = self._began_seconds, now
        arrived, self._left = FLOOD_DATAGRAMS - self._left, FLOOD_DATAGRAMS
        is_filtered = self._flood_tick is not None
        is_flood = arrived * (kernel_filter.ONE_IN if is_filtered else 1) >= FLOOD_DATAGRAMS * max(
            1.0, (now - began) / FLOOD_SECONDS
        )
        for source in counts:
            self._note(source, math.inf if is_flood else began)
        if not is_flood:
            return
        self._flood_tick = self._tick
        if is_filtered and arrived < FLOOD_DATAGRAMS:
            return  # what passes is a sample of the same flood
        heavy = {source for source, count in counts.items() if count > arrived * HEAVY_PART}
        if sum(counts[source] for source in heavy) > arrived / 2:
            self._drop(kernel_filter.all_but({int(source[1]) for source in heavy}))
        else:
            known = (
                int(source[1])
                for source, sender in self._senders.items()
                if sender.first_seconds <= now - BEFORE_SECONDS
            )
            self._drop(kernel_filter.only({*known}))

    def _note(self, source: Endpoint, first_seconds: float) -> None:
        sender = self._senders.get(source)
        if sender is not None:
            sender.last_tick = self._tick
        elif len(self._senders) < MAX_SENDERS:
            self._senders[source] = _Sender(first_seconds, self._tick)


@dataclass
class _Sender:
    first_seconds: float
    """Clock time before it was first heard; infinite: that was in a flood."""
    last_tick: int
