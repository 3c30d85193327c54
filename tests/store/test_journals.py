"""The journals of the versions before the database are taken over once; those in `tests/data/journals` are real.

The bridge at commit 90c2141 wrote them: one job done, then it was killed in the middle of one, with two waiting.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from bridge.events import Noticed
from tests.store.recorded import names, opened

REAL = Path(__file__).parent.parent / "data" / "journals"
DONE, RUNNING, IN_GROUP, LAST = "wwpvvsyg", "xhtsavia", "kewsedif", "dhkiadin"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    shutil.copytree(REAL, tmp_path, dirs_exist_ok=True)
    return tmp_path


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.jsonl*"))


def test_real_journals_are_taken_over_once_with_their_groups_and_order(state: Path) -> None:
    notices: list[Noticed] = []
    for _ in range(2):
        with opened(state, "9755", notice=notices.append) as store:
            assert {job.id: job.state for job in store.jobs()} == {
                DONE: "done", RUNNING: "running", IN_GROUP: "queued", LAST: "queued",
            }  # fmt: skip
            assert names(store) == [DONE, RUNNING, IN_GROUP, LAST]
            done, grouped = store.get(DONE), store.get(IN_GROUP)
            assert done is not None and grouped is not None
            assert [result.name for result in done.results][-1] == "all"
            assert (done.name, done.music is not None) == ("My Song (Björk)", True)
            assert (grouped.request.group.name, grouped.position, len(grouped.group_id)) == ("take", 1, 8)
    assert notices == []
    assert files(state) == [
        f"9755/jobs.imported/{LAST}.jsonl", f"9755/jobs.imported/{IN_GROUP}.jsonl",
        f"9755/jobs.imported/{RUNNING}.jsonl", f"jobs.imported/{DONE}.jsonl",
    ]  # fmt: skip


def test_open_journals_of_another_port_wait_for_their_own_bridge(state: Path) -> None:
    with opened(state, "9720") as store:
        assert names(store) == [DONE]
    with opened(state, "9755") as store:
        assert names(store) == [DONE, RUNNING, IN_GROUP, LAST]


def test_only_plain_files_named_like_their_job_are_read(state: Path) -> None:
    journal = (state / "jobs" / f"{DONE}.jsonl").read_bytes()
    for name in ("../../../precious", "ABCDEFGH", "short", "..", DONE):
        renamed = journal.replace(DONE.encode(), name.encode())
        (state / "jobs" / "planteda.jsonl").write_bytes(renamed)
        (state / "9755" / "jobs" / f"{name.replace('/', '')}.x.jsonl").write_bytes(renamed)
    os.mkfifo(state / "jobs" / "pipepipe.jsonl")
    (state / "jobs" / "linklink.jsonl").symlink_to(state / "jobs" / f"{DONE}.jsonl")
    (state / "jobs" / "folderab.jsonl").mkdir()
    with (state / "jobs" / "hugehuge.jsonl").open("wb") as file:
        file.truncate(2**31)
    with opened(state, "9755") as store:
        assert names(store) == [DONE, RUNNING, IN_GROUP, LAST]


DAMAGE = {
    "half a line": b'{"type":"ended","job":"wwpvvsyg","out',
    "no UTF-8": b'{"type":"ended","job":"\xff\xfe"}\n',
    "no UTF-8 in an unknown field": b'{"type":"ended","job":"wwpvvsyg","unknown":"\xff","outcome":"done"}\n',
    "nested too deeply": b'{"type":"ended","unknown":' + b'{"a":' * 5000 + b"1" + b"}" * 5001 + b"\n",
    "no event": b"[]\n",
    "no complete event": b'{"type":"ended"}\n',
    "another job's": b'{"type":"ended","job":"../../x","outcome":"done","unix_seconds":1}\n',
    "zeros": bytes(4096),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_journal_is_taken_over_as_far_as_it_can_be_read(state: Path, damage: bytes) -> None:
    path = state / "jobs" / f"{DONE}.jsonl"
    first, *rest, last = path.read_bytes().splitlines(keepends=True)
    damaged = first + b"".join(rest) + damage + b"\n" + last
    path.write_bytes(damaged)
    notices: list[Noticed] = []
    for _ in range(2):
        with opened(state, "9755", notice=notices.append) as store:
            job = store.get(DONE)
            assert job is not None
            assert (job.state, job.output_dir) == ("done", "/tmp/oldclips/stems/My Song (Björk)")
    (notice,) = notices
    aside = state / "jobs.imported" / f"{DONE}.jsonl"
    assert str(aside) in notice.message
    assert aside.read_bytes() == damaged


def test_a_journal_without_its_first_line_or_of_nothing_is_told(state: Path) -> None:
    path = state / "jobs" / f"{DONE}.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[1:]))
    (state / "9755" / "jobs" / f"{LAST}.jsonl").write_bytes(b"")
    notices: list[Noticed] = []
    with opened(state, "9755", notice=notices.append) as store:
        assert names(store) == [RUNNING, IN_GROUP]
    assert "The history of 2 jobs was damaged" in notices[0].message


def test_events_of_a_later_version_are_taken_over_as_they_are(state: Path) -> None:
    path = state / "9755" / "jobs" / f"{LAST}.jsonl"
    newer = b'{"type":"paused","job":"dhkiadin","x":{"y":[1,2]}}'
    path.write_bytes(path.read_bytes() + newer + b"\n")
    notices: list[Noticed] = []
    with opened(state, "9755", notice=notices.append) as store:
        assert names(store)[-1] == LAST
    assert notices == []
    import sqlite3

    with sqlite3.connect(state / "jobs.sqlite") as connection:
        assert (newer,) in connection.execute("SELECT event FROM events").fetchall()


def test_of_too_many_old_journals_the_newest_are_taken_over_and_all_stay_as_files(state: Path) -> None:
    journal = (state / "jobs" / f"{DONE}.jsonl").read_bytes()
    for number, name in enumerate(("agedageda", "agedagedb"[:8], "agedaged"[:7] + "c")):
        name = name[:7] + "abc"[number]
        (state / "jobs" / f"{name}.jsonl").write_bytes(journal.replace(DONE.encode(), name.encode()))
        os.utime(state / "jobs" / f"{name}.jsonl", (number, number))
    notices: list[Noticed] = []
    with opened(state, "9755", limit=2, notice=notices.append) as store:
        assert {*names(store)} == {"agedagec", DONE, RUNNING, IN_GROUP, LAST}
    assert "2 older jobs were not taken over (history_limit = 2)" in notices[0].message
    assert len(files(state / "jobs.imported")) == 4
