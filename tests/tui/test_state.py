from __future__ import annotations

from datetime import timezone

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import (
    ComputingMoved,
    Ended,
    Event,
    JobEvent,
    MidiEnded,
    MidiReady,
    MidiStarted,
    MidiStarved,
    Noticed,
    Produced,
    Progressed,
    Warned,
    WorkerChanged,
)
from bridge.lifecycle import fold as fold_job
from bridge.model import STAGES, Failure, MidiStatus, Result, Status, Warning
from tests.support.scenes import PORTS, cancelled, done, produced, running, started, submitted, waiting
from tui.coalesce import Coalescer
from tui.order import Heading, TableOrder, View
from tui.state import LOG_LIMIT, ViewState, initial_view, view_after

UTC = timezone.utc
NOW = 1_700_000_100.0
STATUS = Status(queued=0, running=0, engine="draft", device="cpu", midi=PORTS, worker="starting")

NAMES = ("First", "Second", "Third")
names = st.sampled_from(NAMES)
ids = names.map(str.lower)
fractions = st.floats(-0.5, 1.5)
events: st.SearchStrategy[Event] = st.one_of(
    st.builds(submitted, names),
    st.builds(started, ids, names),
    st.builds(
        Progressed,
        job=ids,
        stage=st.sampled_from(STAGES),
        fraction=fractions,
        eta_seconds=st.none() | st.floats(-1, 1e6),
    ),
    st.builds(Warned, job=ids, warning=st.builds(Warning, code=st.just("w"), message=st.sampled_from("ab"))),
    st.builds(
        Produced,
        job=ids,
        result=st.builds(
            Result,
            kind=st.sampled_from(("stem", "midi")),
            name=st.sampled_from(("bass", "drums")),
            folder=st.just("/x"),
            file=st.just("y.wav"),
            seconds=st.floats(0, 100),
        ),
    ),
    st.builds(
        Ended,
        job=ids,
        outcome=st.sampled_from(("done", "failed", "cancelled")),
        unix_seconds=st.floats(0, 2e9),
        failure=st.none() | st.builds(Failure, code=st.text(), message=st.text()),
    ),
    st.builds(MidiReady, status=st.just(PORTS) | st.builds(MidiStatus, message=st.text())),
    st.builds(MidiStarted, job=ids, stem=st.text(), seconds=st.floats(0, 100), notes=st.integers(0, 9)),
    st.builds(MidiStarved, job=ids, stem=st.text(), seconds=st.floats(0, 100)),
    st.builds(MidiEnded, job=ids, stem=st.text(), outcome=st.sampled_from(("finished", "stopped", "failed"))),
    st.builds(WorkerChanged, state=st.sampled_from(("starting", "ready", "busy", "down")), device=st.text()),
    st.builds(ComputingMoved, computing=st.sampled_from(("here", "farm"))),
    st.builds(Noticed, level=st.text(), message=st.text()),
)


def initial_state() -> ViewState:
    return initial_view([waiting("First"), waiting("Second")], STATUS, "osc.udp://127.0.0.1:9720", NOW)


def test_the_initial_view_has_the_bridges_jobs_and_status() -> None:
    state = initial_state()
    assert list(state.jobs) == ["first", "second"]
    assert (state.midi, state.worker, state.engine) == (PORTS, "starting", "draft")
    assert [line.message for line in state.log] == ["listening on osc.udp://127.0.0.1:9720"]


@given(st.lists(events, max_size=40))
def test_no_order_of_events_raises(history: list[Event]) -> None:
    state = view_after(initial_state(), history, NOW)
    assert {"first", "second"} <= set(state.jobs)
    assert len(state.log) == min(state.lines_logged, LOG_LIMIT)
    assert sorted(row.id for row in TableOrder().lines(state, View(), NOW) if not isinstance(row, Heading)) == sorted(
        state.jobs
    )


@given(st.lists(events, max_size=30), st.integers(0, 30))
def test_the_fold_may_be_split_anywhere(history: list[Event], cut: int) -> None:
    in_two = view_after(view_after(initial_state(), history[:cut], NOW), history[cut:], NOW)
    assert in_two == view_after(initial_state(), history, NOW)


@settings(max_examples=300)
@given(st.lists(events, max_size=40))
def test_coalesced_events_give_the_same_state(history: list[Event]) -> None:
    inbox = Coalescer(lambda: None)
    for event in history:
        inbox.put(event)
    assert view_after(initial_state(), inbox.take(), NOW) == view_after(initial_state(), history, NOW)


def test_a_burst_of_progress_becomes_one_event_and_one_wake() -> None:
    wakes: list[None] = []
    inbox = Coalescer(lambda: wakes.append(None))
    for step in range(1000):
        inbox.put(Progressed(job="first", stage="separating", fraction=step / 1000))
        inbox.put(Progressed(job="second", stage="separating", fraction=step / 2000))
    taken = inbox.take()
    assert [(event.job, event.fraction) for event in taken if isinstance(event, Progressed)] == [
        ("first", 0.999),
        ("second", 0.4995),
    ]
    assert len(taken) == 2
    assert len(wakes) == 1
    assert inbox.take() == ()
    inbox.put(Noticed(level="info", message="again"))
    assert len(wakes) == 2


def test_a_job_folds_as_in_lifecycle_and_is_logged() -> None:
    history: list[JobEvent] = [submitted("Third"), started("third", "Third"), *produced("third", "Third", "bass")]
    state = view_after(initial_state(), history, NOW)
    assert state.jobs["third"] == fold_job(history)
    assert [line.message for line in state.log[1:]] == [
        "queued",
        "htdemucs begins on cpu",
        "bass stem written",
        "bass notes written",
    ]
    assert {line.subject for line in state.log[1:]} == {"Third"}


def test_events_of_an_unknown_job_change_nothing() -> None:
    assert view_after(initial_state(), [started("stranger", "Stranger")], NOW) == initial_state()


def test_late_events_of_a_job_that_is_over_are_not_logged() -> None:
    over = view_after(initial_state(), [Ended(job="first", outcome="cancelled", unix_seconds=NOW)], NOW)
    late = view_after(
        over, [*produced("first", "First", "bass"), Ended(job="first", outcome="done", unix_seconds=NOW)], NOW
    )
    assert late == over
    assert over.log[-1].message == "cancelled"


def test_the_playing_stems_follow_the_player() -> None:
    start = [MidiStarted(job="first", stem=stem, seconds=30, notes=5) for stem in ("bass", "drums")]
    state = view_after(initial_state(), [*start, MidiEnded(job="first", stem="bass", outcome="finished")], NOW)
    assert state.playing == {("first", "drums")}
    assert view_after(state, [MidiReady(status=PORTS)], NOW).playing == frozenset(), "a new player plays nothing"


def test_the_log_is_bounded_and_counts_on() -> None:
    noise = [Noticed(level="info", message=str(number)) for number in range(LOG_LIMIT + 50)]
    state = view_after(initial_state(), noise, NOW)
    assert len(state.log) == LOG_LIMIT
    assert state.log[-1].message == str(LOG_LIMIT + 49)
    assert state.lines_logged == LOG_LIMIT + 51


def test_only_the_failure_of_the_engine_is_logged() -> None:
    changes = [WorkerChanged(state=state, device="cuda") for state in ("ready", "busy", "ready", "down")]
    state = view_after(initial_state(), changes, NOW)
    assert (state.worker, state.device) == ("down", "cuda")
    assert [line.level for line in state.log[1:]] == ["warning"]


def test_running_jobs_come_first_then_the_queue_then_the_newest_results() -> None:
    jobs = [
        done("Old", at=NOW),
        done("New", at=NOW + 2),
        cancelled("Middle", at=NOW + 1),
        waiting("Next"),
        running("Now", "writing", 0.9, None),
        waiting("Later"),
    ]
    order = TableOrder(UTC).lines(initial_view(jobs, STATUS, "", NOW), View(), NOW)
    assert [job.name for job in order if not isinstance(job, Heading)] == [
        "Now",
        "Next",
        "Later",
        "New",
        "Middle",
        "Old",
    ]
