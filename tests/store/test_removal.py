"""Jobs that are taken off the list: they stay away, until they are restored."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.events import JobEvent, Removed, Restored
from bridge.protocols import JobStore
from bridge.store.damage import salvage
from bridge.store.database import NAME, Database
from bridge.store.memory import MemoryStore
from tests.store.recorded import FIRST, SECOND, ended, jobs_after_restart, names, opened, record, submitted

OVER = (submitted(FIRST), submitted(SECOND), ended(FIRST), ended(SECOND))


def removed(job: str, at: float = 20.0) -> JobEvent:
    return Removed(job=job, unix_seconds=at)


def restored(job: str, at: float = 30.0) -> JobEvent:
    return Restored(job=job, unix_seconds=at)


@pytest.fixture(params=["memory", "durable"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        with opened(tmp_path) as durable:
            yield durable


def test_a_removed_job_is_off_the_list_until_it_is_restored(store: JobStore) -> None:
    record(store, *OVER, removed(FIRST))
    assert names(store) == [SECOND]
    job = store.get(FIRST)
    assert job is not None and job.is_removed
    record(store, restored(FIRST))
    assert names(store) == [FIRST, SECOND]
    assert not list(store.history("unknown"))


def test_a_job_that_is_not_over_stays(store: JobStore) -> None:
    record(store, submitted(FIRST), removed(FIRST))
    assert names(store) == [FIRST]


def test_a_removed_job_does_not_come_back_with_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as durable:
        record(durable, *OVER, removed(FIRST))
    assert [job.id for job in jobs_after_restart(tmp_path)] == [SECOND]
    with opened(tmp_path) as durable:
        record(durable, restored(FIRST))
    assert [job.id for job in jobs_after_restart(tmp_path)] == [FIRST, SECOND]


def test_its_place_among_the_ends_does_not_change(tmp_path: Path) -> None:
    with opened(tmp_path, limit=2) as durable:
        record(durable, *OVER, removed(FIRST), restored(FIRST), submitted("cccccccc"), ended("cccccccc"))
    assert [job.id for job in jobs_after_restart(tmp_path)] == [SECOND, "cccccccc"], "FIRST ended first"


def test_it_stays_away_when_the_summaries_are_of_another_version(tmp_path: Path) -> None:
    with opened(tmp_path) as durable:
        record(durable, *OVER, removed(FIRST, 20), restored(FIRST, 30), removed(FIRST, 40))
    with sqlite3.connect(tmp_path / NAME) as database:
        database.execute("UPDATE jobs SET form = 1")
    database.close()
    assert [job.id for job in jobs_after_restart(tmp_path)] == [SECOND]


def test_it_stays_away_when_the_file_is_salvaged(tmp_path: Path) -> None:
    with opened(tmp_path) as durable:
        record(durable, *OVER, removed(FIRST, 20), restored(FIRST, 30), removed(FIRST, 40))
    with opened(tmp_path / "anew"):
        pass
    database = Database(tmp_path / "anew" / NAME)
    database.add([(owner or "9720", entries) for owner, entries in salvage(tmp_path / NAME)])
    database.close()
    assert [job.id for job in jobs_after_restart(tmp_path / "anew")] == [SECOND]
