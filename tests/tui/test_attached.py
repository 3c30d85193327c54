"""Screens of bridges in other processes, and bridges that go on without their screen."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timezone

import pytest
from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from bridge.errors import BridgeError, NotFound, ProtocolMismatch
from bridge.events import Noticed
from tests.support.fakes import FakeBridge, FakeClock
from tests.support.scenes import FakeHost, busy_session, done, press, running, settle, top_screen
from tests.support.seam import until
from tui.app import SabApp
from tui.host import WaysBack
from tui.screens.dialogs.failed import FailedDialog
from tui.screens.dialogs.lost import LostDialog
from tui.screens.dialogs.quit import QuitDialog
from tui.screens.main import MainScreen
from tui.widgets.plain_text import PlainText

SONG = running("Song", "separating", 0.5, None)
ENDED = NotFound("The bridge was quit.", advice="Its jobs are kept.")


@dataclass
class Elsewhere:
    """Bridges of other processes: each attempt to attach gets the next host, and waits while there is none."""

    hosts: asyncio.Queue[FakeHost] = field(default_factory=asyncio.Queue)
    seen: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def attach(self) -> AsyncIterator[FakeHost]:
        host = await self.hosts.get()
        self.seen.append("attached")
        try:
            yield host
        finally:
            self.seen.append("left")

    @asynccontextmanager
    async def start(self) -> AsyncIterator[FakeHost]:
        self.seen.append("started")
        yield FakeHost(FakeBridge())
        self.seen.append("closed")

    def app(self, opening: Callable[[], AbstractAsyncContextManager[FakeHost]] | None = None) -> SabApp:
        ways_back = WaysBack(start=self.start, wait=self.attach)
        return SabApp(opening or self.attach, ways_back=ways_back, can_leave=True, clock=FakeClock(), zone=timezone.utc)


class Refusing(AbstractAsyncContextManager[FakeHost]):
    """No bridge can be attached to."""

    def __init__(self, error: BridgeError) -> None:
        self.error = error

    async def __aenter__(self) -> FakeHost:
        raise self.error

    async def __aexit__(self, *_: object) -> None:
        """Nothing was opened."""


def host_with(*jobs: object, is_attached: bool = True) -> FakeHost:
    table = {job.id: job for job in jobs}  # type: ignore[attr-defined]
    return FakeHost(FakeBridge(table=table), is_attached=is_attached)  # type: ignore[arg-type]


async def lose(host: FakeHost, error: BridgeError = ENDED) -> None:
    object.__setattr__(host, "end", error)
    host.ended.set()


async def test_an_attached_screen_says_so_and_quitting_ends_only_the_screen() -> None:
    elsewhere = Elsewhere()
    elsewhere.hosts.put_nowait(host_with(SONG))
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await pilot.pause()
        assert app.state.is_attached
        assert app.state.log[0].message.startswith("attached to the bridge at osc.udp://")
        await press(pilot, "q")
    assert (app.parting, app.error, app.return_code) == ("attached", None, 0)
    assert elsewhere.seen == ["attached", "left"]


async def test_the_question_before_quitting_offers_to_leave_the_bridge_running() -> None:
    elsewhere = Elsewhere()
    elsewhere.hosts.put_nowait(host_with(SONG, is_attached=False))
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await press(pilot, "q")
        assert top_screen(app) is QuitDialog
        assert "works on in the background" in str(app.screen.query_one(PlainText).render())
        await press(pilot, "b")
    assert app.parting == "to be left running"
    assert elsewhere.seen == ["attached", "left"]


async def test_b_leaves_the_bridge_running_at_once() -> None:
    elsewhere = Elsewhere()
    elsewhere.hosts.put_nowait(host_with(done("Song"), is_attached=False))
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await press(pilot, "b")
    assert app.parting == "to be left running"


async def test_jobs_that_are_not_kept_cannot_be_left() -> None:
    elsewhere = Elsewhere()
    host = host_with(SONG, is_attached=False)
    host.bridge.keeps_jobs = False
    elsewhere.hosts.put_nowait(host)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await press(pilot, "b", "q", "b")
        assert top_screen(app) is QuitDialog
        assert not app.screen.query("#leave-running")
    assert app.parting == "closed"


async def test_when_the_bridge_ends_the_screen_says_so_waits_and_shows_the_next() -> None:
    elsewhere, first, second = Elsewhere(), host_with(SONG), host_with(done("Other"))
    elsewhere.hosts.put_nowait(first)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await pilot.pause()
        await lose(first)
        await until(lambda: top_screen(app) is LostDialog)
        await settle(pilot)
        assert str(app.screen.query_one("#message", PlainText).render()) == "The bridge was quit. Its jobs are kept."
        assert app.state.worker == "gone"
        await press(pilot, "c", "p")  # nothing acts on a bridge that has gone
        assert first.bridge.asked == []
        elsewhere.hosts.put_nowait(second)
        await until(lambda: top_screen(app) is MainScreen)
        await settle(pilot)
        assert list(app.state.jobs) == ["other"]
        assert [line.message.split(" at ")[0] for line in app.state.log] == [
            "attached to the bridge",
            "The bridge was quit. Its jobs are kept.",
            "attached to the bridge",
        ]
        second.bridge.publish(Noticed(level="info", message="seen"))
        await settle(pilot)
        assert app.state.log[-1].message == "seen"
    assert elsewhere.seen == ["attached", "left", "attached", "left"]


async def test_what_is_open_above_the_main_screen_goes_with_its_bridge() -> None:
    elsewhere, first, second = Elsewhere(), host_with(SONG), host_with(SONG)
    elsewhere.hosts.put_nowait(first)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await press(pilot, "C", "question_mark")
        assert len(app.screen_stack) == 4
        await lose(first)
        await until(lambda: top_screen(app) is LostDialog)
        await settle(pilot)
        elsewhere.hosts.put_nowait(second)
        await until(lambda: top_screen(app) is MainScreen)
        await press(pilot, "c")
        assert (first.bridge.asked, second.bridge.asked) == ([], [("cancel", "song")])


async def test_a_screen_without_a_bridge_can_start_one() -> None:
    elsewhere, first = Elsewhere(), host_with(SONG)
    elsewhere.hosts.put_nowait(first)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await pilot.pause()
        await lose(first)
        await until(lambda: top_screen(app) is LostDialog)
        await press(pilot, "s")
        await until(lambda: "started" in elsewhere.seen)
        await settle(pilot)
        assert top_screen(app) is MainScreen
        assert not app.state.is_attached
        await press(pilot, "q")
    assert (app.parting, elsewhere.seen[-1]) == ("closed", "closed")


async def test_escape_leaves_the_ways_back_and_brings_them_again() -> None:
    elsewhere, first = Elsewhere(), host_with(SONG)
    elsewhere.hosts.put_nowait(first)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen, "a bridge runs"
        await lose(first)
        await until(lambda: top_screen(app) is LostDialog)
        await press(pilot, "escape")
        assert top_screen(app) is MainScreen
        await settle(pilot)
        assert "No bridge" in [key.description for key in app.screen.query(FooterKey)]
        await press(pilot, "escape")
        assert top_screen(app) is LostDialog
        elsewhere.hosts.put_nowait(host_with(SONG))
        await until(lambda: top_screen(app) is MainScreen)
        await settle(pilot)
        assert "No bridge" not in [key.description for key in app.screen.query(FooterKey)]


async def test_a_screen_without_a_bridge_can_be_quit() -> None:
    elsewhere, first = Elsewhere(), host_with(SONG)
    elsewhere.hosts.put_nowait(first)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await pilot.pause()
        await lose(first)
        await until(lambda: top_screen(app) is LostDialog)
        await press(pilot, "q")
    assert (app.parting, app.error) == ("closed", None)


async def test_who_only_attaches_waits_where_no_bridge_runs() -> None:
    elsewhere = Elsewhere()
    error = NotFound("No bridge runs on port 9720.")
    app = elsewhere.app(lambda: Refusing(error))
    async with app.run_test() as pilot:
        await until(lambda: top_screen(app) is LostDialog)
        elsewhere.hosts.put_nowait(host_with(SONG))
        await until(lambda: app.state.is_attached)
        await settle(pilot)
        assert top_screen(app) is MainScreen


async def test_a_bridge_of_another_version_is_no_reason_to_wait() -> None:
    elsewhere = Elsewhere()
    error = ProtocolMismatch("The bridge that runs is version 9.", advice="Quit that bridge, and start it again.")
    app = elsewhere.app(lambda: Refusing(error))
    async with app.run_test():
        await until(lambda: top_screen(app) is FailedDialog)
        assert "start it again" in " ".join(str(text.render()) for text in app.screen.query(PlainText))


async def test_another_program_can_quit_a_bridge_with_a_screen() -> None:
    elsewhere, host = Elsewhere(), host_with(SONG, is_attached=False)
    elsewhere.hosts.put_nowait(host)
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await pilot.pause()
        host.ended.set()
        await until(lambda: not app.is_running)
    assert (app.parting, app.error, elsewhere.seen) == ("closed", None, ["attached", "left"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
async def test_closing_the_window_of_an_attached_screen_ends_only_the_screen() -> None:
    elsewhere = Elsewhere()
    elsewhere.hosts.put_nowait(host_with(SONG))
    app = elsewhere.app()
    async with app.run_test() as pilot:
        await pilot.pause()
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: not app.is_running)
    assert app.parting == "attached"


@pytest.mark.parametrize("what", ["attached", "lost", "leave"])
def test_the_looks_of_it(snap_compare: Callable[..., bool], what: str) -> None:
    elsewhere = Elsewhere()
    host = host_with(*busy_session(), is_attached=what != "leave")
    elsewhere.hosts.put_nowait(host)

    async def go(pilot: Pilot[None]) -> None:
        await pilot.pause()
        if what == "lost":
            await lose(host)
            await until(lambda: isinstance(pilot.app.screen, LostDialog))
        elif what == "leave":
            await press(pilot, "q")
        await settle(pilot)

    assert snap_compare(elsewhere.app(), terminal_size=(100, 30), run_before=go)
