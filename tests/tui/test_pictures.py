"""The look of the screen, compared with reviewed snapshots (`--snapshot-update` retakes them)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from textual.pilot import Pilot

from bridge.events import HorizonMoved, MidiEnded, MidiStarted, Noticed, Progressed
from tests.support.fakes import FakeBridge
from tests.support.scenes import (
    NO_MIDI,
    app_with,
    busy_session,
    growing_preview,
    playing_live,
    produced,
    session_with_failure,
    session_with_groups,
    settle,
    started,
    submitted,
)

if TYPE_CHECKING:
    from bridge.protocols import Samples

Compare = Callable[..., bool]

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def publish_events(bridge: FakeBridge) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Publishes some events before the snapshot is taken."""

    async def publish(pilot: Pilot[None]) -> None:
        await pilot.pause()
        job = submitted("Lighthouse").job
        bridge.publish(submitted("Lighthouse"))
        bridge.publish(started("moonlight-sonata-dub", "Moonlight Sonata Dub"))
        for event in produced("moonlight-sonata-dub", "Moonlight Sonata Dub", "vocals"):
            bridge.publish(event)
        bridge.publish(Progressed(job="moonlight-sonata-dub", stage="separating", fraction=0.433, eta_seconds=72))
        bridge.publish(MidiStarted(job="night-bus", stem="bass", seconds=214, notes=244))
        bridge.publish(MidiStarted(job="night-bus", stem="drums", seconds=214, notes=305))
        bridge.publish(Noticed(level="warning", message=f"A client asked for {job} twice; it was queued once."))
        await settle(pilot)

    return publish


@SIZES
def test_empty(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with()
    assert snap_compare(app, terminal_size=size)


@SIZES
def test_running(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, bridge = app_with(busy_session())
    assert snap_compare(app, terminal_size=size, run_before=publish_events(bridge))


@SIZES
def test_playing_live(snap_compare: Compare, size: tuple[int, int], tmp_path: Path) -> None:
    """The stems as far as their notes are known, while the job goes on."""
    job = playing_live("Harbour")
    envelopes: dict[str, Callable[[Samples], np.ndarray[Any, np.dtype[Any]]]] = {
        "vocals": lambda time: np.clip(np.sin(time * 60), 0, 0.7),
        "drums": lambda time: 0.9 * np.exp(-8 * (time * 64 % 1)),
        "bass": lambda time: 0.3 + 0.1 * np.sin(time * 200),
        "other": lambda time: 0.2 * time,
    }
    app, bridge = app_with((*busy_session()[:2], job))

    async def play(pilot: Pilot[None]) -> None:
        await pilot.pause()
        previews = [growing_preview(tmp_path / f"{stem}.wav", 96, 40, one) for stem, one in envelopes.items()]
        bridge.publish(HorizonMoved(job=job.id, seconds=32, previews=tuple(previews)))
        for stem in ("vocals", "drums"):
            bridge.publish(MidiStarted(job=job.id, stem=stem, seconds=96, notes=0, is_open=True))
        bridge.publish(MidiEnded(job=job.id, stem="bass", outcome="stopped", missed=3))
        await settle(pilot)
        await pilot.app.workers.wait_for_complete([worker for worker in pilot.app.workers if worker.group == "peaks"])
        await settle(pilot)

    assert snap_compare(app, terminal_size=size, run_before=play)


@SIZES
def test_done(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(busy_session())
    assert snap_compare(app, terminal_size=size, press=["down", "down", "down", "down"])


@SIZES
def test_failed(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(session_with_failure())
    assert snap_compare(app, terminal_size=size)


@SIZES
def test_groups(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(session_with_groups())
    assert snap_compare(app, terminal_size=size)


@SIZES
def test_an_open_group(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(session_with_groups())
    assert snap_compare(app, terminal_size=size, press=["space", "down", "down"])


@SIZES
def test_a_group_that_is_over(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(session_with_groups())
    assert snap_compare(app, terminal_size=size, press=["down"])


@SIZES
def test_no_midi(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(session_with_failure()[:1], midi=NO_MIDI)
    assert snap_compare(app, terminal_size=size)


@pytest.mark.parametrize("key", ["a", "l", "o", "question_mark", "q"], ids=["add", "live", "files", "help", "quit"])
def test_dialogs(snap_compare: Compare, key: str) -> None:
    app, _ = app_with((*session_with_failure()[:1], *busy_session()[4:5]))
    assert snap_compare(app, press=["down", key])


def test_by_day(snap_compare: Compare) -> None:
    app, bridge = app_with(busy_session())
    app.theme = "day"
    assert snap_compare(app, terminal_size=(120, 40), run_before=publish_events(bridge))


@pytest.mark.parametrize("size", [(60, 20), (60, 40), (160, 45)], ids=["60x20", "60x40", "160x45"])
def test_layouts(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, bridge = app_with(busy_session())
    assert snap_compare(app, terminal_size=size, run_before=publish_events(bridge))


def test_jump_mode(snap_compare: Compare) -> None:
    app, _ = app_with(busy_session())
    assert snap_compare(app, press=["ctrl+o"])
