"""What a client tells of a song, from what its machines tell: each event once and in order, whatever is lost.

A song may be begun several times, as machines die and the scheduler starts again; each begin is an attempt.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeGuard

from msgspec.structs import replace

from bridge.events import Ended, JobEvent, LiveNotes, Progressed, Requeued
from bridge.farm.task import SongEvent, TaskOutcome


def lasts(event: JobEvent | LiveNotes) -> TypeGuard[JobEvent]:
    """Whether an event belongs to the history of its job."""
    return not isinstance(event, (Progressed, LiveNotes))


class Story:
    """The events of one song, as its client gets them."""

    def __init__(self, job: str) -> None:
        """`job`: the id that the client gave it."""
        self.job = job
        self._attempt = ""
        self._past: set[str] = set()
        self._told = 0
        """How many lasting events of this attempt were told."""
        self._has_told = False
        """Whether any was told, of this attempt or one before."""

    def hear(self, told: SongEvent) -> Iterable[JobEvent | LiveNotes]:
        """What is to be told now. A gap is closed by the outcome; what comes of an earlier attempt is not told."""
        if isinstance(told.event, Ended) or told.attempt in self._past:
            return
        yield from self._enter(told.attempt)
        if told.index in (-1, self._told):
            self._told += told.index >= 0
            self._has_told = True
            yield self._own(told.event)

    def end(self, outcome: TaskOutcome) -> Iterable[JobEvent | LiveNotes]:
        """What was not told yet, with the end of the job as the last."""
        yield from self._enter(outcome.attempt)
        for event in outcome.events[self._told :]:
            self._has_told = True
            yield self._own(event)
        self._told = len(outcome.events)

    def _enter(self, attempt: str) -> Iterable[JobEvent]:
        if attempt == self._attempt:
            return
        self._past.add(self._attempt)
        self._attempt, self._told = attempt, 0
        if self._has_told:
            self._has_told = False
            yield Requeued(job=self.job)

    def _own(self, event: JobEvent | LiveNotes) -> JobEvent | LiveNotes:
        return replace(event, job=self.job)
