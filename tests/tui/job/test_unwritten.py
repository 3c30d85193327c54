"""Changes of an opened job that are not written: leaving it says so once."""

from __future__ import annotations

from tests.support.open_jobs import lines, open_it, program, use
from tests.support.scenes import press, top_screen
from tui.screens.job.screen import JobScreen
from tui.screens.job.widgets import Title
from tui.screens.main import MainScreen


async def test_escape_asks_once_where_changes_would_be_lost() -> None:
    opened = program()
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "tab", "right", "escape")
        assert top_screen(opened.app) is JobScreen
        assert "is not written" in lines(opened, Title)[1]
        await press(pilot, "right", "escape")
        assert top_screen(opened.app) is JobScreen
        await press(pilot, "escape")
        assert top_screen(opened.app) is MainScreen


async def test_quitting_asks_once_where_changes_would_be_lost() -> None:
    opened = program()
    opened.app._can_leave = True
    async with opened.app.run_test() as pilot:
        await open_it(pilot, "tab", "right", "q")
        assert opened.app.is_running and "q once more leaves it" in lines(opened, Title)[1]
        await use(pilot, "right", "b")
        assert opened.app.is_running and "b once more leaves it" in lines(opened, Title)[1]
        await press(pilot, "b")
    assert opened.app.parting == "to be left running"
