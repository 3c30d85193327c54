"""A job's rows in the database, and what can be read of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from typing import TypeGuard

import msgspec

from bridge.events import Analysed, Ended, JobEvent, Produced, Removed, Restored, Started, Submitted, Warned
from bridge.lifecycle import fold
from bridge.model import Job
from bridge.options.record import event_from_json, event_record
from bridge.store.schema import form, read_summary, summary_of
from bridge.value import Value

_ID = re.compile(r"[a-z]{8}")
#: The end of a job, and what may follow it.
_WITH_SUMMARY = (Ended, Removed, Restored)


class EventRow(Value, frozen=True):
    """One event to be written."""

    job: str
    event: bytes
    """The JSON of its `event_record`."""
    is_first: bool = False
    summary: bytes | None = None
    """The folded job, with its end and with what follows it."""


def is_id(job: object) -> TypeGuard[str]:
    """Whether this is a job's id; everything else in a file that somebody may have changed is not looked at."""
    return isinstance(job, str) and _ID.fullmatch(job) is not None


def entry_of(event: JobEvent, job: Job | None) -> EventRow:
    """`job`: after the event; None: it is its `Submitted`."""
    return EventRow(
        job=event.job,
        event=line_of(event),
        is_first=isinstance(event, Submitted),
        summary=summary_of(job) if job is not None and isinstance(event, _WITH_SUMMARY) else None,
    )


def entries_of(job: str, lines: Iterable[bytes]) -> list[EventRow]:
    """The entries of a job from its lines, up to its end and its removal; lines that this version does not know stay.

    Raises:
        ValueError: it does not begin with its submission.
    """
    known: list[JobEvent] = []
    entries: list[EventRow] = []
    is_over = False
    for line in lines:
        events = events_in(job, [line])
        if is_over and not any(isinstance(event, (Removed, Restored)) for event in events):
            continue
        known += events
        is_over = is_over or any(isinstance(event, Ended) for event in events)
        summary = summary_of(fold(known)) if is_over else None
        entries.append(EventRow(job=job, event=line, is_first=not entries, summary=summary))
    fold(known)
    return entries


def shortest_history(job: Job) -> list[bytes]:
    """The shortest history of a job that is over."""
    events: list[JobEvent] = [
        Submitted(
            job=job.id,
            name=job.name,
            request=job.request,
            unix_seconds=job.submitted_unix,
            group_id=job.group_id,
            position=job.position,
            origin=job.origin,
        ),
        Started(job=job.id, engine=job.engine, device=job.device, output_dir=job.output_dir),
        *(Warned(job=job.id, warning=warning) for warning in job.warnings),
        *([Analysed(job=job.id, music=job.music)] if job.music is not None else []),
        *(Produced(job=job.id, result=result) for result in job.results),
    ]
    if job.state in ("done", "failed", "cancelled"):
        end = job.ended_unix or job.submitted_unix
        events.append(Ended(job=job.id, outcome=job.state, unix_seconds=end, failure=job.failure))
        events += [Removed(job=job.id, unix_seconds=end)] * job.is_removed
    return [line_of(event) for event in events]


def line_of(event: JobEvent) -> bytes:
    """The JSON of an event, as a row holds it."""
    return msgspec.json.encode(event_record(event))


def events_in(job: str, lines: Iterable[object]) -> list[JobEvent]:
    """The events that this version knows; others, such as those of a later version, are passed over."""
    events = []
    for line in lines:
        with suppress(ValueError):
            if isinstance(line, bytes) and (event := event_from_json(line)).job == job:
                events.append(event)
    return events


def job_in(job: str, its_form: object, summary: object) -> Job | None:
    """The job of a summary; None: it must be folded from its events."""
    if its_form == form() and isinstance(summary, bytes):
        with suppress(msgspec.MsgspecError, ValueError, RecursionError):
            found = read_summary(summary)
            if found.id == job and found.is_over:
                return found
    return None
