import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.events import Ended, JobEvent, Produced, Progressed, Started, Submitted, Warned
from bridge.lifecycle import apply, fold
from bridge.model import STAGES, Failure, Job, Result, Warning
from bridge.request import JobRequest

SUBMITTED = Submitted(job="a", name="song", request=JobRequest(source="/song.wav"), unix_seconds=5.0)
RESULT = Result(kind="stem", name="bass", folder="/", file="x", seconds=1.0)

later_events: st.SearchStrategy[JobEvent] = st.one_of(
    st.builds(
        Started,
        job=st.just("a"),
        engine=st.sampled_from(["auto", "draft"]),
        device=st.just("cpu"),
        output_dir=st.just("/out"),
    ),
    st.builds(
        Progressed,
        job=st.just("a"),
        stage=st.sampled_from(STAGES),
        fraction=st.floats(0, 1),
        eta_seconds=st.none() | st.floats(0, 1e4),
    ),
    st.builds(Warned, job=st.just("a"), warning=st.just(Warning(code="would_clip", message="loud"))),
    st.builds(Produced, job=st.just("a"), result=st.just(RESULT)),
    st.builds(
        Ended, job=st.just("a"), outcome=st.sampled_from(["done", "failed", "cancelled"]), unix_seconds=st.just(9.0)
    ),
)


def after(*events: JobEvent) -> Job:
    return fold([SUBMITTED, *events])


def test_a_submitted_job_waits() -> None:
    job = after()
    assert (job.state, job.stage, job.fraction, job.name) == ("queued", "queued", 0.0, "song")


def test_a_started_job_is_running() -> None:
    job = after(Started(job="a", engine="draft", device="cpu", output_dir="/out"))
    assert (job.state, job.engine, job.output_dir) == ("running", "draft", "/out")


def test_a_done_job_is_at_100_percent() -> None:
    job = after(Progressed(job="a", stage="writing", fraction=0.99), Ended(job="a", outcome="done", unix_seconds=7.0))
    assert (job.state, job.fraction, job.eta_seconds, job.ended_unix) == ("done", 1.0, None, 7.0)


def test_a_failed_job_keeps_its_failure_and_progress() -> None:
    failure = Failure(code="not_audio", message="no")
    job = after(
        Progressed(job="a", stage="separating", fraction=0.5, eta_seconds=3.0),
        Ended(job="a", outcome="failed", unix_seconds=7.0, failure=failure),
    )
    assert (job.state, job.failure, job.fraction) == ("failed", failure, 0.5)


def test_a_repeated_warning_is_stored_once() -> None:
    warned = Warned(job="a", warning=Warning(code="would_clip", message="loud"))
    assert len(after(warned, warned).warnings) == 1


@given(st.lists(later_events))
def test_a_job_never_goes_back(events: list[JobEvent]) -> None:
    job = fold([SUBMITTED])
    for event in events:
        nxt = apply(job, event)
        assert nxt.fraction >= job.fraction
        assert STAGES.index(nxt.stage) >= STAGES.index(job.stage)
        assert nxt.results[: len(job.results)] == job.results
        if job.is_over:
            assert nxt == job
        job = nxt


@pytest.mark.parametrize("event", [Produced(job="a", result=RESULT)])
def test_an_event_before_the_submission_is_an_error(event: JobEvent) -> None:
    with pytest.raises(ValueError, match="never submitted"):
        apply(None, event)


def test_another_jobs_event_is_an_error() -> None:
    with pytest.raises(ValueError, match="applied to job a"):
        apply(after(), Produced(job="b", result=RESULT))


def test_an_empty_history_is_an_error() -> None:
    with pytest.raises(ValueError, match="begins"):
        fold([])
