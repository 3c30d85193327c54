"""Where the blocks of a stream belong on the file's own timeline, and how much silence that leaves before each."""

from __future__ import annotations

from typing import Any

from bridge.audio.decoding.packets import WITHOUT_CONTAINER

#: In MP4 and QuickTime files time counts from 0; in others from whatever comes first, picture or sound, so that sound
#: alone never begins late.
_FROM_ZERO = "mov,mp4,m4a,3gp,3g2,mj2"
_MICROSECONDS = 1_000_000
#: Of a block, so much has to be missing: time stamps are imprecise, but a lost packet is lost as a whole.
_GAP_OF_BLOCK = 0.9
_GAP_SECONDS = 0.015
#: In Ogg, time stamps are exact only once in a page.
_OGG_GAP_SECONDS = 0.05
#: A longer gap, or a later start, is an error of the time stamps, as where broadcasts were joined.
_LONGEST_GAP_SECONDS = 60.0
#: Ogg counts frames from 0, except in recordings of a broadcast, which begin at any number.
_LONGEST_LOST_START_SECONDS = 10.0
_LATEST_START_SECONDS = 24 * 3600.0


class TimeStamps:
    """Compares time stamps with what was decoded. Positions are frames at the rate of the decoded audio."""

    def __init__(self, container: Any, rate: int) -> None:
        is_from_zero = container.format.name == _FROM_ZERO
        self._has_stamps = container.format.name not in WITHOUT_CONTAINER
        self._base_seconds = 0.0 if is_from_zero or container.format.name == "ogg" else _base_seconds(container)
        self.may_be_late = is_from_zero or len(container.streams) > 1
        """Whether sound that begins late was meant so; else its beginning was lost."""
        lost_seconds = _LONGEST_LOST_START_SECONDS if container.format.name == "ogg" else 0.0
        self._latest_start_seconds = _LATEST_START_SECONDS if self.may_be_late else lost_seconds
        self._rate = rate
        self._shortest_gap = round((_OGG_GAP_SECONDS if container.format.name == "ogg" else _GAP_SECONDS) * rate)
        self._shift = 0
        """Frames from a block's time stamp to its position."""
        self._stamp_after: int | None = None
        """The time stamp, in frames, that a block without a gap has."""

    def silence_before(self, block: Any, position: int, lost_seconds: float) -> int:
        """Frames of silence between `position`, where the last block ended, and this one.

        Args:
            lost_seconds: the duration of packets that could not be decoded in between.
        """
        lost = round(lost_seconds * self._rate)
        stamp, previous = self._stamp(block), self._stamp_after
        frames = round(block.samples * self._rate / block.sample_rate)
        self._stamp_after = None if stamp is None else stamp + frames
        if stamp is None:
            return lost if position else 0
        if previous is None and position == 0:
            silent = stamp if 0 < stamp <= self._latest_start_seconds * self._rate else 0
            self._shift = silent - stamp
            return silent
        gap = stamp + self._shift - position
        enough = max(_GAP_OF_BLOCK * frames, self._shortest_gap)
        is_gap = enough <= gap <= _LONGEST_GAP_SECONDS * self._rate
        jumped = previous is None or stamp - previous >= frames / 2  # else the stamps drift
        silent = max(lost, gap) if is_gap and jumped else lost
        if abs(gap - silent) >= enough and (silent or gap < 0 or not is_gap):
            self._shift -= gap - silent
        return silent

    def _stamp(self, block: Any) -> int | None:
        if not self._has_stamps or block.pts is None or block.time_base is None:
            return None
        return round((float(block.pts * block.time_base) - self._base_seconds) * self._rate)


def _base_seconds(container: Any) -> float:
    return max(0.0, (container.start_time or 0) / _MICROSECONDS)
