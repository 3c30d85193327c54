"""The first start: the demo at a key, and the steps of each DAW with a mark once it has said hello."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import TabbedContent

from bridge.connections.values import ClientSeen, Connections
from bridge.errors import NotWritable
from bridge.request import JobRequest
from tests.support.scenes import NO_MIDI, app_with, done, press, table, toasts, top_screen
from tui.demo_clip import own_demo_clip
from tui.screens.job.screen import JobScreen
from tui.screens.main import MainScreen
from tui.widgets.welcome import STEPS, Welcome


@pytest.fixture
def music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tui.demo_clip.platformdirs.user_music_path", lambda: tmp_path / "Music")
    return tmp_path / "Music"


@pytest.mark.parametrize("key", ["d", "enter"])
async def test_a_key_takes_the_demo_apart_opens_it_and_plays_it(music: Path, key: str) -> None:
    app, bridge = app_with()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot)
        await press(pilot, key)
        while top_screen(app) is MainScreen:
            await pilot.pause(0.01)
        assert top_screen(app) is JobScreen
    ((asked, request),) = bridge.asked
    assert asked == "submit" and isinstance(request, JobRequest)
    assert request.play.when_done is True
    assert Path(request.source).is_relative_to(music) and Path(request.source).read_bytes().startswith(b"OggS")


@pytest.mark.usefixtures("music")
async def test_without_ports_the_demo_is_opened_and_does_not_play() -> None:
    app, bridge = app_with(midi=NO_MIDI)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot)
        await press(pilot, "d")
        while top_screen(app) is MainScreen:
            await pilot.pause(0.01)
    ((_, request),) = bridge.asked
    assert isinstance(request, JobRequest) and request.play.when_done is False


async def test_a_click_on_a_tab_shows_its_steps() -> None:
    app, _ = app_with()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot)
        tabs = app.screen.query_one(TabbedContent)
        await pilot.click(tabs.get_tab("reaper"))
        await pilot.pause()
        assert tabs.active == "reaper"


async def test_a_daw_that_has_said_hello_has_a_mark(monkeypatch: pytest.MonkeyPatch) -> None:
    app, bridge = app_with()
    bridge.known_connections = Connections(clients=(ClientSeen(name="Ableton Live", host="127.0.0.1", port=9000),))
    monkeypatch.setattr("tui.widgets.welcome.LOOK_SECONDS", 0.01)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot)
        while not app.screen.query_one(Welcome).heard:
            await pilot.pause(0.01)
        await pilot.pause()
        assert app.screen.query_one(Welcome).heard == {"live"}
        assert str(app.screen.query_one(TabbedContent).get_tab("live").label) == f"✓ {STEPS['live'][0]}"


async def test_with_a_job_there_is_no_welcome_and_d_does_nothing() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "d")
        assert not app.screen.query_one(Welcome).is_on_screen
        assert table(app).has_focus
        assert bridge.asked == []


def test_the_clip_is_copied_once_and_a_full_drive_is_told(tmp_path: Path) -> None:
    clip = own_demo_clip(tmp_path)
    clip.write_bytes(b"the user's own edit")
    assert own_demo_clip(tmp_path).read_bytes() == b"the user's own edit"
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable, match="cannot be copied"):
        own_demo_clip(tmp_path / "file")


async def test_a_clip_that_cannot_be_copied_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.demo_clip.platformdirs.user_music_path", lambda: Path("/dev/null"))
    app, _ = app_with()
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "d")
        await app.workers.wait_for_complete([worker for worker in app.workers if worker.group == "demo"])
        assert "cannot be copied" in toasts(app)[0][0]
