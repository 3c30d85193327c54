"""The player's loop: sends each message when it is due, and leaves no note sounding."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from queue import Empty
from types import MappingProxyType
from typing import Protocol

from bridge.errors import EngineFailed
from bridge.events import MidiEnded, MidiMoved, MidiReady, MidiStarted, MidiStarved, MidiWaiting, Noticed
from bridge.midi.player.activity import ActivityLog
from bridge.midi.player.following import SyncFollower
from bridge.midi.player.lateness import lateness_of, lateness_warning, missed_notice
from bridge.midi.player.leftover_notes import LeftoverNotes
from bridge.midi.player.messages import BreakOff, Command, Extend, Panic, Play, Report, Silenced, Stop, Watch
from bridge.midi.player.playback import ActivePlaybacks, Playback
from bridge.midi.ports.rtmidi_ports import ON_JACK, Ports
from bridge.midi.ports.stall import STALL_MESSAGE, Stall
from bridge.midi.schedule import SILENCE, Schedule
from bridge.midi.sync.sources import SyncMessage, SyncSources
from bridge.midi.timeline import NS_PER_SECOND, free_running
from bridge.model import Lateness, MidiStatus, PlayOutcome
from bridge.request import JACK, NOW

#: The player busy-waits for this long before each deadline, because a sleeping thread may be woken this late. It is
#: short on Linux, where sleeps are exact and a thread that spins for long loses its place in the scheduler (see
#: `realtime.thread_priority`).
SPIN_NS = 300_000 if sys.platform == "linux" else 2_000_000
#: After sending for this long without a pause, the player pauses: otherwise it starves the machine and loses the
#: priority that RealtimeKit granted.
MAX_BUSY_NS, PAUSE_SECONDS = 50_000_000, 0.00005
#: Between a Play command and its second 0, so that notes on the first beat of all stems are in time.
LEAD_NS = 20_000_000
#: A little more than three JACK periods of 1024 frames at 44.1 kHz: the note-offs are played before the port closes.
DRAIN_SECONDS = 0.1
#: Without a back-end: the interval between attempts to open one.
REOPEN_SECONDS = 3.0
#: Between two position reports of a playback: four per second, of the five that the protocol allows.
POSITION_NS = NS_PER_SECOND // 4


class Inbox(Protocol):
    """The part of `queue.SimpleQueue` that the player needs."""

    def get(self, block: bool = True, timeout: float | None = None) -> Command | SyncMessage | Stall | None: ...


class Player:
    """Plays schedules on the ports that `open_ports` opens, and sends its reports to `report`.

    `leftovers` are, by stem, the messages that end what an earlier player may have left sounding.
    `clock_ns` is a monotonic clock in nanoseconds; `pause` sleeps for some seconds. Tests replace both.
    """

    def __init__(
        self,
        open_ports: Callable[[], Ports],
        report: Callable[[Report], None],
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        pause: Callable[[float], None] = time.sleep,
        sources: SyncSources | None = None,
        leftovers: Mapping[str, tuple[bytes, ...]] = MappingProxyType({}),
    ) -> None:
        self._open_ports = open_ports
        self._report = report
        self._clock_ns = clock_ns
        self._pause = pause
        self._playbacks = ActivePlaybacks()
        self._follower = SyncFollower(sources or SyncSources(), self._playbacks)
        self._leftovers = LeftoverNotes(self._playbacks, leftovers)
        self._activity = ActivityLog()
        self._ports = Ports(MidiStatus(), {})
        self._stalled = False
        self._position_ns = 0
        """When the next position reports are due."""
        self._waits_until_ns = 0
        """Until when the loop waits, or last waited."""

    def run(self, inbox: Inbox) -> None:
        """Handles commands until None arrives; then silences everything and closes the ports."""
        self._open()
        try:
            while True:
                try:
                    command = self._wait(inbox)
                except Empty:
                    self._on_timeout()
                else:
                    if command is None:
                        return
                    self._handle(command)
                self._send_due()
        finally:
            self._close()

    def _open(self) -> None:
        earlier, self._ports = self._ports, self._open_ports()
        if self._ports.status != earlier.status:
            self._report(MidiReady(status=self._ports.status))
        self._leftovers.begin(self._clock_ns())

    def _wait(self, inbox: Inbox) -> Command | SyncMessage | Stall | None:
        """The next command; waits for it until shortly before the next deadline.

        Raises:
            Empty: no command arrived; something may be due.
        """
        wake_ns = self._wake_ns()
        if wake_ns is None:
            return inbox.get(timeout=None if self._ports.outputs else REOPEN_SECONDS)
        now_ns = self._clock_ns()
        slack_seconds = (wake_ns - now_ns) / NS_PER_SECOND
        if slack_seconds >= PAUSE_SECONDS:
            self._waits_until_ns = wake_ns
        elif now_ns - self._waits_until_ns >= MAX_BUSY_NS:
            self._pause(PAUSE_SECONDS)
            self._waits_until_ns = self._clock_ns()
        return inbox.get(timeout=slack_seconds) if slack_seconds > 0 else inbox.get(block=False)

    def _wake_ns(self) -> int | None:
        """When the loop must act if no command arrives earlier; None: never."""
        moments = [] if (due_ns := self._playbacks.next_ns) is None else [due_ns - SPIN_NS]
        if (poll_ns := self._follower.next_ns) is not None:
            moments.append(poll_ns)
        if self._playbacks.is_playing:
            moments.append(self._position_ns)
        if (report_ns := self._activity.next_ns) is not None and self._ports.outputs:
            moments.append(report_ns)
        if (send_ns := self._leftovers_ns) is not None:
            moments.append(send_ns)
        return min(moments, default=None)

    @property
    def _leftovers_ns(self) -> int | None:
        return self._leftovers.next_ns if self._ports.outputs and not self._stalled else None

    def _on_timeout(self) -> None:
        if not self._ports.outputs:
            self._open()
            return
        now_ns = self._clock_ns()
        if (poll_ns := self._follower.next_ns) is not None and now_ns >= poll_ns:
            self._follow(now_ns)
        if now_ns >= self._position_ns:
            self._report_positions(now_ns)
        if self._activity.is_due(now_ns, self._playbacks.next_ns):
            self._report_activity(now_ns)
        if (
            (send_ns := self._leftovers_ns) is not None
            and now_ns >= send_ns
            and self._leftovers.send(self._ports, now_ns)
        ):
            self._report(Silenced())
        due_ns = self._playbacks.next_ns
        if due_ns is not None and now_ns >= due_ns - SPIN_NS:
            while self._clock_ns() < due_ns:
                pass

    def _send_due(self) -> None:
        while (playback := self._playbacks.due(now_ns := self._clock_ns())) is not None:
            is_at_horizon = playback.deadline_ns is None
            now = playback.starve(now_ns) if is_at_horizon else [playback.pop(now_ns)]
            try:
                for data, at_ns in now:
                    self._ports.outputs[playback.schedule.stem].send(data, at_ns)
                    self._activity.handed_over(playback.schedule.stem, data, at_ns)
            except EngineFailed as error:
                self._end(playback, "failed", str(error))
                continue
            if is_at_horizon:
                self._report_starved(playback)
            self._end_if_over(playback)

    def _end_if_over(self, playback: Playback) -> None:
        """After its last message. Call it for a playback that was playing."""
        if not playback.is_playing:
            self._end(playback, "finished", stays_armed=playback.sync != NOW)

    def _handle(self, command: Command | SyncMessage | Stall) -> None:
        match command:
            case SyncMessage():
                self._follower.on_message(command)
                self._follow(self._clock_ns())
            case Play():
                self._play(command.schedules, command.sync)
            case Extend():
                self._extend(command)
            case BreakOff():
                self._break_off(command)
            case Stop():
                self._stop(command.job)
            case Panic():
                self._panic()
            case Watch(seconds=seconds):
                self._watch(seconds)
            case Stall(is_stalled):
                self._stall(is_stalled)

    def _watch(self, seconds: float) -> None:
        begins = self._activity.watch(seconds, self._clock_ns())
        if begins and self._ports.status.backend in ON_JACK and not (self._stalled or self._playbacks.is_playing):
            self._follower.look_for(JACK)  # not while notes play: it takes some milliseconds

    def _stall(self, is_stalled: bool) -> None:
        """While the server is stalled, nothing more is sent; sounding notes get their note-offs once it recovers."""
        self._stalled = is_stalled
        if is_stalled:
            self._fail(self._playbacks.matching(), STALL_MESSAGE)
        self._report(MidiReady(status=MidiStatus(message=STALL_MESSAGE) if is_stalled else self._ports.status))

    def _play(self, schedules: tuple[Schedule, ...], sync: str) -> None:
        if self._stalled:
            self._refuse(schedules, STALL_MESSAGE)
            return
        now_ns = self._clock_ns()
        earliest_seconds = min((0.0, *(schedule.offset_seconds for schedule in schedules)))
        try:
            timeline = (
                free_running(now_ns + LEAD_NS - round(earliest_seconds * NS_PER_SECOND))
                if sync == NOW
                else self._follower.arm(sync, schedules, now_ns)
            )
        except EngineFailed as error:
            self._refuse(schedules, str(error))
            return
        for schedule in schedules:
            if (output := self._ports.outputs.get(schedule.stem)) is None:
                self._refuse([schedule], f"There is no MIDI port for {schedule.stem}.")
            else:
                self._start(Playback(schedule, timeline, sync=sync, ahead_ns=output.ahead_ns, now_ns=now_ns))

    def _extend(self, command: Extend) -> None:
        self._send_due()  # if its horizon has passed, that comes first
        for playback in self._playbacks.matching(job=command.job, stem=command.stem):
            if playback.is_open:
                was_playing = playback.is_playing
                playback.extend(command.messages, command.until_seconds, self._clock_ns(), is_last=command.is_last)
                if was_playing:
                    self._end_if_over(playback)

    def _break_off(self, command: BreakOff) -> None:
        self._fail(self._playbacks.matching(job=command.job), command.reason)

    def _fail(self, playbacks: Iterable[Playback], reason: str) -> None:
        """Ends them for one reason, which is said once."""
        for playback in playbacks:
            self._end(playback, "failed", reason)
            reason = ""

    def _refuse(self, schedules: Iterable[Schedule], reason: str) -> None:
        """None of them plays, for one reason, which is said once."""
        for schedule in schedules:
            self._report_end(schedule, "failed", reason)
            reason = ""

    def _start(self, playback: Playback) -> None:
        for earlier in self._playbacks.matching(stem=playback.schedule.stem):
            self._end(earlier, "stopped")
        if not self._playbacks.is_playing:
            self._position_ns = self._clock_ns() + POSITION_NS
        self._playbacks.add(playback)
        if playback.is_playing:
            self._report_start(playback)
        elif playback.sync == NOW:  # nothing to play
            self._report_start(playback)
            self._end(playback, "finished")
        else:
            self._report_waiting(playback)

    def _follow(self, now_ns: int) -> None:
        """Updates each playback from its source's current timeline."""
        lost: dict[str, list[Playback]] = {}
        for playback, update in self._follower.updates(now_ns):
            if isinstance(update, EngineFailed):
                lost.setdefault(str(update), []).append(playback)
                continue
            played = playback.is_playing
            if playback.follow(update):
                self._silence(playback)
            if played and not playback.is_playing:
                self._end(playback, "stopped", stays_armed=True)
            elif playback.is_playing and not played:
                self._report_start(playback)
        for reason, playbacks in lost.items():
            self._fail(playbacks, reason)

    def _stop(self, job: str | None = None) -> None:
        for playback in self._playbacks.matching(job=job):
            self._end(playback, "stopped")

    def _end(self, playback: Playback, outcome: PlayOutcome, reason: str = "", *, stays_armed: bool = False) -> None:
        """Ends a take; and the playback itself, unless it stays armed for the next take."""
        if not stays_armed:
            self._playbacks.remove(playback)
        if outcome == "finished":
            self._send_final_endings(playback)
        else:
            self._silence(playback)
        self._leftovers.playback_ended(playback, self._ports)
        lateness, playback.lateness_ns = lateness_of(playback.lateness_ns), []
        missed, playback.missed = playback.missed, 0
        self._report_end(playback.schedule, outcome, reason, lateness, missed, stays_armed=stays_armed)
        if stays_armed:
            self._report_waiting(playback)

    def _silence(self, playback: Playback) -> None:
        """Ends everything that sounds, and drops everything that was handed over but not sent yet."""
        output = self._ports.outputs[playback.schedule.stem]
        with contextlib.suppress(EngineFailed):
            output.take_back()
        for data in playback.in_flight.abort():
            with contextlib.suppress(EngineFailed):  # the next message is tried all the same
                output.send(data)

    def _send_final_endings(self, playback: Playback) -> None:
        """Ends the notes that the schedule itself left sounding, together with its last message."""
        at_ns = playback.in_flight.last_ns
        for data in playback.in_flight.finish():
            with contextlib.suppress(EngineFailed):
                self._ports.outputs[playback.schedule.stem].send(data, at_ns)

    def _panic(self) -> None:
        self._stop()
        for output in self._ports.outputs.values():
            for message in SILENCE:
                with contextlib.suppress(EngineFailed):
                    output.send(message)

    def _close(self) -> None:
        self._stop()
        if self._ports.outputs:
            self._pause(DRAIN_SECONDS)
        for output in self._ports.outputs.values():
            output.close()

    def _report_start(self, playback: Playback) -> None:
        schedule = playback.schedule
        self._report(
            MidiStarted(
                job=schedule.job,
                stem=schedule.stem,
                seconds=playback.seconds,
                notes=playback.notes,
                is_open=playback.is_open,
            )
        )

    def _report_starved(self, playback: Playback) -> None:
        schedule = playback.schedule
        self._report(MidiStarved(job=schedule.job, stem=schedule.stem, seconds=playback.horizon_seconds))

    def _report_end(
        self,
        schedule: Schedule,
        outcome: PlayOutcome,
        reason: str = "",
        lateness: Lateness | None = None,
        missed: int = 0,
        *,
        stays_armed: bool = False,
    ) -> None:
        if (notice := missed_notice(schedule.stem, missed)) is not None:
            self._report(notice)
        if (warning := lateness_warning(schedule.stem, lateness)) is not None:
            self._report(warning)
        if reason:
            self._report(Noticed(level="warning", message=reason))
        self._report(
            MidiEnded(
                job=schedule.job,
                stem=schedule.stem,
                outcome=outcome,
                lateness=lateness,
                stays_armed=stays_armed,
                missed=missed,
            )
        )

    def _report_waiting(self, playback: Playback) -> None:
        self._report(MidiWaiting(job=playback.schedule.job, stem=playback.schedule.stem, sync=playback.sync))

    def _report_activity(self, now_ns: int) -> None:
        playbacks = {playback.schedule.stem: playback for playback in self._playbacks.matching()}
        sources = {} if self._stalled else self._follower.heard
        report = self._activity.report(now_ns, self._ports.outputs, playbacks, self._leftovers.stems, sources)
        self._report(report)

    def _report_positions(self, now_ns: int) -> None:
        self._position_ns = now_ns + POSITION_NS
        for playback in self._playbacks.matching():
            seconds = playback.position_seconds(now_ns)
            if seconds is not None and playback.is_playing:
                self._report(MidiMoved(job=playback.schedule.job, stem=playback.schedule.stem, seconds=seconds))
