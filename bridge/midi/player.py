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
from bridge.midi.messages import Close, Command, Finished, Lateness, Panic, Play, Ready, Report, Started, Stop
from bridge.midi.output import Ports
from bridge.midi.schedule import (
    ALL_NOTES_OFF,
    ALL_SOUND_OFF,
    BEND_CENTRE,
    CHANNELS,
    CONTROL_CHANGE,
    NS_PER_SECOND,
    PITCH_BEND,
    RESET_CONTROLLERS,
    SUSTAIN,
    Agenda,
    Playback,
    Schedule,
)
from bridge.model import MidiStatus, PlayOutcome

#: From here to its deadline the player spins: a waiting thread may be woken this much late. Who spins for long is put
#: behind the others on Linux, where a wait is as long as asked for (see `promptness`).
SPIN_NS = 300_000 if sys.platform == "linux" else 2_000_000
#: Between a Play and its second 0, so that notes on the first beat of all stems are in time.
LEAD_NS = 20_000_000
#: Three JACK periods of 1024 frames at 44.1 kHz and some: the note-offs get out before the port goes.
DRAIN_SECONDS = 0.1
#: Without a back-end: how often to look for one.
REOPEN_SECONDS = 3.0


class Inbox(Protocol):
    """The part of `queue.SimpleQueue` that the player needs."""

    def get(self, block: bool = True, timeout: float | None = None) -> Command | None: ...


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
    ) -> None:
        self._open_ports = open_ports
        self._report = report
        self._clock_ns = clock_ns
        self._pause = pause
        self._agenda = Agenda()
        self._ports = Ports(MidiStatus(), {})

    def run(self, inbox: Inbox) -> None:
        """Obeys until `Close` or None arrives; then everything is silent and the ports are closed."""
        self._open()
        try:
            while True:
                try:
                    command = self._wait(inbox)
                except Empty:
                    self._on_time()
                else:
                    if command is None or isinstance(command, Close):
                        return
                    self._obey(command)
                self._send_due()
        finally:
            self._close()

    def _open(self) -> None:
        earlier, self._ports = self._ports, self._open_ports()
        if self._ports.status != earlier.status:
            self._report(Ready(status=self._ports.status))

    def _wait(self, inbox: Inbox) -> Command | None:
        """The next command, awaited until shortly before the next deadline.

        Raises:
            Empty: there is none; see what time it is.
        """
        deadline_ns = self._agenda.next_ns
        if deadline_ns is None:
            return inbox.get(timeout=None if self._ports.outputs else REOPEN_SECONDS)
        slack_ns = deadline_ns - SPIN_NS - self._clock_ns()
        return inbox.get(timeout=slack_ns / NS_PER_SECOND) if slack_ns > 0 else inbox.get(block=False)

    def _on_time(self) -> None:
        deadline_ns = self._agenda.next_ns
        if deadline_ns is None:
            self._open()
            return
        while self._clock_ns() < deadline_ns:
            pass

    def _send_due(self) -> None:
        while (playback := self._agenda.due(now_ns := self._clock_ns())) is not None:
            try:
                self._ports.outputs[playback.schedule.stem].send(playback.take(now_ns))
            except EngineFailed as error:
                self._end(playback, "failed", str(error))
            else:
                if playback.deadline_ns is None:
                    self._end(playback, "finished")

    def _obey(self, command: Play | Stop | Panic) -> None:
        match command:
            case Play():
                self._play(command.schedules)
            case Stop():
                self._stop(command.job)
            case Panic():
                self._panic()

    def _play(self, schedules: tuple[Schedule, ...]) -> None:
        earliest_seconds = min((0.0, *(schedule.offset_seconds for schedule in schedules)))
        start_ns = self._clock_ns() + LEAD_NS - round(earliest_seconds * NS_PER_SECOND)
        for schedule in schedules:
            if schedule.stem in self._ports.outputs:
                self._start(Playback(schedule, start_ns))
            else:
                reason = f"There is no MIDI port for {schedule.stem}."
                self._report(Finished(job=schedule.job, stem=schedule.stem, outcome="failed", reason=reason))

    def _start(self, playback: Playback) -> None:
        schedule = playback.schedule
        for earlier in self._agenda.playing(stem=schedule.stem):
            self._end(earlier, "stopped")
        self._report(Started(job=schedule.job, stem=schedule.stem, seconds=schedule.seconds, notes=schedule.notes))
        self._agenda.add(playback)
        if playback.deadline_ns is None:
            self._end(playback, "finished")

    def _stop(self, job: str | None = None) -> None:
        for playback in self._agenda.playing(job=job):
            self._end(playback, "stopped")

    def _end(self, playback: Playback, outcome: PlayOutcome, reason: str = "") -> None:
        self._agenda.remove(playback)
        schedule, output = playback.schedule, self._ports.outputs[playback.schedule.stem]
        for data in playback.sounding.release():
            with contextlib.suppress(EngineFailed):  # the next one is tried all the same
                output.send(data)
        if playback.lateness_ns:
            self._report(_lateness(schedule, playback.lateness_ns))
        self._report(Finished(job=schedule.job, stem=schedule.stem, outcome=outcome, reason=reason))

    def _panic(self) -> None:
        self._stop()
        for output in self._ports.outputs.values():
            for channel in CHANNELS:
                for controller in (SUSTAIN, ALL_NOTES_OFF, ALL_SOUND_OFF, RESET_CONTROLLERS):
                    with contextlib.suppress(EngineFailed):
                        output.send((CONTROL_CHANGE | channel, controller, 0))
                with contextlib.suppress(EngineFailed):
                    output.send((PITCH_BEND | channel, *BEND_CENTRE))

    def _close(self) -> None:
        self._stop()
        if self._ports.outputs:
            self._pause(DRAIN_SECONDS)
        for output in self._ports.outputs.values():
            output.close()


def _lateness(schedule: Schedule, lateness_ns: list[int]) -> Lateness:
    ordered = sorted(lateness_ns)
    p99_ns = ordered[math.ceil(0.99 * len(ordered)) - 1]  # nearest rank
    return Lateness(
        job=schedule.job, stem=schedule.stem, messages=len(ordered), p99_ms=p99_ns / 1e6, worst_ms=ordered[-1] / 1e6
    )
