import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import Ended, JobEvent, Noticed, Produced, Progressed, Submitted
from bridge.lifecycle import fold
from bridge.model import Result
from bridge.options.record import event_record
from bridge.protocols import JobStore
from bridge.request import JobRequest
from bridge.store.journal import DAMAGED, JournalStore
from bridge.store.memory import MemoryStore


def submitted(job: str, at: float = 0.0) -> Submitted:
    return Submitted(job=job, name=job, request=JobRequest(source=f"/{job}.wav"), unix_seconds=at)


def produced(job: str) -> Produced:
    return Produced(job=job, result=Result(kind="midi", name="bass", folder="/", file="x.mid", seconds=1.0, notes=3))


def stored(folder: Path, port: int = 9720, **options: Any) -> JournalStore:
    """The store of the bridge on that port; all of them share `folder`."""
    own = folder / str(port) / "jobs"
    others = [other for other in folder.glob("*/jobs") if other != own]
    return JournalStore(own, folder / "jobs", others, **options)


def loaded(folder: Path, port: int = 9720, **options: Any) -> JournalStore:
    store = stored(folder, port, **options)
    store.load()
    return store


def names(store: JobStore) -> list[str]:
    return [job.id for job in store.jobs()]


def files(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def ended(job: str) -> Ended:
    return Ended(job=job, outcome="done", unix_seconds=9.0)


@pytest.fixture(params=["memory", "journal"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], JobStore]:
    return MemoryStore if request.param == "memory" else lambda: stored(tmp_path)


def test_a_job_is_the_fold_of_its_events(make: Callable[[], JobStore]) -> None:
    store = make()
    events: list[JobEvent] = [
        submitted("a"),
        Progressed(job="a", stage="writing", fraction=0.5),
        produced("a"),
        ended("a"),
    ]
    for event in events:
        job = store.append(event)
    assert job == store.get("a") == fold(store.history("a")) == fold(events)


def test_jobs_come_in_the_order_of_their_submission(make: Callable[[], JobStore]) -> None:
    store = make()
    for job in "cab":
        store.append(submitted(job))
    assert [job.id for job in store.jobs()] == ["c", "a", "b"]
    assert store.get("z") is None
    assert list(store.history("z")) == []


def test_a_journal_survives_a_restart(tmp_path: Path) -> None:
    store = stored(tmp_path)
    for event in (submitted("b", 2.0), submitted("a", 3.0), produced("b"), ended("b")):
        store.append(event)
    again = loaded(tmp_path)
    assert again.jobs() == store.jobs()
    assert names(again) == ["b", "a"]


def test_finished_jobs_are_shared_by_all_ports_and_open_jobs_belong_to_one(tmp_path: Path) -> None:
    first = stored(tmp_path)
    for event in (submitted("done", 1.0), ended("done"), submitted("open", 2.0)):
        first.append(event)
    second = loaded(tmp_path, 9721)
    assert names(second) == ["done"]
    assert files(tmp_path) == ["9720/jobs/open.jsonl", "jobs/done.jsonl"]
    first.append(ended("open"))
    assert names(loaded(tmp_path, 9721)) == names(loaded(tmp_path)) == ["done", "open"]


def test_the_history_of_earlier_versions_for_each_port_is_moved_to_the_shared_one(tmp_path: Path) -> None:
    for port, job in ((9720, "a"), (9721, "b")):
        store = stored(tmp_path, port)
        store.append(submitted(job, port))
        store.append(ended(job))
        (tmp_path / "jobs" / f"{job}.jsonl").rename(tmp_path / str(port) / "jobs" / f"{job}.jsonl")
    assert names(loaded(tmp_path, 9722)) == ["a", "b"]
    assert files(tmp_path) == ["jobs/a.jsonl", "jobs/b.jsonl"]


DAMAGE = {
    "half a line": b'{"type":"ended","job":"a","out',
    "no UTF-8": b'{"type":"ended","job":"\xff\xfe"}\n',
    "no UTF-8 in an unknown field": b'{"type":"ended","job":"a","unknown":"\xff","outcome":"done"}\n',
    "nested too deeply": b'{"type":"ended","unknown":' + b'{"a":' * 5000 + b"1" + b"}" * 5001 + b"\n",
    "no event": b"[]\n",
    "no complete event": b'{"type":"ended"}\n',
    "another job's": b'{"type":"ended","job":"../../x","outcome":"done","unix_seconds":1}\n',
    "zeros": bytes(4096),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
@pytest.mark.parametrize("place", ["9720/jobs", "jobs"])
def test_a_damaged_journal_is_repaired_and_reported(tmp_path: Path, place: str, damage: bytes) -> None:
    stored(tmp_path)
    path = tmp_path / place / "a.jsonl"
    lines = [msgspec.json.encode(event_record(event)) + b"\n" for event in (submitted("a"), produced("a"), ended("a"))]
    path.write_bytes(lines[0] + lines[1] + damage + b"\n" + lines[2])
    notices: list[Noticed] = []
    (job,) = loaded(tmp_path, notice=notices.append).jobs()
    assert (job.state, len(job.results)) == ("done", 1)
    (notice,) = notices
    assert (notice.level, str(path) + DAMAGED in notice.message) == ("warning", True)
    assert (tmp_path / place / f"a.jsonl{DAMAGED}").read_bytes().startswith(lines[0] + lines[1] + damage)
    notices.clear()
    assert loaded(tmp_path, notice=notices.append).jobs() == (job,)
    assert notices == []


@settings(max_examples=60, deadline=None)
@given(rubbish=st.binary(max_size=400), cut=st.integers(0, 400), place=st.integers(0, 400))
def test_a_bridge_starts_with_any_journal_content(rubbish: bytes, cut: int, place: int) -> None:
    events = (submitted("a"), produced("a"), ended("a"))
    content = b"".join(msgspec.json.encode(event_record(event)) + b"\n" for event in events)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stored(folder)
        (folder / "jobs" / "a.jsonl").write_bytes(content[:place] + rubbish + content[place + cut :])
        store = loaded(folder)
        store.append(submitted("b", 5.0))
        assert names(loaded(folder))[-1] == "b"


def test_a_journal_that_is_no_file_or_far_too_large_is_skipped(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.append(submitted("a"))
    os.mkfifo(tmp_path / "jobs" / "pipe.jsonl")
    with (tmp_path / "jobs" / "huge.jsonl").open("wb") as file:
        file.truncate(2**31)
    (tmp_path / "jobs" / "empty.jsonl").touch()
    (tmp_path / "jobs" / "other.txt").write_text("not ours")
    assert names(loaded(tmp_path)) == ["a"]


def test_a_line_cut_off_by_a_full_drive_does_not_affect_others(tmp_path: Path) -> None:
    store = stored(tmp_path)
    store.append(submitted("a"))
    with (tmp_path / "9720" / "jobs" / "a.jsonl").open("ab") as file:
        file.write(msgspec.json.encode(produced("a"))[:30])
    store.append(ended("a"))
    (job,) = loaded(tmp_path).jobs()
    assert job.state == "done"


def test_a_lost_drive_loses_the_history_but_not_the_job(tmp_path: Path) -> None:
    notices: list[Noticed] = []
    store = stored(tmp_path, notice=notices.append)
    store.append(submitted("a"))
    shutil.rmtree(tmp_path / "9720")
    assert store.append(produced("a")).state == "queued"
    assert store.append(ended("a")).state == "done"
    (notice,) = notices
    assert "cannot be written" in notice.message


def test_beyond_the_limit_nothing_is_deleted_and_a_notice_is_sent(tmp_path: Path) -> None:
    store = stored(tmp_path)
    for number in range(5):
        store.append(submitted(f"job{number}", at=number))
        store.append(ended(f"job{number}"))
        os.utime(tmp_path / "jobs" / f"job{number}.jsonl", (number, number))
    store.append(submitted("open", at=0.5))
    notices: list[Noticed] = []
    again = loaded(tmp_path, limit=2, notice=notices.append)
    assert names(again) == ["open", "job4"]
    assert "4 older jobs are no longer listed" in notices[0].message
    assert len(files(tmp_path)) == 6
    assert len(names(loaded(tmp_path))) == 6


def test_a_long_run_removes_the_oldest_finished_jobs() -> None:
    removed: list[int] = []
    store = MemoryStore(2, removed.append)
    store.append(submitted("waiting"))
    for job in ("a", "b", "c"):
        store.append(submitted(job))
        store.append(ended(job))
    assert names(store) == ["waiting", "c"]
    assert sum(removed) == 2


def test_only_the_newest_progress_is_kept() -> None:
    store = MemoryStore()
    store.append(submitted("a"))
    for fraction in (0.1, 0.2, 0.3):
        store.append(Progressed(job="a", stage="separating", fraction=fraction))
    assert len(list(store.history("a"))) == 2


def test_a_damaged_journal_on_a_full_drive_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = stored(tmp_path)
    for event in (submitted("a"), produced("a"), ended("a")):
        store.append(event)
    path = tmp_path / "jobs" / "a.jsonl"
    damaged = path.read_bytes() + b"\xff\n"
    path.write_bytes(damaged)

    def full(_path: Path, _content: bytes) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as drive:
        drive.setattr("bridge.store.journal.write_whole", full)
        assert names(loaded(tmp_path)) == ["a"]
    assert path.read_bytes() == damaged
    assert names(loaded(tmp_path)) == ["a"]
    assert files(tmp_path) == ["jobs/a.jsonl", f"jobs/a.jsonl{DAMAGED}"]
