"""The form, its browser and the table as a person looks at them (`--snapshot-update` retakes them)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.model import Failure, Job, ModelInfo
from bridge.protocols.looking import FileLook
from tests.support.scenes import STEMS, app_with, busy_session, done, failed, press, settle
from tui.screens.add import browser
from tui.screens.add.listing import FolderEntry

Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
DAY = 86_400.0
MODELS = (
    ModelInfo(name="draft", stems=STEMS, present=True, note="", speed=18.4),
    ModelInfo(name="good", stems=STEMS, present=True, note="", speed=11.0),
    ModelInfo(name="htdemucs", stems=STEMS, present=True, note="", speed=5.1),
    ModelInfo(name="htdemucs_6s", stems=(*STEMS, "guitar", "piano"), present=True, note=""),
)
SONG = "/music/lets_go_fishin.ogg"
LOOKS = {
    SONG: FileLook(
        path=SONG, seconds=214.2, sample_rate_hz=44_100, channels=2, title="Let's Go Fishin'", artist="Kevin MacLeod"
    ),
    "/music/noise.wav": FileLook(
        path="/music/noise.wav", refusal=Failure(code="not_audio", message="noise.wav is not an audio file.")
    ),
    "/music/vibe_ace.ogg": FileLook(path="/music/vibe_ace.ogg", seconds=61.5, sample_rate_hz=48_000, channels=2),
}


def history() -> tuple[Job, ...]:
    """Jobs of five days, from the screen and from a client."""
    ago = (("Ancient", 400), ("First Try", 40), ("Sunday Take", 3), ("Old Man", 1), ("Levee Drums", 1))
    jobs = [
        replace(done(name, at=1_700_000_400 - days * DAY), origin="TouchOSC" if days > 1 else "screen")
        for name, days in ago
    ]
    return (*jobs, failed("Broken Radio", "not_audio", "Broken Radio.wav is not audio."), *busy_session())


@SIZES
def test_form(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, bridge = app_with(busy_session())
    bridge.known_models, bridge.looks = MODELS, LOOKS

    async def fill(pilot: Pilot[None]) -> None:
        await press(pilot, "a", *SONG)
        await app.workers.wait_for_complete()
        app.screen.query_one("#region").focus()
        await press(pilot, *["right"] * 6, "space", *["shift+left"] * 3)
        app.screen.query_one("#tempo").focus()
        await press(pilot, *"fast")

    assert snap_compare(app, terminal_size=size, run_before=fill)


@SIZES
def test_browser(snap_compare: Compare, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    app, bridge = app_with(busy_session())
    bridge.looks = LOOKS
    app.memory.remember(folder="/music")
    entries = (
        FolderEntry("/music/Album", "Album", is_folder=True),
        *(FolderEntry(path, Path(path).name, is_folder=False) for path in LOOKS),
    )

    async def listed(folder: str) -> tuple[FolderEntry, ...]:
        assert folder == "/music"
        return entries

    monkeypatch.setattr(browser, "folder_entries", listed)

    async def browse(pilot: Pilot[None]) -> None:
        await press(pilot, "a", "ctrl+b")
        await app.workers.wait_for_complete()
        await press(pilot, "down", "tab")
        await app.workers.wait_for_complete()
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=browse)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (160, 45)], ids=["60x20", "80x24", "120x40", "160x45"])
def test_history(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(history())
    assert snap_compare(app, terminal_size=size)


@SIZES
def test_filter_and_marks(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(history())
    assert snap_compare(app, terminal_size=size, press=["slash", *"done", "enter", "m", "m"])
