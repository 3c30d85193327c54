"""Maps the player's clock to the frames of an audio server's clock: pure."""

from __future__ import annotations

from bridge.midi.timeline import NS_PER_SECOND

#: How long the earliest of the periods counts: a busy machine delays the callback of a period and never advances it.
WINDOW_SECONDS = 2
#: If a server has silently lost time, all later periods are late: checked over intervals of a fourth of a second.
RECENT_PER_SECOND = 4
#: After this long without a message, a shift of the map is inaudible.
IDLE_NS = 2_000_000_000
#: How far sound card and computer clock may drift apart within one phrase: inaudible, and less than messages are ahead.
DRIFT_NS = 10_000_000
#: JACK counts frames in 32 bits, which wrap after about a day.
WRAP = 1 << 32


class FrameMap:
    """A line with the card's nominal rate through the earliest of the recent periods.

    There is no filter: while notes play the line does not move, so that the distances between them are exact to the
    frame. It moves between phrases, or when the clocks have drifted apart by more than `DRIFT_NS`.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._start: int | None = None
        self._window_ns = self._previous_ns = 0
        """The time of frame 0, measured from this window's periods and from the previous window's."""
        self._window_end = 0
        self._recent_ns = 0
        self._recent_end = 0
        self._line_zero_ns: int | None = None
        """The time of frame 0 on the line."""
        self._last_ns = 0

    def on_period(self, frame_time: int, now_ns: int) -> int:
        """Registers the start of a period; returns its first frame, unwrapped where JACK's counter wraps."""
        if self._start is None:
            self._start = frame_time
            self._window_ns = self._previous_ns = self._recent_ns = self._measured_zero(now_ns)
            self._window_end = self._start + WINDOW_SECONDS * self.rate_hz
            self._recent_end = self._start + self.rate_hz // RECENT_PER_SECOND
            return self._start
        self._start += (frame_time - self._start) % WRAP
        zero_ns = self._measured_zero(now_ns)
        if self._start >= self._window_end:
            self._window_end = self._start + WINDOW_SECONDS * self.rate_hz
            self._previous_ns, self._window_ns = self._window_ns, zero_ns
        elif zero_ns < self._window_ns:
            self._window_ns = zero_ns
        self._detect_lost_time(zero_ns)
        return self._start

    def _detect_lost_time(self, zero_ns: int) -> None:
        """Discards the earliest periods from before the server lost time."""
        assert self._start is not None
        if self._start >= self._recent_end:
            if self._recent_ns - min(self._window_ns, self._previous_ns) > DRIFT_NS:
                self._window_ns = self._previous_ns = self._recent_ns
            self._recent_ns = zero_ns
            self._recent_end = self._start + self.rate_hz // RECENT_PER_SECOND
        else:
            self._recent_ns = min(self._recent_ns, zero_ns)

    def frame(self, at_ns: int) -> int:
        """The frame nearest to `at_ns`; before the first period 0, which is always past."""
        if self._start is None:
            return 0
        return max(0, ((at_ns - self._frame_zero(at_ns)) * self.rate_hz + NS_PER_SECOND // 2) // NS_PER_SECOND)

    def time_ns(self, frame: int) -> int:
        """The time of a frame in a registered period: the inverse of `frame`, as long as the line does not move."""
        since_ns = frame * NS_PER_SECOND // self.rate_hz
        return self._frame_zero(min(self._window_ns, self._previous_ns) + since_ns) + since_ns

    def _frame_zero(self, at_ns: int) -> int:
        """The time of frame 0 for an event at `at_ns`; moves the line if it may move."""
        measured_ns = min(self._window_ns, self._previous_ns)
        if (
            self._line_zero_ns is None
            or at_ns - self._last_ns > IDLE_NS
            or abs(measured_ns - self._line_zero_ns) > DRIFT_NS
        ):
            self._line_zero_ns = measured_ns
        self._last_ns = max(self._last_ns, at_ns)
        return self._line_zero_ns

    def _measured_zero(self, now_ns: int) -> int:
        assert self._start is not None
        return now_ns - self._start * NS_PER_SECOND // self.rate_hz
