"""The dialogs in use: adding a song, the files of a job, how to play, help."""

from __future__ import annotations

import asyncio

import msgspec
from textual.events import Paste
from textual.widgets import Static

from bridge.errors import NotFound
from bridge.model import Music
from bridge.options.table import SYNC
from bridge.request import JobRequest
from bridge.wording import SYNC_WORDS
from tests.support.requests import request_for
from tests.support.scenes import (
    ADDRESS,
    app_with,
    done,
    press,
    settle,
    submitted,
    table,
    toasts,
    top_screen,
)
from tui.keys import KEYS
from tui.screens.add.form import AddForm, PathInput
from tui.screens.dialogs.help import HelpDialog
from tui.screens.dialogs.play import PlayDialog
from tui.screens.dialogs.results import ResultsDialog
from tui.screens.dialogs.tempo import TempoDialog
from tui.screens.main import MainScreen


async def test_f_asks_for_the_sync_source_and_plays_with_it() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "f")
        assert top_screen(app) is PlayDialog
        await press(pilot, "escape")
        assert bridge.asked == []
        await press(pilot, "f", "down", "down", "enter")
        assert bridge.asked == [("play", "song", None, "jack")]
        assert top_screen(app) is MainScreen


async def test_t_reads_the_notes_again_at_a_runner_up_of_the_tempo() -> None:
    song = msgspec.structs.replace(
        done("Song", stems=("bass",)), music=Music(tempo_bpm=167.0, tempo_source="estimated")
    )
    app, bridge = app_with([song])
    async with app.run_test() as pilot:
        await press(pilot, "t")
        assert top_screen(app) is TempoDialog
        await press(pilot, "escape")
        assert bridge.asked == []
        await press(pilot, "t", "enter")
        ((asked, request),) = bridge.asked
        assert asked == "submit"
        assert isinstance(request, JobRequest)
        assert (request.song.tempo_bpm, request.stems.audio, request.stems.midi) == (83.5, (), ("bass",))
        await press(pilot, "t", "down", "down", "enter")
        followed = bridge.asked[1][1]
        assert isinstance(followed, JobRequest)
        assert followed.song.follows_beats
        assert top_screen(app) is MainScreen


def test_every_sync_source_is_offered() -> None:
    assert tuple(SYNC_WORDS) == SYNC.names


async def test_a_adds_the_file_that_is_typed() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "a", *"/b.wav", "enter")
        assert bridge.asked == [("submit", request_for("/b.wav", engine="draft"))]
        assert top_screen(app) is MainScreen


async def test_an_added_job_becomes_the_selected_one() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "a", "/", "b", "enter")
        bridge.publish(submitted("Job2"))
        await settle(pilot)
        assert table(app).selected == "job2"


async def test_a_path_in_quotes_can_be_pasted_into_the_field() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "a")
        app.post_message(Paste("'/music/my song.wav' \n"))
        await settle(pilot)
        assert app.screen.query_one(PathInput).value == "/music/my song.wav"
        await press(pilot, "enter")
        assert bridge.asked == [("submit", request_for("/music/my song.wav", engine="draft"))]


async def test_files_dropped_onto_the_main_screen_open_the_dialog() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        app.post_message(Paste("file:///music/a%20b.wav\nfile:///music/c.wav"))
        await settle(pilot)
        assert top_screen(app) is AddForm
        await press(pilot, "enter")
        assert [call[0] for call in bridge.asked] == ["submit", "submit"]
        assert top_screen(app) is MainScreen


async def test_a_file_that_is_refused_stays_in_the_field_with_the_reason() -> None:
    app, bridge = app_with()
    bridge.refuse = NotFound("There is no file /b.wav.")
    async with app.run_test() as pilot:
        await press(pilot, "a", "/", "b", "enter")
        assert top_screen(app) is AddForm
        assert app.screen.query_one(PathInput).value == "/b"
        assert "There is no file /b.wav." in str(app.screen.query_one("#hint", Static).render())
        assert toasts(app) == [], "the form says it"
        assert app.state.log[-1].level == "error"
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen


async def test_o_shows_the_files_and_copies_a_path() -> None:
    app, _ = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "o")
        assert top_screen(app) is ResultsDialog
        await press(pilot, "down", "enter")
        assert app.clipboard == "/home/ana/Music/Evening Set/stems/Song/Song (Vocals).wav"
        assert toasts(app) == [("Copied", app.clipboard)]


async def test_help_names_every_key() -> None:
    app, _ = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "?")
        assert top_screen(app) is HelpDialog
        text = "\n".join(str(part.render()) for part in app.screen.query(Static))
        assert all(key.help in text for key in KEYS)
        assert ADDRESS in text


async def test_the_screen_responds_while_a_file_is_checked() -> None:
    app, bridge = app_with([done("Song")])
    bridge.seen = asyncio.Event()
    async with app.run_test() as pilot:
        await press(pilot, "a", *"/b.wav", "enter", "enter")
        assert top_screen(app) is AddForm
        await press(pilot, "escape", "!")
        assert bridge.asked == [("panic",)]
        bridge.seen.set()
        await settle(pilot)
        assert [call[0] for call in bridge.asked] == ["panic", "submit"], "Enter twice is one job"
        assert top_screen(app) is MainScreen


async def test_a_refusal_after_the_dialog_was_closed_is_logged() -> None:
    app, bridge = app_with()
    bridge.seen, bridge.refuse = asyncio.Event(), NotFound("There is no file /b.wav.")
    async with app.run_test() as pilot:
        await press(pilot, "a", *"/b.wav", "enter", "escape")
        bridge.seen.set()
        await pilot.pause()
        await settle(pilot)
        assert any("There is no file /b.wav." in line.message for line in app.state.log)
