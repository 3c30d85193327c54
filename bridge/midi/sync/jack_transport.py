"""JACK's transport as a timeline: where it rolls, by the frame, and at which tempo if somebody keeps bars and beats."""

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
#: A place that differs by more from what was foretold is a jump; by less, a server that has lost time.
JUMP_SECONDS = 0.25
#: By less still, it is our reading of the clocks.
READING_SECONDS = 0.01
#: How much of a deviation is taken over at each look: JACK's time line is exact, only our reading of the clocks is not.
SMOOTHING = 1 / 16

# jack/types.h
_ROLLING, _LOOPING = 1, 2
_BBT = 0x10


class TransportPosition(ctypes.Structure):
    """The part of `jack_position_t` that is read, with room for the rest."""

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
    """The transport at one moment."""

    rolls: bool
    at_ns: int
    seconds: float
    quarters: float | None = None
    """None where nobody keeps bars and beats."""
    bpm: float | None = None
    """In quarter notes a minute."""


class JackTransport:
    """Follows what `look` sees every 10 ms."""

    poll_ns: int | None = POLL_NS

    def __init__(self, look: Callable[[], TransportState]) -> None:
        self._look = look
        self._timeline: Timeline | None = None
        self._before: TransportState | None = None
        self._take = 0

    def expect(self, bpm: float) -> None:
        """A transport knows its place without a tempo."""

    def timeline(self, now_ns: int) -> Timeline | None:  # noqa: ARG002 - it looks at its own clock
        look, before = self._look(), self._before
        self._before = look
        if not look.rolls:
            self._timeline = None
            return None
        has_tempo = look.quarters is not None and look.bpm is not None and look.bpm > 0
        place = look.quarters if has_tempo and look.quarters is not None else look.seconds
        bpm = look.bpm if has_tempo else None
        earlier = self._timeline
        if earlier is not None and (earlier.bpm is None) == (bpm is None):
            timeline = Timeline(place, look.at_ns, bpm, earlier.take, earlier.started)
            wrong = place - earlier.place_at(look.at_ns)
            # A tempo map moves the foretold place; the seconds of the transport do not know of it.
            wrong_seconds = abs(wrong) * timeline.ns_per_unit / NS_PER_SECOND
            if wrong_seconds < JUMP_SECONDS:
                if earlier.bpm == bpm and wrong_seconds < READING_SECONDS:
                    timeline = timeline._replace(place=place - wrong * (1 - SMOOTHING))
                self._timeline = timeline
                return timeline
        self._take += 1
        timeline = Timeline(place, look.at_ns, bpm, self._take)
        self._timeline = timeline._replace(started=self._started(timeline, before, look))
        return self._timeline

    def _started(self, timeline: Timeline, before: TransportState | None, look: TransportState) -> float:
        """Where the take began: where the transport stood, or no longer ago than our last look."""
        if before is None:
            return timeline.place
        if not before.rolls and 0 <= look.seconds - before.seconds < JUMP_SECONDS:
            began_ns = look.at_ns - round((look.seconds - before.seconds) * NS_PER_SECOND)
        else:
            began_ns = max(before.at_ns, look.at_ns - 2 * POLL_NS)
        return max(0.0, timeline.place_at(began_ns))


def open_jack_transport() -> JackTransport:
    """Watches the transport of the server that RtMidi finds, too.

    Raises:
        EngineFailed: none answers.
    """
    client = _open_client()
    return JackTransport(lambda: _state(client))


def jack_period_ns() -> int:
    """How long a period of the JACK server is. Raises EngineFailed: none answers."""
    client = _open_client()
    frames, rate = client.ask("jack_get_buffer_size"), client.ask("jack_get_sample_rate")
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
    rolls = client.ask("jack_transport_query", ctypes.byref(position)) in (_ROLLING, _LOOPING)
    rate = position.frame_rate or 1
    # The position is that of the period that began at `usecs`, which JACK's own clock counts.
    frames = client.ask("jack_frame_time") - client.ask("jack_time_to_frames", position.usecs) if rolls else 0
    now_ns = time.perf_counter_ns()
    since = ctypes.c_int32(frames).value / rate
    at_ns = now_ns - round(since * NS_PER_SECOND)
    seconds = position.frame / rate
    if not position.valid & _BBT or position.beats_per_minute <= 0 or position.ticks_per_beat <= 0:
        return TransportState(rolls, at_ns, seconds)
    quarter_beats = 4 / (position.beat_type or 4)
    bars = position.bar_start_tick / position.ticks_per_beat
    if position.bar > 1 and bars <= 0:  # not every keeper of time fills it in
        bars = (position.bar - 1) * position.beats_per_bar
    beats = bars + position.beat - 1 + position.tick / position.ticks_per_beat
    return TransportState(rolls, at_ns, seconds, beats * quarter_beats, position.beats_per_minute * quarter_beats)
