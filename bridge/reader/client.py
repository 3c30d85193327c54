"""The main process's client of the reader, which starts when it is first asked and ends when nobody asks any more."""

from __future__ import annotations

import asyncio
import itertools
import math
import os
from collections.abc import Callable, Sequence
from typing import TypeAlias

from bridge.config import Settings
from bridge.errors import Cancelled, EngineFailed, error_for
from bridge.events import LiveNotes, Preview
from bridge.model import Job
from bridge.pipeline.manifest import manifest_name
from bridge.processes.child import Child
from bridge.protocols.reading import JobView, NotesView
from bridge.reader.messages import (
    KnownJob,
    OpenView,
    ReaderCommand,
    ReaderReady,
    ReaderReport,
    ReaderSettings,
    ReadView,
    Reread,
    Unanswered,
    Viewed,
)
from bridge.request import JobRequest
from bridge.system.waiting import within
from bridge.units import DEFAULT_TEMPO_BPM

#: An answer that takes longer is not waited for.
ANSWER_SECONDS = 20.0
#: So long after the last question the process ends, and its memory is free.
IDLE_SECONDS = 120.0

_Answer: TypeAlias = "Viewed | Reread"


class ReaderClient:
    """Implements `protocols.reading.Reader` with a separate process."""

    def __init__(
        self, settings: Settings, job: Callable[[str], Job], *, module: str = "bridge.reader",
        idle_seconds: float = IDLE_SECONDS, answer_seconds: float = ANSWER_SECONDS,
    ) -> None:  # fmt: skip
        """`job` looks a job up; it raises NotFound."""
        self._settings = ReaderSettings(cache_dir=str(settings.cache_dir), cache_max_bytes=settings.cache_max_bytes)
        self._job = job
        self._module = module
        self._idle_seconds, self._answer_seconds = idle_seconds, answer_seconds
        self._tokens = itertools.count()
        self._answers: dict[int, asyncio.Future[_Answer]] = {}
        self._live: dict[str, _LiveJob] = {}
        self._child: Child[ReaderCommand, ReaderReport] | None = None
        self._up = asyncio.Event()
        """Set while the process takes questions; what is sent to one that is down is lost."""
        self._starting = asyncio.Lock()
        self._idle: asyncio.TimerHandle | None = None
        self._newest: dict[str, asyncio.Future[_Answer]] = {}
        """By job, the answer to the last question for notes."""
        self._ending: set[asyncio.Task[None]] = set()

    async def open(self, job: str) -> JobView:
        known = self._known(self._job(job))
        answer = await self._ask(lambda token: OpenView(token=token, known=known))
        assert isinstance(answer, Viewed)
        return answer.view

    async def notes(
        self,
        job: str,
        request: JobRequest,
        start_seconds: float = 0.0,
        end_seconds: float = math.inf,
        stems: Sequence[str] = (),
    ) -> NotesView:
        known = self._known(self._job(job))
        older = self._newest.get(job)
        if older is not None and not older.done():
            older.set_exception(Cancelled())
        newest = self._newest[job] = asyncio.get_running_loop().create_future()

        def command(token: int) -> ReaderCommand:
            return ReadView(
                token=token, known=known, request=request,
                start_seconds=start_seconds, end_seconds=end_seconds, stems=tuple(stems),
            )  # fmt: skip

        try:
            answer = await self._ask(command, newest)
        finally:
            if self._newest.get(job) is newest:
                del self._newest[job]
        assert isinstance(answer, Reread)
        return answer.notes

    def on_live_notes(self, notes: LiveNotes) -> bool:
        """Keeps what is known of a running job; returns whether more of its time is known than before."""
        return self._live.setdefault(notes.job, _LiveJob()).add(notes)

    def forget(self, job: str) -> None:
        """The job is over, or begins anew: what was told of it while it ran is no longer needed."""
        self._live.pop(job, None)

    async def close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._fail_all("The bridge closes.")
        if self._child is not None:
            child, self._child = self._child, None
            await child.close(grace_seconds=0.5)
        await asyncio.gather(*self._ending, return_exceptions=True)

    @property
    def pid(self) -> int | None:
        """The process's id; None while it does not run."""
        return None if self._child is None else self._child.pid

    async def _ask(
        self, command: Callable[[int], ReaderCommand], answer: asyncio.Future[_Answer] | None = None
    ) -> _Answer:
        """The answer to a question, which is set in `answer`."""
        answer = answer or asyncio.get_running_loop().create_future()
        token = next(self._tokens)
        self._answers[token] = answer
        try:
            child = await self._running()
            return await within(self._answered(child, command(token), answer), self._answer_seconds)
        except asyncio.TimeoutError:
            child.kill()
            raise EngineFailed("The notes could not be read in time.", advice="Try again.") from None
        finally:
            del self._answers[token]
            self._end_later()

    async def _answered(
        self, child: Child[ReaderCommand, ReaderReport], command: ReaderCommand, answer: asyncio.Future[_Answer]
    ) -> _Answer:
        await self._up.wait()
        if not answer.done():  # a newer question may have come while the process started
            child.send(command)
        return await answer

    async def _running(self) -> Child[ReaderCommand, ReaderReport]:
        async with self._starting:
            if self._child is None:
                child = Child[ReaderCommand, ReaderReport](
                    self._module,
                    ReaderReport,
                    first=lambda: self._settings,
                    on_report=self._on_report,
                    on_exit=self._on_exit,
                    environment={"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")},
                )
                try:
                    await child.start()
                except OSError as error:
                    raise EngineFailed(f"The process that reads notes cannot be started: {error.strerror}.") from error
                self._child = child
        return self._child

    def _on_report(self, report: ReaderReport) -> None:
        if isinstance(report, ReaderReady):
            self._up.set()
            return
        answer = self._answers.get(report.token)
        if answer is None or answer.done():
            return
        if isinstance(report, Unanswered):
            refusal: Exception = error_for(report.code, report.message, report.advice) if report.code else Cancelled()
            answer.set_exception(refusal)
        else:
            answer.set_result(report)

    def _on_exit(self, _: str) -> None:
        self._up.clear()
        self._fail_all("The process that reads notes has ended.")

    def _fail_all(self, message: str) -> None:
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(EngineFailed(message, advice="Try again."))

    def _end_later(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(self._idle_seconds, self._end_idle)

    def _end_idle(self) -> None:
        if self._answers or self._child is None:
            return
        child, self._child = self._child, None
        self._up.clear()
        task = asyncio.create_task(child.close(grace_seconds=0.5))
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)

    def _known(self, job: Job) -> KnownJob:
        live = self._live.get(job.id)
        manifest = os.path.join(job.output_dir, manifest_name(job.name)) if job.is_over else ""  # noqa: PTH118 - as in Result.path
        if live is None:
            is_unfinished = job.is_over and job.state != "done"
            return KnownJob(
                job=job.id, name=job.name, results=job.results, manifest=manifest, is_unfinished=is_unfinished
            )
        is_tempo_known = job.request.song.tempo_bpm is not None or live.tempo_bpm != DEFAULT_TEMPO_BPM
        return KnownJob(
            job=job.id, name=job.name, results=job.results, manifest=manifest,
            messages={stem: tuple(messages) for stem, messages in live.messages.items()},
            previews=tuple(live.previews.values()),
            known_seconds=live.known_seconds, clip_seconds=live.clip_seconds,
            tempo_bpm=live.tempo_bpm if is_tempo_known else 0.0,
        )  # fmt: skip


class _LiveJob:
    """What the worker has told of a job that plays live."""

    def __init__(self) -> None:
        self.messages: dict[str, list[tuple[float, bytes]]] = {}
        self.previews: dict[str, Preview] = {}
        self.known_seconds = self.clip_seconds = self.tempo_bpm = 0.0

    def add(self, notes: LiveNotes) -> bool:
        has_moved = notes.until_seconds > self.known_seconds
        for stem, messages in notes.parts.items():
            self.messages.setdefault(stem, []).extend(messages)
        self.previews.update({preview.stem: preview for preview in notes.previews})
        self.known_seconds = max(self.known_seconds, notes.until_seconds)
        self.clip_seconds, self.tempo_bpm = notes.clip_seconds, notes.tempo_bpm
        return has_moved
