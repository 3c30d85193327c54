"""Active schedules: one on each port, armed or playing. Without a port."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence

from bridge.midi.player.cursor import Cursor
from bridge.midi.player.growing import GrowingSchedule
from bridge.midi.player.in_flight import InFlight
from bridge.midi.player.set_up import SetUp, brought_up_to_date
from bridge.midi.ports.jack_exact import MARGIN_NS
from bridge.midi.schedule import CONTROL_CHANGE, SUSTAIN, Schedule, TimedBytes
from bridge.midi.timeline import Timeline
from bridge.request import NOW


class Playback:
    """One schedule on a port: armed, or playing.

    A schedule that follows a DAW never ends by itself: at its end, or when the music stops, it waits for the next take.
    An open one does not end at its last message either. Beyond its horizon it starves: it is silent until it is
    extended, and what comes too late stays silent.

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
        self.in_flight = InFlight(ahead_ns)
        self.lateness_ns: list[int] = []
        self.missed = 0
        """Notes that became known after their time."""
        self._growing = GrowingSchedule(schedule)
        self._set_up = SetUp(schedule)
        self._cursor: Cursor | None = None
        """The current take; None: the music has stopped."""
        self._late: list[bytes] = []
        """Of a starved take: controllers and bends whose time has passed."""
        self._catch_up: deque[bytes] = deque()
        """What of them is to be sent now that it goes on."""
        self._resumed_ns = 0
        self._origin_quarters = schedule.beat
        self._missed_take: int | None = None
        if timeline is None:
            return
        if sync == NOW:  # everything is played: a negative time is a late start, not an earlier position
            self._begin(timeline, -math.inf)
        elif timeline.is_song and schedule.beat is not None:
            self._begin(timeline, timeline.position_at(now_ns))
        else:
            self._missed_take = timeline.take

    @property
    def is_playing(self) -> bool:
        """True while there are messages left to send in this take, or may follow."""
        return self._cursor is not None and not self._cursor.is_over

    @property
    def seconds(self) -> float:
        """When the last message that is known is due."""
        return self._growing.seconds

    @property
    def notes(self) -> int:
        """How many are known."""
        return self._growing.notes

    @property
    def horizon_seconds(self) -> float:
        """How far this take is known, in seconds of the schedule."""
        return self._growing.until_seconds if self._cursor is None else self._cursor.horizon_seconds

    @property
    def deadline_ns(self) -> int | None:
        """When the next message is due; None if none is known, or the music has stopped."""
        if self._cursor is None or self._cursor.is_over:
            return None
        if self._set_up.pending:
            return self._cursor.start_ns
        if self._catch_up:
            return self._resumed_ns
        return None if self._cursor.is_at_end else self._cursor.deadline_ns

    @property
    def hand_over_ns(self) -> int | None:
        """When the port needs the next message; beyond the last one that is known, the ends of what sounds.

        A port that takes messages ahead of time gets them, and is asked to take them back if the music jumps; as long
        as the tempo is only assumed, it gets them as late as it can take them. On other ports, a message may have to
        wait for the source's next update.
        """
        if self._cursor is None or self._cursor.is_over:
            return None
        if (deadline_ns := self.deadline_ns) is None:
            if self._cursor.is_starved:
                return None
            deadline_ns = self._cursor.horizon_ns
        if self._cursor.timeline.tempo_is_assumed and not self._set_up.pending and self.in_flight.ahead_ns:
            return deadline_ns - max(0, self.in_flight.ahead_ns - MARGIN_NS)
        if self.in_flight.ahead_ns or self._set_up.pending or self._catch_up:
            return deadline_ns - self.in_flight.ahead_ns
        return deadline_ns + self._cursor.tick_wait_ns

    def position_seconds(self, now_ns: int) -> float | None:
        """The current position in the schedule, negative before its start; None if the music has stopped."""
        return None if self._cursor is None else self._cursor.seconds_at(now_ns)

    def follow(self, timeline: Timeline | None) -> bool:
        """Switches to another timeline. True if the take was broken off.

        Then the messages that were handed over must be taken back and sounding notes ended; after a jump, the messages
        at the new position come next.
        """
        earlier = self._cursor
        if timeline is not None and earlier is not None and timeline.take == earlier.timeline.take:
            earlier.timeline = timeline
            return False
        if self.in_flight.has_parameters:
            self._set_up.repeat_all()
        self._cursor = None
        self._late.clear()
        self._catch_up.clear()
        if timeline is not None and timeline.take != self._missed_take:
            self._begin(timeline, timeline.take_start)
        return earlier is not None

    def pop(self, now_ns: int) -> tuple[bytes, int]:
        """The next message, which the caller hands over now, and when it is to be sent."""
        deadline_ns = self.deadline_ns
        assert self._cursor is not None and deadline_ns is not None, "there are no messages left"
        first = self._set_up.pending or self._catch_up
        data = first.popleft() if first else self._cursor.advance()
        self._set_up.reached(self._cursor.index)
        self.lateness_ns.append(max(0, now_ns - deadline_ns))
        return data, self.in_flight.hand_over(data, deadline_ns, now_ns)

    def starve(self, now_ns: int) -> list[tuple[bytes, int]]:
        """When the horizon is due: the ends of what sounds, which the caller hands over now, and when they are sent."""
        assert self._cursor is not None and self.deadline_ns is None, "there are messages left"
        horizon_ns, ends = self._cursor.horizon_ns, self.in_flight.ends_so_far()
        self._cursor.starve(ends)
        pedals = [data for data in ends if data[0] & 0xF0 == CONTROL_CHANGE]
        self._late += [bytes((data[0], SUSTAIN, 127)) for data in pedals]  # held again when it goes on
        return [(data, self.in_flight.hand_over(data, horizon_ns, now_ns)) for data in ends]

    def extend(self, messages: Sequence[TimedBytes], until_seconds: float, now_ns: int, *, is_last: bool) -> None:
        """Appends messages to an open schedule; a starved take goes on with those whose time is still to come."""
        index = len(self._growing.messages)
        self._growing.extend(messages, until_seconds, is_last=is_last)
        self._set_up.extend(index, messages)
        if self._cursor is None:
            return
        if self._cursor.is_starved:
            self._pass_late(self._cursor, now_ns)
        else:
            self._cursor.skip()

    @property
    def is_open(self) -> bool:
        """True as long as it may be extended."""
        return self._growing.is_open

    def _pass_late(self, cursor: Cursor, now_ns: int) -> None:
        missed, others = cursor.pass_late(now_ns)
        self.missed += missed
        self._late += others
        if not cursor.is_starved:
            self._catch_up.extend(brought_up_to_date(self._late))
            self._late.clear()
            self._resumed_ns = now_ns

    def _begin(self, timeline: Timeline, position: float) -> None:
        """Begins a take that plays everything from `position` on."""
        self._missed_take = None
        if not timeline.is_song or self._origin_quarters is None:
            self._origin_quarters = timeline.take_start / timeline.from_quarters(1.0, self.schedule.tempo_bpm)
        self._cursor = Cursor(self._growing, timeline, self._origin_quarters, position, self._set_up.omitted)
        self._set_up.prepare(() if self._cursor.is_over else self._cursor.passed)


class ActivePlaybacks:
    """The active playbacks, at most one for each stem: a port plays one schedule at a time."""

    def __init__(self) -> None:
        self._by_stem: dict[str, Playback] = {}

    def add(self, playback: Playback) -> None:
        assert playback.schedule.stem not in self._by_stem, "end the earlier playback of a stem before the next"
        self._by_stem[playback.schedule.stem] = playback

    def remove(self, playback: Playback) -> None:
        del self._by_stem[playback.schedule.stem]

    def matching(
        self, *, job: str | None = None, stem: str | None = None, sync: str | None = None
    ) -> tuple[Playback, ...]:
        """The playbacks, playing or armed, of one job, stem or sync source; without arguments, all of them."""
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
