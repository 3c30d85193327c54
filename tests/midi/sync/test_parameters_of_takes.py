"""The parameters that a part sets at its start, in takes that begin anywhere, along with a DAW's MIDI clock."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from bridge.events import MidiEnded
from bridge.midi.player.messages import Play
from bridge.midi.schedule import schedule
from tests.support.daw import FakeDaw, play_along
from tests.support.stage import PlayerHarness

#: As our files begin: parameter selected and set, set again a tick later after the first note, and deselected.
ZONE = [(0.0, b"\xb0\x65\x00"), (0.0, b"\xb0\x64\x06"), (0.0, b"\xb0\x06\x0f"), (0.0005, b"\xb0\x65\x7f")]
VOLUME = (0.0, b"\xb0\x07\x64")
FIRST, SECOND_NOTE = [(0.0, b"\x91\x3c\x64"), (1.0, b"\x81\x3c\x40")], [(3.0, b"\x92\x40\x64"), (3.5, b"\x82\x40\x40")]


def sent(harness: PlayerHarness) -> list[bytes]:
    return [bytes(message) for message in harness.outputs["bass"].sent]


def bare(pairs: Iterable[tuple[float, bytes]]) -> list[bytes]:
    return [data for _, data in sorted(pairs, key=lambda pair: pair[0])]


def two_takes(sixteenth: int, quarters: float) -> FakeDaw:
    daw = FakeDaw()
    for _ in range(2):
        daw.locate(sixteenth)
        daw.resume()
        daw.roll(quarters, 120)
        daw.stop()
    return daw


def test_only_the_first_take_sets_the_parameters() -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(8, 120)
    daw.jump(0)
    daw.roll(8, 120)
    daw.stop()
    daw.start()
    daw.roll(8, 120)
    harness = play_along(daw, schedule("job", "bass", [*ZONE, *FIRST, *SECOND_NOTE], beat=0.0))
    assert sent(harness) == bare([*ZONE, *FIRST]) + bare(SECOND_NOTE) + bare([*FIRST, *SECOND_NOTE]) * 2


def test_a_first_take_from_the_middle_sets_all_parameters_first() -> None:
    harness = play_along(two_takes(16, 5), schedule("job", "bass", [VOLUME, *ZONE, *FIRST, *SECOND_NOTE], beat=0.0))
    first, volume = bare([VOLUME, *ZONE]), bare([VOLUME])
    assert sent(harness) == [*first, *bare(SECOND_NOTE), *volume, *bare(SECOND_NOTE)]


def test_after_a_take_that_broke_off_in_its_set_up_the_next_one_repeats_it() -> None:
    late = (0.09, b"\xb0\x64\x7f")
    daw = FakeDaw()
    daw.start()
    daw.roll(0.1, 120)
    daw.stop()
    daw.start()
    daw.roll(8, 120)
    harness = play_along(daw, schedule("job", "bass", [*ZONE, late, *SECOND_NOTE], beat=0.0))
    assert sent(harness) == bare(ZONE) + bare([*ZONE, late, *SECOND_NOTE])


@pytest.mark.parametrize("ends_by", ["stop", "jump"])
def test_parameters_that_were_taken_back_are_set_in_the_next_take(ends_by: str) -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(1.97, 120)
    if ends_by == "stop":
        daw.stop()
        daw.start()
    else:
        daw.jump(0)
    daw.roll(12, 120)
    harness = play_along(daw, schedule("job", "bass", [*ZONE, *SECOND_NOTE], beat=2.0), ahead_ns=30_000_000)
    assert sent(harness) == bare([*ZONE, *SECOND_NOTE])


@pytest.mark.parametrize("ahead_ns", [0, 20_000_000])
def test_a_schedule_armed_in_the_middle_sets_its_parameters_then_and_is_not_late(ahead_ns: int) -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(12, 120)
    part = schedule("job", "bass", [*ZONE, *FIRST, *SECOND_NOTE], beat=0.0)
    harness = play_along(daw, part, armed=2.6, ahead_ns=ahead_ns)
    assert sent(harness) == bare(ZONE) + bare(SECOND_NOTE)
    assert harness.seconds("bass")[0] == pytest.approx(2.6, abs=0.001)
    (lateness,) = (report.lateness for report in harness.reports if isinstance(report, MidiEnded) and report.lateness)
    assert lateness.worst_ms < 1


def test_a_take_that_joins_after_the_last_note_sends_nothing() -> None:
    harness = play_along(two_takes(6, 12), schedule("job", "bass", [*ZONE, *FIRST], beat=0.0))  # its end comes at 1 s
    assert sent(harness) == []


def test_if_the_bend_range_changes_a_take_sends_all_parameters_before_its_start() -> None:
    wider = (2.0, b"\xb0\x06\x0c")
    part = schedule("job", "bass", [*ZONE, *FIRST, wider, *SECOND_NOTE], beat=0.0)
    harness = play_along(two_takes(20, 5), part)  # from 2.5 s on
    assert sent(harness) == bare([*ZONE, wider, *SECOND_NOTE]) * 2


def test_if_the_bend_range_changes_every_take_begins_with_the_first_one() -> None:
    wider = (2.0, b"\xb0\x06\x0c")
    part = schedule("job", "bass", [*ZONE, *FIRST, wider, *SECOND_NOTE], beat=0.0)
    harness = play_along(two_takes(0, 8), part)
    assert sent(harness) == bare([*ZONE, *FIRST, wider, *SECOND_NOTE]) * 2


def test_each_play_sets_the_parameters_again() -> None:
    harness = PlayerHarness()
    part = schedule("job", "bass", [*ZONE, *FIRST])
    harness.run((0.0, Play(schedules=(part,))), (3.0, Play(schedules=(part,))))
    assert sent(harness) == bare([*ZONE, *FIRST]) * 2
