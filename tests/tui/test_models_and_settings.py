"""The screens Models and Settings: keys in, questions to the bridge out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, OptionList

from bridge.errors import BadArguments
from bridge.events import Pulled, Pulling
from bridge.model import Failure, ModelInfo
from bridge.protocols.workshop import SettingView
from tests.support.fakes import FakeBridge
from tests.support.scenes import app_with, done, press, toasts, top_screen
from tui.app import SabApp
from tui.screens.main import MainScreen
from tui.screens.models import ModelsScreen
from tui.screens.settings import SettingsScreen
from tui.widgets.plain_text import PlainText

Compare = Callable[..., bool]
MIT = "Clean stems, and the fastest of the good models. Weights: MIT, as their author republished them in July 2026."
MODELS = (
    ModelInfo(name="draft", stems=("vocals", "drums", "bass", "other"), present=True, note="Built in.", speed=9.8),
    ModelInfo(name="htdemucs", stems=("vocals", "drums", "bass", "other"), present=False, note=MIT,
              size_bytes=84_141_911, licence="MIT"),
    ModelInfo(name="mine", stems=(), present=True, note="Your own model.", licence="yours"),
)  # fmt: skip
SETTINGS = (
    SettingView(name="port", help="The UDP port for OSC.", words="", text="9800", default="9720", is_waiting=True),
    SettingView(name="no_midi", help="Open no MIDI ports.", words="", text="", default="false",
                choices=("true", "false")),
    SettingView(name="engine", help="What separates the clip.", words="a name from `sab models`, or auto", text="draft",
                default="auto", overridden_by="SAB_ENGINE"),
)  # fmt: skip


def app_of() -> tuple[SabApp, FakeBridge]:
    app, bridge = app_with([done("Song")])
    bridge.known_models, bridge.workshop.views = MODELS, SETTINGS
    return app, bridge


async def opened(pilot: Pilot[None], *keys: str) -> None:
    await press(pilot, *keys)
    await pilot.app.workers.wait_for_complete(
        [each for each in pilot.app.workers if each.group in ("models", "settings")]
    )
    await pilot.pause()


def details(app: SabApp) -> str:
    return "\n".join(str(text.render()) for text in app.screen.query(PlainText))


def rows(app: SabApp) -> list[str]:
    return [str(option.prompt) for option in app.screen.query_one(OptionList).options]


async def test_models_are_listed_and_the_default_has_a_star() -> None:
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "D")
        assert top_screen(app) is ModelsScreen
        assert [row.split()[:2] for row in rows(app)] == [["★", "draft"], ["htdemucs", "84"], ["mine", "here"]]
        await press(pilot, "down")
        assert "MIT" in details(app) and "84 MB" in details(app)
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen


@pytest.mark.parametrize("key", ["p", "enter"])
async def test_a_download_shows_its_progress_and_can_be_cancelled(key: str) -> None:
    app, bridge = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "D")
        await press(pilot, key)  # draft is here
        assert bridge.workshop.asked == []
        await press(pilot, "down", key)
        assert bridge.workshop.asked == [("pull", "htdemucs")]
        bridge.publish(Pulling(name="htdemucs", fraction=0.42))
        await pilot.pause()
        assert "42%" in rows(app)[1]
        await press(pilot, "c")
        assert bridge.workshop.asked[-1] == ("cancel pull", "htdemucs")
        bridge.publish(Pulled(name="htdemucs", is_cancelled=True))
        await opened(pilot)
        assert "84 MB" in rows(app)[1]


async def test_a_download_that_fails_says_why() -> None:
    app, bridge = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "D", "down")
        failure = Failure(code="weights_unavailable", message="The Hugging Face hub cannot be reached.")
        bridge.publish(Pulled(name="htdemucs", failure=failure))
        await opened(pilot)
        assert "cannot be reached" in details(app)


async def test_a_model_becomes_the_default() -> None:
    app, bridge = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "D", "end", "e")
        await pilot.pause()
        assert bridge.workshop.asked == [("change", "engine", "mine")]
        assert [row[0] for row in rows(app)] == [" ", " ", "★"]


async def test_a_setting_is_edited_where_it_stands() -> None:
    app, bridge = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "comma")
        assert top_screen(app) is SettingsScreen
        await press(pilot, "enter")
        assert app.screen.query_one(Input).value == "9800"
        await opened(pilot, "end", "backspace", "1", "enter")
        assert bridge.workshop.asked == [("change", "port", "9801")]
        assert rows(app)[0].split() == ["↻", "port", "9801"]
        assert "next start" in details(app)
        assert app.screen.query_one(OptionList).has_focus


async def test_a_refused_value_says_why_and_stays_in_the_field() -> None:
    app, bridge = app_of()
    bridge.workshop.refuse = BadArguments("port must be between 0 and 65535, not 98009.", advice="")
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "comma", "enter")
        await opened(pilot, "9", "enter")
        assert "between 0 and 65535" in details(app)
        assert app.screen.query_one(Input).has_focus
        await press(pilot, "escape")
        assert top_screen(app) is SettingsScreen
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen


async def test_x_takes_a_setting_out_of_the_file() -> None:
    app, bridge = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "comma", "x")
        await opened(pilot)
        assert bridge.workshop.asked == [("change", "port", "")]
        await opened(pilot, "down", "x")  # the file has none
        assert len(bridge.workshop.asked) == 1


async def test_a_variable_of_the_environment_that_wins_is_named() -> None:
    app, _ = app_of()
    async with app.run_test(size=(100, 30)) as pilot:
        await opened(pilot, "comma", "end")
        assert "SAB_ENGINE is set and wins" in details(app)
        assert not toasts(app)


@pytest.mark.parametrize("size", [(60, 20), (100, 30)], ids=["60x20", "100x30"])
@pytest.mark.parametrize("room", ["models", "settings"])
def test_pictures(snap_compare: Compare, room: str, size: tuple[int, int]) -> None:
    app, bridge = app_of()

    async def look(pilot: Pilot[None]) -> None:
        await opened(pilot, "D" if room == "models" else "comma")
        await press(pilot, "down")
        if room == "models":
            bridge.publish(Pulling(name="htdemucs", fraction=0.42))
        else:
            await press(pilot, "enter")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=look)
