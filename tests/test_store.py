from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.events import Ended, JobEvent, Produced, Progressed, Submitted
from bridge.lifecycle import fold
from bridge.model import JobRequest, Result
from bridge.protocols import JobStore
from bridge.store import journal, memory
from bridge.store.journal import JournalStore
from bridge.store.memory import MemoryStore


def submitted(job: str, at: float = 0.0) -> Submitted:
    return Submitted(job=job, name=job, request=JobRequest(source=f"/{job}.wav"), unix_seconds=at)


def produced(job: str) -> Produced:
    return Produced(job=job, result=Result(kind="midi", name="bass", path="/x.mid", seconds=1.0, notes=3))


def loaded(folder: Path) -> JournalStore:
    store = JournalStore(folder)
    store.load()
    return store


def ended(job: str) -> Ended:
    return Ended(job=job, outcome="done", unix_seconds=9.0)


@pytest.fixture(params=["memory", "journal"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], JobStore]:
    return MemoryStore if request.param == "memory" else lambda: JournalStore(tmp_path / "jobs")


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


def test_a_journal_remembers_over_a_restart(tmp_path: Path) -> None:
    store = JournalStore(tmp_path)
    for event in (submitted("b", 2.0), submitted("a", 3.0), produced("b"), ended("b")):
        store.append(event)
    again = loaded(tmp_path)
    assert again.jobs() == store.jobs()
    assert [job.id for job in again.jobs()] == ["b", "a"]


@pytest.mark.parametrize("damage", [b'{"type":"ended","job":"a","out', b"\xff\xff\n", b"[]\n", b'{"type":"ended"}\n'])
def test_a_damaged_line_costs_only_what_follows_it(tmp_path: Path, damage: bytes) -> None:
    store = JournalStore(tmp_path)
    store.append(submitted("a"))
    store.append(produced("a"))
    with (tmp_path / "a.jsonl").open("ab") as file:
        file.write(damage)
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / "other.txt").write_text("not ours")
    (job,) = loaded(tmp_path).jobs()
    assert len(job.results) == 1


def test_a_lost_disk_costs_the_history_and_not_the_job(tmp_path: Path) -> None:
    store = JournalStore(tmp_path / "jobs")
    store.append(submitted("a"))
    (tmp_path / "jobs" / "a.jsonl").unlink()
    (tmp_path / "jobs").rmdir()
    assert store.append(ended("a")).state == "done"


def test_old_jobs_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = JournalStore(tmp_path)
    for number in range(5):
        store.append(submitted(f"job{number}", at=number))
    monkeypatch.setattr(journal, "KEPT_JOBS", 2)
    assert [job.id for job in loaded(tmp_path).jobs()] == ["job3", "job4"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["job3.jsonl", "job4.jsonl"]


def test_a_long_run_forgets_the_oldest_that_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT_JOBS", 2)
    store = MemoryStore()
    store.append(submitted("waiting"))
    for job in ("a", "b", "c"):
        store.append(submitted(job))
        store.append(ended(job))
    assert [job.id for job in store.jobs()] == ["waiting", "c"]


def test_only_the_newest_progress_is_kept() -> None:
    store = MemoryStore()
    store.append(submitted("a"))
    for fraction in (0.1, 0.2, 0.3):
        store.append(Progressed(job="a", stage="separating", fraction=fraction))
    assert len(list(store.history("a"))) == 2
