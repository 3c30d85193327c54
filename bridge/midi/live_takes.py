"""Takes of jobs that still work: when they begin, how they grow, and how they end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import BridgeError
from bridge.events import Event, HorizonMoved, LiveNotes, Noticed
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
    began_seconds: float
    """When the job began to compute notes, on the monotonic clock."""
    parts: dict[str, list[tuple[float, bytes]]] = field(default_factory=dict)
    """What is known and was not handed to the player yet."""
    until_seconds: float = 0.0
    moved_seconds: float = 0.0
    """When the horizon moved last."""
    longest_wait: float = 0.0
    is_playing: bool = False
    is_told: bool = False


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
        self._over: set[str] = set()
        """Jobs whose take is over, although the job is not, or whose notes are all at the player."""
        self._work: dict[str, asyncio.Task[None]] = {}

    def on_notes(self, notes: LiveNotes, request: JobRequest) -> None:
        """Takes what a job has made known."""
        if notes.job in self._over:
            return
        now = self._clock.monotonic_seconds()
        take = self._takes.setdefault(notes.job, _Take(request, now, moved_seconds=now))
        if notes.failure:
            self.break_off(notes.job, notes.failure)
            return
        for stem, messages in notes.parts.items():
            take.parts.setdefault(stem, []).extend(messages)
        if notes.until_seconds > take.until_seconds:
            take.longest_wait = max(take.longest_wait, now - take.moved_seconds)
            take.moved_seconds, take.until_seconds = now, notes.until_seconds
            self._publish(HorizonMoved(job=notes.job, seconds=notes.until_seconds, previews=notes.previews))
        if not take.is_playing and (notes.is_last or self._may_begin(take, notes, now)):
            take.is_playing = True
            self._after(notes.job, self._begin(notes, take))
        if take.is_playing:
            self._after(notes.job, self._extend(notes.job, take, is_last=notes.is_last))
        if notes.is_last:
            self._over.add(notes.job)
            del self._takes[notes.job]

    def plays(self, job: str) -> bool:
        """Whether the job has, or had, a take of its own, so that its notes are not to be played again at its end."""
        return job in self._takes or job in self._over

    def break_off(self, job: str, reason: str) -> None:
        """Ends the take of a job whose notes will not come, with a reason in words; does nothing without a take."""
        take = self._takes.pop(job, None)
        if take is None:
            return
        self._over.add(job)
        if take.is_playing:
            self._player.break_off(job, reason)
        else:
            self._publish(Noticed(level="warning", message=reason))

    def stop(self, job: str | None = None) -> None:
        """The user wants silence: the take of that job, or of all, is over."""
        for name in [*self._takes] if job is None else [job] if job in self._takes else []:
            del self._takes[name]
            self._over.add(name)

    def forget(self, job: str) -> None:
        """The job is over."""
        self._takes.pop(job, None)
        self._over.discard(job)

    async def close(self) -> None:
        for work in (*self._work.values(),):
            work.cancel()
        await asyncio.gather(*self._work.values(), return_exceptions=True)

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
            message = f"This computer separates more slowly than it plays: the notes start in about {wait:.0f} s."
            self._publish(Noticed(level="info", message=message))
        return False

    async def _begin(self, notes: LiveNotes, take: _Take) -> None:
        play = take.request.play
        known, take.parts = take.parts, {stem: [] for stem in take.parts}
        try:
            await self._player.play_live(
                notes.job, known, take.until_seconds, self._offsets_seconds, sync=play.sync,
                beat=take.request.song.beat, tempo_bpm=notes.tempo_bpm,
            )  # fmt: skip
        except BridgeError as error:
            self.stop(notes.job)
            self._publish(Noticed(level="warning", message=f"Not played: {error}"))

    async def _extend(self, job: str, take: _Take, *, is_last: bool) -> None:
        known, take.parts = take.parts, {stem: [] for stem in take.parts}
        await self._player.extend(job, known, take.until_seconds, is_last=is_last)

    def _after(self, job: str, work: Coroutine[Any, Any, None]) -> None:
        """Does the work of a job one after another."""
        before = self._work.get(job)

        async def in_turn() -> None:
            if before is not None:
                await asyncio.wait([before])
            await work

        task = asyncio.ensure_future(in_turn())
        self._work[job] = task
        task.add_done_callback(lambda done: self._work.pop(job, None) if self._work.get(job) is done else None)
