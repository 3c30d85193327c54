"""The screen shows every name and message as plain text."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from pkgutil import iter_modules

import pytest
from hypothesis import HealthCheck, given, settings
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.screen import ModalScreen
from textual.strip import Strip
from textual.widgets import Input, OptionList
from textual.widgets import Static as TextualsStatic

from bridge.errors import EngineFailed, NotFound
from bridge.events import Noticed
from bridge.model import Job, MidiStatus, Music, Port
from bridge.plain import plain
from bridge.protocols.looking import FileLook
from tests.support.hostile import NAMES, is_harmless, is_text, names
from tests.support.scenes import app_with, done, failed, running, settle, toasts
from tui.screens import dialogs
from tui.screens.add.form import PathInput
from tui.screens.dialogs.failed import FailedDialog
from tui.screens.dialogs.help import HelpDialog
from tui.screens.dialogs.lost import LostDialog
from tui.screens.dialogs.play import PlayDialog
from tui.screens.dialogs.quit import QuitDialog
from tui.screens.dialogs.results import ResultsDialog
from tui.screens.dialogs.tempo import TempoDialog
from tui.terminal.app import TerminalApp
from tui.widgets.plain_text import PlainText, set_border_title


def drawn_lines(app: App[None]) -> list[Strip]:
    """Every line of the top screen, as it is sent to the terminal."""
    width, height = app.size
    return app.screen._compositor.render_strips(Region(0, 0, width, height).size)


def screen_text(app: App[None]) -> str:
    strips = drawn_lines(app)
    assert all(strip.text.isprintable() for strip in strips), [strip.text for strip in strips]
    assert not any("@click" in segment.style.meta for strip in strips for segment in strip if segment.style is not None)
    return "\n".join(strip.text for strip in strips)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settle(pilot)


def jobs_named(name: str) -> tuple[Job, ...]:
    """A done, a failed and a running job with this name, which is in their messages too."""
    return (
        done(name, warning=name),
        failed(f"{name} 2", "not_audio", name),
        running(f"{name} 3", "writing", 0.5, None),
    )


@pytest.mark.parametrize("name", NAMES)
async def test_every_part_of_the_screen_shows_a_name_as_text(name: str) -> None:
    ports = MidiStatus(backend="jack", ports=(Port(stem="vocals", name=name),))
    jobs = jobs_named(name)
    app, bridge = app_with(jobs, ports)
    async with app.run_test(size=(120, 40)) as pilot:
        bridge.publish(Noticed(level="warning", message=name))
        for job in jobs:
            app.screen_stack[1].select(job.id)  # type: ignore[attr-defined]
            await settle(pilot)
            screen_text(app)
        assert plain(name)[:12].split()[0] in screen_text(app)


@pytest.mark.parametrize("name", NAMES)
async def test_the_files_of_a_job_are_shown_as_text_and_copied_unchanged(name: str) -> None:
    job = done(name)
    app, _ = app_with([job])
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "o")
        assert isinstance(app.screen, ResultsDialog)
        text = screen_text(app)
        assert plain(name)[:10].rstrip() in text
        await pilot.click(app.screen.query("Vertical").first(), offset=(4, 0))  # the title
        assert app.is_running
        app.screen.query_one(OptionList).focus()
        await press(pilot, "down", "enter")
        await pilot.pause()
        assert app.clipboard == job.results[0].path
        (toast,) = app._notifications
        assert toast.title == ("Copied" if is_text(name) else "This name is not valid text, so it cannot be copied.")
        screen_text(app)


@pytest.mark.parametrize("name", NAMES)
async def test_the_form_and_its_browser_show_text(name: str, tmp_path: Path) -> None:
    app, bridge = app_with()
    bridge.refuse = NotFound(f"There is no {name}.", advice=name)
    bridge.looks = {str(tmp_path / "a.wav"): FileLook(path="a.wav", seconds=3.0, title=name, artist=name)}
    (tmp_path / "a.wav").touch()
    async with app.run_test(size=(120, 40)) as pilot:
        app.memory.remember(folder=str(tmp_path))
        await press(pilot, "a", "ctrl+b")
        await app.workers.wait_for_complete()
        screen_text(app)
        await press(pilot, "enter")
        await app.workers.wait_for_complete()
        screen_text(app)
        await press(pilot, "enter")
        screen_text(app)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no such names")
@pytest.mark.parametrize("way", ["one", "several"])
async def test_a_name_that_is_no_text_is_refused_and_the_others_go_on(way: str, tmp_path: Path) -> None:
    for name in (b"a\xff.wav", b"b.wav"):
        (tmp_path / os.fsdecode(name)).touch()
    app, bridge = app_with()
    async with app.run_test(size=(120, 40)) as pilot:
        app.memory.remember(folder=str(tmp_path))
        await press(pilot, "a", "ctrl+b")
        await app.workers.wait_for_complete()
        await press(pilot, *(["enter"] if way == "one" else ["ctrl+a", "enter"]))
        await app.workers.wait_for_complete()
        await press(pilot, "enter")
        await app.workers.wait_for_complete()
        assert "not a name in UTF-8" in screen_text(app) or "not in UTF-8" in screen_text(app)
        assert len(bridge.asked) == (way == "several")


async def test_a_question_that_fails_is_told_and_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def fail() -> None:
        raise ValueError("not foreseen")

    app, _ = app_with()
    async with app.run_test(size=(120, 40)) as pilot:
        app.run_worker(fail())
        await pilot.pause()
        assert [heading for heading, *_ in toasts(app)] == ["ValueError: not foreseen."]
        await press(pilot, "a")
        assert app.is_running and app.error is None
    assert any("not foreseen" in str(record.exc_info) for record in caplog.records)
    caplog.clear()


@pytest.mark.parametrize("name", NAMES)
async def test_refusals_and_the_quit_dialog_show_text(name: str) -> None:
    app, bridge = app_with([running(name, "writing", 0.5, None)])
    async with app.run_test(size=(120, 40)) as pilot:
        bridge.refuse = NotFound(f"There is no {name}.", advice=name)
        await press(pilot, "a")
        app.screen.query_one(PathInput).value = name
        await press(pilot, "enter")
        screen_text(app)
        bridge.refuse = EngineFailed(name)
        await press(pilot, "escape", "q")
        assert isinstance(app.screen, QuitDialog)
        screen_text(app)


#: Each dialog with a text of which it shows as much as it can.
DIALOGS: Mapping[type[ModalScreen[None]], Callable[[str], ModalScreen[None]]] = {
    FailedDialog: lambda name: FailedDialog(EngineFailed(name, advice=name)),
    HelpDialog: lambda name: HelpDialog(name, here=name),
    LostDialog: lambda name: LostDialog(NotFound(name, advice=name)),
    PlayDialog: lambda name: PlayDialog(done(name)),
    QuitDialog: lambda name: QuitDialog((running(name, "writing", 0.5, None),), are_kept=True),
    ResultsDialog: lambda name: ResultsDialog(done(name)),
    TempoDialog: lambda name: TempoDialog(done(name), Music(tempo_bpm=98.0, tempo_source="estimated")),
}


def test_no_dialog_is_left_out() -> None:
    modules = [importlib.import_module(f"{dialogs.__name__}.{found.name}") for found in iter_modules(dialogs.__path__)]
    found = {value for module in modules for value in vars(module).values() if isinstance(value, type)}
    kinds = {kind for kind in found if issubclass(kind, ModalScreen) and kind.__module__ != f"{dialogs.__name__}.base"}
    assert kinds - {ModalScreen} == set(DIALOGS)


@pytest.mark.parametrize("kind", DIALOGS, ids=lambda kind: kind.__name__)
async def test_every_dialog_and_toast_shows_text(kind: type[ModalScreen[None]]) -> None:
    name = " ".join(NAMES)
    app = UnprotectedWidgets(name)
    async with app.run_test(size=(120, 40)) as pilot:
        app.push_screen(DIALOGS[kind](name))
        await pilot.pause()
        screen_text(app)
        assert app.is_running


class UnprotectedWidgets(TerminalApp):
    """Widgets without protection of their own, Textual's among them."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._words = name

    def compose(self) -> ComposeResult:
        yield TextualsStatic(self._words, markup=False)
        yield Input(self._words)
        yield PlainText(self._words)

    def on_mount(self) -> None:
        set_border_title(self.query_one(PlainText), self._words)
        self.notify(self._words, title=self._words)


@given(names)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
async def test_no_widget_draws_a_control_character(name: str) -> None:
    app = UnprotectedWidgets(name)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        screen_text(app)
        assert {cell_len(strip.text) for strip in drawn_lines(app)} == {60}


async def test_an_uncaught_exception_ends_the_screen_with_an_error() -> None:
    def fail() -> None:
        raise ZeroDivisionError("[b]half a b\x1b[2J")

    app = UnprotectedWidgets("name")
    with pytest.raises(ZeroDivisionError):
        async with app.run_test() as pilot:
            app.call_later(fail)
            await pilot.pause()
    assert app.return_code == 1
    assert is_harmless(str(app.error))
    assert "ZeroDivisionError: [b]half a b" in str(app.error)
