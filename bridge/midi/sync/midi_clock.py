"""MIDI clock, Start, Continue, Stop and Song Position, as a timeline."""

from __future__ import annotations

from bridge.midi.sync.delay_locked_loop import TICKS_PER_QUARTER, DelayLockedLoop
from bridge.midi.timeline import NS_PER_MINUTE, NS_PER_SECOND, Timeline
from bridge.units import DEFAULT_TEMPO_BPM

SONG_POSITION, TICK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
#: Song Position counts sixteenths (MIDI 1.0, "Song Position Pointer").
TICKS_PER_SIXTEENTH = 6
#: A clock that rolls and says nothing for so long has gone.
SILENCE_NS = NS_PER_SECOND


class MidiClock:
    """Hears real-time messages, each with the time at which it came.

    The first tick after Start is beat 0; after Continue, the tick that follows the last one, or that Song Position
    named. Ticks without a Start tell the tempo and nothing else, Song Position while it rolls is a jump, and a second
    Continue is nothing, as the MIDI standard wants it.
    """

    poll_ns: int | None = SILENCE_NS // 4

    def __init__(self) -> None:
        self._loop: DelayLockedLoop | None = None
        self._expected_bpm = DEFAULT_TEMPO_BPM
        self._rolls = False
        self._next = 0
        """The number of the tick that comes next, counted from the song's start."""
        self._next_place = 0.0
        """From where on nothing has been played: the next tick, or before it where a Stop came between two."""
        self._take = 0
        self._heard_ns = 0
        self._timeline: Timeline | None = None

    def expect(self, bpm: float) -> None:
        """The tempo that a clock is taken to have until its second tick."""
        self._expected_bpm = bpm

    def hear(self, at_ns: int, data: bytes) -> None:
        """Takes one message; what is none of the clock's, or broken, is passed over."""
        match data[:1]:
            case b"\xf8":
                self._tick(at_ns)
            case b"\xfa":
                self._halt(at_ns)
                self._rolls, self._next, self._next_place = True, 0, 0.0
            case b"\xfb":
                self._rolls = True
            case b"\xfc":
                self._halt(at_ns)
                self._rolls = False
            case b"\xf2" if len(data) == 3 and max(data[1:]) < 128:
                self._locate(at_ns, (data[1] | data[2] << 7) * TICKS_PER_SIXTEENTH)

    def timeline(self, now_ns: int) -> Timeline | None:
        """Where the music is; None: it stands still."""
        if self._timeline is not None and now_ns - self._heard_ns > SILENCE_NS:
            self._halt(now_ns)
            self._rolls = False
        return self._timeline

    def _tick(self, at_ns: int) -> None:
        if self._loop is None:
            self._loop = DelayLockedLoop(NS_PER_MINUTE / (TICKS_PER_QUARTER * self._expected_bpm))
        self._heard_ns = at_ns
        self._loop.tick(at_ns)
        if not self._rolls:
            return
        place = self._next / TICKS_PER_QUARTER
        if self._timeline is None:
            self._take += 1
            started = min(place, self._next_place)
        else:
            started = self._timeline.started
        self._next += 1
        self._next_place = self._next / TICKS_PER_QUARTER
        self._timeline = Timeline(
            place, round(self._loop.tick_ns), self._loop.bpm, self._take, started, sure_until=self._next_place
        )

    def _locate(self, at_ns: int, tick: int) -> None:
        if tick == self._next and self._timeline is not None:
            return  # where it is anyway
        self._halt(at_ns)
        self._next, self._next_place = tick, tick / TICKS_PER_QUARTER

    def _halt(self, at_ns: int) -> None:
        if self._timeline is not None:
            # No further than the next tick, which is where Continue goes on.
            self._next_place = min(self._timeline.place_at(at_ns), self._next / TICKS_PER_QUARTER)
            self._timeline = None
