"""The lines of the table: what is shown, in what order, under which day."""

from __future__ import annotations

from datetime import date, timezone

import pytest
from msgspec.structs import replace

from bridge.events import Ended, Progressed, Removed, Restored
from bridge.model import Job
from tests.support.fakes import FakeBridge
from tests.support.scenes import busy_session, cancelled, done, failed, running, session_with_groups
from tui.order import SORTS, Heading, TableOrder, View, day_words, when_words
from tui.state import ViewState, initial_view, view_after

UTC = timezone.utc
NOW = 1_700_001_000.0
DAY = 86_400.0
TODAY = date(2023, 11, 14)


def state_of(*jobs: Job) -> ViewState:
    return initial_view(jobs, FakeBridge().status(), "", NOW)


def words(state: ViewState, view: View | None = None, order: TableOrder | None = None) -> list[str]:
    lines = (order or TableOrder(UTC)).lines(state, view or View(), NOW)
    return [f"[{line.words}]" if isinstance(line, Heading) else line.name for line in lines]


def test_the_history_has_a_heading_for_each_day() -> None:
    state = state_of(
        done("Ancient", at=NOW - 400 * DAY), done("Older", at=NOW - 3 * DAY), done("Old", at=NOW - DAY), done("New"),
        running("Now", "writing", 0.5, None),
    )  # fmt: skip
    expected = ["Now", "[Today]", "New", "[Yesterday]", "Old", "[11 November]", "Older", "[10 October 2022]", "Ancient"]
    assert words(state) == expected


def test_a_history_of_today_alone_needs_none() -> None:
    assert words(state_of(done("One"), done("Two", at=1_700_000_500))) == ["Two", "One"]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("name", ["Apple", "berry", "Cherry"]),
        ("state", ["Apple", "berry", "Cherry"]),
        ("length", ["berry", "Cherry", "Apple"]),
    ],
)
def test_other_orders(sort: str, order: list[str]) -> None:
    jobs = (done("berry"), failed("Apple", "x", "no", at=NOW - 5 * DAY), cancelled("Cherry"))
    assert sort in SORTS
    assert words(state_of(*jobs), View(sort=sort)) == order


@pytest.mark.parametrize(
    ("filter_words", "found"),
    [
        ("moon", ["Moonlight Sonata Dub"]),
        ("NIGHT bus", ["Night Bus"]),
        ("cancelled", ["Wrong Take"]),
        ("waiting", ["Harbour", "Überfahrt 夜"]),
        ("htdemucs", ["Moonlight Sonata Dub", "Tiny Lights and Other Long Stories", "Night Bus"]),
        ("today harbour", ["Harbour"]),
        ("touchosc", ["Night Bus"]),
        ("nowhere", []),
    ],
)
def test_a_filter_looks_at_name_engine_state_origin_and_day(filter_words: str, found: list[str]) -> None:
    jobs = [replace(job, origin="TouchOSC") if job.name == "Night Bus" else job for job in busy_session()]
    assert words(state_of(*jobs), View(filter=filter_words)) == found


def test_today_leaves_out_the_days_before() -> None:
    assert words(state_of(done("Old", at=NOW - DAY), done("New")), View(filter="today")) == ["New"]


def test_a_group_is_found_by_its_clips() -> None:
    assert words(state_of(*session_with_groups()), View(filter="verse")) == ["Rehearsal"]


def test_what_changes_is_shown_although_the_rest_is_held() -> None:
    order = TableOrder(UTC)
    state = state_of(done("Old"), running("Now", "separating", 0.1, None))
    assert words(state, order=order) == ["Now", "Old"]
    state = view_after(state, [Progressed(job="now", stage="writing", fraction=0.9)], NOW)
    (first, _) = order.lines(state, View(), NOW)
    assert isinstance(first, Job) and first.fraction == 0.9
    state = view_after(state, [Ended(job="now", outcome="done", unix_seconds=NOW)], NOW)
    assert words(state, order=order) == ["Now", "Old"]
    old = state.jobs["old"]
    state = view_after(state, [Removed(job="old", unix_seconds=NOW)], NOW)
    assert words(state, order=order) == ["Now"]
    state = view_after(state, [Restored(job="old", unix_seconds=NOW, value=old)], NOW)
    assert words(state, order=order) == ["Now", "Old"]


def test_a_group_without_a_removed_clip_is_smaller() -> None:
    state = view_after(state_of(*session_with_groups()), [Removed(job="verse", unix_seconds=NOW)], NOW)
    assert [job.name for job in state.groups["old"].jobs] == ["Chorus", "Bridge"]


@pytest.mark.parametrize(
    ("ago", "long", "short"),
    [
        (0.0, "22:30", "22:30"),
        (DAY, "yesterday", "Mon"),
        (3 * DAY, "11 Nov", "11 Nov"),
        (400 * DAY, "Oct 2022", "Oct 22"),
    ],
)
def test_when_a_job_ended(ago: float, long: str, short: str) -> None:
    assert when_words(NOW - ago, TODAY, UTC) == long
    assert when_words(NOW - ago, TODAY, UTC, short=True) == short
    assert when_words(0.0, TODAY, UTC) == ""


def test_days_have_names() -> None:
    assert day_words(TODAY, TODAY) == "Today"
