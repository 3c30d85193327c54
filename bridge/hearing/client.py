"""The main process's side of hearing: starts the process when it is needed, and ends it when it is idle."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from msgspec.structs import replace

from bridge.errors import BridgeError, EngineFailed, error_for
from bridge.hearing.messages import (
    Hear,
    Heard,
    HearingAnswer,
    HearingCommand,
    HearingReport,
    HearingSettings,
    Pause,
    ReplaceNotes,
    Resume,
    Seek,
    SetSilent,
    StopHearing,
)
from bridge.model import Note
from bridge.processes.child import Child
from bridge.protocols.hearing import HearingStatus, Track

log = logging.getLogger(__name__)

#: The longest time until tracks play: to load the libraries from a cold disk, and to open the output.
ANSWER_SECONDS = 15.0
#: The process ends when nothing was played for this long.
IDLE_SECONDS = 60.0
ADVICE = "Check that the output is connected and switched on, then play again. docs/hearing.md says more."


class HearingClient:
    """Implements `protocols.hearing.Hearing` with the process `python -m bridge.hearing`; all on the event loop.

    `hear_on` is the setting of that name. The process is started by `play`, and ends `idle_seconds` after the sound.
    """

    def __init__(
        self,
        hear_on: str = "auto",
        *,
        module: str = "bridge.hearing",
        answer_seconds: float = ANSWER_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._settings = HearingSettings(hear_on=hear_on)
        self._module = module
        self._answer_seconds = answer_seconds
        self._idle_seconds = idle_seconds
        self._status = HearingStatus()
        self._tracks: tuple[Track, ...] = ()
        """What plays, or rests; the process that has it may have ended meanwhile."""
        self._is_at_end = False
        self._silent: tuple[str, ...] = ()
        self._child: Child[HearingCommand, HearingReport] | None = None
        self._starting = asyncio.Lock()
        self._token = 0
        self._answer: asyncio.Future[HearingAnswer] | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._listeners: list[Callable[[HearingStatus], None]] = []
        self.underruns = 0
        """How often the output had to wait for sound, since the process began."""

    @property
    def status(self) -> HearingStatus:
        """See `Hearing.status`."""
        return self._status

    @property
    def pid(self) -> int | None:
        """The process's id; None if it does not run."""
        return None if self._child is None else self._child.pid

    def subscribe(self, listener: Callable[[HearingStatus], None]) -> Callable[[], None]:
        """See `Hearing.subscribe`."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    async def play(self, tracks: Sequence[Track], at_seconds: float = 0.0) -> None:
        """See `Hearing.play`."""
        self._token += 1
        token = self._token
        self._settle(HearingAnswer(token=token))  # this one takes the place of the one before
        answer = self._answer = asyncio.get_running_loop().create_future()
        self._stay()
        async with self._starting:
            child = await self._running_child()
        child.send(Hear(token=token, tracks=tuple(tracks), at_seconds=at_seconds, silent=self._silent))
        done, _ = await asyncio.wait({answer}, timeout=self._answer_seconds)
        if not done:
            self._end_process()
            self._tell(HearingStatus(message="The output does not answer."))
            raise EngineFailed("The output does not answer, so nothing can be heard.", advice=ADVICE)
        if (result := answer.result()).code:
            raise error_for(result.code, result.message, result.advice)
        if token == self._token:
            self._tracks = tuple(tracks)

    def set_silent(self, names: Sequence[str]) -> None:
        """See `Hearing.set_silent`; holds for what is played later, too."""
        self._silent = tuple(names)
        self._send(SetSilent(names=self._silent))

    def replace_notes(self, name: str, notes: Sequence[Note]) -> None:
        """See `Hearing.replace_notes`."""
        self._tracks = tuple(
            replace(track, notes=tuple(notes)) if track.name == name and not track.path else track
            for track in self._tracks
        )
        self._send(ReplaceNotes(name=name, notes=tuple(notes)))

    def seek(self, seconds: float) -> None:
        """See `Hearing.seek`."""
        place = max(0.0, seconds)
        self._send(Seek(seconds=place))
        if self._child is None and self._tracks:
            self._is_at_end = False
            self._tell(replace(self._status, seconds=place))

    def pause(self) -> None:
        """See `Hearing.pause`."""
        self._send(Pause())

    def resume(self) -> None:
        """See `Hearing.resume`."""
        self._stay()
        if self._child is None and self._tracks:
            self._in_background(self._play_on())
        self._send(Resume())

    def stop(self) -> None:
        """See `Hearing.stop`."""
        self._tracks = ()
        self._send(StopHearing())
        if self._child is None:
            self._tell(HearingStatus())

    async def close(self) -> None:
        """Ends the process, if there is one; a play that waits for its answer returns."""
        self._tracks = ()
        self._settle(HearingAnswer(token=self._token))
        while self._child is not None or self._background:
            self._stay()
            self._end_process()
            await asyncio.wait(self._background)

    async def _play_on(self) -> None:
        """In a new process, what rested when the last one ended."""
        try:
            await self.play(self._tracks, 0.0 if self._is_at_end else self._status.seconds)
        except BridgeError as error:
            self._tell(replace(self._status, message=str(error)))

    async def _running_child(self) -> Child[HearingCommand, HearingReport]:
        """Raises EngineFailed if the process cannot be started."""
        if self._child is None:
            child: Child[HearingCommand, HearingReport] = Child(
                self._module,
                HearingReport,
                first=lambda: self._settings,
                on_report=self._on_report,
                on_exit=self._on_exit,
                environment={"OPENBLAS_NUM_THREADS": "1"},
            )
            try:
                await child.start()
            except OSError as error:
                raise EngineFailed(f"Nothing can be heard: {error}.", advice="Try again.") from error
            self._child = child
        return self._child

    def _send(self, command: HearingCommand) -> None:
        if self._child is not None:
            self._child.send(command)

    def _on_report(self, report: HearingReport) -> None:
        match report:
            case HearingAnswer(token=token):
                if token == self._token:
                    self._settle(report)
            case Heard():
                self.underruns = report.underruns
                self._is_at_end = report.is_at_end
                self._tell(
                    HearingStatus(
                        is_playing=report.is_playing,
                        seconds=report.seconds,
                        device=report.device,
                        message=report.message,
                    )
                )
                if report.is_playing:
                    self._stay()
                elif self._idle is None:
                    self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_process)

    def _on_exit(self, reason: str) -> None:
        """The process has died: nobody plays on by himself, so the next `play` starts another."""
        self._end_process()
        message = self._status.message or f"What plays the sound has ended: {reason}."
        self._tell(replace(self._status, is_playing=False, device="", message=message))
        self._settle(HearingAnswer(token=self._token, code=EngineFailed.code, message=message, advice=ADVICE))

    def _settle(self, answer: HearingAnswer) -> None:
        """Answers the play that waits, if one does."""
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def _stay(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _end_process(self) -> None:
        child, self._child, self._idle = self._child, None, None
        if child is not None:
            # It may wait for a drive or a sound server that hangs.
            self._in_background(child.close(grace_seconds=0.5))

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _tell(self, status: HearingStatus) -> None:
        if status == self._status:
            return
        self._status = status
        for listener in tuple(self._listeners):
            listener(status)
