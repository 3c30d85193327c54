"""Takes of jobs that still work: when they begin, how they grow, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.errors import BridgeError
from bridge.events import Event, HorizonMoved, LiveNotes, MidiDelayed, Noticed
from bridge.midi.client import MidiPlayer
from bridge.protocols import Clock
from bridge.request import NOW, JobRequest

#: The next piece is expected to take this many times as long as the longest before, and the job to go on this much
#: slower than it did.
CAUTION = 1.3
#: A wait is told of if it is at least this long.
TOLD_SECONDS = 5.0


@dataclass
class _Take:
    request: JobRequest
    tempo_bpm: float
    began_seconds: float
    """When the job began to compute notes, on the monotonic clock."""
    moved_seconds: float
    """When the horizon moved last."""
    parts: dict[str, list[tuple[float, bytes]]] = field(default_factory=dict)
    """What is known and was not handed to the player yet."""
    until_seconds: float = 0.0
    longest_wait: float = 0.0
    is_told: bool = False
    is_complete: bool = False
    """All notes are known: what happens to the job does not matter any more."""
    is_at_player: bool = False
    """Whether the player knows of it."""
    is_over: bool = False
    """It was stopped or broken off."""
    job_is_over: bool = False
    news: asyncio.Event = field(default_factory=asyncio.Event)
    playing: asyncio.Task[None] | None = None
    """Hands its notes to the player, from its beginning on."""

    def taken(self) -> dict[str, list[tuple[float, bytes]]]:
        """What is known and was not handed over; it is from now on."""
        known, self.parts = self.parts, {stem: [] for stem in self.parts}
        return known

    def end(self) -> None:
        self.is_over = True
        self.news.set()


class LiveTakes:
    """Plays the notes of running jobs as far as they are known. Everything runs on the event loop."""

    def __init__(
        self,
        player: MidiPlayer,
        publish: Callable[[Event], None],
        clock: Clock,
        offsets_seconds: Callable[[], Mapping[str, float]] = dict,
    ) -> None:
        self._player, self._publish, self._clock = player, publish, clock
        self._offsets_seconds = offsets_seconds
        self._takes: dict[str, _Take] = {}
        """Of jobs that are not over, and those whose notes are still handed over."""
        self._stopped: set[str] = set()
        """Jobs that are not over and that the user wants to be silent."""
        self._is_closed = False

    def on_notes(self, notes: LiveNotes, request: JobRequest) -> None:
        """Takes what a job has made known."""
        if self._is_closed:
            return
        now = self._clock.monotonic_seconds()
        take = self._takes.get(notes.job)
        if take is None:
            take = self._takes[notes.job] = _Take(request, notes.tempo_bpm, began_seconds=now, moved_seconds=now)
            if notes.job in self._stopped:
                take.end()
        if notes.failure:
            self._break_off(notes.job, take, notes.failure)
            return
        if notes.until_seconds > take.until_seconds:
            take.longest_wait = max(take.longest_wait, now - take.moved_seconds)
            take.moved_seconds, take.until_seconds = now, notes.until_seconds
            self._publish(HorizonMoved(job=notes.job, seconds=notes.until_seconds, previews=notes.previews))
        if take.is_over or take.is_complete:
            return
        for stem, messages in notes.parts.items():
            take.parts.setdefault(stem, []).extend(messages)
        take.is_complete = notes.is_last
        if take.playing is None and (notes.is_last or self._may_begin(take, notes, now)):
            take.playing = asyncio.ensure_future(self._play(notes.job, take))
            take.playing.add_done_callback(lambda _: self._forget_if_over(notes.job))
        take.news.set()

    def plays(self, job: str) -> bool:
        """Whether the notes of a job that is not over are not to be played at its end: they are, or were, played live,
        or the user has stopped them.
        """
        take = self._takes.get(job)
        return job in self._stopped or (take is not None and take.playing is not None)

    def stop(self, job: str, *, is_over: bool = False) -> None:
        """The user wants a job to be silent; unless it `is_over`, its take will not begin either.

        The caller stops the player.
        """
        if job in self._takes:
            self._takes[job].end()
        if not is_over:
            self._stopped.add(job)

    def stop_all(self) -> None:
        """As `stop`, for all jobs of whose notes something is known."""
        for job, take in self._takes.items():
            self.stop(job, is_over=take.job_is_over)

    def requeue(self, job: str, reason: str) -> None:
        """The job will be run once more: its take begins with that run, or is over if it had begun."""
        take = self._takes.get(job)
        if take is None:
            return
        if take.playing is None and job not in self._stopped:
            del self._takes[job]
        else:
            self._break_off(job, take, reason)
            take.until_seconds = 0.0

    def end(self, job: str, reason: str) -> None:
        """The job is over, and its take for this reason if not all of its notes are known; those play on."""
        self._stopped.discard(job)
        take = self._takes.get(job)
        if take is None:
            return
        if take.playing is not None:
            self._break_off(job, take, reason)
        take.job_is_over = True
        self._forget_if_over(job)

    async def close(self) -> None:
        self._is_closed = True
        playing = [take.playing for take in self._takes.values() if take.playing is not None]
        for task in playing:
            task.cancel()
        await asyncio.gather(*playing, return_exceptions=True)

    def _break_off(self, job: str, take: _Take, reason: str) -> None:
        """Ends a take whose notes will not come; the reason is said once."""
        if take.is_over or take.is_complete:
            return
        take.end()
        if take.is_at_player:
            self._player.break_off(job, reason)
        else:
            self._publish(Noticed(level="warning", message=reason))

    def _may_begin(self, take: _Take, notes: LiveNotes, now: float) -> bool:
        """Whether the notes can be expected never to run out. With a DAW's clock they are armed at once."""
        if take.request.play.sync != NOW:
            return True
        if not take.until_seconds:
            return False
        passed = max(now - take.began_seconds, 1e-3)
        rate = notes.heard_seconds / passed / CAUTION
        needed = min(notes.clip_seconds, CAUTION * take.longest_wait + notes.clip_seconds * max(0.0, 1 - rate))
        if take.until_seconds >= needed:
            return True
        wait = (needed - take.until_seconds) / rate
        if not take.is_told and wait >= TOLD_SECONDS:
            take.is_told = True
            self._publish(MidiDelayed(job=notes.job, seconds=wait))
        return False

    async def _play(self, job: str, take: _Take) -> None:
        """Hands the notes over as they become known, until all are or the take is over."""
        if not take.is_over:
            await self._begin(job, take)
        while True:
            await take.news.wait()
            take.news.clear()
            if take.is_over:
                return
            is_last = take.is_complete
            await self._player.extend(job, take.taken(), take.until_seconds, is_last=is_last)
            if is_last:
                return

    async def _begin(self, job: str, take: _Take) -> None:
        take.is_at_player = True
        play = take.request.play
        try:
            await self._player.play_live(
                job, take.taken(), take.until_seconds, self._offsets_seconds, sync=play.sync,
                beat=take.request.song.beat, tempo_bpm=take.tempo_bpm,
            )  # fmt: skip
        except BridgeError as error:
            take.end()
            self._publish(Noticed(level="warning", message=f"Not played: {error}"))

    def _forget_if_over(self, job: str) -> None:
        take = self._takes[job]
        if take.job_is_over and (take.playing is None or take.playing.done()):
            del self._takes[job]
