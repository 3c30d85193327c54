"""Events of jobs, and the stores that they are recorded in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.events import Ended, JobEvent, Produced, Submitted
from bridge.model import Job, Result
from bridge.protocols import JobStore
from bridge.request import JobRequest
from bridge.store.durable import DurableStore

FIRST, SECOND, THIRD = "aaaaaaaa", "bbbbbbbb", "cccccccc"


def submitted(job: str, at: float = 0.0) -> Submitted:
    return Submitted(job=job, name=job, request=JobRequest(source=f"/{job}.wav"), unix_seconds=at)


def produced(job: str) -> Produced:
    return Produced(job=job, result=Result(kind="midi", name="bass", folder="/", file="x.mid", seconds=1.0, notes=3))


def ended(job: str) -> Ended:
    return Ended(job=job, outcome="done", unix_seconds=9.0)


@contextmanager
def opened(folder: Path, owner: str = "9720", **options: Any) -> Iterator[DurableStore]:
    """The store of that bridge, as after its start; all of them share `folder`."""
    store = DurableStore(folder, owner, **options)
    try:
        store.load()
        yield store
        store.flush()
    finally:
        store.close()


def record(store: JobStore, *events: JobEvent) -> None:
    for event in events:
        store.append(event)


def names(store: JobStore) -> list[str]:
    return [job.id for job in store.jobs()]


def jobs_after_restart(folder: Path, owner: str = "9720") -> tuple[Job, ...]:
    with opened(folder, owner) as store:
        return store.jobs()
