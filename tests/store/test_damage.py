"""Every kind of damage to the database: the bridge starts, says what happened, and takes over what can be read."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import Ended, Noticed, Submitted
from bridge.store.damage import DAMAGED, salvage
from bridge.store.database import NAME
from tests.store.recorded import FIRST, SECOND, THIRD, ended, names, opened, produced, record, submitted

JOBS = 60


def id_of(number: int) -> str:
    return "job" + "".join("abcdefghij"[int(digit)] for digit in f"{number:05}")


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A history of `JOBS` finished jobs and three that wait, one of them another bridge's, as a kill leaves it."""
    folder = tmp_path_factory.mktemp("written")
    for owner in ("9720", "9721"):
        (folder / owner).mkdir()
    with opened(folder) as store:
        for number in range(JOBS):
            record(store, submitted(id_of(number), number), produced(id_of(number)), ended(id_of(number)))
        record(store, submitted(FIRST, JOBS), submitted(SECOND, JOBS))
        with opened(folder, "9721") as other:
            record(other, submitted(THIRD, JOBS))
    return folder


@pytest.fixture
def folder(tmp_path: Path, written: Path) -> Path:
    shutil.copytree(written, tmp_path, dirs_exist_ok=True)
    return tmp_path


def pages(content: bytes, *numbers: int) -> bytes:
    """The file with rubbish in these of its pages."""
    changed = bytearray(content)
    for number in numbers:
        changed[number * 4096 : (number + 1) * 4096] = random.Random(number).randbytes(4096)
    return bytes(changed)


#: What is done to the file, and how many of the jobs must be known afterwards.
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "cut off in the middle": (lambda content: content[: len(content) // 2], JOBS // 4),
    "cut off by some bytes": (lambda content: content[:-100], JOBS // 2),
    "random bytes": (lambda content: random.Random(1).randbytes(len(content)), 0),
    "not a database": (lambda _: b"Dear diary,\n" * 900, 0),
    "empty": (lambda _: b"", 0),
    "zeros": (lambda content: bytes(len(content)), 0),
    "the first page": (lambda content: pages(content, 0), JOBS),
    "a page in the middle": (lambda content: pages(content, len(content) // 4096 // 2), JOBS * 3 // 4),
    "the roots of the tables": (lambda content: pages(content, 1, 2, 3, 4), JOBS * 3 // 4),
    "a wrong page": (lambda content: content[: 9 * 4096] + content[:4096] + content[10 * 4096 :], JOBS * 3 // 4),
    "every eighth page": (lambda content: pages(content, *range(3, len(content) // 4096, 8)), JOBS // 2),
}


@pytest.mark.parametrize(("damage", "least"), DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_database_is_set_aside_and_what_can_be_read_is_known(
    folder: Path, damage: Callable[[bytes], bytes], least: int
) -> None:
    damaged = damage((folder / NAME).read_bytes())
    (folder / NAME).write_bytes(damaged)
    notices: list[Noticed] = []
    with opened(folder, notice=notices.append) as store:
        theirs = [job for job in store.jobs() if job.id not in (FIRST, SECOND)]
        assert all(job.name == job.id for job in theirs)  # what cannot be seen comes to light when it is touched
        assert sum(job.state != "done" for job in theirs) <= 1  # the one whose end stood just behind a cut
        record(store, submitted("newnewaa"), ended("newnewaa"))
        assert store.flush() == ""
        known = names(store)
    assert len(known) - 1 >= least
    aside = [*folder.glob(f"{NAME}{DAMAGED}*")]
    if aside:
        assert str(aside[0]) in notices[0].message
        assert aside[0].read_bytes() == damaged
    notices.clear()
    with opened(folder, notice=notices.append) as again:
        assert set(names(again)) >= {"newnewaa"}
        assert len(names(again)) - 1 >= least
    assert [notice for notice in notices if "set aside" in notice.message] == []


def test_damage_that_comes_to_light_at_work_costs_nothing_that_this_run_knows(folder: Path) -> None:
    notices: list[Noticed] = []
    with opened(folder, notice=notices.append) as store:
        record(store, submitted("newnewaa"))
        store.flush()
        with sqlite3.connect(folder / NAME) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        content = (folder / NAME).read_bytes()
        with (folder / NAME).open("r+b") as file:
            file.write(pages(content, *range(1, len(content) // 4096)))
        record(store, submitted("newnewbb"), ended("newnewaa"))
        assert store.flush() == ""
    assert "was damaged" in notices[0].message
    with opened(folder) as again:
        states = {job.id: job.state for job in again.jobs()}
    assert states[FIRST] == states[SECOND] == states["newnewbb"] == "queued"
    assert states["newnewaa"] == "done"


@pytest.mark.parametrize("kind", ["the first page", "the roots of the tables"])
def test_another_bridges_jobs_stay_its_own_when_they_are_read_from_a_damaged_database(folder: Path, kind: str) -> None:
    damage, _ = DAMAGE[kind]
    (folder / NAME).write_bytes(damage((folder / NAME).read_bytes()))
    with opened(folder) as store:
        assert {*names(store)} >= {FIRST, SECOND}
        assert THIRD not in names(store)
    with opened(folder, "9721") as other:
        assert THIRD in names(other)
        assert {FIRST, SECOND} & {*names(other)} == set()


@pytest.mark.parametrize("ending", ["", "-wal"])
@pytest.mark.parametrize("kind", ["pipe", "folder", "sparse", "link to nowhere"])
def test_what_is_no_database_is_set_aside_and_never_waited_for(tmp_path: Path, kind: str, ending: str) -> None:
    path = tmp_path / (NAME + ending)
    match kind:
        case "pipe" if sys.platform != "win32":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "sparse":
            with path.open("wb") as file:
                file.truncate(2**31)
        case _:
            path.symlink_to(tmp_path / "nowhere" / "at all")
    for jobs in ([FIRST], [FIRST, SECOND]):
        with opened(tmp_path) as store:
            store.append(submitted(jobs[-1]))
            assert store.flush() == ""
            assert names(store) == jobs


def test_a_database_of_another_program_is_set_aside_unchanged(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("CREATE TABLE jobs (who TEXT)")
    connection.close()
    before = (tmp_path / NAME).read_bytes()
    notices: list[Noticed] = []
    with opened(tmp_path, notice=notices.append) as store:
        record(store, submitted(FIRST))
    (notice,) = notices
    assert "belongs to another program" in notice.message
    assert (tmp_path / f"{NAME}{DAMAGED}").read_bytes() == before


def test_each_damaged_file_is_kept_under_its_own_name(tmp_path: Path) -> None:
    for _ in range(3):
        (tmp_path / NAME).write_bytes(b"rubbish" * 1000)
        with opened(tmp_path):
            pass
    assert len([*tmp_path.glob(f"{NAME}{DAMAGED}*")]) == 3


def test_a_summary_stands_for_events_that_are_lost(tmp_path: Path) -> None:
    with opened(tmp_path) as store:
        record(store, submitted(FIRST), produced(FIRST), ended(FIRST))
        before = store.jobs()
    with sqlite3.connect(tmp_path / NAME) as connection:
        connection.execute("DELETE FROM events")
    connection.close()
    ((owner, entries),) = salvage(tmp_path / NAME)
    assert owner == "9720"
    (tmp_path / NAME).rename(tmp_path / "other")
    (tmp_path / NAME).write_bytes(b"")
    with opened(tmp_path) as store:
        for entry in entries:
            store._recorder.write(entry)
    with opened(tmp_path) as store:
        assert store.jobs() == before


def test_events_that_stand_in_the_file_are_only_taken_if_they_are_whole_and_named_like_a_job(tmp_path: Path) -> None:
    path = tmp_path / "x"
    for job in ("../../x", "aaaaaaa", "AAAAAAAA"):
        path.write_bytes(b"..." + b'{"type":"ended","job":"%s","outcome":"done","unix_seconds":1}' % job.encode())
        assert salvage(path) == []
    path.write_bytes(b'{"type":"ended","job":"aaaaaaaa","x":' + b"[" * 100_000)
    assert salvage(path) == []


@settings(max_examples=12, deadline=None)
@given(data=st.data())
def test_a_bridge_starts_with_any_content(written: Path, data: st.DataObject) -> None:
    content = bytearray((written / NAME).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(content)))
        rubbish = data.draw(st.binary(min_size=1, max_size=60))
        content[at : at + data.draw(st.sampled_from([0, len(rubbish), 4096]))] = rubbish
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / NAME).write_bytes(content)
        with opened(folder) as store:
            record(store, submitted("newnewaa"), Ended(job="newnewaa", outcome="done", unix_seconds=1.0))
            assert store.flush() == ""
        with opened(folder) as again:
            assert names(again)[-1] == "newnewaa"


def test_nothing_that_salvage_reads_has_another_meaning(folder: Path) -> None:
    found = {entries[0].job: (owner, entries) for owner, entries in salvage(folder / NAME)}
    assert found.keys() == {*map(id_of, range(JOBS)), FIRST, SECOND, THIRD}
    assert found[THIRD][0] == "9721"
    assert len(found[FIRST][1]) == 1
    assert isinstance(submitted(FIRST), Submitted)
