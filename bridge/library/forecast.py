"""How fast a library goes, and when it will be done: by the length of the songs, not by their number."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from typing import NamedTuple

from bridge.library.song import Song
from bridge.value import Value

#: The pace is that of the last half hour: machines join and leave, and albums differ.
STEP_SECONDS, STEPS = 30.0, 60
#: Before this time there is no telling.
FIRST_SECONDS = 5.0


class Progress(Value, frozen=True, kw_only=True):
    """Where a run stands."""

    songs: int
    """How many it has to do."""
    done: int
    failed: int
    running: int
    songs_per_hour: float | None = None
    """None: not known yet, likewise the others."""
    audio_minutes_per_minute: float | None = None
    left_seconds: float | None = None


class _Step(NamedTuple):
    at_seconds: float
    songs: int
    audio_seconds: float


class Forecast:
    """Learns how long the files of each kind are for their size, and how fast they are done."""

    def __init__(self, bytes_of: Mapping[str, int], now_seconds: float) -> None:
        """
        Args:
            bytes_of: what is to do, by the ending of the files.
            now_seconds: on a monotonic clock, likewise below.
        """
        self._left = Counter(bytes_of)
        self._known_bytes: Counter[str] = Counter()
        self._known_seconds: dict[str, float] = {}
        self._songs = 0
        self._audio_seconds = 0.0
        self._steps: deque[_Step] = deque([_Step(now_seconds, 0, 0.0)], maxlen=STEPS)

    def learn(self, song: Song, seconds: float) -> None:
        """A song of this length was looked at or done."""
        self._known_bytes[song.ending] += song.size_bytes
        self._known_seconds[song.ending] = self._known_seconds.get(song.ending, 0.0) + seconds

    def end(self, song: Song, seconds: float) -> None:
        """A song is over; `seconds`: of its sound, 0 if it failed."""
        self._left[song.ending] -= song.size_bytes
        self._songs += 1
        self._audio_seconds += seconds
        if seconds:
            self.learn(song, seconds)

    def length(self, song: Song) -> float:
        """About how many seconds a song lasts; 0 where nothing is known yet."""
        return self._seconds(song.ending, song.size_bytes)

    def progress(self, now_seconds: float, counts: Progress, running_seconds: float) -> Progress:
        """`counts` with the pace and the time that is left; `running_seconds`: what is done of the songs in work."""
        first = self._steps[0]
        elapsed = now_seconds - first.at_seconds
        audio = self._audio_seconds + running_seconds
        if now_seconds - self._steps[-1].at_seconds >= STEP_SECONDS:
            self._steps.append(_Step(now_seconds, self._songs, audio))
        if elapsed < FIRST_SECONDS or audio <= first.audio_seconds:
            return counts
        pace = (audio - first.audio_seconds) / elapsed
        left = sum(self._seconds(ending, size) for ending, size in self._left.items()) - running_seconds
        return Progress(
            songs=counts.songs,
            done=counts.done,
            failed=counts.failed,
            running=counts.running,
            songs_per_hour=(self._songs - first.songs) / elapsed * 3600,
            audio_minutes_per_minute=pace,
            left_seconds=max(0.0, left) / pace,
        )

    def _seconds(self, ending: str, size: int) -> float:
        """The length of that many bytes; of a kind that nobody has seen, as of all together."""
        if self._known_bytes[ending]:
            return size * self._known_seconds[ending] / self._known_bytes[ending]
        total = self._known_bytes.total()
        return size * sum(self._known_seconds.values()) / total if total else 0.0
