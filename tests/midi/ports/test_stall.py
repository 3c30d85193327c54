from __future__ import annotations

import threading
from collections.abc import Iterator

import msgspec
import pytest

from bridge.errors import EngineFailed
from bridge.events import MidiEnded, MidiReady, Noticed
from bridge.midi.player.messages import Play
from bridge.midi.ports.jack_probe import JackProbe
from bridge.midi.ports.stall import STALL_MESSAGE, STALLED_POLLS, Stall, StallWatch
from bridge.midi.schedule import schedule
from tests.support.jack_server import poll
from tests.support.stage import PlayerHarness, hanging

NOTE = schedule("job", "bass", [(0.0, bytes((0x90, 40, 90))), (9.0, bytes((0x80, 40, 64)))])


def watched(frames: list[int]) -> list[Stall]:
    reported: list[Stall] = []
    remaining: Iterator[int] = iter(frames)
    watch = StallWatch(lambda: next(remaining), reported.append)
    for _ in frames:
        watch.poll()
    return reported


@pytest.mark.parametrize(
    ("frames", "reported"),
    [
        (list(range(20)), []),
        ([5] * STALLED_POLLS, []),  # the first reading has nothing to compare with
        ([5] * (STALLED_POLLS + 1), [Stall(True)]),
        ([5] * 50, [Stall(True)]),
        ([5] * STALLED_POLLS + [6] * STALLED_POLLS, []),
        ([5] * (STALLED_POLLS + 1) + [6], [Stall(True), Stall(False)]),
        (([5] * (STALLED_POLLS + 1) + [6]) * 2, [Stall(True), Stall(False)] * 2),
    ],
)
def test_a_stall_and_its_end_are_reported_once_each(frames: list[int], reported: list[Stall]) -> None:
    assert watched(frames) == reported


def test_a_stall_fails_all_playbacks_and_afterwards_the_same_ports_work() -> None:
    harness = PlayerHarness()
    play = Play(schedules=(NOTE, msgspec.structs.replace(NOTE, stem="vocals")))
    harness.run((0, play), (1, Stall(True)), (2, play), (3, Stall(False)), (4, play))
    states = [report for report in harness.reports if isinstance(report, MidiReady)]
    assert [ready.status.backend for ready in states] == ["jack", "none", "jack"]
    assert states[1].status.message == STALL_MESSAGE
    assert states[0] == states[2]
    ends = [report for report in harness.reports if isinstance(report, MidiEnded)]
    assert [end.outcome for end in ends] == ["failed"] * 4 + ["finished"] * 2
    notices = [report for report in harness.reports if isinstance(report, Noticed)]
    assert notices == [Noticed(level="warning", message=STALL_MESSAGE)] * 2  # of a play, and not of each stem
    assert len([data for data in harness.outputs["bass"].sent if data[0] == 0x90]) == 2
    assert hanging(harness.outputs["bass"].sent[:2]) == []
    assert harness.openings == 1


def test_a_server_that_answers_or_is_missing_does_not_hang() -> None:
    def refuse() -> None:
        raise EngineFailed("none", advice="")

    assert not JackProbe(lambda: None).hangs()
    assert not JackProbe(refuse).hangs()


def test_a_hanging_server_is_probed_once_until_it_answers() -> None:
    answers, asked = threading.Event(), []

    def ask() -> None:
        asked.append(1)
        answers.wait(20)

    probe = JackProbe(ask, timeout_seconds=0.01)
    assert probe.hangs() and probe.hangs()
    assert len(asked) == 1
    answers.set()
    assert poll(lambda: not probe.hangs())
