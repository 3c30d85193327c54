"""How an event changes a job: pure functions, used by the store, the screen and the tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from bridge.events import (
    Analysed,
    Cancelling,
    Ended,
    JobEvent,
    Produced,
    Progressed,
    Removed,
    Requeued,
    Restored,
    Started,
    Submitted,
    Warned,
)
from bridge.model import STAGES, Job


def apply(job: Job | None, event: JobEvent) -> Job:
    """The job after `event`.

    The first event of a job is its `Submitted`. Events after the end of a job but its removal, and progress that would
    go back, are ignored, because a worker's last events may arrive after the job was cancelled.

    Raises:
        ValueError: the job was never submitted, or the event belongs to another job.
    """
    if isinstance(event, Submitted):
        if job is not None:
            return job
        return Job(
            id=event.job,
            name=event.name,
            request=event.request,
            submitted_unix=event.unix_seconds,
            group_id=event.group_id,
            position=event.position,
            origin=event.origin,
        )
    if job is None:
        raise ValueError(f"{type(event).__name__} for a job that was never submitted: {event.job}")
    if event.job != job.id:
        raise ValueError(f"event of job {event.job} applied to job {job.id}")
    if job.is_over:
        return replace(job, is_removed=isinstance(event, Removed)) if isinstance(event, (Removed, Restored)) else job
    update = _UPDATES.get(type(event))
    return job if update is None else update(job, event)


def fold(events: Iterable[JobEvent]) -> Job:
    """The job after all events of its history.

    Raises:
        ValueError: the history is empty or does not begin with `Submitted`.
    """
    job: Job | None = None
    for event in events:
        job = apply(job, event)
    if job is None:
        raise ValueError("a job's history begins with its submission")
    return job


def _requeued(job: Job, event: Requeued) -> Job:
    """The next run tells of all files again, also of those that it finds complete."""
    return replace(
        job,
        state="queued",
        stage="queued",
        fraction=0.0,
        eta_seconds=None,
        is_slower=False,
        results=(),
        music=None,
        interruptions=job.interruptions + bool(event.reason),
    )


def _started(job: Job, event: Started) -> Job:
    return replace(job, state="running", engine=event.engine, device=event.device, output_dir=event.output_dir)


def _progressed(job: Job, event: Progressed) -> Job:
    stage = max(job.stage, event.stage, key=STAGES.index)
    fraction = max(job.fraction, min(event.fraction, 1.0))
    state = "queued" if stage == "queued" else "running"
    eta, slower = event.eta_seconds, event.is_slower
    return replace(job, state=state, stage=stage, fraction=fraction, eta_seconds=eta, is_slower=slower)


def _warned(job: Job, event: Warned) -> Job:
    return job if event.warning in job.warnings else replace(job, warnings=(*job.warnings, event.warning))


def _ended(job: Job, event: Ended) -> Job:
    return replace(
        job,
        state=event.outcome,
        fraction=1.0 if event.outcome == "done" else job.fraction,
        eta_seconds=None,
        failure=event.failure,
        ended_unix=event.unix_seconds,
    )


#: How each event changes its job; an event without a row changes nothing.
_UPDATES: dict[type, Callable[[Job, Any], Job]] = {
    Requeued: _requeued,
    Started: _started,
    Cancelling: lambda job, _: replace(job, is_cancelling=True),
    Progressed: _progressed,
    Warned: _warned,
    Produced: lambda job, event: replace(job, results=(*job.results, event.result)),
    Analysed: lambda job, event: replace(job, music=event.music),
    Ended: _ended,
}
