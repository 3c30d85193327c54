"""One job from start to end: obtain its stems, read their notes, write the files, record the job."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bridge.audio.source import FoundRegion
from bridge.errors import BridgeError, Cancelled, unresponsive_drive
from bridge.events import JobEvent, LiveNotes, Submitted
from bridge.pipeline.context import JobControl, WorkerContext
from bridge.pipeline.folders.job_folders import JobFolders
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.job_log import JobLog
from bridge.pipeline.live.live_notes import LiveReading
from bridge.pipeline.note_warnings import note_warnings, unread_warnings
from bridge.pipeline.output_files import note_files, possible_files
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.source_lookup import find_source, wanted_folder
from bridge.pipeline.steps.obtaining import ObtainedStems, obtain
from bridge.pipeline.steps.opening import OpenJob, open_job
from bridge.pipeline.steps.projecting import project_files
from bridge.pipeline.steps.splitting import split_drums
from bridge.pipeline.steps.storing import store_finished, store_unfinished
from bridge.pipeline.steps.transcribing import KIT_PART, part_controls, read_notes
from bridge.pipeline.steps.writing import previous_folder, write_made_stems, write_manifest, write_results
from bridge.pipeline.unfinished import UnfinishedRecord, unfinished_files
from bridge.project_paths import result_name
from bridge.request import JobRequest
from bridge.system.off_loop import answer_of

#: A drive that has to wake up, or a server far away, may need half of it.
LOOK_SECONDS = 30.0
#: Longer clips are not shown while they work: the analyses of all their stems would lie in memory at once.
LONGEST_SHOWN_SECONDS = 900.0


def run_job(
    job: str,
    request: JobRequest,
    context: WorkerContext,
    emit: Callable[[JobEvent | LiveNotes], None],
    cancelled: threading.Event,
) -> None:
    """Runs one job and emits all its events except `Submitted` and `Ended`, and its notes if they are to play live.

    Raises:
        BridgeError: the job failed. Files that were announced stay; everything else is removed.
        Cancelled: `cancelled` was set.
    """
    name, clock = result_name(Path(request.source), request.place.name), context.clock
    log = JobLog(Submitted(job=job, name=name, request=request, unix_seconds=clock.unix_seconds()), emit)
    control = JobControl.of(job, JobProgress(job, clock, log.report), log.report, cancelled)
    began = clock.monotonic_seconds()
    control.progress.enter("loading")
    control.checkpoint(0.0)
    found = _find_source(request, context, control)
    with JobFolders(job, name, possible_files(name, request), context.roots) as folders:
        folder = _claim_folder(log, folders)
        folder.check_space(found.scratch_bytes())
        with found.open(folder.scratch("source"), control) as region:
            _make_files(open_job(log, context, control, region, folders, folder, began_seconds=began), folder)


def _find_source(request: JobRequest, context: WorkerContext, control: JobControl) -> FoundRegion:
    """Looks at the source once more, for no longer than a drive may take to answer."""
    try:
        return answer_of(
            lambda: find_source(request, max_seconds=context.max_seconds, roots=context.roots),
            timeout_seconds=LOOK_SECONDS,
            while_waiting=lambda: control.checkpoint(0.0),
        )
    except TimeoutError:
        raise unresponsive_drive(request.source) from None


def _claim_folder(log: JobLog, folders: JobFolders) -> OutputFolder:
    request = log.job.request
    engine = request.engine.name if request.stems.transcribe_as is None else ""

    def announce(folder: Path, created: Sequence[Path]) -> None:
        log.started(folder, engine, "", created)

    return folders.claim(wanted_folder(request), announce, given=request.place.folder is not None)


def _make_files(job: OpenJob, claimed: OutputFolder) -> None:
    """Makes all files, in `claimed` or where an equal job has left its files."""
    place = _Place(job, _unfinished_folder(job) or claimed)
    began = job.context.clock.monotonic_seconds()
    listener = LiveReading(job) if _is_told(job) else None
    with obtain(job, claimed, listener) as stems, _left_unfinished_on_error(job, stems, place):
        job.check_source()
        write_made_stems(job, stems, place.folder)
        if stems.pace_name:
            job.context.paces.record(stems.pace_name, began, job.region.seconds)
        controls = part_controls(job)
        notes = read_notes(job, stems.audio, controls)
        split_drums(job, stems, controls.get(KIT_PART, job.control), place.folder)
        if stems.clip:  # it was read until now
            job.check_source()
        files = [] if notes is None else [*note_files(notes, job.request, job.name)]
        files += project_files(job, stems, notes, place.folder)
        previous = previous_folder(job, stems, files)
        if previous is not None:
            place.move(_moved_to(job, previous))
        elif stems.files_bytes is not None:
            place.folder.check_space(stems.files_bytes * job.copies)
        write_results(job, stems, notes, files, place.folder)
        for warning in unread_warnings(job.request) if notes is None else note_warnings(notes, job.request):
            job.control.warn(warning)
        if previous is None:  # else its manifest is there
            write_manifest(job, stems, notes, place.folder)
        store_finished(job, stems, place.folder)
        place.record.remove()


def _is_told(job: OpenJob) -> bool:
    """Whether its notes are told while it works, because they are played or shown."""
    play = job.request.play
    return bool(job.midi) and (play.is_live or (play.is_shown and job.region.seconds <= LONGEST_SHOWN_SECONDS))


class _Place:
    """The folder that a job's files go to, and the record of those that are complete."""

    def __init__(self, job: OpenJob, folder: OutputFolder) -> None:
        self._job = job
        self.move(folder)

    def move(self, folder: OutputFolder) -> None:
        self.folder = folder
        self.record = UnfinishedRecord(self._job.log.job, self._job.keys.job, folder)
        folder.complete_files = self.record


def _unfinished_folder(job: OpenJob) -> OutputFolder | None:
    """The folder in which the same job was left unfinished."""
    files = possible_files(job.name, job.request)
    found = job.folders.find(
        wanted_folder(job.request), lambda folder: unfinished_files(folder, job.name, job.keys.job, files)
    )
    return None if found is None else _moved_to(job, found)


def _moved_to(job: OpenJob, folder: OutputFolder) -> OutputFolder:
    """The folder of an earlier run, once it is reported that the files go there."""
    job.log.started(folder.path, job.engine.name, job.engine.device)
    return folder


@contextmanager
def _left_unfinished_on_error(job: OpenJob, stems: ObtainedStems, place: _Place) -> Iterator[None]:
    """If the block raises, ends the record of the complete files, then stores finished work in the cache.

    It does so before any other clean-up, because a bridge that is shutting down does not wait long.
    """
    try:
        yield
    except Exception as error:
        with suppress(OSError, BridgeError):
            place.record.end("cancelled" if isinstance(error, Cancelled) else "failed")
        store_unfinished(job, stems, place.folder)
        raise
