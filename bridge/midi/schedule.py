"""What is to be sent when, and what must be sent to silence it: pure, without a clock or a port."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import msgspec

from bridge.model import Value

NOTE_OFF, NOTE_ON, CONTROL_CHANGE, PITCH_BEND = 0x80, 0x90, 0xB0, 0xE0
SUSTAIN, ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 64, 120, 121, 123
CHANNELS = range(16)
#: Velocity of a Note Off that has none of its own (MIDI 1.0, table II).
RELEASE_VELOCITY = 64
#: 8192, the wheel at rest, as its two data bytes.
BEND_CENTRE = (0x00, 0x40)
NS_PER_SECOND = 1_000_000_000


class Timed(msgspec.Struct, frozen=True, array_like=True):
    """The bytes of one complete MIDI message, and when it is due in seconds from the schedule's start."""

    seconds: float
    data: bytes


class Schedule(Value, frozen=True, kw_only=True):
    """The notes of one stem of one job. `messages` are sorted by time; build it with `schedule()`."""

    job: str
    stem: str
    messages: tuple[Timed, ...]
    seconds: float
    """When the last message is due."""
    notes: int
    offset_seconds: float = 0.0
    """How much later than the other stems it is played; negative: earlier."""


def schedule(job: str, stem: str, messages: Iterable[tuple[float, bytes]], offset_seconds: float = 0.0) -> Schedule:
    """A schedule of (seconds, message) pairs; those of the same moment keep their order."""
    timed = sorted((Timed(seconds, data) for seconds, data in messages), key=lambda message: message.seconds)
    return Schedule(
        job=job,
        stem=stem,
        messages=tuple(timed),
        seconds=timed[-1].seconds if timed else 0.0,
        notes=sum(is_note_on(message.data) for message in timed),
        offset_seconds=offset_seconds,
    )


def is_note_on(data: bytes) -> bool:
    """True for a Note On that starts a note; one of velocity 0 ends it."""
    return data[0] & 0xF0 == NOTE_ON and data[2] > 0


class Sounding:
    """What a port has been left with: the notes that are on, the channels that are bent or hold the pedal."""

    def __init__(self) -> None:
        self._notes: Counter[tuple[int, int]] = Counter()
        self._bent: set[int] = set()
        self._sustained: set[int] = set()

    def hear(self, data: bytes) -> None:
        """Takes note of one message that was sent."""
        kind, channel = data[0] & 0xF0, data[0] & 0x0F
        if is_note_on(data):
            self._notes[channel, data[1]] += 1
        elif kind in (NOTE_OFF, NOTE_ON):
            if self._notes[channel, data[1]] > 0:
                self._notes[channel, data[1]] -= 1
        elif kind == PITCH_BEND:
            _mark(self._bent, channel, data[1:3] != bytes(BEND_CENTRE))
        elif kind == CONTROL_CHANGE and data[1] == SUSTAIN:
            _mark(self._sustained, channel, data[2] > 0)

    def release(self) -> tuple[bytes, ...]:
        """The messages that leave nothing sounding: a Note Off for each Note On, then pedals up, bends to centre.

        Explicit ones only: a DAW that records would keep All Notes Off and Reset All Controllers in the clip. The
        bends come last, so that no note is heard to slide. Afterwards nothing sounds.
        """
        messages = [
            bytes((NOTE_OFF | channel, pitch, RELEASE_VELOCITY)) for channel, pitch in sorted(self._notes.elements())
        ]
        messages += [bytes((CONTROL_CHANGE | channel, SUSTAIN, 0)) for channel in sorted(self._sustained)]
        messages += [bytes((PITCH_BEND | channel, *BEND_CENTRE)) for channel in sorted(self._bent)]
        self._notes.clear()
        self._sustained.clear()
        self._bent.clear()
        return tuple(messages)


class Playback:
    """One schedule on its way: how far it has come, what it has left sounding, and how late it was.

    Deadlines are absolute, in nanoseconds on the player's monotonic clock, each computed from the start: errors do
    not add up.
    """

    def __init__(self, schedule: Schedule, start_ns: int) -> None:
        self.schedule = schedule
        self.sounding = Sounding()
        self.lateness_ns: list[int] = []
        self._start_ns = start_ns + round(schedule.offset_seconds * NS_PER_SECOND)
        self._next = 0

    @property
    def deadline_ns(self) -> int | None:
        """When its next message is due; None where there is none left."""
        if self._next == len(self.schedule.messages):
            return None
        return self._start_ns + round(self.schedule.messages[self._next].seconds * NS_PER_SECOND)

    def take(self, now_ns: int) -> bytes:
        """The next message, which the caller sends at once."""
        deadline_ns = self.deadline_ns
        assert deadline_ns is not None, "nothing is left to take"
        data = self.schedule.messages[self._next].data
        self._next += 1
        self.sounding.hear(data)
        self.lateness_ns.append(max(0, now_ns - deadline_ns))
        return data


class Agenda:
    """The playbacks under way, at most one for each stem: one port plays one part at a time."""

    def __init__(self) -> None:
        self._by_stem: dict[str, Playback] = {}

    def add(self, playback: Playback) -> None:
        assert playback.schedule.stem not in self._by_stem, "end the earlier playback of a stem before the next"
        self._by_stem[playback.schedule.stem] = playback

    def remove(self, playback: Playback) -> None:
        del self._by_stem[playback.schedule.stem]

    def playing(self, *, job: str | None = None, stem: str | None = None) -> tuple[Playback, ...]:
        """Those of one job or one stem; all where neither is given."""
        return tuple(
            playback
            for playback in self._by_stem.values()
            if job in (None, playback.schedule.job) and stem in (None, playback.schedule.stem)
        )

    @property
    def next_ns(self) -> int | None:
        """The earliest deadline; None where nothing is left to send."""
        first = self._first()
        return None if first is None else first.deadline_ns

    def due(self, now_ns: int) -> Playback | None:
        """The playback whose next message is due at `now_ns`, the longest overdue first; None: nothing is."""
        first = self._first()
        if first is None or first.deadline_ns is None or first.deadline_ns > now_ns:
            return None
        return first

    def _first(self) -> Playback | None:
        # Six ports at most: a scan costs a microsecond and keeps no second order to get out of step.
        waiting = [(due, playback) for playback in self.playing() if (due := playback.deadline_ns) is not None]
        return min(waiting, key=lambda entry: entry[0])[1] if waiting else None


def _mark(channels: set[int], channel: int, is_set: bool) -> None:
    if is_set:
        channels.add(channel)
    else:
        channels.discard(channel)
