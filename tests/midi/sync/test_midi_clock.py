"""The real follower and the real player on a clock turned by hand, against a DAW's MIDI clock."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.midi.player.messages import (
    Command,
    LatenessReport,
    Panic,
    Play,
    PlaybackFinished,
    PlaybackStarted,
    PlaybackWaiting,
    Report,
    Stop,
)
from bridge.midi.schedule import Schedule, schedule
from bridge.midi.sync.sources import SyncMessage
from tests.support.daw import ClockingDaw, expected, grid, numbered
from tests.support.schedules import schedules
from tests.support.stage import SECOND, Stage, hanging

#: Of each note from the song's grid, in seconds; two of it are the clock's own jitter.
WITHIN = 0.003


def perform(
    daw: ClockingDaw, part: Schedule, jitter_ms: float = 0.0, seed: int = 1, armed: float = 0.1, ahead_ns: int = 0
) -> Stage:
    stage = Stage()
    stage.outputs["bass"].ahead_ns = ahead_ns
    heard = [
        (at, SyncMessage(stage.start_ns + round(at * SECOND), data))
        for at, data in (daw.jittered(jitter_ms, seed) if jitter_ms else daw.sent)
    ]
    script: list[tuple[float, Command | SyncMessage]] = sorted(
        [(armed, Play(schedules=(part,), sync="clock")), *heard], key=lambda entry: entry[0]
    )
    stage.perform(*script)
    return stage


def struck(stage: Stage) -> list[tuple[int, float]]:
    return numbered(zip(stage.seconds("bass"), stage.outputs["bass"].sent, strict=True))


def assert_on_the_grid(stage: Stage, daw: ClockingDaw, notes: int, beat: float = 0.0) -> None:
    played, wanted = struck(stage), expected(daw, notes, beat)
    assert [index for index, _ in played] == [index for index, _ in wanted]  # none doubled, none lost
    assert [at for _, at in played] == pytest.approx([at for _, at in wanted], abs=WITHIN)
    assert hanging(stage.outputs["bass"].sent) == []


def news(stage: Stage) -> list[Report]:
    return [
        report for report in stage.reports if isinstance(report, (PlaybackWaiting, PlaybackStarted, PlaybackFinished))
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("before", "after"), [(90, 140), (140, 90)])
def test_a_step_of_the_tempo_with_jitter(before: float, after: float, seed: int) -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(16, before)
    daw.roll(16, after)
    daw.stop()
    stage = perform(daw, grid(32, bpm=90), jitter_ms=1.0, seed=seed)
    assert_on_the_grid(stage, daw, 128)


@pytest.mark.parametrize("seed", range(8))
def test_a_ramp_of_the_tempo_with_jitter(seed: int) -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(4, 90)
    daw.roll(16, 90, 140)
    daw.roll(8, 140)
    stage = perform(daw, grid(28, bpm=90), jitter_ms=1.0, seed=seed)
    assert_on_the_grid(stage, daw, 28 * 4)


@pytest.mark.parametrize("seed", range(8))
def test_jumps_stops_and_continues_with_jitter(seed: int) -> None:
    daw = ClockingDaw()
    daw.locate(16)
    daw.go_on()
    daw.roll(4, 90)
    daw.jump(0)
    daw.roll(6, 140)
    daw.stop()
    daw.wait(0.4)
    daw.go_on()
    daw.roll(2, 140)
    daw.stop()
    daw.locate(40)
    daw.wait(0.3)
    daw.go_on()
    daw.roll(4, 110)
    daw.stop()
    stage = perform(daw, grid(32, bpm=140), jitter_ms=1.0, seed=seed)
    assert_on_the_grid(stage, daw, 128)


def test_a_clip_lies_at_its_beat_and_a_count_in_leads_to_it() -> None:
    daw = ClockingDaw()
    daw.locate(12)
    daw.go_on()
    daw.roll(9, 100)
    daw.stop()
    stage = perform(daw, grid(8, beat=4.0))
    assert_on_the_grid(stage, daw, 32, beat=4.0)
    assert struck(stage)[0][1] == pytest.approx(0.5 + 0.6, abs=0.001)
    assert stage.positions[0][1].seconds < 0  # counted in


def test_a_clip_without_a_beat_begins_where_the_daw_begins_to_roll() -> None:
    daw = ClockingDaw()
    daw.locate(64)
    daw.go_on()
    daw.roll(4, 100)
    stage = perform(daw, grid(4, beat=None))
    assert_on_the_grid(stage, daw, 16, beat=16.0)


def test_a_clip_that_is_armed_late_joins_in_where_the_music_is() -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(8, 120)
    stage = perform(daw, grid(8), armed=2.6)  # 4.2 quarters in
    assert [index for index, _ in struck(stage)] == list(range(17, 32))


def test_a_clip_without_a_beat_that_is_armed_late_waits_for_the_next_start() -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(4, 120)
    daw.stop()
    daw.start()
    daw.roll(2, 120)
    stage = perform(daw, grid(2, beat=None), armed=1.1)
    assert [index for index, _ in struck(stage)] == list(range(8))
    assert struck(stage)[0][1] == pytest.approx(2.5, abs=0.001)


def test_a_jump_into_a_note_does_not_strike_it_and_ends_what_sounded() -> None:
    long = schedule("job", "bass", [(0.0, b"\x90\x3c\x64"), (4.0, b"\x80\x3c\x40"), (4.5, b"\x90\x40\x64")], beat=0.0)
    daw = ClockingDaw()
    daw.start()
    daw.roll(2, 120)
    daw.jump(16)
    daw.roll(6, 120)
    stage = perform(daw, long)
    assert stage.outputs["bass"].sent[:2] == [(0x90, 0x3C, 0x64), (0x80, 0x3C, 0x40)]
    assert stage.seconds("bass")[1] == pytest.approx(1.5, abs=0.001)
    assert stage.outputs["bass"].sent[2:] == [(0x90, 0x40, 0x64), (0x80, 0x40, 0x40)]  # no second end of the first


#: As our files begin: chosen and set, set again a tick later with the first note in between, and let go.
ZONE = [(0.0, b"\xb0\x65\x00"), (0.0, b"\xb0\x64\x06"), (0.0, b"\xb0\x06\x0f"), (0.0005, b"\xb0\x65\x7f")]
VOLUME = (0.0, b"\xb0\x07\x64")
FIRST, SECOND_NOTE = [(0.0, b"\x91\x3c\x64"), (1.0, b"\x81\x3c\x40")], [(3.0, b"\x92\x40\x64"), (3.5, b"\x82\x40\x40")]


def sent(stage: Stage) -> list[bytes]:
    return [bytes(message) for message in stage.outputs["bass"].sent]


def bare(pairs: Iterable[tuple[float, bytes]]) -> list[bytes]:
    return [data for _, data in sorted(pairs, key=lambda pair: pair[0])]


def two_takes(sixteenth: int, quarters: float) -> ClockingDaw:
    daw = ClockingDaw()
    for _ in range(2):
        daw.locate(sixteenth)
        daw.go_on()
        daw.roll(quarters, 120)
        daw.stop()
    return daw


def test_the_first_take_says_how_to_read_the_notes_and_loops_and_later_takes_do_not() -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(8, 120)
    daw.jump(0)
    daw.roll(8, 120)
    daw.stop()
    daw.start()
    daw.roll(8, 120)
    stage = perform(daw, schedule("job", "bass", [*ZONE, *FIRST, *SECOND_NOTE], beat=0.0))
    assert sent(stage) == bare([*ZONE, *FIRST]) + bare(SECOND_NOTE) + bare([*FIRST, *SECOND_NOTE]) * 2


def test_a_first_take_from_the_middle_says_all_of_it_first() -> None:
    stage = perform(two_takes(16, 5), schedule("job", "bass", [VOLUME, *ZONE, *FIRST, *SECOND_NOTE], beat=0.0))
    first, volume = bare([VOLUME, *ZONE]), bare([VOLUME])
    assert sent(stage) == [*first, *bare(SECOND_NOTE), *volume, *bare(SECOND_NOTE)]


def test_a_take_that_broke_off_before_all_was_said_is_followed_by_one_that_says_it() -> None:
    late = (0.09, b"\xb0\x64\x7f")
    daw = ClockingDaw()
    daw.start()
    daw.roll(0.1, 120)
    daw.stop()
    daw.start()
    daw.roll(8, 120)
    stage = perform(daw, schedule("job", "bass", [*ZONE, late, *SECOND_NOTE], beat=0.0))
    assert sent(stage) == bare(ZONE) + bare([*ZONE, late, *SECOND_NOTE])


@pytest.mark.parametrize("turns_by", ["stop", "jump"])
def test_what_was_handed_over_ahead_and_taken_back_is_said_in_the_next_take(turns_by: str) -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(1.97, 120)
    if turns_by == "stop":
        daw.stop()
        daw.start()
    else:
        daw.jump(0)
    daw.roll(12, 120)
    stage = perform(daw, schedule("job", "bass", [*ZONE, *SECOND_NOTE], beat=2.0), ahead_ns=30_000_000)
    assert sent(stage) == bare([*ZONE, *SECOND_NOTE])


@pytest.mark.parametrize("ahead_ns", [0, 20_000_000])
def test_armed_in_the_middle_all_is_said_then_and_is_not_late(ahead_ns: int) -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(12, 120)
    part = schedule("job", "bass", [*ZONE, *FIRST, *SECOND_NOTE], beat=0.0)
    stage = perform(daw, part, armed=2.6, ahead_ns=ahead_ns)
    assert sent(stage) == bare(ZONE) + bare(SECOND_NOTE)
    assert stage.seconds("bass")[0] == pytest.approx(2.6, abs=0.001)
    (lateness,) = (report for report in stage.reports if isinstance(report, LatenessReport))
    assert lateness.worst_ms < 1


def test_a_take_that_joins_after_the_last_note_says_nothing() -> None:
    stage = perform(two_takes(6, 12), schedule("job", "bass", [*ZONE, *FIRST], beat=0.0))  # its end comes at 1 s
    assert sent(stage) == []


def test_music_that_changes_its_bend_range_says_all_of_it_up_to_where_a_take_begins() -> None:
    wider = (2.0, b"\xb0\x06\x0c")
    part = schedule("job", "bass", [*ZONE, *FIRST, wider, *SECOND_NOTE], beat=0.0)
    stage = perform(two_takes(20, 5), part)  # from 2.5 s on
    assert sent(stage) == bare([*ZONE, wider, *SECOND_NOTE]) * 2


def test_music_that_changes_its_bend_range_begins_with_its_first_in_every_take() -> None:
    wider = (2.0, b"\xb0\x06\x0c")
    part = schedule("job", "bass", [*ZONE, *FIRST, wider, *SECOND_NOTE], beat=0.0)
    stage = perform(two_takes(0, 8), part)
    assert sent(stage) == bare([*ZONE, *FIRST, wider, *SECOND_NOTE]) * 2


def test_each_play_says_it_anew() -> None:
    stage = Stage()
    part = schedule("job", "bass", [*ZONE, *FIRST])
    stage.perform((0.0, Play(schedules=(part,))), (3.0, Play(schedules=(part,))))
    assert sent(stage) == bare([*ZONE, *FIRST]) * 2


def test_a_daw_that_stops_ends_every_note_at_once() -> None:
    long = schedule("job", "bass", [(0.0, b"\xe0\x00\x50"), (0.0, b"\x90\x3c\x64"), (9.0, b"\x80\x3c\x40")], beat=0.0)
    daw = ClockingDaw()
    daw.start()
    daw.roll(2, 120)
    daw.stop()
    stage = perform(daw, long)
    assert hanging(stage.outputs["bass"].sent) == []
    assert stage.seconds("bass")[-1] == pytest.approx(1.5, abs=0.001)


def test_a_clock_that_vanishes_is_a_stop_within_a_second_and_a_bit() -> None:
    long = schedule("job", "bass", [(0.0, b"\x90\x3c\x64"), (30.0, b"\x80\x3c\x40")], beat=0.0)
    daw = ClockingDaw()
    daw.start()
    daw.roll(2, 120)
    stage = perform(daw, long)
    assert 2.4 < stage.seconds("bass")[-1] < 2.8
    assert hanging(stage.outputs["bass"].sent) == []


def test_what_a_person_is_told_from_arming_to_stopping() -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(4, 120)  # through the whole clip
    daw.jump(0)
    daw.roll(1, 120)
    daw.stop()
    stage = Stage()
    heard = [(at, SyncMessage(stage.start_ns + round(at * SECOND), data)) for at, data in daw.sent]
    part = grid(2)
    stage.perform((0.1, Play(schedules=(part,), sync="clock")), *heard, (9.0, Stop()))
    waiting = PlaybackWaiting(job="job", stem="bass", sync="clock")
    started = PlaybackStarted(job="job", stem="bass", seconds=part.seconds, notes=8)
    assert news(stage) == [
        waiting,
        started,
        PlaybackFinished(job="job", stem="bass", outcome="finished", waits=True),
        waiting,
        started,
        PlaybackFinished(job="job", stem="bass", outcome="stopped", waits=True),
        waiting,
        PlaybackFinished(job="job", stem="bass", outcome="stopped"),
    ]


def test_places_are_told_at_most_five_times_a_second() -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(16, 120)
    stage = perform(daw, grid(16))
    told = [at for at, _ in stage.positions]
    assert 30 <= len(told) <= 33
    assert min(after - at for at, after in pairwise(told)) > 0.2
    for at, position in stage.positions:
        assert position.seconds == pytest.approx(at - 0.5, abs=0.01)


def test_what_nobody_can_follow_fails_and_says_why() -> None:
    stage = Stage()
    stage.perform((0.0, Play(schedules=(grid(1),), sync="jack")))
    (failed,) = news(stage)
    assert isinstance(failed, PlaybackFinished) and failed.outcome == "failed" and failed.reason


clock_messages = st.sampled_from([b"\xf8"] * 6 + [b"\xfa", b"\xfb", b"\xfc", b"\xf2\x00\x00", b"\xf2\x04\x00"])
actions = st.one_of(
    st.builds(lambda part: Play(schedules=(part,), sync="clock"), schedules("bass")),
    st.builds(lambda part: Play(schedules=(part,)), schedules("bass")),
    st.sampled_from((Stop(), Panic())),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 4), clock_messages), max_size=60),
    st.lists(st.tuples(st.floats(0, 4), actions), max_size=6),
    st.sampled_from((0, 5_000_000, 50_000_000)),
)
def test_whatever_is_asked_and_however_the_daw_jumps_nothing_is_left_sounding(
    clock: list[tuple[float, bytes]], asked: list[tuple[float, Command]], ahead_ns: int
) -> None:
    stage = Stage(("bass",))
    stage.outputs["bass"].ahead_ns = ahead_ns
    heard = [(at, SyncMessage(stage.start_ns + round(at * SECOND), data)) for at, data in clock]
    script: list[tuple[float, Command | SyncMessage]] = sorted([*asked, *heard], key=lambda entry: entry[0])
    stage.perform(*script)
    assert hanging(stage.outputs["bass"].sent) == []
    last_words = [report for report in news(stage) if isinstance(report, PlaybackFinished) and not report.waits]
    assert len(last_words) == sum(isinstance(command, Play) for _, command in asked)


@pytest.mark.parametrize("ahead_ns", [5_000_000, 20_000_000])
def test_a_port_that_wants_its_messages_ahead_plays_them_on_the_grid(ahead_ns: int) -> None:
    daw = ClockingDaw()
    daw.start()
    daw.roll(8, 120)
    daw.stop()
    stage = Stage()
    stage.outputs["bass"].ahead_ns = ahead_ns
    heard = [(at, SyncMessage(stage.start_ns + round(at * SECOND), data)) for at, data in daw.sent]
    stage.perform((0.1, Play(schedules=(grid(8),), sync="clock")), *heard)
    assert_on_the_grid(stage, daw, 32)
