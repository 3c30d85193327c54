"""Which frame of an audio server's clock a moment of the player's clock is: pure."""

from __future__ import annotations

from bridge.midi.timeline import NS_PER_SECOND

#: How long the earliest of the periods counts. A period is seen late by whatever kept the machine busy, never early.
WINDOW_SECONDS = 2
#: A server that has lost time without a word begins all its periods late from then on: in so small a part of a second.
RECENT = 4
#: After so long without a message nobody hears that the map has moved.
QUIET_NS = 2_000_000_000
#: How far sound card and computer may come apart under one phrase: heard by nobody who plays, less than what is ahead.
DRIFT_NS = 10_000_000
#: JACK counts frames in 32 bits, which last a day.
WRAP = 1 << 32


class FrameMap:
    """A straight line of the card's nominal rate, laid through the earliest of the last periods.

    No filter: while notes play the line stays where it is, so that they lie among each other as exactly as frames can.
    It moves between phrases, or where the clocks have come apart by more than `DRIFT_NS`.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._start: int | None = None
        self._seen_ns = self._earlier_ns = 0
        """When frame 0 was, judged by this window's periods, and by the last one's."""
        self._window_end = 0
        self._recent_ns = 0
        self._recent_end = 0
        self._zero_ns: int | None = None
        """When frame 0 was, as the line has it."""
        self._last_ns = 0

    def hear(self, frame_time: int, now_ns: int) -> int:
        """Takes note that a period has begun; returns its first frame, counted on where JACK's count wraps."""
        if self._start is None:
            self._start = frame_time
            self._seen_ns = self._earlier_ns = self._recent_ns = self._zero_of(now_ns)
            self._window_end = self._start + WINDOW_SECONDS * self.rate_hz
            self._recent_end = self._start + self.rate_hz // RECENT
            return self._start
        self._start += (frame_time - self._start) % WRAP
        zero_ns = self._zero_of(now_ns)
        if self._start >= self._window_end:
            self._window_end = self._start + WINDOW_SECONDS * self.rate_hz
            self._earlier_ns, self._seen_ns = self._seen_ns, zero_ns
        elif zero_ns < self._seen_ns:
            self._seen_ns = zero_ns
        self._notice_lost_time(zero_ns)
        return self._start

    def _notice_lost_time(self, zero_ns: int) -> None:
        """Forgets how early periods were before the server stood still for a while."""
        assert self._start is not None
        if self._start >= self._recent_end:
            if self._recent_ns - min(self._seen_ns, self._earlier_ns) > DRIFT_NS:
                self._seen_ns = self._earlier_ns = self._recent_ns
            self._recent_ns = zero_ns
            self._recent_end = self._start + self.rate_hz // RECENT
        else:
            self._recent_ns = min(self._recent_ns, zero_ns)

    def frame(self, at_ns: int) -> int:
        """The frame nearest to `at_ns`; 0, which is always past, before the first period was heard."""
        if self._start is None:
            return 0
        return max(0, ((at_ns - self._zero(at_ns)) * self.rate_hz + NS_PER_SECOND // 2) // NS_PER_SECOND)

    def time_ns(self, frame: int) -> int:
        """When a frame of a period that was heard is: the moment whose `frame` it is, as long as the line stays."""
        since_ns = frame * NS_PER_SECOND // self.rate_hz
        return self._zero(min(self._seen_ns, self._earlier_ns) + since_ns) + since_ns

    def _zero(self, at_ns: int) -> int:
        """When frame 0 was, for what happens at `at_ns`; lays the line anew where it may move."""
        measured_ns = min(self._seen_ns, self._earlier_ns)
        if self._zero_ns is None or at_ns - self._last_ns > QUIET_NS or abs(measured_ns - self._zero_ns) > DRIFT_NS:
            self._zero_ns = measured_ns
        self._last_ns = max(self._last_ns, at_ns)
        return self._zero_ns

    def _zero_of(self, now_ns: int) -> int:
        assert self._start is not None
        return now_ns - self._start * NS_PER_SECOND // self.rate_hz
