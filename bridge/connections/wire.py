"""Tells of every OSC message while somebody watches; costs nothing otherwise."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bridge.connections.values import WireMessage
from bridge.plain import plain

if TYPE_CHECKING:
    from bridge.protocols import Clock

log = logging.getLogger(__name__)

#: What is told a second, at most: more than anybody reads, and less than what a flood could cost.
MOST_A_SECOND = 400
LONGEST_ARGUMENT = 80
LONGEST_ARGUMENTS = 240
LONGEST_ADDRESS = 120


class Wire:
    """Passes messages on to its watchers. On the event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._watchers: dict[object, Callable[[WireMessage], None]] = {}
        self._second = 0
        self._told = 0
        self._left_out = 0

    @property
    def is_watched(self) -> bool:
        return bool(self._watchers)

    def watch(self, watcher: Callable[[WireMessage], None]) -> Callable[[], None]:
        """Calls `watcher` with every message from now on; returns a function that ends it."""
        key = object()
        self._watchers[key] = watcher
        return lambda: self._watchers.pop(key, None) and None

    def saw(
        self,
        address: str,
        arguments: Sequence[object],
        *,
        is_out: bool,
        client: str = "",
        place: str = "",
        verdict: str = "",
    ) -> None:
        """A message has passed. Texts may be anything."""
        if not self._watchers or not self._has_room():
            return
        message = WireMessage(
            unix_seconds=self._clock.unix_seconds(),
            is_out=is_out,
            client=client,
            place=place,
            address=shortened(address, LONGEST_ADDRESS),
            arguments=argument_words(arguments),
            verdict=verdict,
            left_out=self._left_out,
        )
        self._left_out = 0
        for watcher in tuple(self._watchers.values()):
            try:
                watcher(message)
            except Exception:
                log.exception("a watcher of the wire failed")

    def _has_room(self) -> bool:
        second = int(self._clock.monotonic_seconds())
        if second != self._second:
            self._second, self._told = second, 0
        if self._told >= MOST_A_SECOND:
            self._left_out += 1
            return False
        self._told += 1
        return True


def argument_words(arguments: Sequence[object]) -> str:
    """`"/home/ana/a.wav" 1 0.5`: harmless, each and all of them shortened."""
    words, room = list[str](), LONGEST_ARGUMENTS
    for argument in arguments:
        word = _argument(argument)
        room -= len(word) + 1
        if room < 0:
            words.append("…")
            break
        words.append(word)
    return " ".join(words)


def shortened(text: str, longest: int) -> str:
    """`text` as one printable line of at most so many characters."""
    return plain(text if len(text) <= longest else f"{text[: longest - 1]}…")


def _argument(argument: object) -> str:
    match argument:
        case str():
            return f'"{shortened(argument, LONGEST_ARGUMENT)}"'
        case bool() | None:
            return str(argument).lower()
        case float():
            return f"{argument:.6g}"
        case bytes():
            return f"<{len(argument)} bytes>"
        case tuple():
            return f"[{len(argument)} items]"
        case _:
            return shortened(str(argument), LONGEST_ARGUMENT)
