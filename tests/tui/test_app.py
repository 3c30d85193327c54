"""The screen as a person uses it: keys in, calls to the bridge out."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from bridge.errors import BridgeError, EngineFailed, InternalError
from bridge.events import Ended, MidiStarted, Noticed, Progressed
from tests.support.fakes import FakeBridge
from tests.support.scenes import (
    Open,
    app_with,
    cancelled,
    done,
    evening,
    opening,
    press,
    running,
    settle,
    shown,
    submitted,
    table,
    toasts,
    waiting,
)
from tui.app import SabApp
from tui.screens.dialogs import FailedDialog, QuitDialog
from tui.screens.main import MainScreen
from tui.widgets.jobs_table import JobsTable
from tui.widgets.log_view import LogView


async def test_c_cancels_the_selected_job() -> None:
    app, bridge = app_with([running("Song", "separating", 0.5, None), waiting("Next")])
    async with app.run_test() as pilot:
        await press(pilot, "down", "c")
        assert bridge.asked == [("cancel", "next")]


async def test_p_plays_and_s_stops_and_panic_silences() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "p", "s", "!", "P")
        assert bridge.asked == [("play", "song", None), ("stop", None), ("panic",), ("panic",)]


async def test_keys_that_make_no_sense_now_do_nothing() -> None:
    app, bridge = app_with([cancelled("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "c", "p", "f", "o")
        assert bridge.asked == []
        assert shown(app) is MainScreen


async def test_a_refusal_is_told_in_a_toast_and_in_the_log() -> None:
    app, bridge = app_with([done("Song")])
    bridge.refuse = EngineFailed("No MIDI port is open.", advice="Start JACK.")
    async with app.run_test() as pilot:
        await press(pilot, "p")
        assert toasts(app) == [("No MIDI port is open.", "Start JACK.")]
        assert app.state.log[-1].message == "No MIDI port is open. Start JACK."
        assert app.state.log[-1].level == "error"


async def test_a_defect_behind_a_key_is_told_in_words_and_the_screen_goes_on() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        bridge.refuse = OSError(28, "No space left on device")
        await press(pilot, "p")
        await press(pilot, "a", "/", "b", "enter")
        assert [title for title, _ in toasts(app)] == ["OSError: [Errno 28] No space left on device"] * 2
        bridge.refuse = None
        await press(pilot, "enter")
        assert [call[0] for call in bridge.asked][-1] == "submit"
        assert shown(app) is MainScreen


async def test_q_leaves_at_once_where_nothing_is_at_work() -> None:
    lifetime: list[str] = []
    app = SabApp(opening(FakeBridge(), lifetime))
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert lifetime == ["open", "closed"]
    assert app.return_code == 0


async def test_q_asks_while_a_job_is_at_work() -> None:
    lifetime: list[str] = []
    job = running("Song", "separating", 0.5, None)
    app = SabApp(opening(FakeBridge(table={job.id: job}), lifetime))
    async with app.run_test() as pilot:
        await press(pilot, "q")
        assert shown(app) is QuitDialog
        await press(pilot, "escape")
        assert shown(app) is MainScreen
        assert lifetime == ["open"]
        await press(pilot, "q")
        await pilot.click("#leave")
        await pilot.pause()
        assert lifetime == ["open", "closed"]


async def test_however_the_screen_closes_the_bridge_is_ended() -> None:
    lifetime: list[str] = []
    app = SabApp(opening(FakeBridge(), lifetime))
    async with app.run_test() as pilot:
        await pilot.pause()
        app.exit()
    assert lifetime == ["open", "closed"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM handlers in asyncio")
async def test_a_termination_ends_the_bridge_cleanly() -> None:
    closed = asyncio.Event()

    @asynccontextmanager
    async def open_bridge() -> AsyncIterator[Open]:
        yield Open(FakeBridge())
        closed.set()

    app = SabApp(open_bridge)
    async with app.run_test() as pilot:
        await pilot.pause()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(closed.wait(), 10)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BridgeError("Port 9720 is in use.", advice="Use --port."), "Port 9720 is in use. Use --port."),
        (OSError(98, "in use"), "OSError: [Errno 98] in use"),
    ],
)
async def test_a_bridge_that_cannot_start_says_why(error: Exception, words: str) -> None:
    class Broken(AbstractAsyncContextManager[Open]):
        async def __aenter__(self) -> Open:
            raise error

        async def __aexit__(self, *_: object) -> None:
            pass

    app = SabApp(Broken)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert shown(app) is FailedDialog
        await pilot.press("enter")
        await pilot.pause()
    assert app.return_code == 1
    assert str(app.error).startswith(words)


async def test_a_bridge_that_fails_while_it_closes_is_told_too() -> None:
    @asynccontextmanager
    async def sour() -> AsyncIterator[Open]:
        yield Open(FakeBridge())
        raise InternalError("The worker did not end.")

    app = SabApp(sour)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 1
    assert "The worker did not end." in str(app.error)


async def test_quitting_does_not_wait_for_a_bridge_that_never_opens() -> None:
    @asynccontextmanager
    async def endless() -> AsyncIterator[Open]:
        await asyncio.Event().wait()
        yield Open(FakeBridge())

    app = SabApp(endless)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("q")
    assert app.return_code == 0


async def test_fast_events_are_drawn_together() -> None:
    app, bridge = app_with([running("Song", "loading", 0.0, None)])
    async with app.run_test() as pilot:
        await pilot.pause()
        before = app.state
        for step in range(500):
            bridge.publish(Progressed(job="song", stage="separating", fraction=step / 500))
        assert app.state is before
        await settle(pilot)
        assert app.state.jobs["song"].fraction == 0.998


async def test_events_are_drawn_without_being_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.REDRAW_SECONDS", 0.0)
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await pilot.pause()
        bridge.publish(submitted("Song"))
        await pilot.pause()
        assert table(app).selected == "song"


async def test_the_selection_stays_with_its_job() -> None:
    app, bridge = app_with(evening())
    async with app.run_test() as pilot:
        await press(pilot, "down")
        assert table(app).selected == "harbour"
        bridge.publish(Ended(job="moonlight-sonata-dub", outcome="done", unix_seconds=1_700_001_000))
        await settle(pilot)
        assert table(app).selected == "harbour"
        assert table(app).jobs[0].id == "harbour"


async def test_a_click_selects() -> None:
    app, _ = app_with(evening())
    async with app.run_test() as pilot:
        await pilot.click(JobsTable, offset=(5, 4))
        assert table(app).selected == table(app).jobs[2].id


async def test_a_thousand_jobs_and_ten_thousand_lines() -> None:
    app, bridge = app_with([done(f"Song {number}", at=1_700_000_000 + number) for number in range(1000)])
    async with app.run_test() as pilot:
        await press(pilot, "end")
        assert table(app).selected == "song-0"
        assert table(app).scroll_offset.y > 900
        for number in range(12_000):
            bridge.publish(Noticed(level="info", message=f"line {number}"))
        await settle(pilot)
        log = app.screen.query_one(LogView)
        assert log.virtual_size.height == 10_000
        assert log.is_vertical_scroll_end
        last = log.line(log.size.height - 1, log.size.width)
        assert last is not None
        assert last.plain.endswith("line 11999")


async def test_the_log_does_not_run_away_from_a_reader() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        for number in range(50):
            bridge.publish(Noticed(level="info", message=f"line {number}"))
        await settle(pilot)
        log = app.screen.query_one(LogView)
        log.scroll_to(y=3, animate=False)
        await pilot.pause()
        bridge.publish(Noticed(level="info", message="new"))
        await settle(pilot)
        assert log.scroll_offset.y == 3


async def test_what_sounds_is_marked() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await pilot.pause()
        bridge.publish(MidiStarted(job="song", stem="bass", seconds=10, notes=3))
        await settle(pilot)
        line = table(app).line(1, 80)
        assert line is not None
        assert "♪" in line.plain


async def test_the_palette_of_commands_offers_what_can_be_done() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "ctrl+p", *"panic")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "enter", "enter")
        assert bridge.asked == [("panic",)]


async def test_both_themes_can_be_worn() -> None:
    app, _ = app_with(evening())
    async with app.run_test() as pilot:
        night = table(app).palette
        app.theme = "day"
        await pilot.pause()
        assert table(app).palette != night


def test_the_screen_loads_fast_and_light() -> None:
    code = (
        "import sys, time; start = time.process_time(); import tui.app; took = time.process_time() - start;"
        "heavy = {'torch', 'onnxruntime', 'librosa', 'numpy', 'scipy'} & set(sys.modules);"
        "print(sorted(heavy), took < 2)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"
