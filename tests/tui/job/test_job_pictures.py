"""The look of an opened job, compared with reviewed snapshots (`--snapshot-update` retakes them)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from bridge.errors import EngineFailed
from bridge.model import Job
from tests.support.music import music_view
from tests.support.open_jobs import OpenJob, open_it, program
from tests.support.scenes import NO_MIDI, STEMS, failed, running

Compare = Callable[..., bool]


def keys(*pressed: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    async def press(pilot: Pilot[None]) -> None:
        await open_it(pilot, *pressed)

    return press


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40), (170, 45)], ids=["60x20", "80x24", "120x40", "170x45"])
def test_open(snap_compare: Compare, size: tuple[int, int]) -> None:
    assert snap_compare(program().app, terminal_size=size, run_before=keys())


def test_solo_and_edited(snap_compare: Compare) -> None:
    pressed = ("down", "down", "S", "n", "tab", "right", "right", "right", "tab", "tab", "right", "right")
    assert snap_compare(program().app, terminal_size=(120, 40), run_before=keys(*pressed))


def test_heard(snap_compare: Compare) -> None:
    opened = program()

    async def hear(pilot: Pilot[None]) -> None:
        await open_it(pilot, "space")
        opened.hearing.advance(9.3)
        await pilot.pause()

    assert snap_compare(opened.app, terminal_size=(120, 40), run_before=hear)


def test_growing(snap_compare: Compare) -> None:
    job = running("Night Bus", "separating", 0.43, 75.0)
    view = music_view(job.id, STEMS[:3])
    half = tuple(
        replace(stem, notes=tuple(note for note in stem.notes if note.onset_seconds < 9), peaks=stem.peaks[:200])
        for stem in view.stems
    )
    opened = program(job, replace(view, stems=half, known_seconds=9.0))
    assert snap_compare(opened.app, terminal_size=(120, 40), run_before=keys())


def test_no_output_and_no_ports(snap_compare: Compare) -> None:
    opened = program(midi=NO_MIDI)
    opened.hearing.refuse = EngineFailed(
        "There is no output to hear anything on.", advice="Connect one, or start a sound server."
    )
    assert snap_compare(opened.app, terminal_size=(80, 24), run_before=keys("space"))


def a_failed_job() -> Job:
    return failed("Night Bus", "out_of_memory", "There was not enough memory to separate 14 minutes with htdemucs_ft.")


def test_failed(snap_compare: Compare) -> None:
    opened = program(a_failed_job(), music_view("night-bus", ()))
    assert snap_compare(opened.app, terminal_size=(80, 24), run_before=keys())


def test_tempo(snap_compare: Compare) -> None:
    assert snap_compare(program().app, terminal_size=(120, 40), run_before=keys("t", "space"))


def test_without_colour(snap_compare: Compare, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    opened: OpenJob = program()
    assert snap_compare(opened.app, terminal_size=(120, 40), run_before=keys("down", "S", "tab", "right"))


def test_by_day(snap_compare: Compare) -> None:
    opened = program()
    opened.app.theme = "day"
    assert snap_compare(opened.app, terminal_size=(120, 40), run_before=keys("down"))
