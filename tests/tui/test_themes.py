"""The colours: the terminal's background decides, then the user, whose choice is remembered; NO_COLOR has none."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.fakes import FakeBridge, FakeClock
from tests.support.scenes import app_with, busy_session, opener_of, press, table
from tui.app import SabApp
from tui.memory import Memory
from tui.themes import WITHOUT_COLOUR


def app_in(folder: Path) -> SabApp:
    return SabApp(opener_of(FakeBridge()), clock=FakeClock(), memory=Memory(folder))


async def test_a_light_terminal_has_the_light_theme(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    async with app.run_test() as pilot:
        app.post_message(app.Background(is_light=True))
        await pilot.pause()
        assert app.theme == "day"
    app.memory.close()
    assert Memory(tmp_path).choices.theme == ""  # another terminal may be dark


async def test_the_users_choice_is_remembered_and_counts_more_than_the_background(tmp_path: Path) -> None:
    app = app_in(tmp_path)
    async with app.run_test() as pilot:
        app.theme = "nord"
        await pilot.pause()
    app.memory.close()
    again = app_in(tmp_path)
    async with again.run_test() as pilot:
        again.post_message(again.Background(is_light=True))
        await pilot.pause()
        assert again.theme == "nord"


async def test_a_remembered_theme_that_is_no_longer_there_is_night(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember(theme="sepia")
    memory.close()
    async with app_in(tmp_path).run_test() as pilot:
        assert pilot.app.theme == "night"


async def test_without_colours_the_selected_row_is_reversed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    app, _ = app_with(busy_session())
    async with app.run_test() as pilot:
        await press(pilot)
        assert table(app).palette is WITHOUT_COLOUR
        assert any(segment.style and segment.style.reverse for segment in table(app).render_line(1))
