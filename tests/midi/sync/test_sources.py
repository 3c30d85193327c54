"""JACK's transport and Link's session, fed with given states; and a MIDI clock that misbehaves."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from queue import SimpleQueue

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import EngineFailed
from bridge.midi.sync import ableton_link, jack_transport
from bridge.midi.sync.ableton_link import LinkSession, open_link
from bridge.midi.sync.clock_port import MAX_PENDING, ClockPort
from bridge.midi.sync.jack_transport import JackTransport
from bridge.midi.sync.midi_clock import MidiClock
from bridge.midi.sync.sources import SyncMessage
from bridge.midi.timeline import Timeline
from tests.support.stage import SECOND

MS = 1_000_000


def transport(*states: jack_transport.TransportState) -> list[Timeline | None]:
    remaining = iter(states)
    source = JackTransport(lambda: next(remaining))
    return [source.timeline(state.at_ns) for state in states]


def test_a_transport_begins_where_it_stood() -> None:
    still = jack_transport.TransportState(False, 0, 10.0)
    stopped, rolling = transport(still, jack_transport.TransportState(True, 10 * MS, 10.007))
    assert stopped is None and rolling is not None
    assert rolling.bpm is None
    assert rolling.take_start == pytest.approx(10.0)
    assert rolling.ns_at(11.0) == pytest.approx(1003 * MS, abs=1000)


def test_a_transport_with_bars_and_beats_is_in_quarters() -> None:
    (first, second) = transport(
        jack_transport.TransportState(True, 0, 10.0, 20.0, 120.0),
        jack_transport.TransportState(True, 10 * MS, 10.01, 20.02, 120.0),
    )
    assert first is not None and second is not None
    assert (second.take, second.bpm) == (first.take, 120.0)
    assert second.position == pytest.approx(20.02)


@pytest.mark.parametrize(
    ("bar", "beat", "tick", "bar_start_tick", "beats"),
    [
        (3, 3, 819, 8 * 1920.0, 8 + 2 + 819 / 1920),
        (3, 2, 0, 7 * 1920.0, 7 + 1),  # a bar of three beats was before
        (3, 3, 819, 0.0, 8 + 2 + 819 / 1920),  # not filled in
        (1, 1, 0, 0.0, 0.0),
        # Ardour 7.3 at frames 250240, 266112 and 281728 of 48 kHz, at 120 beats a minute
        (3, 3, 819, 38_426_061.0, 250_240 / 24_000),
        (3, 4, 169, 40_867_031.0, 266_112 / 24_000),
        (3, 4, 1418, 43_261_942.0, 281_728 / 24_000),
        (1, 1, 20, 20 * 1919.0, 20 / 1920),
    ],
)
def test_bars_and_beats_are_understood_whatever_a_timebase_master_says_of_the_bars(
    bar: int, beat: int, tick: int, bar_start_tick: float, beats: float
) -> None:
    position = jack_transport.TransportPosition(
        bar=bar, beat=beat, tick=tick, bar_start_tick=bar_start_tick, beats_per_bar=4.0, ticks_per_beat=1920.0
    )
    assert jack_transport.beats_of(position) == pytest.approx(beats, abs=1 / 1920)


def test_a_transport_that_jumps_starts_another_take_since_the_last_poll() -> None:
    first, _, jumped = transport(
        jack_transport.TransportState(True, 0, 10.0),
        jack_transport.TransportState(True, 10 * MS, 10.01),
        jack_transport.TransportState(True, 20 * MS, 2.004),
    )
    assert first is not None and jumped is not None
    assert jumped.take != first.take
    assert jumped.take_start == pytest.approx(1.994)


def test_a_change_of_tempo_does_not_start_another_take() -> None:
    first, second = transport(
        jack_transport.TransportState(True, 0, 10.0, 20.0, 120.0),
        jack_transport.TransportState(True, 10 * MS, 10.01, 20.02, 90.0),
    )
    assert first is not None and second is not None
    assert (second.take, second.bpm) == (first.take, 90.0)


@given(st.lists(st.floats(-200, 200), min_size=50, max_size=50))
def test_errors_in_reading_the_clocks_are_smoothed(wrong_us: Sequence[float]) -> None:
    states = [
        jack_transport.TransportState(True, index * 10 * MS, 5 + index / 100 + wrong / 1e6)
        for index, wrong in enumerate([0.0, *wrong_us])
    ]
    last = transport(*states)[-1]
    assert last is not None
    assert last.position_at(500 * MS) == pytest.approx(5.5, abs=0.0002)


def test_link_begins_with_the_next_bar_and_uses_the_session_tempo() -> None:
    states = [
        ableton_link.LinkState(False, 0, 9.0, 120.0),
        ableton_link.LinkState(True, 10 * MS, 9.02, 120.0),
        ableton_link.LinkState(True, 20 * MS, 9.04, 121.0),
        ableton_link.LinkState(False, 30 * MS, 9.06, 121.0),
    ]
    remaining = iter(states)
    session = LinkSession(lambda: next(remaining))
    still, begun, faster, stopped = [session.timeline(state.at_ns) for state in states]
    assert still is None and stopped is None and begun is not None and faster is not None
    assert (begun.take_start, begun.is_song) == (12.0, False)
    assert (faster.take, faster.take_start, faster.bpm) == (begun.take, 12.0, 121.0)


def test_link_that_has_just_begun_a_bar_begins_there() -> None:
    begun = LinkSession(lambda: ableton_link.LinkState(True, 0, 8.05, 120.0)).timeline(0)
    assert begun is not None and begun.take_start == 8.0


def test_without_aalink_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "aalink", None)
    with pytest.raises(EngineFailed, match="the extra link "):
        open_link()


messages = st.one_of(
    st.sampled_from([bytes((status,)) for status in (0xF8, 0xF8, 0xF8, 0xFA, 0xFB, 0xFC)]),
    st.binary(max_size=4),
    st.tuples(st.integers(0, 255), st.integers(0, 255)).map(lambda pair: bytes((0xF2, *pair))),
)


@given(st.lists(st.tuples(st.integers(0, 2 * SECOND), messages), max_size=80))
def test_after_any_clock_messages_the_timeline_is_valid(messages_sent: list[tuple[int, bytes]]) -> None:
    clock, now_ns, takes = MidiClock(), 5 * SECOND, [0]
    for gap_ns, data in messages_sent:
        now_ns += gap_ns
        clock.on_message(now_ns, data)
        timeline = clock.timeline(now_ns)
        if timeline is None:
            continue
        assert 10 <= (timeline.bpm or 0) <= 1000.01
        assert 0 <= timeline.take_start <= timeline.position <= 4096 + len(messages_sent)
        assert timeline.take >= takes[-1]
        takes.append(timeline.take)


def test_ticks_without_a_start_set_only_the_tempo() -> None:
    clock = MidiClock()
    for index in range(100):
        clock.on_message(index * 20 * MS, b"\xf8")
    assert clock.timeline(2 * SECOND) is None
    clock.on_message(2 * SECOND, b"\xfa")
    clock.on_message(2 * SECOND, b"\xf8")
    timeline = clock.timeline(2 * SECOND)
    assert timeline is not None and timeline.position == 0
    assert timeline.bpm == pytest.approx(125)  # known before the music rolled


def test_a_flood_of_clock_messages_does_not_fill_the_inbox() -> None:
    inbox: SimpleQueue[SyncMessage] = SimpleQueue()
    port = ClockPort(inbox, clock_ns=lambda: 0)
    for _ in range(10 * MAX_PENDING):
        port.on_rtmidi_message(([0xF8], 0.0))
    assert inbox.qsize() == MAX_PENDING


def test_only_clock_messages_are_let_through() -> None:
    inbox: SimpleQueue[SyncMessage] = SimpleQueue()
    port = ClockPort(inbox, early_ns=5, clock_ns=lambda: 10)
    for message in ([0x90, 60, 100], [0xFE], [], [0xF2, 1, 2]):
        port.on_rtmidi_message((message, 0.0))
    assert inbox.get(block=False) == SyncMessage(15, b"\xf2\x01\x02")
    assert inbox.empty()
