"""When the queue ends, by what the last jobs took."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bridge.connections.pace import queue_end_seconds
from bridge.model import Job
from tests.support.scenes import done, running, waiting

START = 1_700_000_000.0


def took(*ends: float) -> list[Job]:
    """Jobs that were submitted together and ended at these seconds."""
    return [done(f"Job {end}", at=START + end) for end in ends]


def test_nothing_to_do_has_no_end() -> None:
    assert queue_end_seconds(took(10)) is None


def test_without_a_measured_job_the_end_is_unknown() -> None:
    assert queue_end_seconds([waiting("A")]) is None


def test_the_end_is_what_runs_and_the_typical_time_of_each_that_waits() -> None:
    jobs = [*took(10, 20, 90, 100), running("R", "separating", 0.5, 4.0), waiting("A"), waiting("B")]
    assert queue_end_seconds(jobs) == pytest.approx(4 + 2 * 10)


def test_a_running_job_without_an_estimate_counts_as_a_typical_one() -> None:
    jobs = [*took(10, 20), running("R", "loading", 0.0, None)]
    assert queue_end_seconds([*jobs, waiting("A")]) == pytest.approx(20)
    assert queue_end_seconds(jobs) is None  # of one clip nothing is said that the next second may multiply


def test_time_in_the_queue_is_not_work() -> None:
    late = replace(took(500)[0], submitted_unix=START + 492)
    assert queue_end_seconds([*took(8), late, waiting("A")]) == pytest.approx(8)


def test_old_jobs_do_not_count() -> None:
    jobs = [*took(*range(1000, 5000, 1000)), *took(*range(5005, 5050, 5)), waiting("A")]
    assert queue_end_seconds(jobs) == pytest.approx(5)
