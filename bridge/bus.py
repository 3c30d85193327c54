"""Where events pass: whoever publishes does not know who listens."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.events import Event

log = logging.getLogger(__name__)


class EventBus:
    """Hands each event to every listener at once, in the order of their subscription, on the event loop.

    A listener that fails is logged; the others still hear the event.
    """

    def __init__(self) -> None:
        self._listeners: dict[int, Callable[[Event], None]] = {}
        self._next = 0
        self._kept: list[Event] = []

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Adds a listener, who hears at once what has been kept; returns what removes it again."""
        key, self._next = self._next, self._next + 1
        self._listeners[key] = listener
        for event in tuple(self._kept):
            _hand(event, listener)
        return lambda: self._listeners.pop(key, None) and None

    def publish(self, event: Event) -> None:
        for listener in tuple(self._listeners.values()):
            _hand(event, listener)

    def keep(self, event: Event) -> None:
        """As `publish`, also to whoever comes later: what happens at the start, before any face listens."""
        self._kept.append(event)
        self.publish(event)


def _hand(event: Event, listener: Callable[[Event], None]) -> None:
    try:
        listener(event)
    except Exception:
        log.exception("a listener failed on %s", type(event).__name__)
