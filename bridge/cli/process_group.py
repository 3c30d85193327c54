"""Several clips without a server: a group of jobs, one after another in one worker."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from bridge.app import RunningBridge, open_bridge
from bridge.cli import shared
from bridge.cli.clips import NamedClips, new_group_name
from bridge.cli.output.event_lines import log_event
from bridge.cli.output.group_report import ClipOutcome, GroupReport, group_report_for, state_of
from bridge.cli.output.terminal import OutputClosed, write_error, write_note
from bridge.config import Settings
from bridge.errors import BadArguments, BridgeError, NotWritable, QueueFull
from bridge.events import Ended, Event, GroupEnded, JobEvent
from bridge.groups.group import Group, group_with
from bridge.local import LocalBridge
from bridge.model import Job
from bridge.options.paths import absolute_path
from bridge.options.request import check_for_several
from bridge.project_paths import result_name
from bridge.request import GroupChoice, JobRequest
from bridge.system.ending import interruption
from bridge.wording import sentence


async def run_group(
    clips: NamedClips,
    settings: Settings,
    options: Mapping[str, object],
    *,
    json: bool,
    transcribe_as: str | None = None,
) -> int:
    """Runs a job for each clip; returns the exit status. A clip that fails stops no other.

    Raises:
        BadArguments: nothing was begun.
        OutputClosed, NotWritable: the output is lost; the jobs that were not over are cancelled.
    """
    name = new_group_name(clips.folder)
    report = group_report_for(name, len(clips.files), json=json)
    async with interruption() as interrupted, open_bridge(settings, serve=False) as running:
        group = GroupChoice(name=name, clips=len(clips.files))
        found = [await _clip(running, file, options, group, transcribe_as) for file in clips.files]
        run = _GroupRun(running.bridge, found, report, interrupted)
        with report:
            await run.finish()
        return run.conclude()


class _Clip(NamedTuple):
    file: str
    request: JobRequest | BadArguments
    """Or why there cannot be one."""


async def _clip(
    running: RunningBridge, file: Path, options: Mapping[str, object], group: GroupChoice, as_: str | None
) -> _Clip:
    """Raises BadArguments: an option is wrong, so that no clip can be done."""
    try:
        absolute_path("FILE", str(file))
    except BadArguments as error:  # only this clip's name is wrong
        return _Clip(str(file), error)
    request = await running.request(str(file), options)
    check_for_several(request)
    place = request.place
    if place.folder is not None:  # a folder for each clip
        folder = Path(place.folder) / result_name(file, place.name)
        place = msgspec.structs.replace(place, folder=str(folder))
    stems = msgspec.structs.replace(request.stems, transcribe_as=as_)
    return _Clip(str(file), msgspec.structs.replace(request, place=place, stems=stems, group=group))


class _GroupRun:
    """Submits the clips as the queue has room, and reports their jobs."""

    def __init__(
        self, bridge: LocalBridge, clips: Sequence[_Clip], report: GroupReport, interrupted: asyncio.Event
    ) -> None:
        self._bridge = bridge
        self._clips = clips
        self._report = report
        self._interrupted = interrupted
        self._group: Group | None = None
        self._refused: dict[int, BridgeError] = {}
        self._submitting = 0
        """The clip whose job is announced next."""
        self._numbers: dict[str, int] = {}
        """The clips of all jobs, by the jobs' ids."""
        self._over: dict[int, Job] = {}
        """By their clips."""
        self._changed = asyncio.Event()
        """A job is over, or the run was interrupted."""
        self._output_error: OutputClosed | NotWritable | None = None
        self._began = time.monotonic()

    async def finish(self) -> None:
        """Returns when every job is over; after an interruption, they are cancelled."""
        self._bridge.subscribe(log_event)
        unsubscribe = self._bridge.subscribe(self._on_event)
        interrupting = asyncio.create_task(self._watch())
        for number, clip in enumerate(self._clips, 1):
            await self._submit(number, clip)
        is_cancelled = False
        while len(self._over) < len(self._numbers):
            if self._interrupted.is_set() and not is_cancelled:
                is_cancelled = True
                self._cancel()
            else:
                await self._change()
        interrupting.cancel()
        unsubscribe()

    def conclude(self) -> int:
        """Reports the group's end; returns the exit status.

        Raises:
            OutputClosed, NotWritable: the output was lost.
        """
        outcomes = [self._outcome(number, clip.file) for number, clip in enumerate(self._clips, 1)]
        if self._output_error is not None:
            raise self._lost_output(self._output_error, outcomes)
        self._report.conclude(outcomes, time.monotonic() - self._began)
        for outcome in outcomes:
            if outcome.state == "failed":
                write_error(outcome.code, outcome.complaint)
        if state_of(outcomes) == "done":
            return shared.DONE
        return shared.INTERRUPTED if self._interrupted.is_set() else shared.FAILED

    async def _submit(self, number: int, clip: _Clip) -> None:
        """Submits one clip as soon as there is room in the queue, unless the run was interrupted before."""
        if isinstance(clip.request, BadArguments):
            self._refuse(number, clip.file, clip.request)
            return
        while not self._interrupted.is_set():
            try:
                self._submitting = number
                await self._bridge.submit(clip.request)
            except QueueFull:
                await self._change()
            except BridgeError as error:
                self._refuse(number, clip.file, error)
                return
            else:
                return

    def _refuse(self, number: int, file: str, error: BridgeError) -> None:
        self._refused[number] = error
        self._write(lambda: self._report.refuse(number, file, error))

    def _cancel(self) -> None:
        if self._group is not None:
            self._bridge.cancel_group(self._group.id)

    async def _change(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def _watch(self) -> None:
        await self._interrupted.wait()
        self._changed.set()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, GroupEnded):  # it does not count the refused clips
            return
        if isinstance(event, JobEvent):
            number = self._numbers.setdefault(event.job, self._submitting)
            # A clip without a file name takes no position in the bridge's group, but it has one on the command line.
            job = msgspec.structs.replace(self._bridge.job(event.job), position=number)
            to_come = len(self._clips) - len(self._refused) - len(self._numbers)
            self._group = group_with(self._group, job, to_come)
            if isinstance(event, Ended):
                self._over[number] = job
                self._changed.set()
        self._write(lambda: self._report.show(event, self._group))

    def _write(self, write: Callable[[], None]) -> None:
        """Reports something; when the output is lost, the run is interrupted."""
        if self._output_error is None:
            try:
                write()
            except (OutputClosed, NotWritable) as error:
                self._output_error = error
                self._interrupted.set()

    def _outcome(self, number: int, file: str) -> ClipOutcome:
        job, refused = self._over.get(number), self._refused.get(number)
        if refused is not None:
            return ClipOutcome(clip=number, file=file, state="failed", code=refused.code, message=str(refused))
        if job is None or job.state == "cancelled":
            return ClipOutcome(clip=number, file=file, state="cancelled", job=job)
        if job.failure is None:
            return ClipOutcome(clip=number, file=file, state="done", job=job)
        return ClipOutcome(
            clip=number, file=file, state="failed", job=job, code=job.failure.code, message=job.failure.message
        )

    def _lost_output(
        self, error: OutputClosed | NotWritable, outcomes: Sequence[ClipOutcome]
    ) -> OutputClosed | NotWritable:
        """The same error, after reporting what happened to the clips."""
        cancelled = sum(outcome.state == "cancelled" for outcome in outcomes)
        if not cancelled:
            return error
        words = "1 clip was" if cancelled == 1 else f"{cancelled} clips were"
        if isinstance(error, NotWritable):
            return NotWritable(f"{error.message} {sentence(words)} cancelled.", advice="")
        write_note(f"{sentence(words)} cancelled, because nothing reads the output any more.")
        return error
