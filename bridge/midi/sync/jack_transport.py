"""JACK's transport as a timeline: its position by the frame, and its tempo if a timebase master sets bars and beats."""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable
from typing import NamedTuple

from bridge.errors import EngineFailed
from bridge.midi.ports.libjack import JackClient
from bridge.midi.ports.rtmidi_ports import CLIENT_NAME
from bridge.midi.timeline import NS_PER_SECOND, Timeline

POLL_NS = 10_000_000
#: A position that differs by more from the prediction is a jump; by less, the server has lost time.
JUMP_SECONDS = 0.25
#: A smaller difference is our own error in reading the clocks.
CLOCK_ERROR_SECONDS = 0.01
#: How much of a difference is adopted at each reading: JACK's timeline is exact, only our reading of the clocks is not.
SMOOTHING = 1 / 16

#: A song with more would have to begin with such bars to be misunderstood.
MOST_BEATS_IN_A_BAR = 64

# jack/types.h
_ROLLING, _LOOPING = 1, 2
_BBT = 0x10


class TransportPosition(ctypes.Structure):
    """The part of `jack_position_t` that is used, with room for the rest."""

    _fields_ = (
        ("unique_1", ctypes.c_uint64),
        ("usecs", ctypes.c_uint64),
        ("frame_rate", ctypes.c_uint32),
        ("frame", ctypes.c_uint32),
        ("valid", ctypes.c_uint32),
        ("bar", ctypes.c_int32),
        ("beat", ctypes.c_int32),
        ("tick", ctypes.c_int32),
        ("bar_start_tick", ctypes.c_double),
        ("beats_per_bar", ctypes.c_float),
        ("beat_type", ctypes.c_float),
        ("ticks_per_beat", ctypes.c_double),
        ("beats_per_minute", ctypes.c_double),
        ("rest", ctypes.c_byte * 128),
    )


class TransportState(NamedTuple):
    """The state of the transport at one moment."""

    is_rolling: bool
    at_ns: int
    seconds: float
    quarters: float | None = None
    """None if there is no timebase master."""
    bpm: float | None = None
    """In quarter notes per minute."""
    bar_quarters: float | None = None
    """The length of a bar."""


class JackTransport:
    """Follows the states that `read_state` returns every 10 ms."""

    poll_ns: int | None = POLL_NS

    def __init__(self, read_state: Callable[[], TransportState]) -> None:
        self._read_state = read_state
        self._timeline: Timeline | None = None
        self._before: TransportState | None = None
        self._take = 0

    @property
    def bar_quarters(self) -> float | None:
        return None if self._before is None else self._before.bar_quarters

    def expect_tempo(self, bpm: float) -> None:
        """Does nothing: the position does not depend on a tempo."""

    def timeline(self, now_ns: int) -> Timeline | None:  # noqa: ARG002 - the state carries its own time
        state, before = self._read_state(), self._before
        self._before = state
        if not state.is_rolling:
            self._timeline = None
            return None
        has_tempo = state.quarters is not None and state.bpm is not None and state.bpm > 0
        position = state.quarters if has_tempo and state.quarters is not None else state.seconds
        bpm = state.bpm if has_tempo else None
        earlier = self._timeline
        if earlier is not None and (earlier.bpm is None) == (bpm is None):
            timeline = Timeline(position, state.at_ns, bpm, earlier.take, earlier.take_start)
            error = position - earlier.position_at(state.at_ns)
            # A tempo map changes the predicted position, but not the transport's seconds.
            error_seconds = abs(error) * timeline.ns_per_unit / NS_PER_SECOND
            if error_seconds < JUMP_SECONDS:
                if earlier.bpm == bpm and error_seconds < CLOCK_ERROR_SECONDS:
                    timeline = timeline._replace(position=position - error * (1 - SMOOTHING))
                self._timeline = timeline
                return timeline
        self._take += 1
        timeline = Timeline(position, state.at_ns, bpm, self._take)
        self._timeline = timeline._replace(take_start=self._take_start(timeline, before, state))
        return self._timeline

    def _take_start(self, timeline: Timeline, before: TransportState | None, state: TransportState) -> float:
        """Where the take began: where the transport stood, or where it was at the last poll."""
        if before is None:
            return timeline.position
        if not before.is_rolling and 0 <= state.seconds - before.seconds < JUMP_SECONDS:
            began_ns = state.at_ns - round((state.seconds - before.seconds) * NS_PER_SECOND)
        else:
            began_ns = max(before.at_ns, state.at_ns - 2 * POLL_NS)
        return max(0.0, timeline.position_at(began_ns))


def open_jack_transport() -> JackTransport:
    """Follows the transport of the server that RtMidi uses.

    Raises:
        EngineFailed: no server answers.
    """
    client = _open_client()
    return JackTransport(lambda: _state(client))


def jack_period_ns() -> int:
    """Length of a period of the JACK server. Raises EngineFailed: no server answers."""
    client = _open_client()
    frames, rate = client.call("jack_get_buffer_size"), client.call("jack_get_sample_rate")
    client.close()
    return round(int(frames) / int(rate) * NS_PER_SECOND)


def _open_client() -> JackClient:
    try:
        return JackClient(f"{CLIENT_NAME} transport")
    except OSError as error:
        raise EngineFailed(
            "No JACK server answers.", advice="Start it before the bridge, or use another sync."
        ) from error


def _state(client: JackClient) -> TransportState:
    position = TransportPosition()
    is_rolling = client.call("jack_transport_query", ctypes.byref(position)) in (_ROLLING, _LOOPING)
    rate = position.frame_rate or 1
    # The position is that of the period that began at `usecs`, by JACK's own clock.
    frames = client.call("jack_frame_time") - client.call("jack_time_to_frames", position.usecs) if is_rolling else 0
    now_ns = time.perf_counter_ns()
    since = ctypes.c_int32(frames).value / rate
    at_ns = now_ns - round(since * NS_PER_SECOND)
    seconds = position.frame / rate
    if not position.valid & _BBT or position.beats_per_minute <= 0 or position.ticks_per_beat <= 0:
        return TransportState(is_rolling, at_ns, seconds)
    quarter_beats = 4 / (position.beat_type or 4)
    quarters = beats_of(position) * quarter_beats
    bar_quarters = position.beats_per_bar * quarter_beats if position.beats_per_bar > 0 else None
    bpm = position.beats_per_minute * quarter_beats
    return TransportState(is_rolling, at_ns, seconds, quarters, bpm, bar_quarters)


def beats_of(position: TransportPosition) -> float:
    """The position in beats from the song's start, by what its timebase master says of bars, beats and ticks."""
    ticks_per_beat: float = position.ticks_per_beat
    in_bar: float = position.beat - 1 + position.tick / ticks_per_beat
    before: float = position.bar_start_tick / ticks_per_beat
    if before > (position.bar - 1) * MOST_BEATS_IN_A_BAR:
        # Ardour 7.3 multiplies the position by the ticks of a beat twice, and is a few ticks off.
        before = round(((before + in_bar) / ticks_per_beat - in_bar) * 4) / 4
    elif position.bar > 1 and before <= 0:  # not every timebase master fills it in
        before = (position.bar - 1) * position.beats_per_bar
    return before + in_bar
