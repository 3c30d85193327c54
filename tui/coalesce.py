"""Limits how often events redraw the screen: they wait here until the next redraw."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from bridge.events import Event, JobEvent, Progressed
from bridge.model import STAGES


class Coalescer:
    """Collects the events between two redraws; newer progress of a job replaces older progress.

    Only progress is dropped, and never across another event of the same job: the events taken fold to the same state
    as all events put.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake` is called with the first event after each `take`; it must schedule the next `take`."""
        self._wake = wake
        self._waiting: list[Event] = []
        self._progress_index: dict[str, int] = {}

    def put(self, event: Event) -> None:
        if not self._waiting:
            self._wake()
        if isinstance(event, Progressed):
            index = self._progress_index.setdefault(event.job, len(self._waiting))
            if index < len(self._waiting):
                self._waiting[index] = _merged(self._waiting[index], event)
                return
        elif isinstance(event, JobEvent):
            self._progress_index.pop(event.job, None)
        self._waiting.append(event)

    def take(self) -> tuple[Event, ...]:
        """Removes and returns all waiting events, in order."""
        taken = tuple(self._waiting)
        self._waiting.clear()
        self._progress_index.clear()
        return taken


def _merged(earlier: Event, later: Progressed) -> Progressed:
    """One event with the effect of both: neither stage nor fraction ever falls (see `lifecycle.apply`)."""
    assert isinstance(earlier, Progressed)
    stage = max(earlier.stage, later.stage, key=STAGES.index)
    return replace(later, stage=stage, fraction=max(earlier.fraction, later.fraction))
