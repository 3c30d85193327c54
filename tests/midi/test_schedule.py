from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.player.playback import ActivePlaybacks, Playback
from bridge.midi.schedule import MidiState, Schedule, TimedBytes, schedule
from bridge.midi.timeline import free_running
from tests.support.schedules import messages, schedules
from tests.support.stage import SECOND, hanging

ON, OFF = bytes((0x90, 60, 100)), bytes((0x80, 60, 64))


def test_messages_are_sorted_and_simultaneous_ones_keep_their_order() -> None:
    unsorted = [(1.0, ON), (0.5, b"\xe0\x00\x40"), (1.0, OFF), (0.5, ON)]
    assert schedule("j", "bass", unsorted).messages == (
        TimedBytes(0.5, b"\xe0\x00\x40"),
        TimedBytes(0.5, ON),
        TimedBytes(1.0, ON),
        TimedBytes(1.0, OFF),
    )


def test_a_schedule_knows_its_length_and_its_notes() -> None:
    built = schedule("j", "bass", [(0.0, ON), (1.5, OFF), (2.0, ON), (2.5, bytes((0x90, 60, 0)))])
    assert (built.seconds, built.notes) == (2.5, 2)


def test_a_schedule_without_notes_is_a_schedule() -> None:
    built = schedule("j", "bass", [])
    assert (built.seconds, built.notes, Playback(built, free_running(0)).deadline_ns) == (0.0, 0, None)


@given(schedules())
def test_a_schedule_survives_encoding_and_decoding(built: Schedule) -> None:
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(built), type=Schedule) == built


@given(st.lists(messages, max_size=60))
def test_after_any_messages_a_release_leaves_nothing_sounding_bent_or_held(sent: list[bytes]) -> None:
    state = MidiState()
    for data in sent:
        state.observe(data)
    assert hanging([*sent, *state.release()]) == []


@given(st.lists(messages, max_size=60))
def test_a_release_contains_only_necessary_messages(sent: list[bytes]) -> None:
    state = MidiState()
    for data in sent:
        state.observe(data)
    release = state.release()
    assert [bool(hanging([*sent, *release[:index]])) for index in range(len(release))] == [True] * len(release)
    assert state.release() == ()


def test_a_note_that_was_started_twice_is_ended_twice() -> None:
    state = MidiState()
    state.observe(ON)
    state.observe(ON)
    assert state.release() == (OFF, OFF)


def test_bends_are_centred_after_the_notes_have_ended() -> None:
    state = MidiState()
    for data in (b"\xe3\x00\x50", b"\x93\x3c\x64", b"\xb3\x40\x7f"):
        state.observe(data)
    # 83 3c 40  note off, channel 4;  b3 40 00  pedal up;  e3 00 40  wheel at rest
    assert state.release() == (b"\x83\x3c\x40", b"\xb3\x40\x00", b"\xe3\x00\x40")


def test_deadlines_are_computed_from_the_start_so_that_errors_do_not_accumulate() -> None:
    third = schedule("j", "bass", [(index / 3, ON) for index in range(10_000)])
    playback = Playback(third, free_running(5 * SECOND))
    for index in range(10_000):
        assert playback.deadline_ns is not None
        assert abs(playback.deadline_ns - 5 * SECOND - index * SECOND / 3) <= 1
        playback.pop(0)


def test_an_offset_moves_every_deadline() -> None:
    playback = Playback(schedule("j", "bass", [(1.0, ON)], offset_seconds=-0.25), free_running(0))
    assert playback.deadline_ns == 750_000_000


def test_lateness_is_measured_from_the_deadline_and_never_negative() -> None:
    playback = Playback(schedule("j", "bass", [(1.0, ON), (2.0, OFF)]), free_running(0))
    playback.pop(1 * SECOND + 300)
    playback.pop(2 * SECOND - 300)
    assert playback.lateness_ns == [300, 0]


@given(st.tuples(schedules("vocals"), schedules("bass"), schedules("drums")), st.integers(1, SECOND))
def test_active_playbacks_give_every_message_in_order_and_none_early(parts: tuple[Schedule, ...], step_ns: int) -> None:
    playbacks = ActivePlaybacks()
    for part in parts:
        playbacks.add(Playback(part, free_running(0)))
    given_out: dict[str, list[TimedBytes]] = {part.stem: [] for part in parts}
    now_ns = 0
    while (next_ns := playbacks.next_ns) is not None:
        now_ns = max(now_ns + step_ns, next_ns)
        last_ns = 0
        while (playback := playbacks.due(now_ns)) is not None:
            due_ns = playback.deadline_ns
            assert due_ns is not None and last_ns <= due_ns <= now_ns
            last_ns = due_ns
            given_out[playback.schedule.stem].append(TimedBytes(due_ns / SECOND, playback.pop(now_ns)[0]))
    for part in parts:
        assert [message.data for message in given_out[part.stem]] == [message.data for message in part.messages]
        assert [message.seconds for message in given_out[part.stem]] == pytest.approx(
            [message.seconds for message in part.messages], abs=1e-9
        )


def test_one_stem_has_one_playback() -> None:
    playbacks = ActivePlaybacks()
    playbacks.add(Playback(schedule("one", "bass", [(0.0, ON)]), free_running(0)))
    with pytest.raises(AssertionError, match="end the earlier"):
        playbacks.add(Playback(schedule("two", "bass", [(0.0, ON)]), free_running(0)))
