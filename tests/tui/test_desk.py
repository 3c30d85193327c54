"""The keys of the table: with one job, with all that are marked."""

from __future__ import annotations

import time

from msgspec.structs import replace
from textual.events import Key

from bridge.request import JobRequest
from tests.support.scenes import (
    MUSIC,
    app_with,
    busy_session,
    cancelled,
    done,
    failed,
    press,
    running,
    session_with_groups,
    settle,
    submitted,
    table,
    toasts,
    top_screen,
    waiting,
)
from tui.app import SabApp
from tui.order import Heading
from tui.screens.add.form import AddForm
from tui.screens.jobs import FilterInput
from tui.screens.main import MainScreen
from tui.widgets.key_bar import KeyBar

DAY = 86_400.0
BROKEN = failed("Broken Radio", "engine_failed", "The engine failed.", at=1_700_000_500)


def rows(app: SabApp) -> list[str]:
    return [row.id for row in table(app).rows if not isinstance(row, Heading)]


def title(app: SabApp) -> str:
    return str(table(app).border_title)


async def test_r_runs_a_failed_job_again() -> None:
    app, bridge = app_with([done("Song"), BROKEN])
    async with app.run_test() as pilot:
        await press(pilot, "down", "r")
        assert bridge.asked == [], "a job that is done has nothing to retry"
        await press(pilot, "up", "r")
        assert bridge.asked == [("submit", BROKEN.request)]


async def test_retried_clips_are_a_group_again() -> None:
    app, bridge = app_with(session_with_groups())
    async with app.run_test() as pilot:
        await press(pilot, "down", "r")
        requests = [call[1] for call in bridge.asked]
        assert all(isinstance(one, JobRequest) and one.group.name == "Rehearsal" for one in requests)
        assert [one.group.clips for one in requests if isinstance(one, JobRequest)] == [2, 2]


async def test_capital_r_opens_the_form_with_the_request() -> None:
    job = done("Song")
    job = replace(job, request=replace(job.request, song=replace(job.request.song, tempo=98.0)))
    app, bridge = app_with([job])
    async with app.run_test() as pilot:
        await press(pilot, "R")
        assert top_screen(app) is AddForm
        await press(pilot, "enter")
        assert bridge.asked == [("submit", job.request)]


async def test_x_takes_a_job_off_the_list_and_u_brings_it_back() -> None:
    app, bridge = app_with([done("Song"), BROKEN])
    async with app.run_test() as pilot:
        await press(pilot, "x")
        assert bridge.asked == [("remove", "broken-radio")]
        assert (rows(app), table(app).selected) == (["song"], "song")
        assert "u brings it back" in toasts(app)[-1][1]
        await press(pilot, "x")
        assert rows(app) == []
        await press(pilot, "u", "u")
        assert rows(app) == ["broken-radio", "song"]
        assert bridge.asked[2:] == [("restore", "song"), ("restore", "broken-radio")]
        await press(pilot, "u")
        assert len(bridge.asked) == 4, "there is nothing more to bring back"


async def test_a_job_that_runs_is_not_taken_off_the_list() -> None:
    app, bridge = app_with([running("Song", "separating", 0.5, None)])
    async with app.run_test() as pilot:
        await press(pilot, "x")
        assert bridge.asked == []


async def test_u_submits_a_cancelled_job_again() -> None:
    app, bridge = app_with([waiting("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "c", "u")
        assert bridge.asked == [("cancel", "song"), ("submit", waiting("Song").request)]


async def test_marked_jobs_are_acted_on_together() -> None:
    app, bridge = app_with(busy_session())
    async with app.run_test() as pilot:
        await press(pilot, "m", "m", "m")
        assert title(app) == "Jobs · 3 marked"
        await press(pilot, "c")
        assert {call[0] for call in bridge.asked} == {"cancel"}
        assert {call[1] for call in bridge.asked} == {"moonlight-sonata-dub", "harbour", "überfahrt-夜"}
        assert table(app).marked == frozenset(), "the marks are used up"


async def test_capital_m_marks_all_that_is_shown_and_then_nothing() -> None:
    app, bridge = app_with([*busy_session(), BROKEN])
    async with app.run_test() as pilot:
        await press(pilot, "/", *"done", "enter", "M")
        assert title(app) == "Jobs · 2 with “done” · 2 marked"
        await press(pilot, "x")
        (asked,) = bridge.asked
        assert asked == ("remove", *(job.id for job in busy_session() if job.state == "done"))
        await press(pilot, "/", "escape", "M", "M")
        assert table(app).marked == frozenset()


async def test_slash_filters_while_one_types_and_escape_shows_all_again() -> None:
    app, _ = app_with(busy_session())
    async with app.run_test() as pilot:
        await press(pilot, "/", *"moon")
        field, keys = app.screen.query_one(FilterInput), app.screen.query_one(KeyBar)
        assert field.content_size.height == 1 and not field.region.overlaps(keys.region), "what is typed is seen"
        assert rows(app) == ["moonlight-sonata-dub"]
        assert table(app).selected == "moonlight-sonata-dub"
        await press(pilot, "escape")
        assert len(rows(app)) == len(busy_session())
        assert app.focused is table(app)


async def test_what_is_typed_right_after_the_slash_goes_into_the_filter() -> None:
    app, bridge = app_with([done("Mix"), done("Xylophone")])
    async with app.run_test() as pilot:
        await pilot.pause()
        for key, sign in (("slash", "/"), ("m", "m"), ("i", "i"), ("x", "x")):  # as a slow line brings them
            app.post_message(Key(key, sign))
        await settle(pilot)
        assert (rows(app), table(app).marked, bridge.asked) == (["mix"], frozenset(), [])


async def test_capital_s_sorts_and_remembers_it() -> None:
    app, _ = app_with([done("berry"), done("Apple", at=1_700_000_100), done("Cherry", at=1_700_000_200)])
    async with app.run_test() as pilot:
        await press(pilot, "S")
        assert rows(app) == ["apple", "berry", "cherry"]
        assert (title(app), app.memory.choices.sort) == ("Jobs · by name", "name")
        await press(pilot, "S", "S", "S")
        assert rows(app) == ["berry", "cherry", "apple"]


async def test_capital_o_opens_the_folder_and_y_copies_its_path() -> None:
    app, bridge = app_with([done("Song", stems=("bass",))])
    async with app.run_test() as pilot:
        await press(pilot, "O", "y")
        await app.workers.wait_for_complete()
        assert bridge.asked == [("show folder", f"{MUSIC}/stems/Song", "Song (Bass).wav", "Song (Bass).mid")]
        assert app.clipboard == f"{MUSIC}/stems/Song"


async def test_g_goes_to_the_top_and_capital_g_to_the_bottom_past_the_days() -> None:
    app, _ = app_with([done("Old", at=1_700_000_000 - DAY), done("New"), cancelled("Wrong")])
    async with app.run_test() as pilot:
        await press(pilot, "G")
        assert table(app).selected == "old"
        await press(pilot, "k")
        assert table(app).selected == "wrong", "a heading is passed over"
        await press(pilot, "g")
        assert table(app).selected == "new"


async def test_work_that_comes_in_above_is_told() -> None:
    app, bridge = app_with([done(f"Song {number}", at=1_700_000_000 + number) for number in range(100)])
    async with app.run_test() as pilot:
        await press(pilot, "G")
        for name in ("One", "Two"):
            bridge.publish(submitted(name))
        await settle(pilot)
        assert title(app) == "Jobs · ↑ 2 new"
        await press(pilot, "g")
        await pilot.pause()
        assert title(app) == "Jobs"


async def test_keys_of_the_table_are_off_while_the_bridge_closes() -> None:
    app, bridge = app_with([running("Song", "separating", 0.5, None)])
    async with app.run_test() as pilot:
        await pilot.pause()
        screen = app.screen
        assert isinstance(screen, MainScreen)
        screen.host = None
        await press(pilot, "c", "x", "r", "u")
        assert bridge.asked == []


async def test_five_thousand_jobs_cost_little_while_one_goes_on() -> None:
    jobs = [done(f"Song {number}", at=1_700_000_000 - number * 3600) for number in range(5000)]
    app, _ = app_with([*jobs, running("Now", "separating", 0.1, None)])
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "down")
        began = time.process_time()
        for _ in range(20):
            app.redraw()
        assert (time.process_time() - began) / 20 < 0.05
        assert len(rows(app)) == 5001
        await press(pilot, "G")
        assert table(app).selected == "song-4999"
