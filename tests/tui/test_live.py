"""A job that plays live on the screen: what it follows, how far it is known, its stems while they grow."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.events import Ended, Event, HorizonMoved, MidiEnded, MidiStarted, Preview, Requeued
from bridge.model import Status
from bridge.request import JobRequest, PlayRequest
from tests.support.fakes import FakeBridge
from tests.support.requests import request_for
from tests.support.scenes import (
    ADDRESS,
    PORTS,
    PREVIEW_RATE_HZ,
    FakeHost,
    app_with,
    growing_preview,
    playing_live,
    press,
    running,
    settle,
    top_screen,
)
from tui.app import SabApp
from tui.peaks import PeakReader
from tui.render.details import details
from tui.render.job import job_row
from tui.render.roles import PLAIN
from tui.render.waveform import PARTS, waveform
from tui.screens.add.form import AddForm
from tui.screens.main import MainScreen
from tui.state import LiveView, initial_view, view_after
from tui.widgets.chips import Chips
from tui.widgets.panels import JobDetails

JOB = playing_live("Harbour")
RATE = PREVIEW_RATE_HZ
STATUS = Status(queued=0, running=1, engine="draft", device="cpu", midi=PORTS, worker="busy")
BASS = Preview(stem="bass", path="/c/bass.wav", sample_rate_hz=RATE, channels=2)


@pytest.mark.parametrize(("keys", "sync"), [((), "now"), (("shift+tab", "right"), "clock")])
async def test_l_adds_a_song_that_plays_live(keys: tuple[str, ...], sync: str) -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "l", *"/b.wav", *keys, "enter")
        wanted = replace(request_for("/b.wav", engine="draft"), play=PlayRequest(when_done="live", sync=sync))
        assert bridge.asked == [("submit", wanted)]
        assert top_screen(app) is MainScreen


async def test_the_form_switches_between_adding_and_playing_live() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "a", "/", "b", "ctrl+l")
        assert app.screen.query_one("#live", Chips).value == "now"
        await press(pilot, "ctrl+l", "enter", "a", "/", "c", "ctrl+l", "enter")
        requests = [call[1] for call in bridge.asked]
        assert [isinstance(one, JobRequest) and one.play.is_live for one in requests] == [False, True]


async def test_the_setting_is_what_the_form_begins_with() -> None:
    bridge = FakeBridge()

    class Host(FakeHost):
        default_sync = "link"

    app, _ = app_with()
    async with app.run_test() as pilot:
        await pilot.pause()
        app._main.host = Host(bridge, default_sync="link")
        await press(pilot, "l", "/", "b", "enter")
        ((_, request),) = bridge.asked
        assert isinstance(request, JobRequest)
        assert request.play.sync == "link"


async def test_only_one_song_plays_live() -> None:
    app, bridge = app_with()
    async with app.run_test() as pilot:
        await press(pilot, "l", *"/b.wav '/c.wav'", "enter")
        assert bridge.asked == []
        assert top_screen(app) is AddForm


def test_the_row_says_that_a_running_job_plays() -> None:
    assert "playing live" in job_row(JOB, 80, PLAIN, playing=True).plain
    assert "playing live" not in job_row(JOB, 80, PLAIN).plain


@pytest.mark.parametrize(
    ("live", "words"),
    [
        (None, "no notes known yet"),
        (LiveView(seconds=32.4), "notes known to 0:32"),
        (LiveView(seconds=65.0, missed=1), "notes known to 1:05; 1 note came too late and was silent"),
    ],
)
def test_details_say_how_far_the_notes_are_known(live: LiveView | None, words: str) -> None:
    assert f"Live    {words}\n" in details(JOB, 90, PLAIN, live).plain
    assert "Live" not in details(running("Song", "separating", 0.5, None), 90, PLAIN, None).plain


def test_a_jobs_horizon_grows_and_its_previews_go_with_it() -> None:
    def after(*events: Event) -> LiveView | None:
        start = initial_view([JOB], STATUS, ADDRESS, 0.0)
        return view_after(start, events, 0.0).live.get(JOB.id)

    first = HorizonMoved(job=JOB.id, seconds=4.0, previews=(BASS,))
    later = HorizonMoved(job=JOB.id, seconds=8.0)
    missed = MidiEnded(job=JOB.id, stem="bass", outcome="finished", missed=2)
    assert after() is None
    assert after(first, later) == LiveView(seconds=8.0, previews=(BASS,))
    assert after(first, missed, missed) == LiveView(seconds=4.0, previews=(BASS,), missed=4)
    for end in (Ended(job=JOB.id, outcome="failed", unix_seconds=0.0), Requeued(job=JOB.id)):
        assert after(first, missed, end) == LiveView(missed=2)


@pytest.mark.parametrize(
    ("peaks", "drawn"),
    [
        ((), ("", " " * 8)),
        ((1.0,) * PARTS, ("▇" * 8, "")),
        ((2.0,) * (PARTS // 2), ("▇" * 4, " " * 4)),
        ((0.0,) * PARTS, (" " * 8, "")),
        ((1e-9,) * PARTS, ("▁" * 8, "")),
        ((0.4,) * (PARTS // 8), ("▆", " " * 7)),
        ((math.nan,) * PARTS, (" " * 8, "")),
    ],
)
def test_a_waveform_fills_its_cells(peaks: tuple[float, ...], drawn: tuple[str, str]) -> None:
    assert waveform(peaks, 8) == drawn


@pytest.mark.parametrize("cells", [0, 1, 7, 239, 240, 500])
def test_a_waveform_has_its_width_on_every_screen(cells: int) -> None:
    for known in (0, 1, 100, PARTS):
        assert len("".join(waveform((0.5,) * known, cells))) == cells


@pytest.mark.parametrize("seconds", [0.1, 1.0, 20.0])
def test_peaks_are_read_up_to_the_horizon(tmp_path: Path, seconds: float) -> None:
    preview = growing_preview(tmp_path / "bass.wav", seconds, seconds * 3 / 4)
    reader = PeakReader(preview.path, preview.channels)
    half = reader.read(round(seconds / 2 * RATE))
    assert len(half) == PARTS // 2
    growing_preview(tmp_path / "bass.wav", seconds, seconds)
    whole = reader.read(round(seconds * RATE))
    assert (len(whole), whole[: PARTS // 2]) == (PARTS, half)
    assert whole == pytest.approx([0.5 * (part + 1) / PARTS for part in range(PARTS)], abs=0.01)
    Path(preview.path).unlink()
    assert reader.read(round(seconds * RATE)) == whole
    assert PeakReader(preview.path, 2).read(RATE) == ()


def test_a_file_of_another_kind_has_no_peaks(tmp_path: Path) -> None:
    (tmp_path / "bass.wav").write_bytes(b"RIFF")
    assert PeakReader(str(tmp_path / "bass.wav"), 2).read(RATE) == ()


async def drawn(pilot: Pilot[None], app: SabApp) -> str:
    """The details, once the screen has read what it wanted."""
    await settle(pilot)
    await asyncio.gather(*(worker.wait() for worker in app.workers if worker.group == "peaks"))
    await pilot.pause()
    panel = app.screen.query_one(JobDetails)
    return details(JOB, 60, PLAIN, panel.live, panel.peaks).plain


async def test_the_stems_are_drawn_while_they_grow_and_gone_with_the_job(tmp_path: Path) -> None:
    app, bridge = app_with([running("Song", "separating", 0.1, None), JOB])
    async with app.run_test() as pilot:
        await press(pilot, "down")
        bridge.publish(MidiStarted(job=JOB.id, stem="bass", seconds=20.0, notes=0))
        preview = growing_preview(tmp_path / "bass.wav", 20.0, 10.0)
        bridge.publish(HorizonMoved(job=JOB.id, seconds=5.0, previews=(preview,)))
        text = await drawn(pilot, app)
        assert all(line.strip() for line in text.splitlines())
        (line,) = (line for line in text.splitlines() if line.startswith("bass"))
        assert len(line.split()[1]) == (60 - 8) // 4
        bridge.publish(HorizonMoved(job=JOB.id, seconds=10.0))
        assert "▅" in await drawn(pilot, app)
        await press(pilot, "up")
        assert "bass" not in await drawn(pilot, app)
        await press(pilot, "down")
        assert "bass" in await drawn(pilot, app)
        bridge.publish(Ended(job=JOB.id, outcome="done", unix_seconds=0.0))
        assert "bass" not in await drawn(pilot, app)
