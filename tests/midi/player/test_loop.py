from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.events import MidiEnded, MidiReady, MidiStarted, Noticed
from bridge.midi.player.lateness import AUDIBLE_MS
from bridge.midi.player.loop import DRAIN_SECONDS, LEAD_NS, REOPEN_SECONDS, SPIN_NS
from bridge.midi.player.messages import Command, Panic, Play, Report, Stop
from bridge.midi.schedule import Schedule, schedule
from bridge.model import MidiStatus
from tests.support.schedules import schedules
from tests.support.stage import SECOND, PlayerHarness, hanging

LEAD = LEAD_NS / SECOND


def notes(stem: str, *onsets: float, job: str = "job", length: float = 0.5, offset: float = 0.0) -> Schedule:
    pairs = [(onset, bytes((0x90, 60 + index, 100))) for index, onset in enumerate(onsets)]
    pairs += [(onset + length, bytes((0x80, 60 + index, 64))) for index, onset in enumerate(onsets)]
    return schedule(job, stem, pairs, offset)


def play(*parts: Schedule) -> Play:
    return Play(schedules=parts)


def outcomes(reports: list[Report]) -> list[tuple[str, str, str]]:
    return [(report.job, report.stem, report.outcome) for report in reports if isinstance(report, MidiEnded)]


def test_every_message_is_sent_when_it_is_due() -> None:
    harness = PlayerHarness()
    harness.run((1.0, play(notes("vocals", 0.0, 1.0, 1.25))))
    assert harness.outputs["vocals"].sent == [
        (0x90, 60, 100),
        (0x80, 60, 64),
        (0x90, 61, 100),
        (0x90, 62, 100),
        (0x80, 61, 64),
        (0x80, 62, 64),
    ]
    due = [1.0 + LEAD + seconds for seconds in (0.0, 0.5, 1.0, 1.25, 1.5, 1.75)]
    assert harness.seconds("vocals") == pytest.approx(due, abs=0.0001)


def test_a_late_wake_up_within_the_spin_delays_no_note() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals", 0.5, 1.0))), oversleep_ns=SPIN_NS * 9 // 10)
    assert harness.seconds("vocals") == pytest.approx([LEAD + s for s in (0.5, 1.0, 1.0, 1.5)], abs=0.0001)


def test_after_a_delay_late_messages_are_sent_at_once_in_order_and_the_others_in_time() -> None:
    harness = PlayerHarness()
    onsets = (0.5, 0.6, 0.7, 3.0)
    harness.run((0.0, play(notes("vocals", *onsets, length=0.05))), oversleep_ns=SECOND)
    at = harness.seconds("vocals")
    assert len(at) == 8 and at[0] > 1.2
    assert at[5] - at[0] < 0.001
    assert harness.outputs["vocals"].sent[:6] == [
        (kind, 60 + index, velocity) for index in range(3) for kind, velocity in ((0x90, 100), (0x80, 64))
    ]


def test_the_stems_of_one_play_start_together() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals", 0.0), notes("bass", 0.0), notes("drums", 0.0))))
    starts = [harness.seconds(stem)[0] for stem in ("vocals", "bass", "drums")]
    assert max(starts) - min(starts) < 0.0002


def test_a_negative_offset_moves_its_stem_ahead_of_the_others() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals", 0.0), notes("bass", 0.0, offset=-0.1), notes("drums", 0.0, offset=0.2))))
    vocals, bass, drums = (harness.seconds(stem)[0] for stem in ("vocals", "bass", "drums"))
    assert (bass - vocals, drums - vocals) == pytest.approx((-0.1, 0.2), abs=0.0002)


def test_the_reports_of_a_play() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals", 0.0, 1.0))))
    ready, started, ended = harness.reports
    assert isinstance(ready, MidiReady) and ready.status.backend == "jack"
    assert started == MidiStarted(job="job", stem="vocals", seconds=1.5, notes=2)
    assert isinstance(ended, MidiEnded) and (ended.job, ended.stem, ended.outcome) == ("job", "vocals", "finished")
    assert ended.lateness is not None and ended.lateness.messages == 4
    assert 0 <= ended.lateness.p50_ms <= ended.lateness.p99_ms <= ended.lateness.worst_ms < 0.1


def test_lateness_is_the_99th_percentile_and_the_worst() -> None:
    harness = PlayerHarness()
    on_time = [(1.0 + index / 10, bytes((0xB0, 1, 0))) for index in range(198)]
    harness.run((0.0, play(schedule("job", "vocals", [(-0.07, b"\xb0\x01\x00"), (-0.04, b"\xb0\x01\x00"), *on_time]))))
    _, _, ended = harness.reports
    assert isinstance(ended, MidiEnded) and ended.lateness is not None
    # Two of 200 were due before the play began, 50 and 20 ms: the 99th percentile is the 198th of 200.
    assert ended.lateness.worst_ms == pytest.approx(50, abs=0.1)
    assert ended.lateness.p99_ms < 0.1


def test_audible_lateness_is_a_warning_before_the_end() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(schedule("job", "vocals", [(-0.05, b"\xb0\x01\x00")]))))
    *_, warning, ended = harness.reports
    assert isinstance(ended, MidiEnded) and ended.lateness is not None and ended.lateness.p99_ms > AUDIBLE_MS
    assert isinstance(warning, Noticed) and warning.level == "warning"
    assert "MIDI vocals was audibly late: 99 % of 1 messages by up to 30.0 ms" in warning.message


def test_a_stem_without_notes_starts_and_ends() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals"))))
    assert harness.reports[1:] == [
        MidiStarted(job="job", stem="vocals", seconds=0.0, notes=0),
        MidiEnded(job="job", stem="vocals", outcome="finished"),
    ]


def test_a_file_that_ends_with_notes_on_is_silenced() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(schedule("job", "bass", [(0.0, b"\xe1\x00\x50"), (0.1, b"\x91\x30\x64")]))))
    assert harness.outputs["bass"].sent[2:] == [(0x81, 0x30, 0x40), (0xE1, 0x00, 0x40)]


def test_stop_in_the_middle_ends_each_sounding_note() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals", 0.0, 0.1, 0.2, length=9))), (0.15 + LEAD, Stop(job="job")))
    assert harness.outputs["vocals"].sent == [(0x90, 60, 100), (0x90, 61, 100), (0x80, 60, 64), (0x80, 61, 64)]
    assert outcomes(harness.reports) == [("job", "vocals", "stopped")]


def test_stop_ends_the_job_it_names_and_no_other() -> None:
    harness = PlayerHarness()
    one, other = notes("vocals", 0.0, length=2.0, job="one"), notes("bass", 0.0, length=2.0, job="other")
    harness.run((0.0, play(one)), (0.1, play(other)), (1.0, Stop(job="one")))
    assert outcomes(harness.reports) == [("one", "vocals", "stopped"), ("other", "bass", "finished")]
    assert harness.seconds("bass")[-1] == pytest.approx(2.1 + LEAD, abs=0.001)


def test_stop_without_a_name_ends_all() -> None:
    harness = PlayerHarness()
    one, other = notes("vocals", 0.0, length=2.0, job="one"), notes("bass", 0.0, length=2.0, job="other")
    harness.run((0.0, play(one, other)), (1.0, Stop()))
    assert outcomes(harness.reports) == [("one", "vocals", "stopped"), ("other", "bass", "stopped")]


def test_a_stop_between_dense_messages_takes_effect() -> None:
    harness = PlayerHarness()
    dense = schedule("job", "vocals", [(index / 1000, bytes((0xE0, 0, index % 128))) for index in range(5000)])
    harness.run((0.0, play(dense)), (1.0, Stop()))
    assert harness.seconds("vocals")[-1] == pytest.approx(1.0, abs=0.005)


def test_a_player_that_sends_continuously_makes_short_pauses() -> None:
    harness = PlayerHarness()
    onsets = [index / 8000 for index in range(4000)]
    part = schedule("job", "vocals", [(onset, bytes((0xE0, 0, index % 128))) for index, onset in enumerate(onsets)])
    harness.run((0.0, play(part)))
    rests = [at for at in harness.pauses if at < LEAD + onsets[-1]]
    assert len(rests) >= 9
    assert max(after - before for before, after in pairwise(rests)) < 0.055
    assert harness.seconds("vocals")[:4000] == pytest.approx([LEAD + onset for onset in onsets], abs=0.0003)


def test_a_player_that_waits_between_notes_makes_no_pauses() -> None:
    harness = PlayerHarness()
    harness.run((0.0, play(notes("vocals", *(index / 100 for index in range(100)), length=0.004))))
    assert not [at for at in harness.pauses if at < LEAD + 1.0]


def test_a_second_play_on_a_port_ends_the_first_with_its_note_offs_first() -> None:
    harness = PlayerHarness()
    first, second = notes("vocals", 0.0, length=5, job="first"), notes("vocals", 0.0, job="second")
    harness.run((0.0, play(first)), (1.0, play(second)))
    assert harness.outputs["vocals"].sent == [(0x90, 60, 100), (0x80, 60, 64), (0x90, 60, 100), (0x80, 60, 64)]
    assert outcomes(harness.reports) == [("first", "vocals", "stopped"), ("second", "vocals", "finished")]


def test_repeating_a_play_starts_it_again() -> None:
    harness = PlayerHarness()
    part = notes("vocals", 0.0, length=5)
    harness.run((0.0, play(part)), (1.0, play(part)))
    assert outcomes(harness.reports) == [("job", "vocals", "stopped"), ("job", "vocals", "finished")]
    assert [type(report).__name__ for report in harness.reports] == [
        "MidiReady",
        "MidiStarted",
        "MidiEnded",
        "MidiStarted",
        "MidiEnded",
    ]


def test_panic_ends_everything_and_silences_every_channel_of_every_port() -> None:
    harness = PlayerHarness(("vocals", "bass"))
    harness.run((0.0, play(notes("vocals", 0.0, length=5))), (1.0, Panic()))
    assert outcomes(harness.reports) == [("job", "vocals", "stopped")]
    assert harness.outputs["vocals"].sent[:2] == [(0x90, 60, 100), (0x80, 60, 64)]
    for silencing in (harness.outputs["vocals"].sent[2:], harness.outputs["bass"].sent):
        for channel in range(16):
            # all notes off, all sound off, controllers reset, pedal up, wheel at rest
            expected = {(0xB0 | channel, controller, 0) for controller in (123, 120, 121, 64)}
            assert expected | {(0xE0 | channel, 0x00, 0x40)} <= set(silencing)
        assert len(silencing) == 16 * 5


def test_at_the_end_notes_are_ended_and_played_before_the_ports_close() -> None:
    harness = PlayerHarness()
    long = schedule("job", "vocals", [(0.0, b"\x90\x3c\x64"), (10_000.0, b"\x80\x3c\x40")])
    harness.run((0.0, play(long)))
    assert harness.outputs["vocals"].sent == [(0x90, 60, 100), (0x80, 60, 64)]
    assert harness.clock.now_ns - harness.outputs["vocals"].at_ns[-1] >= DRAIN_SECONDS * SECOND
    assert all(output.closed for output in harness.outputs.values())
    assert outcomes(harness.reports) == [("job", "vocals", "stopped")]


def test_a_stem_without_a_port_fails_and_the_others_play() -> None:
    harness = PlayerHarness(("vocals",))
    harness.run((0.0, play(notes("piano", 0.0), notes("vocals", 0.0))))
    assert outcomes(harness.reports) == [("job", "piano", "failed"), ("job", "vocals", "finished")]
    assert harness.reports[1:3] == [
        Noticed(level="warning", message="There is no MIDI port for piano."),
        MidiEnded(job="job", stem="piano", outcome="failed"),
    ]


def test_a_port_that_breaks_fails_its_playback_and_no_other() -> None:
    harness = PlayerHarness()
    harness.outputs["vocals"].breaks_after = 1
    harness.run((0.0, play(notes("vocals", 0.0, 1.0), notes("bass", 0.0, 1.0))))
    assert outcomes(harness.reports) == [("job", "vocals", "failed"), ("job", "bass", "finished")]
    assert len(harness.outputs["bass"].sent) == 4


def test_a_missing_back_end_is_reported_once_and_a_later_one_is_found() -> None:
    harness = PlayerHarness()
    harness.answers_from = 3
    harness.run((5 * REOPEN_SECONDS, play(notes("vocals", 0.0))))
    nothing, found = [report.status for report in harness.reports if isinstance(report, MidiReady)]
    assert nothing == MidiStatus(message="nothing here")
    assert found.backend == "jack"
    assert harness.openings == 4
    assert outcomes(harness.reports) == [("job", "vocals", "finished")]


def test_without_a_back_end_a_play_fails() -> None:
    harness = PlayerHarness()
    harness.answers_from = 10**6
    harness.run((0.0, play(notes("vocals", 0.0))))
    assert outcomes(harness.reports) == [("job", "vocals", "failed")]


commands = st.one_of(
    st.builds(play, schedules("vocals", "one"), schedules("bass", "one")),
    st.builds(play, schedules("vocals", "two")),
    st.sampled_from((Stop(job="one"), Stop(job="two"), Stop(), Panic())),
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.floats(0, 8), commands), max_size=8), st.sampled_from((0, 1_000_000, SECOND)))
def test_after_any_commands_nothing_is_left_sounding_and_every_start_has_an_end(
    script: list[tuple[float, Command]], oversleep_ns: int
) -> None:
    harness = PlayerHarness()
    harness.run(*sorted(script, key=lambda entry: entry[0]), oversleep_ns=oversleep_ns)
    for output in harness.outputs.values():
        assert hanging(output.sent) == []
    started = [(report.job, report.stem) for report in harness.reports if isinstance(report, MidiStarted)]
    assert sorted(started) == sorted((job, stem) for job, stem, _ in outcomes(harness.reports))
