"""Ableton Link as a timeline, by aalink, which the extra `link` installs."""

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
from bridge.wording import adding_extra

INSTALL = f"{adding_extra('link')} Or use another sync."
POLL_NS = 10_000_000
#: The length of a bar, Live's default.
BAR_QUARTERS = 4.0
#: A session object joins this long after its creation: if it joined at once, it might impose its own tempo on the
#: session.
JOIN_NS = NS_PER_SECOND // 2
#: Closer than this after the start of a bar, the transport started there.
JUST_BEGUN_QUARTERS = 0.1
#: A beat that differs by more from the prediction is a jump: the sessions of two computers were merged.
JUMP_QUARTERS = 0.25


class LinkState(NamedTuple):
    """The state of the session at one moment."""

    is_rolling: bool
    at_ns: int
    quarters: float
    bpm: float
    bar_quarters: float = BAR_QUARTERS


class LinkSession:
    """Follows the states that `read_state` returns every 10 ms.

    Link has a tempo, bars and a play state, but no song position: a clip begins with the first bar after the transport
    starts.
    """

    poll_ns: int | None = POLL_NS
    bar_quarters: float | None = BAR_QUARTERS

    def __init__(self, read_state: Callable[[], LinkState]) -> None:
        self._read_state = read_state
        self._timeline: Timeline | None = None
        self._take = 0

    def expect_tempo(self, bpm: float) -> None:
        """Does nothing: a session has its own tempo."""

    def timeline(self, now_ns: int) -> Timeline | None:  # noqa: ARG002 - the state carries its own time
        state, earlier = self._read_state(), self._timeline
        if not state.is_rolling:
            self._timeline = None
            return None
        if earlier is not None and abs(earlier.position_at(state.at_ns) - state.quarters) < JUMP_QUARTERS:
            take, take_start = earlier.take, earlier.take_start
        else:
            self._take = take = self._take + 1
            bars = (state.quarters - JUST_BEGUN_QUARTERS) / state.bar_quarters
            take_start = math.ceil(bars) * state.bar_quarters
        self._timeline = Timeline(state.quarters, state.at_ns, state.bpm, take, take_start, is_song=False)
        return self._timeline


def open_link(clock_ns: Callable[[], int] = time.perf_counter_ns) -> LinkSession:
    """Joins the Link session of the local network.

    Raises:
        EngineFailed: aalink is not installed.
    """
    try:
        aalink = importlib.import_module("aalink")
    except ImportError as error:
        raise EngineFailed(f"Ableton Link needs aalink, which is not installed ({error}).", advice=INSTALL) from error

    async def new_session() -> Any:
        return aalink.Link(DEFAULT_TEMPO_BPM)

    # Its constructor needs an event loop, for futures that we do not use.
    session = asyncio.new_event_loop().run_until_complete(new_session())
    session.start_stop_sync_enabled = True
    session.quantum = BAR_QUARTERS  # peers agree on the position in a bar, not on the number of the beat
    opened_ns = clock_ns()

    def read_state() -> LinkState:
        now_ns = clock_ns()
        if not session.enabled and now_ns - opened_ns > JOIN_NS:
            session.enabled = True
        return _state(session, clock_ns)

    return LinkSession(read_state)


def _state(session: Any, clock_ns: Callable[[], int]) -> LinkState:
    is_rolling = bool(session.enabled and session.playing)
    before_ns, quarters, after_ns = clock_ns(), float(session.beat), clock_ns()
    return LinkState(is_rolling, (before_ns + after_ns) // 2, quarters, float(session.tempo), float(session.quantum))
