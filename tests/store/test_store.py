"""The stores as the seam describes them, and the one on a drive after every kind of end."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import Cancelling, JobEvent, Noticed, Progressed, Requeued, Started
from bridge.lifecycle import fold
from bridge.protocols import JobStore
from bridge.store import database as database_module
from bridge.store import recorder as recorder_module
from bridge.store import rows, schema
from bridge.store.database import NAME, Database
from bridge.store.durable import DurableStore
from bridge.store.memory import MemoryStore
from tests.store.recorded import (
    FIRST,
    SECOND,
    THIRD,
    ended,
    jobs_after_restart,
    names,
    opened,
    produced,
    record,
    submitted,
)


@pytest.fixture(params=["memory", "durable"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[JobStore]:
    if request.param == "memory":
        yield MemoryStore()
    else:
        with opened(tmp_path) as durable:
            yield durable


def test_a_job_is_the_fold_of_its_events(store: JobStore) -> None:
    events: list[JobEvent] = [submitted(FIRST), Progressed(job=FIRST, stage="writing", fraction=0.5), produced(FIRST)]
    for event in events:
        job = store.append(event)
    assert job == store.get(FIRST) == fold(store.history(FIRST)) == fold(events)
    assert store.append(ended(FIRST)) == store.get(FIRST) == fold([*events, ended(FIRST)])


def test_jobs_come_in_the_order_of_their_submission(store: JobStore) -> None:
    record(store, submitted(THIRD), submitted(FIRST), submitted(SECOND))
    assert names(store) == [THIRD, FIRST, SECOND]
    assert store.get("zzzzzzzz") is None
    assert list(store.history("zzzzzzzz")) == []


def test_the_oldest_finished_jobs_are_removed_and_none_that_is_not_over(tmp_path: Path) -> None:
    memory = MemoryStore(2)
    notices: list[Noticed] = []
    with opened(tmp_path, limit=2, notice=notices.append) as durable:
        for kept in (memory, durable):
            record(kept, submitted("waiting" + "a"), submitted(FIRST), submitted(SECOND), submitted(THIRD))
            record(kept, ended(SECOND), ended(THIRD), ended(FIRST))
            assert names(kept) == ["waitinga", FIRST, THIRD]  # `SECOND` ended first
        record(durable, submitted("dddddddd"), ended("dddddddd"))
    (notice,) = notices  # told once
    assert "removed from the history; the newest 2 stay" in notice.message
    assert [job.id for job in jobs_after_restart(tmp_path)] == ["waitinga", FIRST, "dddddddd"]
    with opened(tmp_path, limit=1) as durable:
        assert names(durable) == ["waitinga", "dddddddd"]
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("SELECT count(DISTINCT job) FROM events").fetchone() == (2,)


def test_jobs_are_the_same_after_a_restart(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(SECOND, 2.0), submitted(FIRST, 1.0), submitted(THIRD, 3.0))
        record(store, Progressed(job=SECOND, stage="loading", fraction=0.0), produced(SECOND), ended(SECOND))
        record(
            store,
            Progressed(job=FIRST, stage="loading", fraction=0.0),
            Progressed(job=FIRST, stage="writing", fraction=0.9),
        )
        record(store, Requeued(job=FIRST, reason="killed"))
        before = store.jobs()
    assert jobs_after_restart(tmp_path) == before
    assert [job.state for job in before] == ["done", "queued", "queued"]
    assert before[1].interruptions == 1


async def test_what_was_written_outlives_a_crash(tmp_path: Path) -> None:
    folder, copy = tmp_path / "state", tmp_path / "copy"
    with opened(folder) as store:
        record(store, submitted(FIRST), Progressed(job=FIRST, stage="loading", fraction=0.0), Cancelling(job=FIRST))
        await store.written()
        shutil.copytree(folder, copy)  # as the files lie there
    (job,) = jobs_after_restart(copy)
    assert job.is_cancelling


def test_a_job_that_had_begun_is_known_to_have_begun(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(FIRST), submitted(SECOND))
        for fraction in (0.0, 0.1, 0.2):
            store.append(Progressed(job=FIRST, stage="loading", fraction=fraction))
    assert [job.state for job in jobs_after_restart(tmp_path)] == ["running", "queued"]
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (3,)


def test_finished_jobs_are_shared_by_all_bridges_and_open_jobs_belong_to_one(tmp_path: Path) -> None:
    with opened(tmp_path) as first:
        record(first, submitted(FIRST), ended(FIRST), submitted(SECOND))
        first.flush()
        with opened(tmp_path, "9720-127.0.0.2") as second:
            assert names(second) == [FIRST]
            record(second, submitted(THIRD))
        record(first, ended(SECOND))
    assert [job.id for job in jobs_after_restart(tmp_path)] == [FIRST, SECOND]
    assert [job.id for job in jobs_after_restart(tmp_path, "9720-127.0.0.2")] == [FIRST, SECOND, THIRD]


async def test_a_submission_is_on_the_drive_when_it_is_kept(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        events = [submitted(job) for job in (FIRST, SECOND, THIRD)]
        assert await asyncio.gather(*map(store.keep, events)) == ["", "", ""]
        with sqlite3.connect(tmp_path / NAME) as connection:
            assert connection.execute("SELECT job FROM jobs").fetchall() == [(FIRST,), (SECOND,), (THIRD,)]
        assert store.jobs() == ()
        record(store, *events)
        store.flush()
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("SELECT count(*) FROM events").fetchone() == (3,)


async def test_a_drive_that_hangs_holds_up_one_submission_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import threading

    answers = threading.Event()
    write = Database.write

    def hang(*arguments: Any) -> int:
        answers.wait()
        return write(*arguments)

    with opened(tmp_path, keep_seconds=0.05) as store:
        monkeypatch.setattr(Database, "write", hang)
        for job in (FIRST, SECOND):
            assert "does not answer" in await store.keep(submitted(job))
        answers.set()
        await asyncio.to_thread(store.flush)
        await asyncio.sleep(0)
        store._keep_seconds = 60
        assert await store.keep(submitted(THIRD)) == ""
        record(store, *map(submitted, (FIRST, SECOND, THIRD)))
    assert [job.id for job in jobs_after_restart(tmp_path)] == [FIRST, SECOND, THIRD]


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_nobody_else_may_read_it(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with opened(tmp_path / "state") as store:
            record(store, submitted(FIRST))
            store.flush()
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "state").iterdir()}
    finally:
        os.umask(before)
    assert {NAME, f"{NAME}-wal"} <= modes.keys()
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_what_was_recorded_is_there_after_any_kills(data: st.DataObject) -> None:
    """A kill leaves the file as it was after some commit: all that was committed before is there, in order."""
    with tempfile.TemporaryDirectory() as name:
        folder, recorded = Path(name), dict[str, list[JobEvent]]()
        for run in range(data.draw(st.integers(1, 3))):
            store = DurableStore(folder, "9720")
            store.load()
            assert [fold(events) for events in recorded.values()] == list(store.jobs())
            for step in data.draw(
                st.lists(st.sampled_from(["submit", "begin", "cancel", "produce", "requeue", "end"]), max_size=12)
            ):
                is_open = [job for job, events in recorded.items() if not fold(events).is_over]
                if step == "submit" or not is_open:
                    job = "abcdefgh"[run] + "".join("abcdefghij"[int(digit)] for digit in f"{len(recorded):07}")
                    event: JobEvent = submitted(job)
                else:
                    job = data.draw(st.sampled_from(is_open))
                    events: dict[str, JobEvent] = {
                        "begin": Started(job=job, engine="draft", device="cpu", output_dir="/x"),
                        "cancel": Cancelling(job=job),
                        "produce": produced(job),
                        "requeue": Requeued(job=job, reason="killed"),
                        "end": ended(job),
                    }
                    event = events[step]
                recorded.setdefault(job, []).append(event)
                store.append(event)
                if data.draw(st.booleans()):
                    store.flush()
            store.flush()
            copy = Path(name + ".copy")
            shutil.copytree(folder, copy)  # as the files lie there: the database and its journal
            store.close()
            shutil.rmtree(folder)
            copy.rename(folder)
        assert [fold(events) for events in recorded.values()] == list(jobs_after_restart(folder))


def test_rows_of_a_later_version_stay_as_they_are(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(FIRST), ended(FIRST), submitted(SECOND))
    newer = [
        b'{"type":"paused","job":"bbbbbbbb","until":5}',
        b'{"type":"started","job":"bbbbbbbb","engine":"draft","device":"cpu","output_dir":"/x","unknown":{"a":1}}',
    ]
    unknown = b'{"type":"submitted2","job":"cccccccc"}'
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.executemany("INSERT INTO events (job, event) VALUES (?, ?)", [(SECOND, line) for line in newer])
        for job, number in ((THIRD, None), ("dddddddd", 4), ("../../no", 5)):
            connection.execute("INSERT INTO jobs (job, owner, ended) VALUES (?, '9720', ?)", (job, number))
            connection.execute("INSERT INTO events (job, event) VALUES (?, ?)", (job, unknown))
        connection.execute("UPDATE jobs SET form = 1, summary = x'00' WHERE job = ?", (FIRST,))
    connection.close()
    notices: list[Noticed] = []
    with opened(tmp_path, notice=notices.append) as store:
        assert {job.id: job.state for job in store.jobs()} == {FIRST: "done", SECOND: "running"}
        record(store, ended(SECOND))
    assert ["2 jobs in the history cannot be shown" in notice.message for notice in notices] == [True]
    with sqlite3.connect(tmp_path / NAME) as connection:
        lines = [line for (line,) in connection.execute("SELECT event FROM events ORDER BY number")]
        states = connection.execute("SELECT job, ended FROM jobs WHERE number > 2").fetchall()
    assert [*newer, unknown, unknown, unknown] == lines[3:-1]
    assert states == [(THIRD, None), ("dddddddd", 4), ("../../no", 5)]


def test_a_database_of_a_later_version_stays_as_it_is_and_this_one_keeps_its_own_beside_it(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(FIRST))
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = (tmp_path / NAME).read_bytes()
    notices: list[Noticed] = []
    for _ in range(2):
        with opened(tmp_path, notice=notices.append) as store:
            if not store.jobs():
                record(store, submitted(SECOND))
            assert names(store) == [SECOND]
    assert (tmp_path / NAME).read_bytes() == before
    assert len(notices) == 2 and "later version" in notices[0].message


def test_each_step_of_the_tables_is_taken_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(FIRST))
        before = store.jobs()
    steps = (*schema.MIGRATIONS, ("ALTER TABLE jobs ADD COLUMN remark TEXT", "UPDATE jobs SET remark = 'old'"))
    for name in ("migrate", "version_of"):
        function = getattr(schema, name)
        monkeypatch.setattr(database_module, name, partial(function, steps=steps))
    for _ in range(2):
        assert jobs_after_restart(tmp_path) == before
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("SELECT remark FROM jobs").fetchall() == [("old",)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_step_that_fails_changes_nothing(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / NAME, isolation_level=None) as connection:
        with pytest.raises(sqlite3.OperationalError):
            schema.migrate(connection, (*schema.MIGRATIONS, ("CREATE TABLE more (x)", "no SQL")))
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_a_drive_without_wal_is_used_with_a_plain_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class WithoutWal(sqlite3.Connection):
        def execute(self, sql: str, *arguments: Any) -> sqlite3.Cursor:
            if "WAL" in sql:
                raise sqlite3.OperationalError("disk I/O error")
            return super().execute(sql, *arguments)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda path, **options: connect(path, factory=WithoutWal, **options))
    with opened(tmp_path) as store:
        record(store, submitted(FIRST))
        store.flush()
        assert sorted(path.name for path in tmp_path.iterdir()) == [NAME, f"{NAME}-journal"]
    assert [job.id for job in jobs_after_restart(tmp_path)] == [FIRST]


def test_a_summary_is_folded_anew_when_its_form_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(FIRST), produced(FIRST), ended(FIRST))
        before = store.jobs()
    for module in (rows, database_module):
        monkeypatch.setattr(module, "form", lambda: 5)
    assert jobs_after_restart(tmp_path) == before
    with sqlite3.connect(tmp_path / NAME) as connection:
        assert connection.execute("SELECT form FROM jobs").fetchall() == [(5,)]


def fails_with(message: str) -> Callable[..., int]:
    def write(*_: object) -> int:
        raise sqlite3.OperationalError(message)

    return write


async def test_a_full_drive_is_told_and_nothing_is_lost_when_it_has_room_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notices: list[Noticed] = []
    with opened(tmp_path, notice=notices.append, retry_seconds=0.01) as store:
        with monkeypatch.context() as drive:
            drive.setattr(Database, "write", fails_with("database or disk is full"))
            assert await store.keep(submitted(FIRST)) == "database or disk is full"
            record(store, submitted(FIRST), submitted(SECOND), ended(SECOND))
            assert store.flush() == "database or disk is full"
            assert [notice.level for notice in notices] == ["warning"]
        while store.flush():  # noqa: ASYNC110 - the seam has no event for it
            await asyncio.sleep(0.01)  # it is tried again by itself
        assert [notice.level for notice in notices] == ["warning", "info"]
        before = store.jobs()
    assert jobs_after_restart(tmp_path) == before


def test_a_state_folder_that_cannot_be_made_keeps_nothing_until_it_can(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.write_text("a file")
    notices: list[Noticed] = []
    with opened(folder, notice=notices.append) as store:
        record(store, submitted(FIRST), ended(FIRST), submitted(SECOND))
        assert store.flush()
        (notice,) = notices
        assert f"cannot be written to {folder}" in notice.message
        folder.unlink()
        record(store, ended(SECOND))
        assert store.flush() == ""
    assert [job.state for job in jobs_after_restart(folder)] == ["done", "done"]


@pytest.mark.skipif(sys.platform == "win32", reason="open files cannot be removed there")
@pytest.mark.parametrize("other_is_first", [False, True])
def test_a_state_folder_that_vanishes_is_made_again_with_the_whole_history(
    tmp_path: Path, other_is_first: bool
) -> None:
    folder = tmp_path / "state"
    with opened(folder) as store, opened(folder, "9721") as other:
        record(store, submitted(FIRST), ended(FIRST), submitted(SECOND))
        record(other, submitted(THIRD))
        store.flush(), other.flush()
        shutil.rmtree(folder)
        order = (other, store) if other_is_first else (store, other)
        for its, job in zip(order, ("dddddddd", "eeeeeeee"), strict=True):
            record(its, submitted(job))
            assert its.flush() == ""
    mine, others = ("eeeeeeee", "dddddddd") if other_is_first else ("dddddddd", "eeeeeeee")
    assert {job.id for job in jobs_after_restart(folder)} == {FIRST, SECOND, mine}
    assert {job.id for job in jobs_after_restart(folder, "9721")} == {FIRST, THIRD, others}


def test_the_recorder_ends_though_the_drive_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    answers = threading.Event()
    recorder = recorder_module.Recorder(tmp_path, "9720", limit=9, notice=lambda _: None)
    recorder.load()
    monkeypatch.setattr(Database, "write", lambda *_: answers.wait() and 0)
    recorder.write(rows.entry_of(submitted(FIRST), None))
    recorder.close(timeout_seconds=0.05)
    assert recorder._thread.is_alive()
    answers.set()
    recorder._thread.join()
