"""The form: its fields, its browser, and what it asks of the bridge."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.errors import NotAudio
from bridge.model import Failure, ModelInfo
from bridge.protocols.looking import FileLook
from bridge.request import JobRequest, Region
from tests.support.fakes import FakeBridge
from tests.support.requests import request_for
from tests.support.scenes import STEMS, FakeHost, app_with, done, press, settle, top_screen
from tui.app import SabApp
from tui.memory import Memory
from tui.screens.add.browser import FileBrowser, FileLines
from tui.screens.add.form import AddForm, PathInput
from tui.screens.add.listing import FolderEntry, PathSuggester, matching
from tui.screens.add.region import RegionBar
from tui.screens.add.submission import submit
from tui.screens.add.values import (
    Filled,
    engine_chips,
    error_in,
    missing_stems,
    request_again,
    shown_options,
    stems_option,
    typed_seconds,
)
from tui.screens.main import MainScreen
from tui.widgets.chips import Chips
from tui.widgets.plain_text import PlainText

SIX = (*STEMS, "guitar", "piano")
MODELS = (
    ModelInfo(name="draft", stems=STEMS, present=True, note="", speed=1.8),
    ModelInfo(name="htdemucs", stems=STEMS, present=True, note="", speed=0.48),
    ModelInfo(name="htdemucs_6s", stems=SIX, present=True, note=""),
    ModelInfo(name="far", stems=STEMS, present=False, note=""),
)


def request_in(bridge: FakeBridge) -> JobRequest:
    ((asked, request),) = bridge.asked
    assert asked == "submit" and isinstance(request, JobRequest)
    return request


async def choose(pilot: Pilot[None], field: str, *keys: str) -> None:
    pilot.app.screen.query_one(f"#{field}").focus()
    await press(pilot, *keys)


def shown(app: SabApp, field: str) -> str:
    return str(app.screen.query_one(f"#{field}", PlainText).render())


async def test_every_field_goes_into_the_request(tmp_path: Path) -> None:
    app, bridge = app_with()
    bridge.known_models = MODELS
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await choose(pilot, "engine", "right")
        await choose(pilot, "stems", "1")
        for field, text in (("start", "0:05"), ("end", "12.5"), ("tempo", "98"), ("out", str(tmp_path))):
            await choose(pilot, field, *text)
        await choose(pilot, "format", "right", "right")
        await press(pilot, "enter")
        request = request_in(bridge)
        assert (request.engine.name, request.stems.audio) == ("htdemucs", STEMS[1:])
        assert request.region == Region(start_seconds=5.0, end_seconds=12.5)
        assert (request.song.tempo, request.place.folder, request.audio.name) == (98.0, str(tmp_path), "flac")
        assert app.memory.choices.add == {"engine": "htdemucs", "stems": "drums,bass,other", "format": "flac"}
        assert app.memory.choices.folder == "/"


async def test_the_next_form_remembers_the_choices_and_not_the_region(tmp_path: Path) -> None:
    memory = Memory(tmp_path)
    memory.remember(add={"engine": "htdemucs", "stems": "vocals,instrumental"}, folder=str(tmp_path))
    memory.close()
    app, bridge = app_with()
    app.memory = app._main.memory = Memory(tmp_path)
    bridge.known_models = MODELS
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav", "enter")
        request = request_in(bridge)
        assert (request.engine.name, request.stems.audio) == ("htdemucs", ("vocals", "instrumental"))
        assert request.region == Region()


async def test_an_error_stands_beside_its_field_and_nothing_starts() -> None:
    app, bridge = app_with()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await choose(pilot, "tempo", *"fast")
        assert shown(app, "error-tempo") == "must be a number, or map, not 'fast'."
        await press(pilot, "enter")
        assert bridge.asked == []
        await press(pilot, *["backspace"] * 4, *"120", "enter")
        assert request_in(bridge).song.tempo == 120.0


async def test_engines_are_told_with_the_time_that_this_clip_takes() -> None:
    app, bridge = app_with()
    bridge.known_models = MODELS
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await settle(pilot)
        engines = app.screen.query_one("#engine", Chips).chips
        assert [(chip.words, chip.note) for chip in engines] == [
            ("auto", ""), ("draft", "0:11"), ("htdemucs", "0:42"), ("htdemucs_6s", ""),
        ]  # fmt: skip
        await choose(pilot, "end", *"10")
        assert app.screen.query_one("#engine", Chips).chips[2].note == "0:21"


async def test_two_stems_stand_alone() -> None:
    app, bridge = app_with()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await choose(pilot, "two", "space")
        assert app.screen.query_one("#stems", Chips).chosen == ()
        await choose(pilot, "stems", "3")
        assert app.screen.query_one("#two", Chips).chosen == ()
        await choose(pilot, "two", "space")
        await press(pilot, "enter")
        assert request_in(bridge).stems.audio == ("vocals", "instrumental")


async def test_stems_that_the_engine_lacks_are_told() -> None:
    app, bridge = app_with()
    bridge.known_models = MODELS
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await choose(pilot, "stems", "5")
        assert shown(app, "error-stems") == "draft has no guitar"
        await press(pilot, "enter")
        assert bridge.asked == []


async def test_a_region_is_drawn_on_the_waveform() -> None:
    app, bridge = app_with()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await settle(pilot)
        assert bridge.outlined[-1] == "/b.wav"
        bar = app.screen.query_one(RegionBar)
        assert bar.peaks
        await choose(pilot, "region", *["right"] * 4, "space", *["left"] * 8)
        width = bar.size.width
        assert (round(bar.start * width), round(bar.end * width)) == (4, width - 8)
        await press(pilot, "enter")
        region = request_in(bridge).region
        assert region.start_seconds == pytest.approx(20 * 4 / width, abs=0.01)
        assert region.end_seconds == pytest.approx(20 - 20 * 8 / width, abs=0.01)


async def test_the_mouse_draws_a_region() -> None:
    app, _ = app_with()
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await pilot.mouse_down(RegionBar, offset=(10, 0))
        await pilot.hover(RegionBar, offset=(30, 0))
        await pilot.mouse_up(RegionBar, offset=(30, 0))
        bar = app.screen.query_one(RegionBar)
        assert (round(bar.start * bar.size.width), round(bar.end * bar.size.width)) == (10, 30)


async def test_bad_files_are_refused_each_with_its_reason_and_the_good_ones_go_on(tmp_path: Path) -> None:
    files = [str(tmp_path / name) for name in ("a.wav", "noise.wav", "c.wav")]
    app, bridge = app_with()
    bridge.looks = {path: FileLook(path=path, seconds=3.0) for path in files}
    bad = Failure(code="not_audio", message="noise.wav is not audio.")
    bridge.looks[files[1]] = FileLook(path=files[1], refusal=bad)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a")
        app.screen.query_one(PathInput).value = str(tmp_path)  # a folder stands for its files
        await settle(pilot)
        assert shown(app, "facts") == "3 songs, one group"
        await press(pilot, "enter")
        await settle(pilot)
        requests = [call[1] for call in bridge.asked]
        assert [one.source for one in requests if isinstance(one, JobRequest)] == [files[0], files[2]]
        assert {one.group.clips for one in requests if isinstance(one, JobRequest)} == {2}
        assert top_screen(app) is AddForm
        assert app.screen.query_one(PathInput).value == files[1]
        assert shown(app, "hint").splitlines() == ["noise.wav is not audio.", "2 others are queued."]
        assert shown(app, "facts") == "noise.wav is not audio."


async def test_the_browser_starts_in_the_last_folder_and_finds_by_letters(tmp_path: Path) -> None:
    for name in ("levee drums.wav", "lets_go_fishin.ogg", "notes.txt", ".hidden.wav"):
        (tmp_path / name).touch()
    (tmp_path / "Album").mkdir()
    (tmp_path / "Album" / "one.flac").touch()
    app, bridge = app_with()
    app.memory.remember(folder=str(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", "ctrl+b")
        await app.workers.wait_for_complete()
        assert top_screen(app) is FileBrowser
        lines = app.screen.query_one(FileLines)
        assert [entry.name for entry in lines.entries] == ["Album", "lets_go_fishin.ogg", "levee drums.wav"]
        await press(pilot, *"lgfx")
        assert [*lines.entries] == []
        assert "Nothing here has these letters" in lines.render_line(0).text
        await press(pilot, "backspace")
        assert [entry.name for entry in lines.entries] == ["lets_go_fishin.ogg"]
        await press(pilot, "enter")
        assert app.screen.query_one(PathInput).value == str(tmp_path / "lets_go_fishin.ogg")
        await press(pilot, "enter")
        assert request_in(bridge).source == str(tmp_path / "lets_go_fishin.ogg")


async def test_the_browser_opens_folders_goes_up_and_takes_several(tmp_path: Path) -> None:
    (tmp_path / "Album").mkdir()
    for name in ("one.flac", "two.flac", "three.flac"):
        (tmp_path / "Album" / name).touch()
    app, _ = app_with()
    app.memory.remember(folder=str(tmp_path))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", "ctrl+b")
        await app.workers.wait_for_complete()
        await press(pilot, "enter")
        await app.workers.wait_for_complete()
        assert shown(app, "place") == str(tmp_path / "Album")
        await press(pilot, "left")
        await app.workers.wait_for_complete()
        lines = app.screen.query_one(FileLines)
        assert lines.at_cursor is not None and lines.at_cursor.name == "Album"
        await press(pilot, "enter")
        await app.workers.wait_for_complete()
        await press(pilot, "tab", "tab", "enter")
        album = tmp_path / "Album"
        assert app.screen.query_one(PathInput).value == f"{album / 'one.flac'} {album / 'three.flac'}"
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen


async def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    app, _ = app_with()
    app.memory.remember(folder=str(tmp_path / "gone"))
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", "ctrl+b")
        await app.workers.wait_for_complete()
        await settle(pilot)
        assert top_screen(app) is FileBrowser
        assert shown(app, "place")


async def test_a_path_is_completed(tmp_path: Path) -> None:
    (tmp_path / "Album").mkdir()
    (tmp_path / "alba.wav").touch()
    suggest = PathSuggester().get_suggestion
    assert await suggest(f"{tmp_path}/Al") == f"{tmp_path}/Album/"
    assert await suggest(f"{tmp_path}/alb") == f"{tmp_path}/alba.wav"
    assert await suggest(f"{tmp_path}/x") is None
    assert await suggest("relative") is None
    assert await suggest(f"{tmp_path}/none/x") is None
    for path in ("~nobody-of-that-name/x", f"{tmp_path}/\0/x", f"{tmp_path}/\ud800/x"):
        assert await suggest(path) is None


def test_the_best_match_comes_first() -> None:
    entries = [FolderEntry(f"/{name}", name, is_folder=False) for name in ("xaxbxc.wav", "abc.wav", "zzz.wav")]
    assert [entry.name for entry in matching(entries, "abc")] == ["abc.wav", "xaxbxc.wav"]
    assert len(matching(entries, "")) == 3


def test_every_name_of_a_large_folder_is_found() -> None:
    entries = [FolderEntry(f"/{number:05}.wav", f"{number:05}.wav", is_folder=False) for number in range(50_000)]
    assert [entry.name for entry in matching(entries, "49999")] == ["49999.wav"]
    assert matching(entries, "W") == tuple(entries)
    assert matching(entries, "zz") == ()


@pytest.mark.parametrize(
    ("typed", "seconds"), [("0:05", "5"), ("1:07.5", "67.5"), ("1:00:00", "3600"), ("12.5", "12.5"), ("x:y", "x:y")]
)
def test_minutes_are_read_as_seconds(typed: str, seconds: str) -> None:
    assert typed_seconds(typed) == seconds


def test_fields_are_read_by_the_kinds_of_the_options() -> None:
    assert error_in("tempo", "") == ""
    assert error_in("tempo", "map") == ""
    assert "at most 400" in error_in("tempo", "4000")
    assert "at least 0" in error_in("start", "-3")
    assert "whole path" in error_in("out", "relative")


def test_a_request_is_shown_in_the_form_and_comes_back_unchanged() -> None:
    request = request_for(
        "/a.wav", engine="draft", stems=("bass",), tempo_bpm=98.5, start_seconds=3.0, shortest_seconds=0.1
    )
    assert request_again(request, "/a.wav", shown_options(request)) == request
    cleared = {name: text for name, text in shown_options(request).items() if name != "tempo"}
    assert request_again(request, "/a.wav", cleared) == replace(request, song=replace(request.song, tempo=None))


def test_all_stems_of_an_engine_are_all() -> None:
    assert stems_option(STEMS, STEMS) == "all"
    assert stems_option(("bass",), STEMS) == "bass"
    assert missing_stems(("instrumental", "piano"), "draft", MODELS) == "draft has no piano"
    assert missing_stems(("piano",), "unknown", MODELS) == ""
    assert [chip.value for chip in engine_chips((), 0.0, "mine")] == ["auto", "mine"]


async def test_one_bad_file_is_told_before_it_is_sent() -> None:
    app, bridge = app_with([done("Song")])
    bridge.looks["/b.wav"] = FileLook(path="/b.wav", refusal=Failure(code="not_audio", message="b.wav is not audio."))
    bridge.refuse = NotAudio("b.wav is not audio.")
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await settle(pilot)
        assert shown(app, "facts") == "b.wav is not audio."


async def test_a_low_terminal_shows_why_files_are_refused() -> None:
    app, bridge = app_with()
    bridge.refuse = NotAudio(f"b.wav is not audio, {'really ' * 20}not.")
    async with app.run_test(size=(60, 20)) as pilot:
        await press(pilot, "a", *"/b.wav", "enter")
        await settle(pilot)
        hint, box = app.screen.query_one("#hint"), app.screen.query_one("AddForm > Vertical")
        assert hint.size.height > 1 and box.content_region.contains_region(hint.region)


async def test_the_times_of_engines_are_never_those_of_the_file_before(tmp_path: Path) -> None:
    app, bridge = app_with()
    bridge.known_models = MODELS
    bridge.looks["/b.wav"] = FileLook(path="/b.wav", seconds=60.0)
    async with app.run_test(size=(120, 40)) as pilot:
        await press(pilot, "a", *"/b.wav")
        await settle(pilot)
        engines = app.screen.query_one("#engine", Chips)
        assert [chip.note for chip in engines.chips] == ["", "0:33", "2:05", ""]
        app.screen.query_one(PathInput).value = str(tmp_path)
        await settle(pilot)
        assert not any(chip.note for chip in engines.chips)


async def test_songs_are_queued_in_their_order_however_long_the_look_at_each_takes() -> None:
    is_last = asyncio.Event()

    class SlowDrive(FakeHost):
        async def request(self, source: str, options: Mapping[str, object] | None = None) -> JobRequest:
            if source == "/3.wav":
                is_last.set()
            await is_last.wait() if source == "/1.wav" else None
            return await super().request(source, options)

    bridge, added = FakeBridge(), list[str]()
    paths = ("/1.wav", "/2.wav", "/3.wav")
    assert (await submit(SlowDrive(bridge), Filled(paths, {}), added.append)).added == 3
    assert [asked[1].source for asked in bridge.asked if isinstance(asked[1], JobRequest)] == [*paths]


async def test_a_part_of_a_file_that_is_too_long_is_queued_with_others() -> None:
    bridge, added = FakeBridge(), list[str]()
    too_long = Failure(code="too_long", message="The region of day.wav is longer than 60 minutes.")
    bridge.looks["/day.wav"] = FileLook(path="/day.wav", refusal=too_long)
    paths = ("/day.wav", "/song.wav")
    assert (await submit(FakeHost(bridge), Filled(paths, {"end": "60"}), added.append)).added == 2
    assert (await submit(FakeHost(bridge), Filled(paths, {}), added.append)).added == 1
