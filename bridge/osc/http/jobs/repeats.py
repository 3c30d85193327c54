"""Repeated requests: a client that has lost an answer asks again with the same key, and gets the same one.

As the draft `draft-ietf-httpapi-idempotency-key-header` describes it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bridge.errors import BadArguments
from bridge.osc.http.answers import HttpRefusal
from bridge.protocols import Clock

T = TypeVar("T")

#: How long a key keeps its answer, and how many keys do; the oldest go first.
MEMORY_SECONDS = 24 * 3600.0
MAX_KEYS = 1000
_KEY = re.compile(r"[\x21-\x7e]{1,255}")


def check_key(key: str) -> None:
    """Raises BadArguments if it is no key."""
    if not _KEY.fullmatch(key):
        raise BadArguments("Idempotency-Key must have 1 to 255 visible characters of ASCII.", advice="")


@dataclass(frozen=True)
class _Asked(Generic[T]):
    fingerprint: bytes
    at_seconds: float
    work: asyncio.Task[T]


@dataclass
class Repeats(Generic[T]):
    """The answers of requests with a key.

    Args:
        keeps: whether an answer is final; after another one, the same key asks anew.
    """

    clock: Clock
    keeps: Callable[[T], bool]
    _asked: dict[str, _Asked[T]] = field(default_factory=dict)  # the oldest first

    async def answer(self, key: str, fingerprint: bytes, ask: Callable[[], Awaitable[T]]) -> tuple[T, bool]:
        """The answer to a request, and whether it is the one of an earlier request with the same key.

        The work goes on if who waits for it gives up, so that a repetition finds its answer.

        Args:
            fingerprint: of all that the request says; empty key: it has none.

        Raises:
            HttpRefusal: the key belongs to another request (422).
        """
        if not key:
            return await ask(), False
        self._forget_old()
        known = self._asked.get(key)
        if known is not None and known.fingerprint != fingerprint:
            raise HttpRefusal(422, "This Idempotency-Key belongs to another request: use a new one.")
        if known is None:
            work = asyncio.create_task(_run(ask))
            self._asked[key] = mine = _Asked(fingerprint, self.clock.monotonic_seconds(), work)
            work.add_done_callback(lambda _: self._done(key, mine))
            return await asyncio.shield(work), False
        return await asyncio.shield(known.work), True

    def _done(self, key: str, asked: _Asked[T]) -> None:
        work = asked.work
        is_final = not work.cancelled() and work.exception() is None and self.keeps(work.result())
        if not is_final and self._asked.get(key) is asked:
            del self._asked[key]

    def _forget_old(self) -> None:
        oldest = self.clock.monotonic_seconds() - MEMORY_SECONDS
        for key, asked in tuple(self._asked.items()):
            if asked.at_seconds > oldest and len(self._asked) < MAX_KEYS:
                break
            if asked.work.done():
                del self._asked[key]


async def _run(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
