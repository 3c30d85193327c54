"""The main screen in terminals of every size, and the ways around it: growing panels, jump mode, help, palette."""

from __future__ import annotations

import pytest
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

from tests.support.scenes import app_with, busy_session, done, press, table, top_screen
from tui.app import SabApp
from tui.keys import KEYS_BY_SCREEN
from tui.screens.dialogs.help import HelpDialog
from tui.screens.jump import JumpLetter, JumpScreen
from tui.screens.main import MainScreen
from tui.widgets.jobs_table import JobsTable
from tui.widgets.log_view import LogView
from tui.widgets.panels import JobDetails, PortsPanel
from tui.widgets.plain_text import PlainText


@pytest.mark.parametrize("size", [(40, 12), (60, 20), (60, 40), (80, 24), (120, 40), (160, 45), (200, 55)])
async def test_the_table_of_jobs_has_room_in_every_terminal(size: tuple[int, int]) -> None:
    app, _ = app_with(busy_session())
    async with app.run_test(size=size) as pilot:
        await press(pilot)
        assert table(app).region.height >= 7  # its title, its heading, and five jobs
        assert table(app).region.width >= min(72, size[0])
        assert app.screen.query_one(Footer).region.bottom == size[1]


@pytest.mark.parametrize(("size", "is_shown"), [((60, 20), False), ((60, 40), True), ((80, 24), True)])
async def test_a_small_terminal_has_no_room_for_the_ports(size: tuple[int, int], is_shown: bool) -> None:
    app, _ = app_with(busy_session())
    async with app.run_test(size=size) as pilot:
        await press(pilot)
        assert app.screen.query_one(PortsPanel).is_on_screen is is_shown


async def test_a_wide_terminal_has_three_columns() -> None:
    app, _ = app_with(busy_session())
    async with app.run_test(size=(160, 45)) as pilot:
        await press(pilot)
        columns = [app.screen.query_one(kind).region for kind in (JobsTable, JobDetails, LogView)]
        assert [region.y for region in columns] == [1, 1, 1]
        assert columns[0].right <= columns[1].x < columns[1].right <= columns[2].x


async def test_v_lets_the_details_grow_then_the_log_then_shows_all_again() -> None:
    app, _ = app_with(busy_session())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "v")
        details = app.screen.query_one(JobDetails)
        assert (details.region.height, details.has_focus, table(app).is_on_screen) == (22, True, False)
        await press(pilot, "v")
        assert app.screen.query_one(LogView).region.height == 22
        await press(pilot, "v")
        assert table(app).has_focus and table(app).region.height >= 7


async def test_jump_mode_goes_to_a_row_by_its_letter() -> None:
    app, _ = app_with(busy_session())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+o")
        assert top_screen(app) is JumpScreen
        assert len(app.screen.query(JumpLetter)) == len(busy_session()) + 3  # the rows, the table, the details, the log
        await press(pilot, "d")  # the third place: after the table and its first row
        await pilot.pause()
        assert (top_screen(app), table(app).selected) == (MainScreen, table(app).rows[1].id)


async def test_jump_mode_goes_to_a_panel_and_any_other_key_leaves_it() -> None:
    app, _ = app_with([done("Song")])
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "ctrl+o", "d")  # after the table and its only row
        await pilot.pause()
        assert app.screen.query_one(JobDetails).has_focus
        await press(pilot, "ctrl+o", "escape")
        assert top_screen(app) is MainScreen


@pytest.mark.parametrize("key", ["f1", "question_mark"])
async def test_the_help_has_every_key_of_every_screen(key: str) -> None:
    app, _ = app_with()
    async with app.run_test() as pilot:
        await press(pilot, key)
        assert top_screen(app) is HelpDialog
        shown = "\n".join(str(text.render()) for text in app.screen.query(PlainText))
        for keys in KEYS_BY_SCREEN.values():
            assert all(each.help in shown for each in keys)


async def test_a_click_on_a_key_of_the_footer_is_that_key() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot)
        stop = next(key for key in app.screen.query("FooterKey") if key.action == "app.stop" or key.action == "stop")  # type: ignore[attr-defined]
        await pilot.click(stop)
        assert ("stop", None) in bridge.asked


async def test_the_help_begins_with_the_keys_of_the_screen_that_asks() -> None:
    app, _ = app_with([done("Song")])
    async with app.run_test(size=(80, 24)) as pilot:
        for keys, title in (((), "Jobs"), (("C",), "Connections"), (("escape", "enter"), "An opened job")):
            await press(pilot, *keys, "f1")
            assert str(app.screen.query(PlainText).first().render()) == title
            await press(pilot, "escape")


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (60, "Add Open Play Stop Help Quit"),
        (80, "Add Cancel Open Play Stop Panic Help Quit"),
        (140, "Add Cancel Retry Filter Open Play Stop Panic Connections Models Settings Help Quit"),
    ],
)
async def test_a_narrow_footer_keeps_what_is_needed_most(width: int, shown: str) -> None:
    app, _ = app_with([done("Song")])
    async with app.run_test(size=(width, 30)) as pilot:
        await press(pilot)
        assert _footer(app) == f"{shown} palette"
        await pilot.resize_terminal(200, 30)
        await pilot.pause()
        assert "Run again" in _footer(app)
        await pilot.resize_terminal(60, 20)
        await press(pilot, "enter")
        assert _footer(app) == "Sliders Hear Write Back Help palette"


def _footer(app: SabApp) -> str:
    """The words that the footer shows whole."""
    bar = app.screen.query_one(Footer)
    keys = [key for key in bar.query(FooterKey) if bar.region.contains_region(key.region)]
    return " ".join(key.description for key in keys)
