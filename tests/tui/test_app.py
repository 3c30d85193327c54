"""The screen in use: keys in, calls to the bridge out."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from bridge.errors import BridgeError, EngineFailed, InternalError
from bridge.events import Ended, MidiStarted, Noticed, Progressed
from bridge.request import JobRequest
from tests.support.fakes import FakeBridge
from tests.support.scenes import (
    FakeHost,
    app_with,
    busy_session,
    cancelled,
    done,
    opener_of,
    press,
    running,
    settle,
    submitted,
    table,
    toasts,
    top_screen,
    waiting,
)
from tui.app import SabApp
from tui.screens.dialogs.failed import FailedDialog
from tui.screens.dialogs.quit import QuitDialog
from tui.screens.main import MainScreen
from tui.widgets.jobs_table import JobsTable
from tui.widgets.log_view import LogView
from tui.widgets.plain_text import PlainText


async def test_c_cancels_the_selected_job() -> None:
    app, bridge = app_with([running("Song", "separating", 0.5, None), waiting("Next")])
    async with app.run_test() as pilot:
        await press(pilot, "down", "c")
        assert bridge.asked == [("cancel", "next")]


async def test_keys_play_stop_and_silence() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "p", "s", "!", "P")
        assert bridge.asked == [("play", "song", None), ("stop", None), ("panic",), ("panic",)]


async def test_keys_of_impossible_actions_do_nothing() -> None:
    app, bridge = app_with([cancelled("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "c", "p", "f", "o")
        assert bridge.asked == []
        assert top_screen(app) is MainScreen


async def test_a_refusal_is_shown_in_a_toast_and_in_the_log() -> None:
    app, bridge = app_with([done("Song")])
    bridge.refuse = EngineFailed("No MIDI port is open.", advice="Start JACK.")
    async with app.run_test() as pilot:
        await press(pilot, "p")
        assert toasts(app) == [("No MIDI port is open.", "Start JACK.")]
        assert app.state.log[-1].message == "No MIDI port is open. Start JACK."
        assert app.state.log[-1].level == "error"


async def test_an_unexpected_exception_is_shown_and_the_screen_stays_open() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        bridge.refuse = OSError(28, "No space left on device")
        await press(pilot, "p")
        await press(pilot, "a", "/", "b", "enter")
        assert [title for title, _ in toasts(app)] == ["OSError: [Errno 28] No space left on device"]
        assert "No space left on device" in str(app.screen.query_one("#hint", PlainText).render())
        bridge.refuse = None
        await press(pilot, "enter")
        assert [call[0] for call in bridge.asked][-1] == "submit"
        assert top_screen(app) is MainScreen


async def test_q_quits_at_once_without_unfinished_jobs() -> None:
    lifetime: list[str] = []
    app = SabApp(opener_of(FakeBridge(), lifetime))
    async with app.run_test() as pilot:
        await pilot.press("q")
        await pilot.pause()
        assert lifetime == ["open", "closed"]
    assert app.return_code == 0


async def test_q_asks_while_a_job_is_running() -> None:
    lifetime: list[str] = []
    job = running("Song", "separating", 0.5, None)
    app = SabApp(opener_of(FakeBridge(table={job.id: job}), lifetime))
    async with app.run_test() as pilot:
        await press(pilot, "q")
        assert top_screen(app) is QuitDialog
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen
        assert lifetime == ["open"]
        await press(pilot, "q")
        await pilot.click("#leave")
        await pilot.pause()
        assert lifetime == ["open", "closed"]


@pytest.mark.parametrize(
    ("keeps_jobs", "words"), [(True, "go on when the bridge is started again"), (False, "are cancelled")]
)
async def test_the_question_before_quitting_says_what_becomes_of_the_jobs(keeps_jobs: bool, words: str) -> None:
    app, bridge = app_with([running("Song", "separating", 0.5, None), waiting("Next")])
    bridge.keeps_jobs = keeps_jobs
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, "q")
        assert words in str(app.screen.query_one(PlainText).render())


async def test_arrows_go_from_button_to_button_before_quitting() -> None:
    app, _ = app_with([running("Song", "separating", 0.5, None)])
    async with app.run_test() as pilot:
        await press(pilot, "q", "right")
        assert app.focused is app.screen.query_one("#leave")
        await press(pilot, "left", "enter")
        assert top_screen(app) is MainScreen


async def test_a_file_on_a_drive_that_does_not_answer_leaves_the_screen_alive() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()

    class FarHost(FakeHost):
        async def request(self, source: str, options: Mapping[str, object] | None = None) -> JobRequest:
            asked.set()
            await answer.wait()
            return await super().request(source, options)

    bridge = FakeBridge()

    @asynccontextmanager
    async def open_bridge() -> AsyncIterator[FakeHost]:
        yield FarHost(bridge)

    app = SabApp(open_bridge)
    async with app.run_test() as pilot:
        await press(pilot, "a", *"/far.wav", "enter")
        await asyncio.wait_for(asked.wait(), 10)
        await press(pilot, "f1" if "f1" in app.active_bindings else "question_mark")
        assert top_screen(app) is not MainScreen  # the help opens
        await press(pilot, "escape")
        assert bridge.asked == []
        answer.set()
        await pilot.pause()
        await settle(pilot)
        assert [kind for kind, *_ in bridge.asked] == ["submit"]


async def test_an_exit_of_the_app_closes_the_bridge() -> None:
    lifetime: list[str] = []
    app = SabApp(opener_of(FakeBridge(), lifetime))
    async with app.run_test() as pilot:
        await pilot.pause()
        app.exit()
    assert lifetime == ["open", "closed"]


_ENDED_BY_SIGTERM = """
import asyncio, os, signal
from tests.support.fakes import FakeBridge
from tests.support.scenes import opener_of
from tui.app import SabApp

async def main():
    lifetime = []
    app = SabApp(opener_of(FakeBridge(), lifetime))
    async with app.run_test() as pilot:
        await pilot.pause()
        assert lifetime == ["open"]
        os.kill(os.getpid(), signal.SIGTERM)
        while lifetime == ["open"]:
            await asyncio.sleep(0.01)
    print(*lifetime)

asyncio.run(asyncio.wait_for(main(), 60))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM handlers in asyncio")
def test_sigterm_closes_the_bridge() -> None:
    # In a process of its own: that of the tests has loaded libraries that no screen loads.
    done = subprocess.run([sys.executable, "-c", _ENDED_BY_SIGTERM], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "open closed\n", "")


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BridgeError("Port 9720 is in use.", advice="Use --port."), "Port 9720 is in use. Use --port."),
        (OSError(98, "in use"), "OSError: [Errno 98] in use"),
    ],
)
async def test_a_failed_start_shows_the_reason(error: Exception, words: str) -> None:
    class Broken(AbstractAsyncContextManager[FakeHost]):
        async def __aenter__(self) -> FakeHost:
            raise error

        async def __aexit__(self, *_: object) -> None:
            pass

    app = SabApp(Broken)
    async with app.run_test() as pilot:
        await pilot.pause()
        assert top_screen(app) is FailedDialog
        await pilot.press("enter")
        await pilot.pause()
    assert app.return_code == 1
    assert str(app.error).startswith(words)


async def test_a_failure_while_closing_is_the_apps_error() -> None:
    @asynccontextmanager
    async def failing() -> AsyncIterator[FakeHost]:
        yield FakeHost(FakeBridge())
        raise InternalError("The worker did not end.")

    app = SabApp(failing)
    async with app.run_test() as pilot:
        await pilot.pause()
        await pilot.press("q")
        await pilot.pause()
    assert app.return_code == 1
    assert "The worker did not end." in str(app.error)


async def test_quitting_cancels_a_bridge_that_is_still_opening() -> None:
    @asynccontextmanager
    async def never_opens() -> AsyncIterator[FakeHost]:
        await asyncio.Event().wait()
        yield FakeHost(FakeBridge())

    app = SabApp(never_opens)
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


async def test_an_event_schedules_a_redraw(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.REDRAW_SECONDS", 0.0)
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await pilot.pause()
        bridge.publish(submitted("Song"))
        await pilot.pause()
        assert table(app).selected == "song"


async def test_the_selection_follows_its_job() -> None:
    app, bridge = app_with(busy_session())
    async with app.run_test() as pilot:
        await press(pilot, "down")
        assert table(app).selected == "harbour"
        bridge.publish(Ended(job="moonlight-sonata-dub", outcome="done", unix_seconds=1_700_001_000))
        await settle(pilot)
        assert table(app).selected == "harbour"
        assert table(app).rows[0].id == "harbour"


async def test_a_click_selects() -> None:
    app, _ = app_with(busy_session())
    async with app.run_test() as pilot:
        await pilot.click(JobsTable, offset=(5, 4))
        assert table(app).selected == table(app).rows[2].id


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


async def test_new_lines_do_not_scroll_a_log_that_was_scrolled_up() -> None:
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


async def test_a_playing_job_is_marked() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await pilot.pause()
        bridge.publish(MidiStarted(job="song", stem="bass", seconds=10, notes=3))
        await settle(pilot)
        line = table(app).line(1, 80)
        assert line is not None
        assert "♪" in line.plain


async def test_the_command_palette_runs_an_action() -> None:
    app, bridge = app_with([done("Song")])
    async with app.run_test() as pilot:
        await press(pilot, "ctrl+p", *"panic")
        await pilot.app.workers.wait_for_complete()
        await press(pilot, "enter", "enter")
        assert bridge.asked == [("panic",)]


async def test_another_theme_changes_the_palette() -> None:
    app, _ = app_with(busy_session())
    async with app.run_test() as pilot:
        night = table(app).palette
        app.theme = "day"
        await pilot.pause()
        assert table(app).palette != night


def test_the_screen_imports_fast_and_no_numeric_library() -> None:
    code = (
        "import sys, time; start = time.process_time(); import tui.app; took = time.process_time() - start;"
        "heavy = {'torch', 'onnxruntime', 'librosa', 'numpy', 'scipy'} & set(sys.modules);"
        "print(sorted(heavy), took < 2)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] True"
