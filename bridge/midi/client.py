"""The main process's side of the MIDI player: starts its process, sends commands, publishes its events."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from bridge.connections.values import PlayerActivity
from bridge.errors import EngineFailed
from bridge.events import Event, MidiEnded, MidiReady, Noticed
from bridge.midi.live_take import LiveTake
from bridge.midi.player.messages import BreakOff, Command, Panic, Play, PlayerSettings, Report, Silenced, Stop, Watch
from bridge.midi.player.unended_notes import UnendedNotes, endings_by_stem
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.schedule import Schedule, schedule
from bridge.model import MidiStatus, PlayOutcome
from bridge.processes.child import Child
from bridge.request import NOW
from bridge.system.off_loop import off_loop
from bridge.system.waiting import within
from bridge.units import DEFAULT_TEMPO_BPM

#: While RtMidi waits for JACK it holds the interpreter, so no heartbeat is sent: as long as a server hangs, and for 4 s
#: (jackd 1.9.21) if ports are opened just after the player was killed.
HEARTBEAT_TIMEOUT_SECONDS = 15.0
#: How long `play` waits for a player that is starting.
READY_SECONDS = 20.0
#: For how long the player reports after somebody has looked at its activity.
WATCH_SECONDS = 4.0

SWITCHED_OFF = MidiStatus(message="MIDI is switched off; start without --no-midi to use it.")
STARTING = MidiStatus(message="The MIDI player is starting.")


class MidiPlayer:
    """Keeps the player's process running and passes its events to `publish`. Everything runs on the event loop.

    `environment` is added to the environment of the player's process.
    """

    def __init__(
        self,
        publish: Callable[[Event], None],
        layout: PortLayout,
        *,
        enabled: bool = True,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._publish = publish
        self._enabled = enabled
        self._status = STARTING if enabled else SWITCHED_OFF
        self._ready = asyncio.Event()
        self._sent: Counter[tuple[str, str]] = Counter()
        self._preparing: list[_Preparation] = []
        self._takes: dict[str, LiveTake] = {}
        """By job, the newest live take."""
        self._activity = PlayerActivity()
        self._watched_until = 0.0
        self._write_lock = asyncio.Lock()
        self._unended = UnendedNotes(layout.own_folder)
        self._child: Child[Command, Report] = Child(
            "bridge.midi",
            Report,
            first=lambda: PlayerSettings(layout=layout, leftovers=self._unended.leftovers),
            on_report=self._on_report,
            on_exit=self._on_exit,
            environment=environment,
            heartbeat_timeout_seconds=HEARTBEAT_TIMEOUT_SECONDS,
        )

    @property
    def status(self) -> MidiStatus:
        return self._status

    def activity(self) -> PlayerActivity:
        """What goes through the ports, as last reported; who asks gets newer ones from now on, for some seconds."""
        now = asyncio.get_running_loop().time()
        if self._ready.is_set() and self._watched_until - now < WATCH_SECONDS / 2:
            self._watched_until = now + WATCH_SECONDS
            self._child.send(Watch(seconds=WATCH_SECONDS))
        return self._activity

    @property
    def pid(self) -> int | None:
        """The player's process id; None if it is not running."""
        return self._child.pid

    async def start(self) -> None:
        """Starts the process; `wait_ready` returns when its ports are open."""
        if self._enabled:
            await off_loop(self._unended.load)
            await self._child.start()
        else:
            self._ready.set()
            self._publish(MidiReady(status=self._status))

    async def close(self) -> None:
        """Silences everything, closes the ports and ends the process."""
        self.stop()
        if self._enabled:
            await self._child.close()
            self._end_all("stopped")
            self._unended.close()

    async def wait_ready(self, timeout_seconds: float = READY_SECONDS) -> MidiStatus:
        """The status, as soon as the player has opened its ports or reported why it cannot.

        Raises:
            EngineFailed: the player has not reported within `timeout_seconds`.
        """
        try:
            await within(self._ready.wait(), timeout_seconds)
        except asyncio.TimeoutError:
            raise EngineFailed(
                "The MIDI player does not start.", advice="Run `sab doctor` and read its lines about MIDI."
            ) from None
        return self._status

    async def play(
        self,
        job: str,
        stems: Mapping[str, Path],
        offsets_seconds: Callable[[], Mapping[str, float]] = dict,
        *,
        sync: str = NOW,
        beat: float | None = None,
    ) -> None:
        """Plays one MIDI file for each stem, all starting together; returns once the player has the schedules.

        Earlier playback on these stems' ports ends. `offsets_seconds` delays a stem (negative: delays the others). With
        a `sync` other than `now`, the stems wait until the DAW's transport rolls, and start at `beat` of its song, in
        quarter notes (None: where the transport starts).

        Raises:
            EngineFailed: there is no MIDI back-end, and why.
            SourceError: a file is missing or is not a MIDI file; nothing was played.
        """
        async with self._preparation(job) as preparation:
            schedules = await off_loop(lambda: _read(job, stems, offsets_seconds(), beat))
            ends = await off_loop(lambda: endings_by_stem(schedules))
            async with self._write_lock:  # of two concurrent plays, the file that covers both is written last
                lines = self._unended.add(ends)
                await off_loop(lambda: self._unended.write(lines))
        self._send_play(preparation, Play(schedules=schedules, sync=sync))

    async def play_live(
        self,
        job: str,
        stems: Mapping[str, Iterable[tuple[float, bytes]]],
        until_seconds: float = 0.0,
        offsets_seconds: Callable[[], Mapping[str, float]] = dict,
        *,
        sync: str = NOW,
        beat: float | None = None,
        tempo_bpm: float = DEFAULT_TEMPO_BPM,
    ) -> None:
        """Plays stems whose notes are still being computed; returns once the player has what is known of them.

        `stems` are all stems of the take, each with the (seconds, message) pairs that are known so far, up to
        `until_seconds`; more follow by `extend`, which may be called as soon as this was, and the last one ends the
        take as `play` does. Everything else is as in `play`; `tempo_bpm` is the tempo of the notes, in quarter notes
        a minute.

        Raises:
            EngineFailed: there is no MIDI back-end, and why.
        """
        take = LiveTake(job, stems, beat=beat, tempo_bpm=tempo_bpm)
        take.extend(stems, until_seconds, is_last=False)
        self._takes[job] = take
        try:
            async with self._preparation(job) as preparation:
                offsets = await off_loop(offsets_seconds)
                await self._store_endings(take)
            self._send_play(preparation, Play(schedules=take.schedules(offsets), sync=sync))
        finally:
            self._forget_ended(job)

    async def extend(
        self,
        job: str,
        stems: Mapping[str, Iterable[tuple[float, bytes]]],
        until_seconds: float,
        *,
        is_last: bool = False,
    ) -> None:
        """Moves the horizon of a live take on to `until_seconds`; returns once the player has the messages.

        `stems` has the (seconds, message) pairs from the horizon before; a stem of the take that it lacks is silent.
        Several calls may wait at once, and keep their order. Stems that no longer play are passed over, and so is a
        job without a live take.
        """
        if (take := self._takes.get(job)) is None:
            return
        take.extend(stems, until_seconds, is_last=is_last)
        if not take.is_sent:  # `play_live` sends all that is known by then
            return
        writing = _Preparation(job)
        self._preparing.append(writing)
        try:
            await self._store_endings(take)
        finally:
            self._preparing.remove(writing)
        for stem in take.stems:
            if not self._sent[job, stem]:  # it has ended in the meantime
                self._unended.ended(job, stem)
        for extension in take.extensions():
            if self._sent[job, extension.stem]:
                self._child.send(extension)
        self._forget_ended(job)

    def break_off(self, job: str, reason: str) -> None:
        """Ends the playback of a job whose notes will not come: note-offs at once, outcome `failed`.

        `reason` is a sentence for the user; it is published as a notice.
        """
        for preparation in self._preparing:
            if preparation.job == job:
                preparation.is_stopped, preparation.reason = True, reason
        self._child.send(BreakOff(job=job, reason=reason))

    def stop(self, job: str | None = None) -> None:
        """Ends playback of one job, or of all jobs; every sounding note gets its note-off."""
        for preparation in self._preparing:
            preparation.is_stopped |= job in (None, preparation.job)
        self._child.send(Stop(job=job))

    def panic(self) -> None:
        """Ends playback and sends the silencing controllers to every channel of every port."""
        for preparation in self._preparing:
            preparation.is_stopped = True
        self._child.send(Panic())

    @asynccontextmanager
    async def _preparation(self, job: str) -> AsyncIterator[_Preparation]:
        """Within it a play waits for the player and prepares what it sends, and can be stopped.

        Raises:
            EngineFailed: there is no MIDI back-end, and why.
        """
        preparation = _Preparation(job)
        self._preparing.append(preparation)
        try:
            status = await self.wait_ready()
            if status.backend == "none":
                raise EngineFailed(status.message, advice="")
            yield preparation
        finally:
            self._preparing.remove(preparation)

    def _send_play(self, preparation: _Preparation, play: Play) -> None:
        """Sends it, unless it was stopped or the player has died in the meantime."""
        stems = [(schedule.job, schedule.stem) for schedule in play.schedules]
        if not preparation.is_stopped and self._ready.is_set():
            self._sent.update(stems)
            self._child.send(play)
            return
        outcome: PlayOutcome = "stopped" if preparation.is_stopped and not preparation.reason else "failed"
        if preparation.reason:
            self._publish(Noticed(level="warning", message=preparation.reason))
        for job, stem in stems:
            self._unended.ended(job, stem)
            self._publish(MidiEnded(job=job, stem=stem, outcome=outcome))

    async def _store_endings(self, take: LiveTake) -> None:
        """Returns when the file covers all that is known of the take, also what became known in the meantime."""
        async with self._write_lock:
            while not self._unended.is_stored(lines := self._unended.add(take.endings())):
                await off_loop(partial(self._unended.write, lines))

    def _forget_ended(self, job: str) -> None:
        """Forgets the live take of a job once none of its stems is at the player."""
        take = self._takes.get(job)
        is_preparing = any(preparation.job == job for preparation in self._preparing)
        if take is not None and not is_preparing and not any(self._sent[job, stem] for stem in take.stems):
            del self._takes[job]

    def _on_report(self, report: Report) -> None:
        match report:
            case Silenced():
                self._unended.clear_leftovers()
                return
            case PlayerActivity():
                self._activity = report
                return
            case MidiReady(status=status):
                self._status = status
                self._ready.set()
            case MidiEnded(job=job, stem=stem, stays_armed=False):
                self._sent -= Counter([(job, stem)])
                if not self._sent[job, stem] and all(job != preparation.job for preparation in self._preparing):
                    self._unended.ended(job, stem)
                self._forget_ended(job)
        self._publish(report)

    def _on_exit(self, reason: str) -> None:
        self._unended.player_died()
        self._ready.clear()
        self._activity, self._watched_until = PlayerActivity(), 0.0
        self._status = STARTING
        self._publish(Noticed(level="warning", message=f"The MIDI player has ended ({reason}) and starts again."))
        self._end_all("failed")

    def _end_all(self, outcome: PlayOutcome) -> None:
        ended, self._sent = self._sent, Counter()
        for job, stem in ended.elements():
            self._forget_ended(job)
            self._publish(MidiEnded(job=job, stem=stem, outcome=outcome))


class _Preparation:
    """A play that is waiting for the player or reading its files; it can be stopped before it is sent."""

    def __init__(self, job: str) -> None:
        self.job = job
        self.is_stopped = False
        self.reason = ""
        """Why it was broken off."""


def _read(
    job: str, stems: Mapping[str, Path], offsets_seconds: Mapping[str, float], beat: float | None
) -> tuple[Schedule, ...]:
    from bridge.smf.reading import read_midi  # mido is loaded with the first play

    contents = {stem: read_midi(path) for stem, path in stems.items()}
    return tuple(
        schedule(
            job,
            stem,
            ((message.seconds, message.data) for message in content.messages),
            offsets_seconds.get(stem, 0.0),
            tempo_bpm=content.tempo_bpm,
            beat=beat,
        )
        for stem, content in contents.items()
    )
