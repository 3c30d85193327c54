"""What the screen looks like: compared with pictures that were looked at (`--snapshot-update` takes new ones)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from textual.pilot import Pilot

from bridge.events import MidiStarted, Noticed, Progressed
from tests.support.fakes import FakeBridge
from tests.support.scenes import (
    NO_MIDI,
    app_with,
    evening,
    produced,
    settle,
    started,
    submitted,
    trouble,
)

Compare = Callable[..., bool]

SIZES = pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])


def happening(bridge: FakeBridge) -> Callable[[Pilot[None]], Awaitable[None]]:
    """A few things go on before the picture is taken."""

    async def go_on(pilot: Pilot[None]) -> None:
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

    return go_on


@SIZES
def test_empty(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with()
    assert snap_compare(app, terminal_size=size)


@SIZES
def test_running(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, bridge = app_with(evening())
    assert snap_compare(app, terminal_size=size, run_before=happening(bridge))


@SIZES
def test_done(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(evening())
    assert snap_compare(app, terminal_size=size, press=["down", "down", "down", "down"])


@SIZES
def test_failed(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(trouble())
    assert snap_compare(app, terminal_size=size)


@SIZES
def test_no_midi(snap_compare: Compare, size: tuple[int, int]) -> None:
    app, _ = app_with(trouble()[:1], midi=NO_MIDI)
    assert snap_compare(app, terminal_size=size)


@pytest.mark.parametrize("key", ["a", "o", "question_mark", "q"], ids=["add", "files", "help", "quit"])
def test_dialogs(snap_compare: Compare, key: str) -> None:
    app, _ = app_with((*trouble()[:1], *evening()[4:5]))
    assert snap_compare(app, press=["down", key])


def test_by_day(snap_compare: Compare) -> None:
    app, bridge = app_with(evening())
    app.theme = "day"
    assert snap_compare(app, terminal_size=(120, 40), run_before=happening(bridge))
