"""MIDI clock, Start, Continue, Stop and Song Position as a timeline."""

from __future__ import annotations

from bridge.midi.sync.delay_locked_loop import TICKS_PER_QUARTER, DelayLockedLoop
from bridge.midi.timeline import NS_PER_MINUTE, NS_PER_SECOND, Timeline
from bridge.units import DEFAULT_TEMPO_BPM

SONG_POSITION, TICK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
#: Song Position counts sixteenths (MIDI 1.0, "Song Position Pointer").
TICKS_PER_SIXTEENTH = 6
#: A running clock that sends no tick for this long has gone.
CLOCK_TIMEOUT_NS = NS_PER_SECOND


class MidiClock:
    """Follows real-time messages, each with the time of its arrival.

    The first tick after Start is beat 0; after Continue, it is the tick after the last one, or the one that Song
    Position named. Ticks without a Start only set the tempo, Song Position while the clock runs is a jump, and a second
    Continue is ignored, as the MIDI standard requires.
    """

    poll_ns: int | None = CLOCK_TIMEOUT_NS // 4
    bar_quarters: float | None = None
    """A clock knows no bars."""

    def __init__(self) -> None:
        self._filter: DelayLockedLoop | None = None
        self._expected_bpm = DEFAULT_TEMPO_BPM
        self._is_rolling = False
        self._next_tick = 0
        """The number of the next tick, counted from the song's start."""
        self._next_position = 0.0
        """The first position that has not been played: the next tick, or before it if a Stop came between two ticks."""
        self._take = 0
        self._last_tick_ns = 0
        self._timeline: Timeline | None = None

    @property
    def is_heard(self) -> bool:
        """Whether a tick has come since the player started."""
        return self._filter is not None

    def expect_tempo(self, bpm: float) -> None:
        """The tempo assumed until a clock's second tick."""
        self._expected_bpm = bpm

    def on_message(self, at_ns: int, data: bytes) -> None:
        """Handles one message; ignores invalid ones and those that do not belong to the clock."""
        match data[:1]:
            case b"\xf8":
                self._tick(at_ns)
            case b"\xfa":
                self._stop(at_ns)
                self._is_rolling, self._next_tick, self._next_position = True, 0, 0.0
            case b"\xfb":
                self._is_rolling = True
            case b"\xfc":
                self._stop(at_ns)
                self._is_rolling = False
            case b"\xf2" if len(data) == 3 and max(data[1:]) < 128:
                self._locate(at_ns, (data[1] | data[2] << 7) * TICKS_PER_SIXTEENTH)

    def timeline(self, now_ns: int) -> Timeline | None:
        """The current timeline; None if the music has stopped."""
        if self._timeline is not None and now_ns - self._last_tick_ns > CLOCK_TIMEOUT_NS:
            self._stop(now_ns)
            self._is_rolling = False
        return self._timeline

    def _tick(self, at_ns: int) -> None:
        if self._filter is None:
            self._filter = DelayLockedLoop(NS_PER_MINUTE / (TICKS_PER_QUARTER * self._expected_bpm))
        self._last_tick_ns = at_ns
        self._filter.tick(at_ns)
        if not self._is_rolling:
            return
        position = self._next_tick / TICKS_PER_QUARTER
        if self._timeline is None:
            self._take += 1
            take_start = min(position, self._next_position)
        else:
            take_start = self._timeline.take_start
        self._next_tick += 1
        self._next_position = self._next_tick / TICKS_PER_QUARTER
        self._timeline = Timeline(
            position,
            round(self._filter.tick_ns),
            self._filter.bpm,
            self._take,
            take_start,
            known_until=self._next_position,
            tempo_is_assumed=not self._filter.has_tempo,
        )

    def _locate(self, at_ns: int, tick: int) -> None:
        if tick == self._next_tick and self._timeline is not None:
            return  # no change of position
        self._stop(at_ns)
        self._next_tick, self._next_position = tick, tick / TICKS_PER_QUARTER

    def _stop(self, at_ns: int) -> None:
        if self._timeline is not None:
            # No further than the next tick, where Continue resumes.
            self._next_position = min(self._timeline.position_at(at_ns), self._next_tick / TICKS_PER_QUARTER)
            self._timeline = None
