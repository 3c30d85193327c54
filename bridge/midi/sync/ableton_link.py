"""Ableton Link as a timeline, through aalink, which is there only where the user has installed the extra `link`."""

from __future__ import annotations

import asyncio
import importlib
import math
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from bridge.errors import EngineFailed
from bridge.midi.timeline import NS_PER_SECOND, Timeline
from bridge.units import DEFAULT_TEMPO_BPM

INSTALL = "Install it with `uv sync --inexact --extra link` in the folder of the bridge, or use another sync."
POLL_NS = 10_000_000
#: A bar, as Live has it unless its song says otherwise.
BAR_QUARTERS = 4.0
#: So long after the session object exists, it may join: at once, it might bring its own tempo into the session.
JOIN_NS = NS_PER_SECOND // 2
#: Nearer than this after a bar's start, that was where the transport began.
JUST_BEGUN_QUARTERS = 0.1
#: A beat that differs by more from what was foretold: the sessions of two computers have become one.
JUMP_QUARTERS = 0.25


class LinkState(NamedTuple):
    """The session at one moment."""

    rolls: bool
    at_ns: int
    quarters: float
    bpm: float
    bar_quarters: float = BAR_QUARTERS


class LinkSession:
    """Follows what `look` sees every 10 ms.

    Link knows a tempo, bars and whether somebody plays, but no song: a clip begins with the first bar that begins
    after the transport does.
    """

    poll_ns: int | None = POLL_NS

    def __init__(self, look: Callable[[], LinkState]) -> None:
        self._look = look
        self._timeline: Timeline | None = None
        self._take = 0

    def expect(self, bpm: float) -> None:
        """A session knows its tempo."""

    def timeline(self, now_ns: int) -> Timeline | None:  # noqa: ARG002 - it looks at its own clock
        look, earlier = self._look(), self._timeline
        if not look.rolls:
            self._timeline = None
            return None
        if earlier is not None and abs(earlier.place_at(look.at_ns) - look.quarters) < JUMP_QUARTERS:
            take, started = earlier.take, earlier.started
        else:
            self._take = take = self._take + 1
            bars = (look.quarters - JUST_BEGUN_QUARTERS) / look.bar_quarters
            started = math.ceil(bars) * look.bar_quarters
        self._timeline = Timeline(look.quarters, look.at_ns, look.bpm, take, started, is_song=False)
        return self._timeline


def open_link(clock_ns: Callable[[], int] = time.perf_counter_ns) -> LinkSession:
    """Joins the Link session of the local network.

    Raises:
        EngineFailed: aalink is not installed.
    """
    try:
        aalink = importlib.import_module("aalink")
    except ImportError as error:
        raise EngineFailed(f"Ableton Link needs aalink, which is not there ({error}).", advice=INSTALL) from error

    async def new_session() -> Any:
        return aalink.Link(DEFAULT_TEMPO_BPM)

    # It wants a loop, for futures that nobody asks it for.
    session = asyncio.new_event_loop().run_until_complete(new_session())
    session.start_stop_sync_enabled = True
    session.quantum = BAR_QUARTERS  # what peers agree on: the place in a bar, not the number of the beat
    opened_ns = clock_ns()

    def look() -> LinkState:
        now_ns = clock_ns()
        if not session.enabled and now_ns - opened_ns > JOIN_NS:
            session.enabled = True
        return _state(session, clock_ns)

    return LinkSession(look)


def _state(session: Any, clock_ns: Callable[[], int]) -> LinkState:
    rolls = bool(session.enabled and session.playing)
    before_ns, quarters, after_ns = clock_ns(), float(session.beat), clock_ns()
    return LinkState(rolls, (before_ns + after_ns) // 2, quarters, float(session.tempo), float(session.quantum))
