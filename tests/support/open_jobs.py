"""An opened job for the tests of its screen and for its snapshots."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.model import Job, MidiStatus
from bridge.protocols.reading import JobView
from tests.support.fakes import FakeBridge, FakeHearing
from tests.support.music import MUSIC, music_view, read_anew
from tests.support.scenes import PORTS, STEMS, app_with, done, press, settle
from tui.screens.job.screen import JobScreen
from tui.screens.job.state import JobState
from tui.screens.job.widgets import Mixer, RollPane, Sliders, Title

if TYPE_CHECKING:
    from tui.app import SabApp

NAME = "Night Bus"


@dataclass
class OpenJob:
    """The program with one job, and the fakes behind it."""

    app: SabApp
    bridge: FakeBridge
    hearing: FakeHearing
    view: JobView

    @property
    def screen(self) -> JobScreen:
        assert isinstance(self.app.screen, JobScreen)
        return self.app.screen

    @property
    def asked(self) -> list[tuple[object, ...]]:
        """What was asked of the reader."""
        return self.bridge.reader.asked


def program(
    job: Job | None = None, view: JobView | None = None, midi: MidiStatus = PORTS, seconds: float = 96.0
) -> OpenJob:
    """A program whose table holds one job, with its music."""
    job = job or replace(done(NAME), music=MUSIC)
    hearing = FakeHearing()
    app, bridge = app_with([job], midi, hearing)
    view = view or music_view(job.id, STEMS, seconds)
    bridge.reader.views[job.id] = view
    bridge.reader.readings = lambda _, request, start, end: read_anew(view, request, start, end)
    return OpenJob(app, bridge, hearing, view)


async def drawn(pilot: Pilot[None]) -> None:
    """Waits until what was asked is answered and drawn."""
    await settle(pilot)
    await pilot.app.workers.wait_for_complete()
    await settle(pilot)


async def open_it(pilot: Pilot[None], *keys: str) -> None:
    """Opens the job, and presses keys there."""
    await use(pilot, "enter", *keys)


async def use(pilot: Pilot[None], *keys: str) -> None:
    """Presses keys, each as soon as what the one before it asked for is answered."""
    for key in keys:
        await press(pilot, key)
        await drawn(pilot)


def lines(opened: OpenJob, panel: type[Title | Mixer | RollPane | Sliders]) -> list[str]:
    return [line.plain for line in opened.screen.query_one(panel)._texts]


def state(opened: OpenJob) -> JobState:
    return opened.screen.state
