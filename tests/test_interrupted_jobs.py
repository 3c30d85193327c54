"""Jobs that are interrupted, by a dead worker or by the end of the bridge, and requests that are being written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from bridge.errors import QueueFull
from bridge.events import Ended, GroupEnded, Produced, Started, Submitted
from bridge.model import SCREEN, Outcome, Result
from bridge.pipeline.folders.claim import ClaimRecord, claim_file_name
from bridge.project_paths import partial_name
from bridge.request import JobRequest
from tests.support.requests import request_for
from tests.support.scheduler_bench import SchedulerBench, lose_runner


def claimed(folder: Path, job: str) -> None:
    """What a killed job leaves of its claim."""
    (folder / claim_file_name("clip")).write_bytes(msgspec.json.encode(ClaimRecord(job=job)))


@pytest.fixture
def bench(clip: Path) -> SchedulerBench:
    return SchedulerBench(clip)


def test_the_job_of_a_dead_runner_runs_again_before_all_others_and_fails_the_second_time(
    bench: SchedulerBench, tmp_path: Path
) -> None:
    out = tmp_path / "stems" / "clip"
    out.mkdir(parents=True)
    bench.scheduler.on_runner_free()
    first, second = bench.submit(), bench.submit()
    bench.scheduler.on_event(Started(job=first, engine="draft", device="cpu", output_dir=str(out), created=(str(out),)))
    (out / f".{first}.bass.partial").touch()
    claimed(out, first)
    lose_runner(bench.scheduler, "Killed")
    assert not out.exists()
    assert bench.scheduler.job(first).state == "queued"
    assert bench.runner.asked == [("run", first)]
    bench.scheduler.on_runner_free()
    assert bench.runner.asked == [("run", first), ("run", first)]
    lose_runner(bench.scheduler, "Killed")
    failed = bench.scheduler.job(first)
    assert failed.state == "failed"
    assert failed.failure is not None
    assert failed.failure.code == "engine_failed"
    assert "Killed), for the second time" in failed.failure.message
    bench.scheduler.on_runner_free()
    assert bench.runner.asked[-1] == ("run", second)


def test_files_that_were_announced_survive_a_dead_runner(bench: SchedulerBench, tmp_path: Path) -> None:
    bench.scheduler.on_runner_free()
    job = bench.submit()
    done = tmp_path / "clip (Bass).wav"
    done.touch()
    bench.scheduler.on_event(Started(job=job, engine="draft", device="cpu", output_dir=str(tmp_path)))
    bench.scheduler.on_event(
        Produced(job=job, result=Result(kind="stem", name="bass", folder=str(done.parent), file=done.name, seconds=1.0))
    )
    lose_runner(bench.scheduler, "Killed")
    assert done.exists()


def test_a_job_that_would_not_stop_is_cancelled_when_its_runner_is_replaced(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    job = bench.submit()
    bench.scheduler.cancel(job)
    lose_runner(bench.scheduler, "Killed")
    assert bench.states()[job] == "cancelled"


def test_after_a_crash_jobs_go_on_in_their_order_and_the_one_that_ran_is_taken_up_once(
    clip: Path, tmp_path: Path
) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    first, second, third = bench.submit(out=str(tmp_path)), bench.submit(), bench.submit()
    for run in (1, 2):
        bench.begin(first)
        partial = tmp_path / f".{first}.bass.partial"
        partial.touch()
        claimed(tmp_path, first)
        bench.scheduler.on_event(Started(job=first, engine="draft", device="cpu", output_dir=str(tmp_path)))
        bench.restart()
        assert not partial.exists()
        assert tmp_path.exists()
        assert bench.runner.asked == [("run", first if run == 1 else second)]
    failed = bench.scheduler.job(first)
    assert failed.failure is not None
    assert (failed.state, failed.failure.code) == ("failed", "engine_failed")
    assert "for the second time" in failed.failure.message
    bench.end(second)
    assert bench.runner.asked[-1] == ("run", third)


def test_jobs_on_a_farm_are_not_blamed_for_the_end_of_the_bridge(clip: Path) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free(3)
    jobs = [bench.submit() for _ in range(3)]
    for _ in range(3):
        for job in jobs:
            bench.begin(job)
        bench.restart()
        assert bench.runner.asked == [("run", jobs[0])]
        bench.scheduler.on_runner_free(3)
        assert bench.runner.asked == [("run", job) for job in jobs]
    assert [bench.scheduler.job(job).interruptions for job in jobs] == [0, 0, 0]
    for job in jobs:
        bench.end(job)
    assert {*bench.states().values()} == {"done"}


@pytest.mark.parametrize("origin", [SCREEN, ""])
def test_a_job_of_a_screen_is_shown_as_it_grows_after_a_restart_too(clip: Path, origin: str) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    bench.scheduler.submit(request_for(clip), origin=origin)
    bench.restart()
    assert [request.play.is_shown for request in bench.runner.requests] == [origin == SCREEN] * 2


@pytest.mark.parametrize("has_begun", [True, False])
def test_a_job_that_was_cancelled_before_a_crash_is_not_run_again(clip: Path, tmp_path: Path, has_begun: bool) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    job, waiting = bench.submit(out=str(tmp_path)), bench.submit()
    partial = tmp_path / f".{job}.bass.partial"
    if has_begun:
        bench.begin(job)
        bench.scheduler.on_event(Started(job=job, engine="draft", device="cpu", output_dir=str(tmp_path)))
        partial.touch()
        claimed(tmp_path, job)
    bench.scheduler.cancel(job)
    assert bench.scheduler.job(job).is_cancelling
    bench.restart()
    assert bench.states()[job] == "cancelled"
    assert not partial.exists()
    assert bench.runner.asked == [("run", waiting)]


async def test_a_waiting_job_that_is_to_be_cancelled_is_neither_run_nor_brought_back(clip: Path) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    running, cancelled, waiting = bench.submit(), bench.submit(), bench.submit()
    await bench.scheduler.prepare_cancel([cancelled, "unknown"])
    bench.end(running)
    assert bench.runner.asked == [("run", running), ("run", waiting)]
    bench.restart()
    assert bench.states() == {running: "done", cancelled: "cancelled", waiting: "queued"}


def test_a_job_that_was_sent_but_not_begun_has_used_no_attempt(clip: Path) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    job = bench.submit()
    for _ in range(3):
        bench.restart()
    assert bench.runner.asked == [("run", job)]
    assert bench.scheduler.job(job).interruptions == 0


def test_a_clean_end_leaves_all_jobs_waiting_and_is_no_attempt(clip: Path) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    running, waiting = bench.submit(), bench.submit()
    for _ in range(3):
        bench.begin(running)
        bench.scheduler.leave()
        bench.scheduler.on_event(Ended(job=running, outcome="cancelled", unix_seconds=1.0))  # its runner is closed
        bench.scheduler.close()
        assert set(bench.states().values()) == {"queued"}
        bench.restart()
        assert bench.runner.asked == [("run", running)]
    assert bench.scheduler.job(running).interruptions == 0
    bench.end(running)
    assert bench.runner.asked[-1] == ("run", waiting)


@pytest.mark.parametrize(("is_cancelled", "told", "state"), [(True, "cancelled", "cancelled"), (False, "done", "done")])
def test_what_a_job_became_before_the_runner_was_closed_counts(
    clip: Path, is_cancelled: bool, told: Outcome, state: str
) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    job = bench.submit()
    if is_cancelled:
        bench.scheduler.cancel(job)
    bench.scheduler.leave()
    bench.scheduler.on_event(Ended(job=job, outcome=told, unix_seconds=1.0))
    bench.scheduler.close()
    assert bench.states() == {job: state}


def test_a_job_that_was_asked_to_stop_is_cancelled_though_the_runner_never_answers(clip: Path) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    job = bench.submit()
    bench.scheduler.cancel(job)
    bench.scheduler.leave()
    bench.scheduler.close()
    assert bench.states() == {job: "cancelled"}


async def test_a_job_is_told_and_run_only_when_it_is_durable_and_keeps_its_place_before(clip: Path) -> None:
    bench = SchedulerBench(clip, queue_limit=1)
    kept: dict[str, asyncio.Future[str]] = {}

    async def keep(event: Submitted) -> str:
        kept[event.job] = asyncio.get_running_loop().create_future()
        return await kept[event.job]

    bench.store.keep = keep  # type: ignore[method-assign]
    bench.scheduler.on_runner_free()
    request = JobRequest(source=str(clip))
    first, second = (asyncio.ensure_future(bench.scheduler.accept(request)) for _ in range(2))
    with pytest.raises(QueueFull):
        await bench.scheduler.accept(request)
    await asyncio.sleep(0)
    assert (bench.events, bench.runner.asked) == ([], [])
    kept["job1"].set_result("")
    assert (await first)[0].id == "job1"
    assert bench.runner.asked == [("run", "job1")]
    kept["job2"].set_result("No space left on device")
    job, position = await second
    assert (position, job.id, [warning.code for warning in job.warnings]) == (1, "job2", ["not_kept"])


async def test_a_request_that_cannot_be_written_at_all_leaves_its_place(clip: Path) -> None:
    bench = SchedulerBench(clip, queue_limit=1)

    async def keep(event: Submitted) -> str:
        raise UnicodeEncodeError("utf-8", event.name, 0, 1, "surrogates not allowed")

    with pytest.MonkeyPatch.context() as broken:
        broken.setattr(bench.store, "keep", keep)
        with pytest.raises(UnicodeEncodeError):
            await bench.scheduler.accept(JobRequest(source="\udcff.wav"))
    await bench.scheduler.accept(JobRequest(source=str(clip)))


async def test_a_request_that_is_given_up_while_it_is_written_is_cancelled(clip: Path) -> None:
    bench = SchedulerBench(clip)

    async def keep(event: Submitted) -> str:  # noqa: ARG001 - the seam's signature
        await asyncio.Event().wait()
        return ""

    bench.store.keep = keep  # type: ignore[method-assign]
    task = asyncio.ensure_future(bench.scheduler.accept(JobRequest(source=str(clip))))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.states() == {"job1": "cancelled"}
    assert bench.runner.asked == []


def test_a_group_left_open_by_an_earlier_run_goes_on_and_ends_with_the_counts_of_both_runs(clip: Path) -> None:
    bench = SchedulerBench(clip, lasting=True)
    bench.scheduler.on_runner_free()
    first, second, third = (bench.submit(group="take", group_clips=5) for _ in range(3))
    bench.end(first)
    bench.begin(second)
    bench.restart()
    assert [bench.scheduler.job(job).position for job in (first, second, third)] == [1, 2, 3]
    other = bench.scheduler.job(bench.submit(group="take"))
    assert (other.position, other.group_id == bench.scheduler.job(first).group_id) == (1, False)
    bench.end(second)
    assert bench.group_ends() == []
    bench.scheduler.cancel(third)
    bench.end(third)
    (end,) = bench.group_ends()
    assert (end.name, end.done, end.cancelled) == ("take", 3, 0)
    assert isinstance(bench.events[-1], GroupEnded)


def test_a_job_waits_until_what_its_last_run_left_is_removed(clip: Path) -> None:
    bench = SchedulerBench(clip)
    waiting: list[tuple[Callable[[], None], Callable[[], None]]] = []

    def clean_up(work: Callable[[], None], then: Callable[[], None]) -> None:
        waiting.append((work, then))

    bench.scheduler._clean_up = clean_up
    bench.scheduler.on_runner_free()
    folder = clip.parent / "out"
    job, cancelled = bench.submit(), bench.submit()
    for number in (job, cancelled):
        folder.mkdir(exist_ok=True)
        partial = folder / partial_name(number, "bass.wav")
        partial.touch()
        claimed(folder, number)
        started = Started(job=number, engine="draft", device="cpu", output_dir=str(folder), created=(str(folder),))
        bench.scheduler.on_event(started)
        lose_runner(bench.scheduler, "signal 9")
        bench.scheduler.on_runner_free()
        assert bench.runner.asked.count(("run", number)) == 1  # the drive has not answered yet
        if number == cancelled:
            bench.scheduler.cancel(number)  # the user does not wait
        ((work, then),) = waiting
        waiting.clear()
        work()
        assert not partial.exists()
        then()
        if number == job:
            assert bench.runner.asked[-1] == ("run", number)
            bench.end(number)
    assert bench.states() == {job: "done", cancelled: "cancelled"}
    assert [type(event).__name__ for event in bench.events].count("Ended") == 2
