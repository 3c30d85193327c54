from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bridge.errors import EngineFailed
from bridge.midi.player.messages import Play, PlaybackFinished, PlayerReady
from bridge.midi.ports.jack_probe import JackProbe
from bridge.midi.ports.stall import LOOKS, STANDS_STILL, Stall, StallWatch
from bridge.midi.schedule import schedule
from tests.support.jack_server import poll
from tests.support.stage import Stage, hanging

NOTE = schedule("job", "bass", [(0.0, bytes((0x90, 40, 90))), (9.0, bytes((0x80, 40, 64)))])


def watched(frames: list[int]) -> list[Stall]:
    told: list[Stall] = []
    coming: Iterator[int] = iter(frames)
    watch = StallWatch(lambda: next(coming), told.append)
    for _ in frames:
        watch.look()
    return told


@pytest.mark.parametrize(
    ("frames", "told"),
    [
        (list(range(20)), []),
        ([5] * LOOKS, []),  # the first look compares with nothing
        ([5] * (LOOKS + 1), [Stall(True)]),
        ([5] * 50, [Stall(True)]),
        ([5] * LOOKS + [6] * LOOKS, []),
        ([5] * (LOOKS + 1) + [6], [Stall(True), Stall(False)]),
        (([5] * (LOOKS + 1) + [6]) * 2, [Stall(True), Stall(False)] * 2),
    ],
)
def test_a_clock_that_stands_still_is_told_once_and_once_that_it_goes_on(frames: list[int], told: list[Stall]) -> None:
    assert watched(frames) == told


def test_a_stall_ends_what_plays_refuses_what_comes_and_is_over_with_the_same_ports() -> None:
    stage = Stage()
    play = Play(schedules=(NOTE,))
    stage.perform((0, play), (1, Stall(True)), (2, play), (3, Stall(False)), (4, play))
    states = [report for report in stage.reports if isinstance(report, PlayerReady)]
    assert [ready.status.backend for ready in states] == ["jack", "none", "jack"]
    assert states[1].status.message == STANDS_STILL
    assert states[0] == states[2]
    ends = [report for report in stage.reports if isinstance(report, PlaybackFinished)]
    assert [(end.outcome, end.reason) for end in ends] == [
        ("failed", STANDS_STILL), ("failed", STANDS_STILL), ("finished", "")
    ]  # fmt: skip
    assert len([data for data in stage.outputs["bass"].sent if data[0] == 0x90]) == 2
    assert hanging(stage.outputs["bass"].sent[:2]) == []
    assert stage.openings == 1


def test_a_server_that_answers_or_is_not_there_does_not_hang() -> None:
    def refuse() -> None:
        raise EngineFailed("none", advice="")

    assert not JackProbe(lambda: None).hangs()
    assert not JackProbe(refuse).hangs()


def test_one_that_hangs_is_asked_once_until_it_answers() -> None:
    answers, asked = threading.Event(), []

    def ask() -> None:
        asked.append(1)
        answers.wait(20)

    probe = JackProbe(ask, patience_seconds=0.01)
    assert probe.hangs() and probe.hangs()
    assert len(asked) == 1
    answers.set()
    assert poll(lambda: not probe.hangs())
