"""What a client is told of a song, whatever is lost, repeated or begun again on the way."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.events import Ended, JobEvent, LiveNotes, Produced, Progressed, Requeued, Started
from bridge.farm.story import Story, lasts
from bridge.farm.task import SongEvent, TaskOutcome
from bridge.model import Result

SONG, JOB = "songsongsongso", "clientjob"


def attempt_events(files: int) -> list[JobEvent]:
    """What lasts of a run that makes so many files."""
    made = [
        Produced(job=SONG, result=Result(kind="stem", name="bass", file=f"{number}.wav", seconds=1.0))
        for number in range(files)
    ]
    return [Started(job=SONG, engine="draft", device="cpu", output_dir="/out"), *made]


def told(attempt: int, index: int, event: JobEvent | LiveNotes) -> SongEvent:
    return SongEvent(job=SONG, attempt=str(attempt), index=index, event=event)


END = Ended(job=SONG, outcome="done", unix_seconds=1.0)
PROGRESS = Progressed(job=SONG, stage="separating", fraction=0.5)


@st.composite
def ways(draw: st.DrawFn) -> tuple[list[SongEvent], int, list[JobEvent]]:
    """(what arrives, the attempt that returns, what lasts of it): with gaps, repeats and late arrivals."""
    attempts = [attempt_events(draw(st.integers(0, 4))) for _ in range(draw(st.integers(1, 4)))]
    arriving: list[SongEvent] = []
    for number, events in enumerate(attempts):
        for index, event in enumerate(events):
            if draw(st.integers(0, 4)):
                arriving.append(told(number, index, event))
            if draw(st.booleans()):
                arriving.append(told(number, -1, PROGRESS))
    for _ in range(draw(st.integers(0, 3))):
        if arriving:
            late = arriving[draw(st.integers(0, len(arriving) - 1))]
            arriving.insert(draw(st.integers(0, len(arriving))), late)
    last = draw(st.integers(0, len(attempts) - 1))
    return arriving, last, attempts[last]


def lasting_after_requeue(heard: Sequence[JobEvent | LiveNotes]) -> list[JobEvent | LiveNotes]:
    begins = [index for index, event in enumerate(heard) if isinstance(event, Requeued)]
    rest = heard[begins[-1] + 1 :] if begins else heard
    return [event for event in rest if lasts(event)]


@given(ways())
def test_the_last_begin_is_told_whole_in_order_and_once(way: tuple[list[SongEvent], int, list[JobEvent]]) -> None:
    arriving, last, events = way
    story = Story(JOB)
    heard = [shown for event in arriving for shown in story.hear(event)]
    heard += story.end(TaskOutcome(attempt=str(last), events=(*events, END)))
    assert lasting_after_requeue(heard) == [replace(event, job=JOB) for event in (*events, END)]
    assert sum(isinstance(event, Ended) for event in heard) == 1 and isinstance(heard[-1], Ended)
    assert {event.job for event in heard} == {JOB}
    assert not isinstance(heard[0], Requeued)


def test_nothing_is_told_of_an_attempt_that_was_given_up() -> None:
    story = Story(JOB)
    first, second = attempt_events(2), attempt_events(1)
    assert [*story.hear(told(1, 0, first[0]))]
    assert [type(event) for event in story.hear(told(2, 0, second[0]))] == [Requeued, Started]
    assert [*story.hear(told(1, 1, first[1]))] == []
    assert [*story.hear(told(1, -1, PROGRESS))] == []
    assert [type(event) for event in story.hear(told(2, -1, PROGRESS))] == [Progressed]


def test_what_comes_after_a_gap_waits_for_the_outcome() -> None:
    story, events = Story(JOB), attempt_events(2)
    assert [*story.hear(told(1, 1, events[1]))] == []
    heard = [*story.end(TaskOutcome(attempt="1", events=(*events, END)))]
    assert [type(event) for event in heard] == [Started, Produced, Produced, Ended]


def test_what_an_outcome_has_told_is_taken_back_where_the_song_begins_again() -> None:
    story, events = Story(JOB), attempt_events(1)
    assert [*story.end(TaskOutcome(attempt="1", events=(*events, END)))]  # its machine goes before its files are here
    again = [*story.end(TaskOutcome(attempt="2", events=(*events, END)))]
    assert [type(event) for event in again] == [Requeued, Started, Produced, Ended]
