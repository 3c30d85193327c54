"""The bridge's jobs on a farm that comes and goes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from bridge.errors import EngineFailed
from bridge.events import LiveNotes, Noticed, Progressed
from bridge.farm import runner as module
from bridge.farm.runner import MOST_RETURNS
from tests.farm.runner_bench import Bench, turns


async def test_a_job_goes_to_the_farm_and_its_events_come_from_there(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.tell_there(job)
    bench.end_there(job)
    await turns()
    assert bench.of(job) == ["Submitted", "Started", "Produced", "Progressed", "Ended"]
    assert (bench.job(job).state, bench.job(job).device, bench.here()) == ("done", "cuda", [])


async def test_as_many_jobs_run_at_once_as_the_farm_takes(clip: Path) -> None:
    bench = Bench(clip, slots=3)
    bench.runner.on_worker_ready()
    jobs = [bench.submit() for _ in range(5)]
    await turns()
    assert bench.farm.given == jobs[:3]
    assert (bench.scheduler.running, bench.scheduler.waiting) == (3, 2)
    bench.end_there(jobs[1])
    await turns()
    assert bench.farm.given == jobs[:4]
    bench.farm.become(4)
    await turns()
    assert bench.farm.given == jobs
    assert bench.here() == []


async def test_without_a_farm_jobs_run_one_after_another_on_this_machine(clip: Path) -> None:
    bench = Bench(clip)
    first, second = bench.submit(), bench.submit()
    assert bench.here() == []  # its worker is still starting
    bench.runner.on_worker_ready()
    assert bench.here() == [first]
    bench.end_here(first)
    assert bench.here() == [first, second]
    assert bench.farm.given == []


async def test_a_farm_that_goes_in_the_middle_of_a_job_costs_a_warning_and_nothing_else(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.tell_there(job)
    bench.farm.vanish()
    await turns()
    assert bench.here() == [job]
    assert bench.job(job).results == ()  # the worker tells of them again
    bench.end_here(job)
    done = bench.job(job)
    assert (done.state, [warning.code for warning in done.warnings], done.interruptions) == ("done", ["farm_gone"], 0)
    assert bench.of(job)[-3:] == ["Warned", "Requeued", "Ended"]
    assert [event.level for event in bench.events if isinstance(event, Noticed)] == ["info", "warning"]


async def test_the_farm_gets_the_next_job_when_it_is_back(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    bench.farm.vanish()
    first, second = bench.submit(), bench.submit()
    await turns()
    assert (bench.here(), bench.farm.given) == ([first], [])
    bench.farm.become(1)
    await turns()
    assert (bench.here(), bench.farm.given) == ([first], [second])  # the first stays where it is


async def test_jobs_that_come_back_all_at_once_run_here_in_turn(clip: Path) -> None:
    bench = Bench(clip, slots=3)
    bench.runner.on_worker_ready()
    jobs = [bench.submit() for _ in range(4)]
    await turns()
    bench.farm.vanish()
    await turns()
    done: list[str] = []
    while len(done) < 4:
        running = bench.here()[-1]
        assert running not in done
        bench.end_here(running)
        done.append(running)
        await turns()
    assert done == [jobs[3], *jobs[:3]]  # the worker was free before the others came back, in their order
    assert {bench.job(job).state for job in jobs} == {"done"}


async def test_a_job_does_not_go_to_and_fro_for_ever(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    for _ in range(MOST_RETURNS):
        await turns()
        bench.farm.vanish(is_noticed=False)
    await turns()
    assert (bench.farm.given, bench.here()) == ([job] * MOST_RETURNS, [job])


@pytest.mark.parametrize("hears", [True, False])
async def test_a_cancelled_job_ends_whether_the_farm_hears_or_not(
    clip: Path, hears: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CANCEL_GRACE_SECONDS", 60.0 if hears else 0.0)
    bench = Bench(clip, slots=1)
    bench.farm.hears_cancellations = hears
    job = bench.submit()
    await turns()
    song = bench.farm.songs[job]
    bench.scheduler.cancel(job)
    await turns()
    assert song.is_cancelled
    assert bench.job(job).state == "cancelled"
    song.tell(Progressed(job=job, stage="writing", fraction=0.9))
    assert bench.of(job)[-1] == "Ended"
    bench.farm.is_closed = True


async def test_a_job_that_waits_for_the_worker_is_cancelled_at_once(clip: Path) -> None:
    bench = Bench(clip, slots=2)
    bench.runner.on_worker_ready()
    first, second = bench.submit(), bench.submit()
    await turns()
    bench.farm.vanish()
    await turns()
    waits = first if bench.here() == [second] else second
    bench.scheduler.cancel(waits)
    assert bench.job(waits).state == "cancelled"
    assert len(bench.here()) == 1


async def test_a_worker_that_dies_loses_only_its_own_job(clip: Path) -> None:
    bench = Bench(clip)
    bench.runner.on_worker_ready()
    here = bench.submit()
    bench.farm.become(1)
    there = bench.submit()
    await turns()
    bench.runner.on_worker_lost("Killed")
    assert bench.job(here).interruptions == 1
    assert bench.job(there).interruptions == 0
    bench.end_there(there)
    await turns()
    assert bench.farm.given == [there, here]  # the farm takes it up


async def test_live_notes_come_from_the_farm(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    job = bench.submit()
    await turns()
    notes = LiveNotes(
        job=job, parts={"bass": ()}, until_seconds=1.0, heard_seconds=1.0, clip_seconds=9.0, tempo_bpm=120.0
    )
    bench.farm.songs[job].tell(notes)
    assert bench.live == [notes]


async def test_closing_leaves_the_jobs_to_the_next_start(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    job = bench.submit()
    await turns()
    bench.scheduler.leave()
    await bench.runner.close()
    assert bench.farm.is_closed
    assert bench.of(job) == ["Submitted"]


@pytest.mark.parametrize("code", ["engine_failed", "out_of_memory", "weights_unavailable", "internal"])
async def test_a_job_that_fails_by_its_machine_begins_again_here_and_stays_here(clip: Path, code: str) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.fail_there(job, code)
    await turns()
    assert (bench.here(), bench.farm.given) == ([job], [job])
    bench.end_here(job)
    assert (bench.job(job).state, [warning.code for warning in bench.job(job).warnings]) == ("done", ["farm_gone"])


async def test_a_job_that_fails_by_its_clip_is_not_tried_again(clip: Path) -> None:
    bench = Bench(clip, slots=1)
    bench.runner.on_worker_ready()
    job = bench.submit()
    await turns()
    bench.fail_there(job, "not_audio")
    await turns()
    assert (bench.here(), bench.job(job).state) == ([], "failed")


async def test_a_runner_that_is_closed_begins_nothing_however_its_jobs_end(clip: Path) -> None:
    bench = Bench(clip)
    bench.runner.on_worker_ready()
    first, second = bench.submit(), bench.submit()
    bench.farm.become(2)
    await turns()
    assert (bench.here(), bench.farm.given) == ([first], [second])
    bench.scheduler.leave()
    closing = asyncio.create_task(bench.runner.close())
    third = bench.submit()
    bench.end_here(first)
    bench.runner.on_worker_ready()
    await closing
    await turns()
    assert (bench.here(), bench.farm.given, bench.job(third).state) == ([first], [second], "queued")


@pytest.mark.parametrize("comes", [True, False])
async def test_after_a_start_jobs_wait_until_it_is_known_whether_the_farm_is_there(clip: Path, comes: bool) -> None:
    bench = Bench(clip, awaits_farm=True, slots=2)
    job = bench.submit()
    bench.runner.on_worker_ready()
    await turns()
    assert (bench.here(), bench.farm.given, bench.job(job).state) == ([], [], "queued")
    bench.runner.join(bench.farm if comes else None)
    await turns()
    assert (bench.here(), bench.farm.given) == (([], [job]) if comes else ([job], []))


async def test_a_job_that_the_farm_gives_back_while_it_has_machines_goes_there_once_more_and_says_nothing_else(
    clip: Path,
) -> None:
    bench = Bench(clip, slots=2)
    job = bench.submit()
    await turns()
    bench.farm.songs[job].end.set_exception(EngineFailed("No machine has its device."))
    await turns()
    assert bench.farm.given == [job, job] and bench.here() == []
    (warning,) = bench.job(job).warnings
    assert "No machine has its device." in warning.message and "this machine" not in warning.message
    bench.end_there(job)
    await turns()
    await bench.runner.close()
