"""Schedules on their way: how far each has come on its timeline, and what it has left sounding. Without a port."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Container, Iterable

from bridge.midi.schedule import (
    CONTROL_CHANGE,
    Schedule,
    Sounding,
    TimedBytes,
    ends_something,
    is_note_off,
    is_note_on,
    sets_parameter,
)
from bridge.midi.timeline import NS_PER_SECOND, Timeline

#: Follows nothing: plays at once, at the schedule's own tempo.
NOW = "now"
#: Rounding of places, far below a tick of a file.
NEARLY_SECONDS = 1e-6
#: How long a message on a tick waits for that tick: as long as one is late where 140 BPM become 90.
PATIENCE_NS = 12_000_000
#: So long after its time, a message that was handed over ahead has gone out, whatever became of the server's period.
SETTLED_NS = NS_PER_SECOND // 5


class Playback:
    """One schedule on a port: waiting for its music to roll, or under way.

    Deadlines are absolute, in nanoseconds on the player's monotonic clock, each computed from the timeline of the
    moment: errors do not add up, and a change of tempo moves all that is still to come. A schedule that follows a DAW
    never ends by itself: once through, or where the music stops, it waits for the next take. The first take begins with
    what says how to read it, bend range and MPE's zone. Later ones leave that out: a zone that is set up anew may end
    notes that ring.

    Args:
        timeline: the music that rolls already. Following a DAW, a schedule joins in where it is, if it knows its
            beat; otherwise it waits until the music starts anew.
        ahead_ns: see `protocols.MidiOutput.ahead_ns`.
    """

    def __init__(
        self, schedule: Schedule, timeline: Timeline | None, *, sync: str = NOW, ahead_ns: int = 0, now_ns: int = 0
    ) -> None:
        self.schedule = schedule
        self.sync = sync
        self.ahead_ns = ahead_ns
        self.lateness_ns: list[int] = []
        self._sounding = Sounding()
        self._handed: deque[tuple[int, bytes]] = deque()
        self.last_ns = 0
        """When the latest message that was taken goes out."""
        self._timeline: Timeline | None = None
        self._missed_take: int | None = None
        self._origin_quarters: float | None = schedule.beat
        self._set_up: deque[bytes] = deque()
        self._orphans: Counter[tuple[int, int]] = Counter()
        self._next = len(schedule.messages)
        self._set_up_place = 0.0
        self._set_up_end = max(schedule.set_up, default=-1) + 1
        self._is_set_up = False
        """What says how the music is to be read has been said, in this take or an earlier one."""
        self._leaves_out: frozenset[int] = frozenset()
        """Numbers of the messages that this take does not say again."""
        if timeline is None:
            return
        if sync == NOW:
            self._begin(timeline, timeline.started)
        elif timeline.is_song and schedule.beat is not None:
            self._begin(timeline, timeline.place_at(now_ns))
        else:
            self._missed_take = timeline.take

    @property
    def is_playing(self) -> bool:
        """Something is left to send in this take."""
        return bool(self._set_up) or self._next < len(self.schedule.messages)

    @property
    def deadline_ns(self) -> int | None:
        """When its next message is due; None where there is none left, or the music stands still."""
        if self._timeline is None or not self.is_playing:
            return None
        if self._set_up:
            return self._timeline.ns_at(self._set_up_place) + self._offset_ns
        return self._timeline.ns_at(self._place(self.schedule.messages[self._next].seconds)) + self._offset_ns

    @property
    def hand_over_ns(self) -> int | None:
        """When the port wants its next message.

        What is not sure to be played waits a moment for the news, so that a loop's end is not heard before its start.
        A port that wants its messages ahead gets them, and gives them back where the music jumps.
        """
        deadline_ns = self.deadline_ns
        if deadline_ns is None or self._timeline is None:
            return None
        if self.ahead_ns or self._set_up or self._timeline.sure_until == math.inf:
            return deadline_ns - self.ahead_ns
        place = self._place(self.schedule.messages[self._next].seconds)
        return deadline_ns + (PATIENCE_NS if place > self._timeline.sure_until - NEARLY_SECONDS else 0)

    def position_seconds(self, now_ns: int) -> float | None:
        """Where in the schedule the music is, negative before it; None where it stands still."""
        if self._timeline is None:
            return None
        per_second = self._timeline.from_seconds(1.0, self.schedule.tempo_bpm)
        return (self._timeline.place_at(now_ns - self._offset_ns) - self._place(0.0)) / per_second

    def follow(self, timeline: Timeline | None) -> bool:
        """Goes on by another timeline. True where the music broke off: what was handed over is to be taken back and
        what sounds is to be released; after a jump, the messages of the new place come next."""
        if timeline is not None and self._timeline is not None and timeline.take == self._timeline.take:
            self._timeline = timeline
            return False
        broke_off = self._timeline is not None
        if any(sets_parameter(data) for _, data in self._handed):
            self._is_set_up = False  # what may not have gone out has said nothing
        self._timeline = None
        self._set_up.clear()
        self._next = len(self.schedule.messages)
        if timeline is not None and timeline.take != self._missed_take:
            self._begin(timeline, timeline.started)
        return broke_off

    def take(self, now_ns: int) -> tuple[bytes, int]:
        """The next message, which the caller hands over now, and when it is to go out."""
        deadline_ns = self.deadline_ns
        assert deadline_ns is not None, "nothing is left to take"
        if self._set_up:
            data = self._set_up.popleft()
        else:
            data = self.schedule.messages[self._next].data
            self._next += 1
            self._skip()
        self._is_set_up = self._is_set_up or (not self._set_up and self._next >= self._set_up_end)
        self.lateness_ns.append(max(0, now_ns - deadline_ns))
        # A tempo that rises may draw a message before one that was handed over already.
        self.last_ns = max(self.last_ns, deadline_ns)
        if self.ahead_ns:
            self._handed.append((max(self.last_ns, now_ns), data))  # a late one goes out with the next period
            while self._handed[0][0] < now_ns - SETTLED_NS:
                self._sounding.hear(self._handed.popleft()[1])
        else:
            self._sounding.hear(data)
        return data, self.last_ns

    def holds(self, end: bytes) -> bool:
        """Whether that end of a note, a bend or the pedal would cut what this playback has begun."""
        if self._sounding.holds(end):
            return True
        handed = Sounding()
        for _, data in self._handed:
            if not ends_something(data):
                handed.hear(data)
        return handed.holds(end)

    def remains(self) -> tuple[bytes, ...]:
        """After its last message: what leaves nothing sounding, to go out no sooner than `last_ns`."""
        for _, data in self._handed:
            self._sounding.hear(data)
        self._handed.clear()
        return self._sounding.release()

    def release(self) -> tuple[bytes, ...]:
        """After `take_back`: what leaves nothing sounding, whether or not what was handed over ahead has gone out."""
        for _, data in self._handed:
            if not ends_something(data):  # what may not have gone out has ended nothing
                self._sounding.hear(data)
        self._handed.clear()
        self.last_ns = 0
        return self._sounding.release()

    @property
    def _offset_ns(self) -> int:
        return round(self.schedule.offset_seconds * NS_PER_SECOND)

    def _place(self, seconds: float) -> float:
        assert self._timeline is not None and self._origin_quarters is not None, "nothing has a place before it began"
        tempo_bpm = self.schedule.tempo_bpm
        origin = self._timeline.from_quarters(self._origin_quarters, tempo_bpm)
        return origin + self._timeline.from_seconds(seconds, tempo_bpm)

    def _begin(self, timeline: Timeline, place: float) -> None:
        """Plays what lies from `place` on; notes that began before are not struck, nor ended."""
        tempo_bpm = self.schedule.tempo_bpm
        quarter = timeline.from_quarters(1.0, tempo_bpm)
        self._timeline, self._missed_take = timeline, None
        if not timeline.is_song or self._origin_quarters is None:
            self._origin_quarters = timeline.started / quarter
        seconds = (place - self._origin_quarters * quarter) / timeline.from_seconds(1.0, tempo_bpm)
        messages = self.schedule.messages
        # All of it where the music follows nothing: a negative time is a late start, not an earlier place.
        self._next = 0 if self.sync == NOW else bisect_left(messages, seconds - NEARLY_SECONDS, key=_seconds)
        self._orphans = _open_notes(messages[: self._next])
        self._leaves_out = frozenset(self.schedule.set_up) if self._is_set_up else frozenset()
        begin = self._next
        self._skip()
        self._set_up.clear()
        self._set_up_place = place
        if self._next < len(messages):
            self._set_up.extend(_set_up(messages[:begin], self._leaves_out))

    def _skip(self) -> None:
        """Passes over the ends of notes that were never struck in this take, and what was said in an earlier one."""
        messages = self.schedule.messages
        while self._next < len(messages):
            data = messages[self._next].data
            note = (data[0] & 0x0F, data[1])
            if is_note_off(data) and self._orphans[note]:
                self._orphans[note] -= 1
            elif self._next not in self._leaves_out:
                return
            self._next += 1


class Agenda:
    """The playbacks under way, at most one for each stem: one port plays one part at a time."""

    def __init__(self) -> None:
        self._by_stem: dict[str, Playback] = {}

    def add(self, playback: Playback) -> None:
        assert playback.schedule.stem not in self._by_stem, "end the earlier playback of a stem before the next"
        self._by_stem[playback.schedule.stem] = playback

    def remove(self, playback: Playback) -> None:
        del self._by_stem[playback.schedule.stem]

    def playing(
        self, *, job: str | None = None, stem: str | None = None, sync: str | None = None
    ) -> tuple[Playback, ...]:
        """Those of one job, one stem or one source of time; all where none is given."""
        return tuple(
            playback
            for playback in self._by_stem.values()
            if job in (None, playback.schedule.job)
            and stem in (None, playback.schedule.stem)
            and sync in (None, playback.sync)
        )

    @property
    def is_moving(self) -> bool:
        """Something plays."""
        return any(playback.is_playing for playback in self._by_stem.values())

    @property
    def next_ns(self) -> int | None:
        """When the next message is to be handed over; None where nothing is left to send."""
        first = self._first()
        return None if first is None else first.hand_over_ns

    def due(self, now_ns: int) -> Playback | None:
        """The playback whose next message is to be handed over at `now_ns`, the longest overdue first; None: none."""
        first = self._first()
        if first is None or first.hand_over_ns is None or first.hand_over_ns > now_ns:
            return None
        return first

    def _first(self) -> Playback | None:
        # Six ports at most: a scan costs a few microseconds and keeps no second order to get out of step.
        waiting = [(due, playback) for playback in self._by_stem.values() if (due := playback.hand_over_ns) is not None]
        return min(waiting, key=lambda entry: entry[0])[1] if waiting else None


def _seconds(message: TimedBytes) -> float:
    return message.seconds


def _open_notes(messages: Iterable[TimedBytes]) -> Counter[tuple[int, int]]:
    """The notes that these messages leave sounding."""
    notes: Counter[tuple[int, int]] = Counter()
    for message in messages:
        note = (message.data[0] & 0x0F, message.data[1])
        if is_note_on(message.data):
            notes[note] += 1
        elif is_note_off(message.data) and notes[note]:
            notes[note] -= 1
    return +notes


def _set_up(skipped: Iterable[TimedBytes], leaves_out: Container[int]) -> Iterable[bytes]:
    """What a take after the first messages needs of them: all that says how to read it, and the first controllers."""
    has_begun = False
    for number, message in enumerate(skipped):
        has_begun = has_begun or is_note_on(message.data)
        is_controller = message.data[0] & 0xF0 == CONTROL_CHANGE and not has_begun
        if (is_controller or sets_parameter(message.data)) and number not in leaves_out:
            yield message.data
