"""Keeps fast progress from becoming fast drawing: events wait here until the screen is ready for the next picture."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from bridge.events import Ended, Event, Produced, Progressed, Started, Submitted, Warned
from bridge.model import STAGES

_OF_A_JOB = (Submitted, Started, Warned, Produced, Ended)


class Coalescer:
    """Collects events between two pictures; a job's newer progress replaces its older one.

    Only progress is dropped, and never across another event of the same job, so that what is taken folds to the
    same state as all that was put.
    """

    def __init__(self, wake: Callable[[], object]) -> None:
        """`wake` is called with the first event after each `take`: it sees to it that the next `take` comes."""
        self._wake = wake
        self._waiting: list[Event] = []
        self._open_progress: dict[str, int] = {}

    def put(self, event: Event) -> None:
        if not self._waiting:
            self._wake()
        if isinstance(event, Progressed):
            place = self._open_progress.setdefault(event.job, len(self._waiting))
            if place < len(self._waiting):
                self._waiting[place] = _merged(self._waiting[place], event)
                return
        elif isinstance(event, _OF_A_JOB):
            self._open_progress.pop(event.job, None)
        self._waiting.append(event)

    def take(self) -> tuple[Event, ...]:
        """All that waits, in order; nothing waits afterwards."""
        taken = tuple(self._waiting)
        self._waiting.clear()
        self._open_progress.clear()
        return taken


def _merged(earlier: Event, later: Progressed) -> Progressed:
    """What both together do to a job: neither stage nor fraction ever falls (see `lifecycle.apply`)."""
    assert isinstance(earlier, Progressed)
    stage = max(earlier.stage, later.stage, key=STAGES.index)
    return replace(later, stage=stage, fraction=max(earlier.fraction, later.fraction))
