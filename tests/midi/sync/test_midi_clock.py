"""The real clock follower and the real player on a manual clock, against a DAW's MIDI clock."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.errors import EngineFailed
from bridge.events import MidiEnded, MidiStarted, MidiWaiting, Noticed
from bridge.midi.player.messages import Command, Panic, Play, Report, Stop
from bridge.midi.schedule import schedule
from bridge.midi.sync.sources import SyncMessage, SyncSources
from tests.support.daw import FakeDaw, expected, grid, numbered, play_along
from tests.support.schedules import schedules
from tests.support.stage import SECOND, PlayerHarness, hanging

#: Maximum distance of a note from the song's grid, in seconds; two milliseconds of it are the clock's jitter.
WITHIN = 0.003


def played_notes(harness: PlayerHarness) -> list[tuple[int, float]]:
    return numbered(zip(harness.seconds("bass"), harness.outputs["bass"].sent, strict=True))


def assert_on_the_grid(harness: PlayerHarness, daw: FakeDaw, notes: int, beat: float = 0.0) -> None:
    played, wanted = played_notes(harness), expected(daw, notes, beat)
    assert [index for index, _ in played] == [index for index, _ in wanted]  # none doubled, none lost
    assert [at for _, at in played] == pytest.approx([at for _, at in wanted], abs=WITHIN)
    assert hanging(harness.outputs["bass"].sent) == []


def outcome_reports(harness: PlayerHarness) -> list[Report]:
    """The events of playbacks, without figures of lateness."""
    return [
        replace(report, lateness=None) if isinstance(report, MidiEnded) else report
        for report in harness.reports
        if isinstance(report, (MidiWaiting, MidiStarted, MidiEnded))
    ]


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("before", "after"), [(90, 140), (140, 90)])
def test_a_step_of_the_tempo_with_jitter(before: float, after: float, seed: int) -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(16, before)
    daw.roll(16, after)
    daw.stop()
    harness = play_along(daw, grid(32, bpm=90), jitter_ms=1.0, seed=seed)
    assert_on_the_grid(harness, daw, 128)


@pytest.mark.parametrize("seed", range(8))
def test_a_ramp_of_the_tempo_with_jitter(seed: int) -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(4, 90)
    daw.roll(16, 90, 140)
    daw.roll(8, 140)
    harness = play_along(daw, grid(28, bpm=90), jitter_ms=1.0, seed=seed)
    assert_on_the_grid(harness, daw, 28 * 4)


@pytest.mark.parametrize("seed", range(8))
def test_jumps_stops_and_continues_with_jitter(seed: int) -> None:
    daw = FakeDaw()
    daw.locate(16)
    daw.resume()
    daw.roll(4, 90)
    daw.jump(0)
    daw.roll(6, 140)
    daw.stop()
    daw.wait(0.4)
    daw.resume()
    daw.roll(2, 140)
    daw.stop()
    daw.locate(40)
    daw.wait(0.3)
    daw.resume()
    daw.roll(4, 110)
    daw.stop()
    harness = play_along(daw, grid(32, bpm=140), jitter_ms=1.0, seed=seed)
    assert_on_the_grid(harness, daw, 128)


#: As of `jack-exact` with periods of 256 frames.
EXACT_AHEAD_NS = 36_000_000


@pytest.mark.parametrize("ahead_ns", [0, EXACT_AHEAD_NS])
@pytest.mark.parametrize(("before", "after"), [(140, 90), (90, 140)])
def test_a_take_at_another_tempo_than_the_last_one_begins_on_the_grid(
    before: float, after: float, ahead_ns: int
) -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(4, before)
    daw.stop()
    daw.wait(1.0)
    daw.start()
    daw.roll(4, after)
    daw.stop()
    harness = play_along(daw, grid(4, beat=0.125, bpm=before), ahead_ns=ahead_ns)
    assert_on_the_grid(harness, daw, 16, beat=0.125)


def test_a_clip_starts_at_its_beat_after_a_count_in() -> None:
    daw = FakeDaw()
    daw.locate(12)
    daw.resume()
    daw.roll(9, 100)
    daw.stop()
    harness = play_along(daw, grid(8, beat=4.0))
    assert_on_the_grid(harness, daw, 32, beat=4.0)
    assert played_notes(harness)[0][1] == pytest.approx(0.5 + 0.6, abs=0.001)
    assert harness.positions[0][1].seconds < 0  # counted in


def test_a_clip_without_a_beat_begins_where_the_daw_begins_to_roll() -> None:
    daw = FakeDaw()
    daw.locate(64)
    daw.resume()
    daw.roll(4, 100)
    harness = play_along(daw, grid(4, beat=None))
    assert_on_the_grid(harness, daw, 16, beat=16.0)


def test_a_clip_that_is_armed_late_joins_at_the_current_position() -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(8, 120)
    harness = play_along(daw, grid(8), armed=2.6)  # 4.2 quarters in
    assert [index for index, _ in played_notes(harness)] == list(range(17, 32))


def test_a_clip_without_a_beat_that_is_armed_late_waits_for_the_next_start() -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(4, 120)
    daw.stop()
    daw.start()
    daw.roll(2, 120)
    harness = play_along(daw, grid(2, beat=None), armed=1.1)
    assert [index for index, _ in played_notes(harness)] == list(range(8))
    assert played_notes(harness)[0][1] == pytest.approx(2.5, abs=0.001)


def test_a_jump_into_a_note_does_not_start_it_and_ends_sounding_notes() -> None:
    long = schedule("job", "bass", [(0.0, b"\x90\x3c\x64"), (4.0, b"\x80\x3c\x40"), (4.5, b"\x90\x40\x64")], beat=0.0)
    daw = FakeDaw()
    daw.start()
    daw.roll(2, 120)
    daw.jump(16)
    daw.roll(6, 120)
    harness = play_along(daw, long)
    assert harness.outputs["bass"].sent[:2] == [(0x90, 0x3C, 0x64), (0x80, 0x3C, 0x40)]
    assert harness.seconds("bass")[1] == pytest.approx(1.5, abs=0.001)
    assert harness.outputs["bass"].sent[2:] == [(0x90, 0x40, 0x64), (0x80, 0x40, 0x40)]  # no second end of the first


def test_a_daw_that_stops_ends_every_note_at_once() -> None:
    long = schedule("job", "bass", [(0.0, b"\xe0\x00\x50"), (0.0, b"\x90\x3c\x64"), (9.0, b"\x80\x3c\x40")], beat=0.0)
    daw = FakeDaw()
    daw.start()
    daw.roll(2, 120)
    daw.stop()
    harness = play_along(daw, long)
    assert hanging(harness.outputs["bass"].sent) == []
    assert harness.seconds("bass")[-1] == pytest.approx(1.5, abs=0.001)


def test_a_clock_that_vanishes_counts_as_a_stop_after_about_a_second() -> None:
    long = schedule("job", "bass", [(0.0, b"\x90\x3c\x64"), (30.0, b"\x80\x3c\x40")], beat=0.0)
    daw = FakeDaw()
    daw.start()
    daw.roll(2, 120)
    harness = play_along(daw, long)
    assert 2.4 < harness.seconds("bass")[-1] < 2.8
    assert hanging(harness.outputs["bass"].sent) == []


def test_the_reports_from_arming_to_stopping() -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(4, 120)  # through the whole clip
    daw.jump(0)
    daw.roll(1, 120)
    daw.stop()
    harness = PlayerHarness()
    received = [(at, SyncMessage(harness.start_ns + round(at * SECOND), data)) for at, data in daw.sent]
    part = grid(2)
    harness.run((0.1, Play(schedules=(part,), sync="clock")), *received, (9.0, Stop()))
    waiting = MidiWaiting(job="job", stem="bass", sync="clock")
    started = MidiStarted(job="job", stem="bass", seconds=part.seconds, notes=8)
    assert outcome_reports(harness) == [
        waiting,
        started,
        MidiEnded(job="job", stem="bass", outcome="finished", stays_armed=True),
        waiting,
        started,
        MidiEnded(job="job", stem="bass", outcome="stopped", stays_armed=True),
        waiting,
        MidiEnded(job="job", stem="bass", outcome="stopped"),
    ]


def test_positions_are_reported_at_most_five_times_per_second() -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(16, 120)
    harness = play_along(daw, grid(16))
    times = [at for at, _ in harness.positions]
    assert 30 <= len(times) <= 33
    assert min(after - at for at, after in pairwise(times)) > 0.2
    for at, position in harness.positions:
        assert position.seconds == pytest.approx(at - 0.5, abs=0.01)


def test_an_unknown_source_fails_with_a_reason() -> None:
    harness = PlayerHarness()
    harness.run((0.0, Play(schedules=(grid(1), replace(grid(1), stem="drums")), sync="jack")))
    reason, *failed = harness.reports[1:]
    assert isinstance(reason, Noticed) and reason.level == "warning" and "jack" in reason.message
    assert failed == [MidiEnded(job="job", stem=stem, outcome="failed") for stem in ("bass", "drums")]


class LostSource:
    """Fails for good as soon as it is asked a second time."""

    poll_ns = SECOND // 100
    bar_quarters: float | None = None

    def __init__(self) -> None:
        self._is_lost = False

    def expect_tempo(self, bpm: float) -> None: ...

    def timeline(self, now_ns: int) -> None:
        del now_ns
        if self._is_lost:
            raise EngineFailed("The session is gone.", advice="")
        self._is_lost = True


def test_a_source_that_fails_for_good_is_told_of_once() -> None:
    harness = PlayerHarness()
    harness.sources = SyncSources({"link": LostSource})
    parts = (grid(1), replace(grid(1), stem="drums"))
    harness.run((0.0, Play(schedules=parts, sync="link")), (1.0, Stop()))
    assert [report.message for report in harness.reports if isinstance(report, Noticed)] == ["The session is gone."]
    ends = [report for report in harness.reports if isinstance(report, MidiEnded)]
    assert sorted((end.stem, end.outcome) for end in ends) == [("bass", "failed"), ("drums", "failed")]


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
def test_after_any_commands_and_clock_messages_nothing_is_left_sounding(
    clock: list[tuple[float, bytes]], asked: list[tuple[float, Command]], ahead_ns: int
) -> None:
    harness = PlayerHarness(("bass",))
    harness.outputs["bass"].ahead_ns = ahead_ns
    received = [(at, SyncMessage(harness.start_ns + round(at * SECOND), data)) for at, data in clock]
    script: list[tuple[float, Command | SyncMessage]] = sorted([*asked, *received], key=lambda entry: entry[0])
    harness.run(*script)
    assert hanging(harness.outputs["bass"].sent) == []
    ends = [report for report in outcome_reports(harness) if isinstance(report, MidiEnded)]
    assert sum(not end.stays_armed for end in ends) == sum(isinstance(command, Play) for _, command in asked)


@pytest.mark.parametrize("ahead_ns", [5_000_000, 20_000_000])
def test_a_port_that_takes_messages_ahead_plays_them_on_the_grid(ahead_ns: int) -> None:
    daw = FakeDaw()
    daw.start()
    daw.roll(8, 120)
    daw.stop()
    harness = PlayerHarness()
    harness.outputs["bass"].ahead_ns = ahead_ns
    received = [(at, SyncMessage(harness.start_ns + round(at * SECOND), data)) for at, data in daw.sent]
    harness.run((0.1, Play(schedules=(grid(8),), sync="clock")), *received)
    assert_on_the_grid(harness, daw, 32)
