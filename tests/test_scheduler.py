from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bridge.errors import NotFound, QueueFull
from bridge.events import Ended, Progressed, Removed, Restored
from bridge.groups.group import ending_of, groups_of
from bridge.groups.open_groups import PATIENCE_SECONDS
from bridge.request import JobRequest
from tests.support.requests import request_for
from tests.support.scheduler_bench import SchedulerBench, lose_runner


@pytest.fixture
def bench(clip: Path) -> SchedulerBench:
    return SchedulerBench(clip)


def test_a_job_starts_when_the_runner_is_free(bench: SchedulerBench) -> None:
    bench.submit()
    assert bench.runner.asked == []
    bench.scheduler.on_runner_free()
    assert bench.runner.asked == [("run", "job1")]


def test_jobs_run_one_after_another(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    places = [bench.scheduler.submit(JobRequest(source=str(bench.source)))[1] for _ in range(3)]
    assert places == [0, 1, 2]
    bench.end("job1")
    bench.end("job2")
    assert bench.runner.asked == [("run", "job1"), ("run", "job2"), ("run", "job3")]


def test_a_waiting_job_is_cancelled_at_once(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    bench.submit()
    waiting = bench.submit()
    bench.scheduler.cancel(waiting)
    assert bench.states()[waiting] == "cancelled"
    bench.end("job1")
    assert ("run", waiting) not in bench.runner.asked


def test_a_running_job_is_asked_to_stop_and_ends_when_it_stops(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    job = bench.submit()
    bench.scheduler.cancel(job)
    assert bench.runner.asked[-1] == ("cancel", job)
    assert bench.states()[job] == "queued"
    bench.scheduler.on_event(Ended(job=job, outcome="cancelled", unix_seconds=1.0))
    assert bench.states()[job] == "cancelled"


def test_cancelling_a_finished_job_changes_nothing(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    job = bench.submit()
    bench.end(job)
    before = list(bench.events)
    bench.scheduler.cancel(job)
    assert bench.events == before


def test_late_events_of_a_finished_job_are_ignored(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    job = bench.submit()
    bench.end(job)
    before = list(bench.events)
    bench.scheduler.on_event(Progressed(job=job, stage="writing", fraction=0.9))
    assert bench.events == before


def test_cancelling_an_unknown_job_is_an_error(bench: SchedulerBench) -> None:
    with pytest.raises(NotFound):
        bench.scheduler.cancel("unknown")
    assert bench.events == []


def test_submitting_does_not_check_the_files(tmp_path: Path) -> None:
    """The inspector does that before: see `bridge.inspector.admission`."""
    SchedulerBench(tmp_path / "gone.wav").submit()


@pytest.mark.parametrize(("free", "room"), [(True, 3), (False, 2)])
def test_pending_requests_count_towards_the_limit(clip: Path, free: bool, room: int) -> None:
    bench = SchedulerBench(clip, queue_limit=2)
    if free:
        bench.scheduler.on_runner_free()  # the first pending request would start at once
    bench.scheduler.check_room(room - 1)
    with pytest.raises(QueueFull):
        bench.scheduler.check_room(room)


def test_a_full_queue_is_an_error(clip: Path) -> None:
    bench = SchedulerBench(clip, queue_limit=1)
    bench.scheduler.on_runner_free()
    bench.submit()
    bench.submit()
    with pytest.raises(QueueFull):
        bench.submit()


def test_closing_cancels_everything(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    bench.submit()
    bench.submit()
    bench.scheduler.close()
    assert set(bench.states().values()) == {"cancelled"}


def test_jobs_of_one_sender_with_one_name_are_a_group_in_order(bench: SchedulerBench) -> None:
    jobs = [bench.scheduler.job(bench.submit(sender, group="take")) for sender in ("a", "a", "b", "a")]
    assert [job.position for job in jobs] == [1, 2, 1, 3]
    assert jobs[0].group_id == jobs[1].group_id == jobs[3].group_id != jobs[2].group_id


def test_a_group_ends_once_with_its_counts_and_its_name_then_begins_another(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    first, second, third = (bench.submit(group="take") for _ in range(3))
    bench.end(first)
    for _ in range(2):  # second fails
        lose_runner(bench.scheduler, "Killed")
        bench.scheduler.on_runner_free()
    assert bench.group_ends() == []
    bench.scheduler.cancel(third)
    bench.scheduler.on_event(Ended(job=third, outcome="cancelled", unix_seconds=1.0))
    (end,) = bench.group_ends()
    assert (end.name, end.clips, end.done, end.failed, end.cancelled, end.outcome) == ("take", 3, 1, 1, 1, "failed")
    assert isinstance(bench.events[-2], Ended) and bench.events[-1] is end
    assert bench.scheduler.job(second).state == "failed"
    again = bench.scheduler.job(bench.submit(group="take"))
    assert again.group_id != end.group_id and again.position == 1


def test_a_cancelled_group_starts_none_of_its_jobs_and_touches_no_other(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    running, *waiting = (bench.submit(group="take") for _ in range(3))
    other = bench.submit()
    bench.scheduler.cancel_group(bench.scheduler.job(running).group_id)
    assert {bench.states()[job] for job in waiting} == {"cancelled"}
    bench.scheduler.on_event(Ended(job=running, outcome="cancelled", unix_seconds=1.0))
    assert bench.runner.asked == [("run", running), ("cancel", running), ("run", other)]
    (end,) = bench.group_ends()
    assert (end.cancelled, end.outcome) == (3, "cancelled")
    bench.scheduler.cancel_group(end.group_id)  # it is over: nothing happens
    assert len(bench.group_ends()) == 1


def test_a_request_that_is_checked_while_its_group_is_cancelled_never_runs(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    request = request_for(bench.source, group="take")
    ticket = bench.scheduler.enter_group(request, "")
    assert ticket is not None
    bench.scheduler.cancel_group(ticket.group_id)
    job, _ = bench.scheduler.submit(request, ticket)
    bench.scheduler.leave_group(ticket)
    assert bench.states()[job.id] == "cancelled"
    assert bench.runner.asked == []
    assert [end.cancelled for end in bench.group_ends()] == [1]


def test_a_group_does_not_end_before_all_promised_clips_have_arrived(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    bench.end(bench.submit(group="take", group_clips=3))
    refused = bench.scheduler.enter_group(request_for(bench.source, group="take", group_clips=3), "")
    assert refused is not None
    bench.scheduler.leave_group(refused)
    assert bench.group_ends() == []
    bench.end(bench.submit(group="take", group_clips=3))
    assert [end.done for end in bench.group_ends()] == [2]


def test_a_group_that_waits_for_promised_clips_ends_when_it_is_cancelled(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    job = bench.submit(group="take", group_clips=3)
    bench.end(job)
    bench.scheduler.cancel_group(bench.scheduler.job(job).group_id)
    assert [(end.done, end.outcome) for end in bench.group_ends()] == [(1, "done")]


def test_a_group_whose_client_promised_more_clips_than_it_sends_ends_after_a_while(bench: SchedulerBench) -> None:
    bench.scheduler.on_runner_free()
    waits, works = bench.submit(group="take", group_clips=3), bench.submit(group="other", group_clips=3)
    bench.end(waits)
    assert bench.scheduler.groups_are_waiting
    bench.clock.advance(PATIENCE_SECONDS - 1)
    bench.scheduler.end_idle_groups()
    assert bench.group_ends() == []
    bench.clock.advance(1)
    bench.scheduler.end_idle_groups()
    assert [(end.name, end.done) for end in bench.group_ends()] == [("take", 1)]
    bench.end(works)
    bench.clock.advance(PATIENCE_SECONDS - 1)
    bench.submit(group="other")  # it is not gone
    bench.clock.advance(PATIENCE_SECONDS)
    bench.scheduler.end_idle_groups()
    assert len(bench.group_ends()) == 1


def test_cancelling_an_unknown_group_is_an_error(bench: SchedulerBench) -> None:
    with pytest.raises(NotFound):
        bench.scheduler.cancel_group("unknown")


class AnyOrder(RuleBasedStateMachine):
    """For any order of calls and ends of the bridge: no job is lost, every job ends once, and at most one runs."""

    source: Path

    def __init__(self) -> None:
        super().__init__()
        self.bench = SchedulerBench(self.source, queue_limit=1000, lasting=True)
        self.alive = False
        self.submitted: list[str] = []

    @property
    def running(self) -> str | None:
        """The last job that the runner which is alive was asked to run."""
        runs = [job for verb, job in self.bench.runner.asked if verb == "run"]
        return next((job for job in runs[-1:] if not self.bench.scheduler.job(job).is_over), None)

    @rule(is_clean=st.booleans())
    def end_the_bridge(self, is_clean: bool) -> None:
        if is_clean:
            self.bench.scheduler.leave()
            self.bench.scheduler.close()
        self.bench.restart()
        self.alive = True

    @rule()
    @precondition(lambda self: self.running)
    def begin(self) -> None:
        assert self.running is not None
        self.bench.begin(self.running)

    @invariant()
    def none_is_lost(self) -> None:
        jobs = self.bench.scheduler.jobs()
        assert [job.id for job in jobs] == self.submitted
        assert sum(not job.is_over for job in jobs) == self.bench.scheduler.waiting + self.bench.scheduler.running
        assert max((job.interruptions for job in jobs), default=0) <= 1

    @rule(group=st.sampled_from(["", "take", "other"]), sender=st.sampled_from("ab"))
    def submit(self, group: str, sender: str) -> None:
        self.submitted.append(self.bench.submit(sender, group=group))

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: any(job.group_id for job in self.bench.scheduler.jobs()))
    def cancel_group(self, pick: int) -> None:
        groups = sorted({job.group_id for job in self.bench.scheduler.jobs()} - {""})
        self.bench.scheduler.cancel_group(groups[pick % len(groups)])

    @rule(pick=st.integers(0, 100))
    @precondition(lambda self: self.bench.scheduler.jobs())
    def cancel(self, pick: int) -> None:
        jobs = self.bench.scheduler.jobs()
        self.bench.scheduler.cancel(jobs[pick % len(jobs)].id)

    @rule()
    @precondition(lambda self: not self.alive)
    def become_free(self) -> None:
        self.alive = True
        self.bench.scheduler.on_runner_free()

    @rule(outcome=st.sampled_from(["done", "failed", "cancelled"]))
    @precondition(lambda self: self.running)
    def finish(self, outcome: str) -> None:
        assert self.running is not None
        self.bench.scheduler.on_event(Ended(job=self.running, outcome=outcome, unix_seconds=1.0))  # type: ignore[arg-type]

    @rule()
    @precondition(lambda self: self.alive)
    def die(self) -> None:
        self.alive = False
        self.bench.runner.asked.clear()
        lose_runner(self.bench.scheduler, "gone")

    @invariant()
    def one_end_for_each_job(self) -> None:
        ended = [event.job for event in self.bench.events if isinstance(event, Ended)]
        assert len(ended) == len(set(ended))

    @invariant()
    def one_end_for_each_group_that_is_over_with_the_counts_of_its_jobs(self) -> None:
        groups = groups_of(self.bench.scheduler.jobs())
        over = {group.id: ending_of(group) for group in groups.values() if group.is_over}
        ends = self.bench.group_ends()
        assert {end.group_id: end for end in ends} == over
        assert len(ends) == len(over)
        assert len(self.bench.scheduler._groups) == len(groups) - len(over)

    @invariant()
    def at_most_one_runs_and_none_waits_for_a_free_runner(self) -> None:
        runs = [job for verb, job in self.bench.runner.asked if verb == "run"]
        assert len(runs) == len(set(runs))  # of one runner
        assert sum(not self.bench.scheduler.job(job).is_over for job in runs) <= 1
        if self.alive and self.running is None:
            assert self.bench.scheduler.waiting == 0


def test_any_order(clip: Path) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    AnyOrder.source = clip
    run_state_machine_as_test(AnyOrder, settings=settings(max_examples=40, deadline=None))


def test_jobs_that_are_over_are_removed_and_restored(bench: SchedulerBench) -> None:
    first, second = bench.submit(), bench.submit()
    bench.scheduler.on_runner_free()
    bench.end(first)
    bench.scheduler.remove([first, second, "unknown"])
    assert [job.id for job in bench.scheduler.jobs()] == [second]
    with pytest.raises(NotFound):
        bench.scheduler.job(first)
    bench.scheduler.restore([first, second])
    assert [job.id for job in bench.scheduler.jobs()] == [first, second]
    removed, restored = bench.events[-2:]
    assert isinstance(removed, Removed) and removed.job == first
    assert isinstance(restored, Restored) and restored.value == bench.scheduler.job(first)
