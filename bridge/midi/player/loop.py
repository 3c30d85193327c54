"""The player's loop: sends what is due when it is due, and leaves no note behind."""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable
from queue import Empty
from typing import Protocol

from bridge.errors import EngineFailed
from bridge.midi.player.following import Following
from bridge.midi.player.leftover_notes import LeftoverNotes
from bridge.midi.player.messages import (
    Command,
    LatenessReport,
    Panic,
    Play,
    PlaybackFinished,
    PlaybackPosition,
    PlaybackStarted,
    PlaybackWaiting,
    PlayerReady,
    Report,
    Silence,
    Silenced,
    Stop,
)
from bridge.midi.player.playback import NOW, Agenda, Playback
from bridge.midi.ports.rtmidi_ports import Ports
from bridge.midi.ports.stall import STANDS_STILL, Stall
from bridge.midi.schedule import SILENCE, Schedule
from bridge.midi.sync.sources import Sources, SyncMessage
from bridge.midi.timeline import NS_PER_SECOND, from_now
from bridge.model import MidiStatus, PlayOutcome

#: From here to its deadline the player spins: a waiting thread may be woken this much late. Who spins for long is put
#: behind the others on Linux, where a wait is as long as asked for (see `realtime.thread_priority`).
SPIN_NS = 300_000 if sys.platform == "linux" else 2_000_000
#: Who sends without a pause for so long pauses: it starves the machine, and loses what RealtimeKit gave it.
RUN_NS, REST_SECONDS = 50_000_000, 0.00005
#: Between a Play and its second 0, so that notes on the first beat of all stems are in time.
LEAD_NS = 20_000_000
#: Three JACK periods of 1024 frames at 44.1 kHz and some: the note-offs get out before the port goes.
DRAIN_SECONDS = 0.1
#: Without a back-end: how often to look for one.
REOPEN_SECONDS = 3.0
#: Between two reports of where a playback is: four a second, of five that are promised at most.
POSITION_NS = NS_PER_SECOND // 4


class Inbox(Protocol):
    """The part of `queue.SimpleQueue` that the player needs."""

    def get(self, block: bool = True, timeout: float | None = None) -> Command | SyncMessage | Stall | None: ...


class Player:
    """Plays schedules on the ports that `open_ports` opens, and tells `report` about it.

    `clock_ns` is monotonic, in nanoseconds; `pause` sleeps for some seconds. Both can be turned by hand.
    """

    def __init__(
        self,
        open_ports: Callable[[], Ports],
        report: Callable[[Report], None],
        clock_ns: Callable[[], int] = time.perf_counter_ns,
        pause: Callable[[float], None] = time.sleep,
        sources: Sources | None = None,
    ) -> None:
        self._open_ports = open_ports
        self._report = report
        self._clock_ns = clock_ns
        self._pause = pause
        self._agenda = Agenda()
        self._following = Following(sources or Sources(), self._agenda)
        self._leftovers = LeftoverNotes(self._agenda)
        self._ports = Ports(MidiStatus(), {})
        self._stalled = False
        self._position_ns = 0
        """When the next report of places is due."""
        self._rested_ns = 0
        """When it last waited for something."""

    def run(self, inbox: Inbox) -> None:
        """Obeys until None arrives; then everything is silent and the ports are closed."""
        self._open()
        try:
            while True:
                try:
                    command = self._wait(inbox)
                except Empty:
                    self._on_time()
                else:
                    if command is None:
                        return
                    self._obey(command)
                self._send_due()
        finally:
            self._close()

    def _open(self) -> None:
        earlier, self._ports = self._ports, self._open_ports()
        if self._ports.status != earlier.status:
            self._report(PlayerReady(status=self._ports.status))
        self._leftovers.begin(self._clock_ns())

    def _wait(self, inbox: Inbox) -> Command | SyncMessage | Stall | None:
        """The next command, awaited until shortly before the next deadline.

        Raises:
            Empty: there is none; see what time it is.
        """
        wake_ns = self._wake_ns()
        if wake_ns is None:
            return inbox.get(timeout=None if self._ports.outputs else REOPEN_SECONDS)
        now_ns = self._clock_ns()
        slack_seconds = (wake_ns - now_ns) / NS_PER_SECOND
        if slack_seconds >= REST_SECONDS:
            self._rested_ns = wake_ns
        elif now_ns - self._rested_ns >= RUN_NS:
            self._pause(REST_SECONDS)
            self._rested_ns = self._clock_ns()
        return inbox.get(timeout=slack_seconds) if slack_seconds > 0 else inbox.get(block=False)

    def _wake_ns(self) -> int | None:
        """When something is to be done, if nothing is heard before; None: nothing is."""
        moments = [] if (due_ns := self._agenda.next_ns) is None else [due_ns - SPIN_NS]
        if (poll_ns := self._following.next_ns) is not None:
            moments.append(poll_ns)
        if self._agenda.is_moving:
            moments.append(self._position_ns)
        if (tell_ns := self._tell_ns) is not None:
            moments.append(tell_ns)
        return min(moments, default=None)

    @property
    def _tell_ns(self) -> int | None:
        return self._leftovers.next_ns if self._ports.outputs and not self._stalled else None

    def _on_time(self) -> None:
        if not self._ports.outputs:
            self._open()
            return
        now_ns = self._clock_ns()
        if (poll_ns := self._following.next_ns) is not None and now_ns >= poll_ns:
            self._follow(now_ns)
        if now_ns >= self._position_ns:
            self._tell_positions(now_ns)
        if (tell_ns := self._tell_ns) is not None and now_ns >= tell_ns and self._leftovers.tell(self._ports, now_ns):
            self._report(Silenced())
        due_ns = self._agenda.next_ns
        if due_ns is not None and now_ns >= due_ns - SPIN_NS:
            while self._clock_ns() < due_ns:
                pass

    def _send_due(self) -> None:
        while (playback := self._agenda.due(now_ns := self._clock_ns())) is not None:
            data, at_ns = playback.take(now_ns)
            try:
                self._ports.outputs[playback.schedule.stem].send(data, at_ns)
            except EngineFailed as error:
                self._end(playback, "failed", str(error))
            else:
                if not playback.is_playing:
                    self._end(playback, "finished", waits=playback.sync != NOW)

    def _obey(self, command: Command | SyncMessage | Stall) -> None:
        match command:
            case SyncMessage():
                self._following.hear(command)
                self._follow(self._clock_ns())
            case Play():
                self._play(command.schedules, command.sync)
            case Stop():
                self._stop(command.job)
            case Panic():
                self._panic()
            case Silence(ends=ends):
                self._leftovers.add(ends, self._clock_ns())
            case Stall(lasts):
                self._stall(lasts)

    def _stall(self, lasts: bool) -> None:
        """What sounded gets its note-offs as soon as the server goes on; until then it is sent nothing else."""
        self._stalled = lasts
        if lasts:
            for playback in self._agenda.playing():
                self._end(playback, "failed", STANDS_STILL)
        self._report(PlayerReady(status=MidiStatus(message=STANDS_STILL) if lasts else self._ports.status))

    def _play(self, schedules: tuple[Schedule, ...], sync: str) -> None:
        if self._stalled:
            for schedule in schedules:
                self._refuse(schedule, STANDS_STILL)
            return
        now_ns = self._clock_ns()
        earliest_seconds = min((0.0, *(schedule.offset_seconds for schedule in schedules)))
        try:
            timeline = (
                from_now(now_ns + LEAD_NS - round(earliest_seconds * NS_PER_SECOND))
                if sync == NOW
                else self._following.arm(sync, schedules, now_ns)
            )
        except EngineFailed as error:
            for schedule in schedules:
                self._refuse(schedule, str(error))
            return
        for schedule in schedules:
            if (output := self._ports.outputs.get(schedule.stem)) is None:
                self._refuse(schedule, f"There is no MIDI port for {schedule.stem}.")
            else:
                self._start(Playback(schedule, timeline, sync=sync, ahead_ns=output.ahead_ns, now_ns=now_ns))

    def _refuse(self, schedule: Schedule, reason: str) -> None:
        self._report(PlaybackFinished(job=schedule.job, stem=schedule.stem, outcome="failed", reason=reason))

    def _start(self, playback: Playback) -> None:
        for earlier in self._agenda.playing(stem=playback.schedule.stem):
            self._end(earlier, "stopped")
        if not self._agenda.is_moving:
            self._position_ns = self._clock_ns() + POSITION_NS
        self._agenda.add(playback)
        if playback.is_playing:
            self._tell_start(playback)
        elif playback.sync == NOW:  # nothing to play
            self._tell_start(playback)
            self._end(playback, "finished")
        else:
            self._tell_wait(playback)

    def _follow(self, now_ns: int) -> None:
        """Lets each playback go by what its source says now."""
        for playback, said in self._following.news(now_ns):
            if isinstance(said, EngineFailed):
                self._end(playback, "failed", str(said))
                continue
            played = playback.is_playing
            if playback.follow(said):
                self._silence(playback)
            if played and not playback.is_playing:
                self._end(playback, "stopped", waits=True)
            elif playback.is_playing and not played:
                self._tell_start(playback)

    def _stop(self, job: str | None = None) -> None:
        for playback in self._agenda.playing(job=job):
            self._end(playback, "stopped")

    def _end(self, playback: Playback, outcome: PlayOutcome, reason: str = "", *, waits: bool = False) -> None:
        """Ends a pass; and the playback itself, unless it waits for the next."""
        schedule = playback.schedule
        if not waits:
            self._agenda.remove(playback)
        if outcome == "finished":
            self._ring_out(playback)
        else:
            self._silence(playback)
        self._leftovers.ended(playback, self._ports)
        if playback.lateness_ns:
            self._report(_lateness(schedule, playback.lateness_ns))
            playback.lateness_ns = []
        self._report(
            PlaybackFinished(job=schedule.job, stem=schedule.stem, outcome=outcome, reason=reason, waits=waits)
        )
        if waits:
            self._tell_wait(playback)

    def _silence(self, playback: Playback) -> None:
        """Nothing of it sounds on, and nothing of it is still to go out."""
        output = self._ports.outputs[playback.schedule.stem]
        with contextlib.suppress(EngineFailed):
            output.take_back()
        for data in playback.release():
            with contextlib.suppress(EngineFailed):  # the next one is tried all the same
                output.send(data)

    def _ring_out(self, playback: Playback) -> None:
        """What the schedule itself has left sounding ends with its last message."""
        at_ns = playback.last_ns
        for data in playback.remains():
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

    def _tell_start(self, playback: Playback) -> None:
        schedule = playback.schedule
        self._report(
            PlaybackStarted(job=schedule.job, stem=schedule.stem, seconds=schedule.seconds, notes=schedule.notes)
        )

    def _tell_wait(self, playback: Playback) -> None:
        self._report(PlaybackWaiting(job=playback.schedule.job, stem=playback.schedule.stem, sync=playback.sync))

    def _tell_positions(self, now_ns: int) -> None:
        self._position_ns = now_ns + POSITION_NS
        for playback in self._agenda.playing():
            seconds = playback.position_seconds(now_ns)
            if seconds is not None and playback.is_playing:
                self._report(PlaybackPosition(job=playback.schedule.job, stem=playback.schedule.stem, seconds=seconds))


def _lateness(schedule: Schedule, lateness_ns: list[int]) -> LatenessReport:
    ordered = sorted(lateness_ns)

    def rank_ms(share: float) -> float:  # nearest rank
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] / 1e6

    return LatenessReport(
        job=schedule.job,
        stem=schedule.stem,
        messages=len(ordered),
        p50_ms=rank_ms(0.5),
        p99_ms=rank_ms(0.99),
        worst_ms=rank_ms(1.0),
    )
