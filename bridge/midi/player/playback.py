"""Active schedules: the position of each on its timeline, and what it has left sounding. Without a port."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Container, Iterable

from bridge.midi.schedule import (
    CONTROL_CHANGE,
    MidiState,
    Schedule,
    TimedBytes,
    is_ending,
    is_note_off,
    is_note_on,
    sets_parameter,
)
from bridge.midi.timeline import NS_PER_SECOND, Timeline
from bridge.request import NOW

#: Tolerance for rounded positions, far below one tick of a file.
ROUNDING_SECONDS = 1e-6
#: How long a message that lies on a tick waits for that tick: as late as a tick comes when 140 BPM change to 90.
TICK_WAIT_NS = 12_000_000
#: This long after its time, a message that was handed over ahead has been sent, whatever happened to the server's
#: period.
SURELY_SENT_NS = NS_PER_SECOND // 5


class Playback:
    """One schedule on a port: armed, or playing.

    Deadlines are absolute, in nanoseconds on the player's monotonic clock, each computed from the current timeline:
    errors do not accumulate, and a change of tempo moves all later messages. A schedule that follows a DAW never ends
    by itself: at its end, or when the music stops, it waits for the next take. The first take begins with the messages
    that configure the receiver (bend range, MPE zone). Later takes omit them: setting up a zone again may end notes
    that are ringing.

    Args:
        timeline: the music, if it is already rolling. A schedule that follows a DAW and has a beat joins at the current
            position; without a beat it waits until the music starts again.
        ahead_ns: see `protocols.MidiOutput.ahead_ns`.
    """

    def __init__(
        self, schedule: Schedule, timeline: Timeline | None, *, sync: str = NOW, ahead_ns: int = 0, now_ns: int = 0
    ) -> None:
        self.schedule = schedule
        self.sync = sync
        self.ahead_ns = ahead_ns
        self.lateness_ns: list[int] = []
        self._sounding = MidiState()
        self._sent_ahead: deque[tuple[int, bytes]] = deque()
        self.last_ns = 0
        """When the latest message that was handed over is sent."""
        self._timeline: Timeline | None = None
        self._missed_take: int | None = None
        self._origin_quarters: float | None = schedule.beat
        self._set_up: deque[bytes] = deque()
        self._orphaned_offs: Counter[tuple[int, int]] = Counter()
        self._next = len(schedule.messages)
        self._set_up_position = 0.0
        self._set_up_end = max(schedule.set_up, default=-1) + 1
        self._is_set_up = False
        """The parameters have been set, in this take or an earlier one."""
        self._omitted: frozenset[int] = frozenset()
        """Indices of the messages that this take does not repeat."""
        if timeline is None:
            return
        if sync == NOW:
            self._begin(timeline, timeline.take_start)
        elif timeline.is_song and schedule.beat is not None:
            self._begin(timeline, timeline.position_at(now_ns))
        else:
            self._missed_take = timeline.take

    @property
    def is_playing(self) -> bool:
        """True while there are messages left to send in this take."""
        return bool(self._set_up) or self._next < len(self.schedule.messages)

    @property
    def deadline_ns(self) -> int | None:
        """When the next message is due; None if there is none left, or the music has stopped."""
        if self._timeline is None or not self.is_playing:
            return None
        if self._set_up:
            return self._timeline.ns_at(self._set_up_position) + self._offset_ns
        return self._timeline.ns_at(self._position(self.schedule.messages[self._next].seconds)) + self._offset_ns

    @property
    def hand_over_ns(self) -> int | None:
        """When the port needs the next message.

        A message at or beyond the position up to which the music is known waits briefly for the source's next update,
        so that a note at the end of a loop is not played just before the jump back. A port that takes messages ahead of
        time gets them, and is asked to take them back if the music jumps.
        """
        deadline_ns = self.deadline_ns
        if deadline_ns is None or self._timeline is None:
            return None
        if self.ahead_ns or self._set_up or self._timeline.known_until == math.inf:
            return deadline_ns - self.ahead_ns
        position = self._position(self.schedule.messages[self._next].seconds)
        return deadline_ns + (TICK_WAIT_NS if position > self._timeline.known_until - ROUNDING_SECONDS else 0)

    def position_seconds(self, now_ns: int) -> float | None:
        """The current position in the schedule, negative before its start; None if the music has stopped."""
        if self._timeline is None:
            return None
        per_second = self._timeline.from_seconds(1.0, self.schedule.tempo_bpm)
        return (self._timeline.position_at(now_ns - self._offset_ns) - self._position(0.0)) / per_second

    def follow(self, timeline: Timeline | None) -> bool:
        """Switches to another timeline. True if the take was broken off.

        Then the messages that were handed over must be taken back and sounding notes ended; after a jump, the messages
        at the new position come next.
        """
        if timeline is not None and self._timeline is not None and timeline.take == self._timeline.take:
            self._timeline = timeline
            return False
        broke_off = self._timeline is not None
        if any(sets_parameter(data) for _, data in self._sent_ahead):
            self._is_set_up = False  # parameters that may not have been sent do not count
        self._timeline = None
        self._set_up.clear()
        self._next = len(self.schedule.messages)
        if timeline is not None and timeline.take != self._missed_take:
            self._begin(timeline, timeline.take_start)
        return broke_off

    def pop(self, now_ns: int) -> tuple[bytes, int]:
        """The next message, which the caller hands over now, and when it is to be sent."""
        deadline_ns = self.deadline_ns
        assert deadline_ns is not None, "there are no messages left"
        if self._set_up:
            data = self._set_up.popleft()
        else:
            data = self.schedule.messages[self._next].data
            self._next += 1
            self._skip()
        self._is_set_up = self._is_set_up or (not self._set_up and self._next >= self._set_up_end)
        self.lateness_ns.append(max(0, now_ns - deadline_ns))
        # When the tempo rises, a message may become due before one that was handed over already.
        self.last_ns = max(self.last_ns, deadline_ns)
        if self.ahead_ns:
            self._sent_ahead.append((max(self.last_ns, now_ns), data))  # a late one is sent with the next period
            while self._sent_ahead[0][0] < now_ns - SURELY_SENT_NS:
                self._sounding.observe(self._sent_ahead.popleft()[1])
        else:
            self._sounding.observe(data)
        return data, self.last_ns

    def is_cut_by(self, end: bytes) -> bool:
        """Whether this note end, centred bend or pedal release would cut something that this playback has started."""
        if self._sounding.is_ended_by(end):
            return True
        ahead = MidiState()
        for _, data in self._sent_ahead:
            if not is_ending(data):
                ahead.observe(data)
        return ahead.is_ended_by(end)

    def finish(self) -> tuple[bytes, ...]:
        """After the last message: messages that leave nothing sounding, to be sent no earlier than `last_ns`."""
        for _, data in self._sent_ahead:
            self._sounding.observe(data)
        self._sent_ahead.clear()
        return self._sounding.release()

    def abort(self) -> tuple[bytes, ...]:
        """After `take_back`: messages that leave nothing sounding, whether or not those sent ahead were played."""
        for _, data in self._sent_ahead:
            if not is_ending(data):  # an ending that may not have been sent has ended nothing
                self._sounding.observe(data)
        self._sent_ahead.clear()
        self.last_ns = 0
        return self._sounding.release()

    @property
    def _offset_ns(self) -> int:
        return round(self.schedule.offset_seconds * NS_PER_SECOND)

    def _position(self, seconds: float) -> float:
        assert self._timeline is not None and self._origin_quarters is not None, (
            "there is no position before the take begins"
        )
        tempo_bpm = self.schedule.tempo_bpm
        origin = self._timeline.from_quarters(self._origin_quarters, tempo_bpm)
        return origin + self._timeline.from_seconds(seconds, tempo_bpm)

    def _begin(self, timeline: Timeline, position: float) -> None:
        """Plays everything from `position` on; notes that started before it are neither started nor ended."""
        tempo_bpm = self.schedule.tempo_bpm
        quarter = timeline.from_quarters(1.0, tempo_bpm)
        self._timeline, self._missed_take = timeline, None
        if not timeline.is_song or self._origin_quarters is None:
            self._origin_quarters = timeline.take_start / quarter
        seconds = (position - self._origin_quarters * quarter) / timeline.from_seconds(1.0, tempo_bpm)
        messages = self.schedule.messages
        # Without a source everything is played: a negative time is a late start, not an earlier position.
        self._next = 0 if self.sync == NOW else bisect_left(messages, seconds - ROUNDING_SECONDS, key=_seconds)
        self._orphaned_offs = _open_notes(messages[: self._next])
        self._omitted = frozenset(self.schedule.set_up) if self._is_set_up else frozenset()
        begin = self._next
        self._skip()
        self._set_up.clear()
        self._set_up_position = position
        if self._next < len(messages):
            self._set_up.extend(_set_up_messages(messages[:begin], self._omitted))

    def _skip(self) -> None:
        """Skips the ends of notes not started in this take, and parameters that were set in an earlier take."""
        messages = self.schedule.messages
        while self._next < len(messages):
            data = messages[self._next].data
            note = (data[0] & 0x0F, data[1])
            if is_note_off(data) and self._orphaned_offs[note]:
                self._orphaned_offs[note] -= 1
            elif self._next not in self._omitted:
                return
            self._next += 1


class ActivePlaybacks:
    """The active playbacks, at most one for each stem: a port plays one schedule at a time."""

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
        """The playbacks of one job, one stem or one source; without arguments, all of them."""
        return tuple(
            playback
            for playback in self._by_stem.values()
            if job in (None, playback.schedule.job)
            and stem in (None, playback.schedule.stem)
            and sync in (None, playback.sync)
        )

    @property
    def is_playing(self) -> bool:
        """True while something plays."""
        return any(playback.is_playing for playback in self._by_stem.values())

    @property
    def next_ns(self) -> int | None:
        """When the next message is to be handed over; None if nothing is left to send."""
        first = self._first()
        return None if first is None else first.hand_over_ns

    def due(self, now_ns: int) -> Playback | None:
        """The playback whose message is to be handed over at `now_ns`, the longest overdue first; None if none is."""
        first = self._first()
        if first is None or first.hand_over_ns is None or first.hand_over_ns > now_ns:
            return None
        return first

    def _first(self) -> Playback | None:
        # Six ports at most: a scan takes a few microseconds, and there is no second order to keep in step.
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


def _set_up_messages(skipped: Iterable[TimedBytes], omitted: Container[int]) -> Iterable[bytes]:
    """The skipped messages that a take still needs: all parameters, and the controllers before the first note."""
    has_begun = False
    for index, message in enumerate(skipped):
        has_begun = has_begun or is_note_on(message.data)
        is_controller = message.data[0] & 0xF0 == CONTROL_CHANGE and not has_begun
        if (is_controller or sets_parameter(message.data)) and index not in omitted:
            yield message.data
