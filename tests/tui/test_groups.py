"""Groups on the screen: one row, which opens."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.widgets import Input

from bridge.events import Ended, GroupEnded, Progressed, Submitted
from bridge.groups.group import Group, groups_of
from bridge.model import Job
from bridge.options.special_kinds import LONGEST_GROUP_NAME
from tests.support.fakes import FakeBridge
from tests.support.requests import request_for
from tests.support.scenes import (
    app_with,
    cancelled,
    done,
    failed,
    grouped,
    press,
    running,
    session_with_groups,
    settle,
    table,
    toasts,
    waiting,
)
from tui.app import SabApp
from tui.availability import is_possible
from tui.keys import KEYS
from tui.order import TableOrder, View
from tui.render.group import group_details, group_row
from tui.render.roles import PLAIN
from tui.screens.add.submission import _group_name
from tui.state import initial_view, view_after
from tui.widgets.panels import JobDetails


def group_of(*jobs: Job) -> Group:
    (group,) = groups_of(grouped(*jobs)).values()
    return group


def rows(app: SabApp) -> list[str]:
    return [row.id for row in table(app).rows]


async def test_a_group_is_one_row_that_space_opens_and_closes() -> None:
    app, _ = app_with(session_with_groups())
    async with app.run_test() as pilot:
        await settle(pilot)
        assert rows(app) == ["gid", "old", "night-bus"]
        assert table(app).selected == "gid"
        await press(pilot, "space")
        clips = ["harbour", "broken-radio", "moonlight-sonata-dub", "überfahrt-夜"]
        assert rows(app) == ["gid", *clips, "old", "night-bus"]
        await press(pilot, "down", "down", "space")  # on a clip: its group closes, and is selected
        assert rows(app) == ["gid", "old", "night-bus"]
        assert table(app).selected == "gid"


async def test_c_cancels_the_whole_group_and_on_a_clip_only_the_clip() -> None:
    app, bridge = app_with(session_with_groups())
    async with app.run_test() as pilot:
        await press(pilot, "c", "space", "down", "down", "down", "c")
        assert bridge.asked == [("cancel group", "gid"), ("cancel", "moonlight-sonata-dub")]


async def test_keys_of_jobs_do_nothing_on_a_group() -> None:
    app, bridge = app_with(session_with_groups())
    async with app.run_test() as pilot:
        await press(pilot, "p", "f", "o", "down", "c")
        assert bridge.asked == []
        assert toasts(app) == []


async def test_a_clip_of_an_open_group_plays() -> None:
    app, bridge = app_with(session_with_groups())
    async with app.run_test() as pilot:
        await press(pilot, "space", "down", "p")
        assert bridge.asked == [("play", "harbour", None)]


async def test_progress_and_end_of_a_group_are_shown_as_they_come() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await pilot.pause()
        for position, name in enumerate("abc", 1):
            request = request_for(f"/{name}.wav", group="Takes")
            bridge.publish(
                Submitted(job=name, name=name, request=request, unix_seconds=0.0, group_id="g", position=position)
            )
        bridge.publish(Progressed(job="a", stage="separating", fraction=0.6))
        await settle(pilot)
        (group,) = table(app).rows
        assert isinstance(group, Group)
        assert (group.name, group.clips, group.ended, round(group.fraction, 3)) == ("Takes", 3, 0, 0.2)
        for name, outcome in (("a", "done"), ("b", "failed"), ("c", "done")):
            bridge.publish(Ended(job=name, outcome=outcome, unix_seconds=1.0))  # type: ignore[arg-type]
        bridge.publish(GroupEnded(group_id="g", name="Takes", done=2, failed=1, cancelled=0))
        await settle(pilot)
        group = table(app).rows[-1]  # below the heading of its day
        assert isinstance(group, Group)
        assert (group.state, group.fraction) == ("failed", 1.0)
        assert (app.state.log[-1].subject, app.state.log[-1].message) == (
            "Takes",
            "all 3 clips are over: 2 done, 1 failed",
        )


async def test_the_selection_stays_on_a_group_that_moves() -> None:
    app, bridge = app_with(session_with_groups())
    async with app.run_test() as pilot:
        await press(pilot, "down")
        bridge.publish(Submitted(job="new", name="new", request=request_for("/new.wav"), unix_seconds=0.0))
        await settle(pilot)
        assert table(app).selected == "old"
        assert app.screen.query_one(JobDetails).row is app.state.groups["old"]


async def test_several_files_that_are_added_at_once_are_one_group() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "a")
        app.screen.query_one(Input).value = '"/music/Takes/a.wav" "/music/Takes/b.wav"'
        await press(pilot, "enter")
        assert [request.group.name for _, request in bridge.asked] == ["Takes", "Takes"]  # type: ignore[attr-defined]
        await press(pilot, "a")
        app.screen.query_one(Input).value = "/music/Takes/c.wav"
        await press(pilot, "enter")
        assert bridge.asked[-1][1].group.name == ""  # type: ignore[attr-defined]


async def test_a_thousand_clips_are_one_row_and_open_quickly() -> None:
    clips = grouped(*(waiting(f"Clip {number}") for number in range(1000)))
    app, bridge = app_with(clips)
    async with app.run_test() as pilot:
        await press(pilot, "space", "end")
        assert table(app).selected == "clip-999"
        for number in range(50):
            bridge.publish(Progressed(job="clip-0", stage="separating", fraction=number / 50))
        await settle(pilot)
        await press(pilot, "space")
        assert rows(app) == ["gid"]


@given(st.permutations(session_with_groups()), st.sets(st.sampled_from(["gid", "old", "night-bus", "none"])))
def test_every_job_is_in_one_row_or_in_its_group(jobs: list[Job], opened: set[str]) -> None:
    state = initial_view(jobs, FakeBridge().status(), "", 0.0)
    shown = [row.id for row in TableOrder().lines(state, View(frozenset(opened)), 1_700_000_600.0)]
    inside = [job.id for group in state.groups.values() if group.id in opened for job in group.jobs]
    assert sorted(shown) == sorted(["gid", "old", "night-bus", *inside])
    for group in state.groups.values():
        if group.id in opened:
            at = shown.index(group.id) + 1
            assert shown[at : at + len(group.jobs)] == [job.id for job in group.jobs]
    assert view_after(state, [], 0.0).groups == state.groups


@pytest.mark.parametrize(
    ("group", "actions"),
    [
        (group_of(running("A", "writing", 0.5, None), done("B")), {"open", "clips"}),
        (group_of(done("A"), failed("B", "internal", "No.")), {"open", "clips"}),
    ],
)
def test_the_actions_of_a_group(group: Group, actions: set[str]) -> None:
    always = {key.action for key in KEYS if is_possible(key.action, None, bridge_is_open=True)}
    assert {key.action for key in KEYS if is_possible(key.action, group, bridge_is_open=True)} == always | actions


@given(st.text(max_size=64), st.integers(58, 200), st.booleans(), st.booleans())
def test_a_row_has_the_width_of_the_table_whatever_the_name(name: str, width: int, is_open: bool, over: bool) -> None:
    jobs = (done("A"), cancelled("B")) if over else (done("A"), running("B", "writing", 0.5, None), waiting("C"))
    group = msgspec.structs.replace(group_of(*jobs), name=name)
    row = group_row(group, width, PLAIN, is_open=is_open, selected=is_open)
    assert cell_len(row.plain) == width
    assert row.plain.isprintable()
    assert all(cell_len(line) <= width for line in group_details(group, width, PLAIN).plain.split("\n"))


@given(st.lists(st.text(), min_size=2))
def test_the_name_of_dropped_files_is_one_that_the_option_takes(paths: list[str]) -> None:
    name = _group_name(paths)
    assert 0 < len(name) <= LONGEST_GROUP_NAME
    assert name.isprintable()
    assert name == name.strip()
