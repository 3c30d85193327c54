"""The event bus, which decouples publishers from listeners."""

from __future__ import annotations

import logging
from collections.abc import Callable

from bridge.events import Event

log = logging.getLogger(__name__)


class EventBus:
    """Calls every listener with each event, synchronously and in order of subscription, on the event loop.

    An exception in a listener is logged; the others still receive the event.
    """

    def __init__(self) -> None:
        self._listeners: dict[int, Callable[[Event], None]] = {}
        self._next = 0
        self._retained: list[Event] = []

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Adds a listener and sends it all retained events; returns a function that removes it."""
        key, self._next = self._next, self._next + 1
        self._listeners[key] = listener
        for event in tuple(self._retained):
            _deliver(event, listener)
        return lambda: self._listeners.pop(key, None) and None

    def publish(self, event: Event) -> None:
        for listener in tuple(self._listeners.values()):
            _deliver(event, listener)

    def publish_retained(self, event: Event) -> None:
        """Publishes an event to current and later listeners; for events before any interface subscribes."""
        self._retained.append(event)
        self.publish(event)


def _deliver(event: Event, listener: Callable[[Event], None]) -> None:
    try:
        listener(event)
    except Exception:
        log.exception("a listener failed on %s", type(event).__name__)
