"""One job from start to end: read the region, separate it, analyse the stems, write stems, notes and manifest."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from bridge.audio.sink import check_format, subtype_for
from bridge.audio.source import FoundRegion, OpenRegion
from bridge.control import PartControl
from bridge.errors import Cancelled
from bridge.events import Analysed, JobEvent, Started
from bridge.model import TOGETHER, Note, Outcome, Result, Warning
from bridge.music.tempo import TempoEstimate
from bridge.options.table import NOTE_LISTS
from bridge.pipeline import unfinished
from bridge.pipeline.cache.analyses import AnalysisCache
from bridge.pipeline.cache.keys import Keys, cache_keys
from bridge.pipeline.cache.restore import (
    cached_stem_files,
    find_previous_folder,
    is_unchanged,
    size_and_time,
    write_if_missing,
)
from bridge.pipeline.cache.store import MAX_RAW_STEM_BYTES, Entry, OpenEntry
from bridge.pipeline.channels import separated, stems_of
from bridge.pipeline.context import JobControl, WorkerContext
from bridge.pipeline.job_log import JobRecord, source_record
from bridge.pipeline.manifest import EngineRecord
from bridge.pipeline.note_warnings import note_warnings
from bridge.pipeline.notes import NotesOfJob, fitted_notes, known_music, settings_for
from bridge.pipeline.output_files import OutputFile, note_files, picture_of, result_file_name
from bridge.pipeline.output_folder import OutputFolder
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.source_lookup import find_source, wanted_folder
from bridge.pipeline.stems import bytes_needed, chosen_stems, raw_stem_blocks, scratch_stems, write_stems
from bridge.project_paths import numbered, result_name
from bridge.protocols import Control, Separator, Signal
from bridge.request import JobRequest
from bridge.stems import STEMS

if TYPE_CHECKING:
    from bridge.protocols import StemBlock

#: The last part of the transcribing stage: estimating the tempo.
TEMPO_READING = "reading tempo"


def run_job(
    job: str, request: JobRequest, context: WorkerContext, emit: Callable[[JobEvent], None], cancelled: threading.Event
) -> None:
    """Runs one job and emits all its events except `Submitted` and `Ended`.

    Raises:
        BridgeError: the job failed. Files that were announced stay; everything else is removed.
        Cancelled: `cancelled` was set.
    """
    _JobRun(job, request, context, emit, cancelled).run()


@dataclass(frozen=True)
class _Plan:
    """The engine, stems and cache keys of a job, known once its engine is open."""

    separator: Separator | None
    """None: nothing is separated; the file itself is transcribed as one stem."""
    engine: EngineRecord
    stems: tuple[str, ...]
    """The stems to write."""
    midi: tuple[str, ...]
    """The stems to transcribe."""
    keys: Keys
    analyses: AnalysisCache

    @property
    def needed(self) -> list[str]:
        """The stems that the engine has to produce."""
        available = () if self.separator is None else stems_of(self.separator)
        return [stem for stem in available if stem in self.stems or stem in self.midi]


class _JobRun:
    def __init__(
        self,
        job: str,
        request: JobRequest,
        context: WorkerContext,
        emit: Callable[[JobEvent], None],
        cancelled: threading.Event,
    ) -> None:
        self.job = job
        self.request = request
        self.context = context
        self.source = Path(request.source)
        self.name = result_name(self.source, request.place.name)
        self.record = JobRecord(job, self.name, request, context.clock, emit)
        self.progress = JobProgress(job, context.clock, self.record.report)
        self.control = JobControl(job, self.progress, self.record.report, cancelled)
        self.has_recorded_unfinished = False
        self.parts: dict[str, float] = {}
        """Expected seconds for each part of the transcribing stage, by the name of its work."""
        self.stem_warnings: tuple[Warning, ...] | None = None
        """Warnings about the stems. Set once this job has written all of them; None if they came from the cache."""

    def run(self) -> None:
        self.progress.enter("loading")
        self.control.checkpoint(0.0)
        found = self._find()
        self.target = folder = self._claim_folder()
        try:
            folder.check_space(found.scratch_bytes())
            with found.open(folder.scratch("source"), self.control) as region:
                self._warn_replaced_samples(region)
                state, source = size_and_time(self.source), source_record(self.source, region)
                plan = self._plan(region, folder)

                def store_in_cache() -> None:
                    if state == size_and_time(self.source):  # otherwise the keys may not match the samples
                        self._store_in_cache(plan)

                with self._unfinished_on_error(plan, store_in_cache):
                    has_manifest, notes_of_job = self._make(region, folder, plan)
                    for warning in () if notes_of_job is None else note_warnings(notes_of_job, self.request):
                        self.control.warn(warning)
                    if not has_manifest:
                        self.record.write_manifest(self.target, source, plan.engine, plan.keys.job)
            unfinished.remove_unfinished(self.target.path, self.name)
            store_in_cache()
            if self.context.cache is not None:
                self.context.cache.remove(map(plan.keys.raw_stem, plan.needed))
        finally:
            folder.clean_up()

    def _find(self) -> FoundRegion:
        return find_source(self.request, max_seconds=self.context.max_seconds, roots=self.context.roots)

    def _warn_replaced_samples(self, region: OpenRegion) -> None:
        if region.replaced_samples:
            message = f"{region.replaced_samples} samples were not numbers (NaN); they were replaced by silence."
            self.control.warn(Warning(code="bad_samples", message=message))

    def _claim_folder(self) -> OutputFolder:
        wanted = wanted_folder(self.request)
        given = self.request.place.folder is not None
        folder = OutputFolder.claim(self.job, wanted, given=given, files=self._possible_files())
        engine = self.request.engine.name if self.request.stems.transcribe_as is None else ""
        self._started(folder, engine, "")
        return folder

    def _possible_files(self) -> list[str]:
        endings = (self.request.audio.name, "wav", "mid", *(f"notes.{kind}" for kind in NOTE_LISTS))
        stems = (*STEMS, TOGETHER)
        files = [result_file_name(self.name, stem, ending) for stem in stems for ending in endings]
        return [*files, f"{self.name}.svg", f"{self.name}.sab.json"]

    def _plan(self, region: OpenRegion, folder: OutputFolder) -> _Plan:
        request, transcribers = self.request, self.context.transcribers
        separator: Separator | None = None
        if request.stems.transcribe_as is not None:
            engine = EngineRecord(name="", device="", weights="")
            stems: tuple[str, ...] = ()
            midi: tuple[str, ...] = (request.stems.transcribe_as,)
        else:
            if request.stems.audio != ():
                subtype = subtype_for(request.audio.name, request.audio.depth, region.subtype)
                check_format(request.audio.name, subtype, region.audio.channels, region.audio.sample_rate_hz)
            separator = self.context.engines.open(
                request.engine.name, device=request.engine.device, control=self.control, seconds=region.seconds
            )
            self._started(folder, separator.name, separator.device)
            stems, midi = chosen_stems(request, separator)
            engine = EngineRecord(name=separator.name, device=separator.device, weights=separator.identity())
        cache = self.context.cache
        keys = cache_keys(region, request, stems, midi, separator, engine, self.control)
        return _Plan(separator, engine, stems, midi, keys, AnalysisCache(transcribers, cache, keys))

    def _make(self, region: OpenRegion, folder: OutputFolder, plan: _Plan) -> tuple[bool, NotesOfJob | None]:
        """Makes all files but the manifest; returns whether an earlier manifest is still valid, and the notes."""
        wanted, possible = wanted_folder(self.request), self._possible_files()
        if (left := unfinished.find_unfinished(self.job, wanted, self.name, plan.keys.job, possible)) is not None:
            self._continue_in(left, plan)
        with self._cached_stems(plan) as cached:
            if plan.separator is not None and cached is None:
                parts = self._separate(plan.separator, region, folder, plan)
            elif plan.separator is not None:
                self._expect(plan, region)
                self.progress.enter("separating")
                for warning in cached.entry.warnings if cached else ():
                    self.control.warn(warning)
                parts = self._transcribe({}, region, plan)
            else:
                self._expect(plan, region)
                parts = self._transcribe(dict.fromkeys(plan.midi, region.signal), region, plan)
            notes_of_job = self._notes(parts, region, plan)
            note_outputs = [] if notes_of_job is None else [*note_files(notes_of_job, self.request, self.name)]
            stems = [] if cached is None else [*cached_stem_files(cached, region, self.request, self.name)]
            previous = None
            if self.context.cache is not None and self.stem_warnings is None:
                previous = find_previous_folder(self.job, wanted, self.name, plan.keys.job, [*stems, *note_outputs])
            if previous is not None:
                self._continue_in(previous, plan)
            elif cached is not None:
                self.target.check_space(cached.entry.total_bytes)
            self.progress.enter("writing")
            began = self.context.clock.monotonic_seconds()
            self._write_files(stems, self.target)
            if notes_of_job is not None:
                self.record.report(Analysed(job=self.job, music=notes_of_job.music))
            self._write_files(note_outputs, self.target)
            self.context.paces.record("writing", began, region.seconds)
        if notes_of_job is not None and self.request.note_files.picture:
            self._write_picture(
                picture_of(notes_of_job, self.name), Path(self.request.note_files.picture), notes_of_job
            )
        return previous is not None, notes_of_job

    @contextmanager
    def _unfinished_on_error(self, plan: _Plan, store_in_cache: Callable[[], None]) -> Iterator[None]:
        """If the block raises, records the complete files in the folder and stores finished work in the cache."""
        try:
            yield
        except Exception as error:
            self._record_unfinished(plan, error)
            store_in_cache()
            raise

    def _record_unfinished(self, plan: _Plan, error: Exception) -> None:
        """Runs before any other clean-up, because a bridge that is shutting down does not wait long."""
        if not self.has_recorded_unfinished:
            self.has_recorded_unfinished = True
            state: Outcome = "cancelled" if isinstance(error, Cancelled) else "failed"
            with suppress(OSError):
                results, key = self.record.results, plan.keys.job
                unfinished.write_unfinished(self.target.path, self.job, state, self.name, self.request, results, key)

    def _store_in_cache(self, plan: _Plan) -> None:
        """Stores the stems and analyses in the cache."""
        if self.context.cache is not None:
            is_soon_done = not self.has_recorded_unfinished or self.record.stem_bytes() <= MAX_RAW_STEM_BYTES
            if self.stem_warnings is not None and plan.stems and is_soon_done:
                with suppress(OSError):  # a stem was deleted in the meantime
                    self.record.store_stems(self.context.cache, plan.keys.stems, plan.engine, self.stem_warnings)
            plan.analyses.save(self.name, plan.engine)

    @contextmanager
    def _cached_stems(self, plan: _Plan) -> Iterator[OpenEntry | None]:
        """The job's stems, if they and all analyses are in the cache; an empty entry where no stems are written."""
        cache = self.context.cache
        if cache is None or plan.separator is None or not all(map(plan.analyses.has, plan.midi)):
            yield None
            return
        if not plan.stems:
            yield OpenEntry(Entry(key=plan.keys.stems, name=self.name, engine=plan.engine), {})
            return
        with cache.open_entry(plan.keys.stems) as cached:
            yield cached

    def _separate(
        self, separator: Separator, region: OpenRegion, folder: OutputFolder, plan: _Plan
    ) -> dict[str, list[Note]]:
        """Separates and writes the stems; returns the notes of each stem to transcribe."""
        folder.check_space(bytes_needed(region, made=len(plan.needed), written=len(plan.stems)))
        work = f"separating {separator.name} {separator.device}"
        warned_before = len(self.record.warnings)
        with self._cached_raw_stems(region, plan) as before:
            self._expect(plan, region, separating=work if before is None else None)
            self.progress.enter("separating")
            began = self.context.clock.monotonic_seconds()
            start, stop = region.start_frame, region.stop_frame
            blocks = before or separated(separator, region.audio, plan.needed, self.control, start=start, stop=stop)
            with scratch_stems(blocks, region, plan.needed, folder) as made:
                try:
                    chosen = {stem: made[stem] for stem in plan.stems}
                    for result in write_stems(chosen, region, self.name, self.request, self.target, self.control):
                        self.record.add_result(result)
                    self.stem_warnings = tuple(self.record.warnings[warned_before:])
                    if before is None:
                        self.context.paces.record(work, began, region.seconds)
                    return self._transcribe({stem: made[stem].signal() for stem in plan.midi}, region, plan)
                except Exception as error:
                    self._record_unfinished(plan, error)
                    if self.context.cache is not None:
                        paths = {plan.keys.raw_stem(stem): scratch.path for stem, scratch in made.items()}
                        self.context.cache.store_raw_stems(self.name, plan.engine, paths)
                    raise

    @contextmanager
    def _cached_raw_stems(self, region: OpenRegion, plan: _Plan) -> Iterator[Iterator[StemBlock] | None]:
        """Raw stems that an unfinished job left in the cache; None if any is missing."""
        cache = self.context.cache
        with nullcontext(None) if cache is None else cache.raw_stems([*map(plan.keys.raw_stem, plan.needed)]) as made:
            files = None if made is None else dict(zip(plan.needed, made, strict=True))
            yield None if files is None else raw_stem_blocks(files, region, self.control)

    def _expect(self, plan: _Plan, region: OpenRegion, *, separating: str | None = None) -> None:
        """Sets the expected duration of each stage on this machine; `separating` names the separation work, if any."""
        paces, seconds = self.context.paces, region.seconds
        works = [*map(plan.analyses.work_name, plan.midi)]
        if plan.midi and self.request.song.tempo_bpm is None:
            works.append(TEMPO_READING)
        self.parts = {work: paces.seconds(work, seconds) for work in works}
        self.progress.expect(
            {
                "separating": 0.0 if separating is None else paces.seconds(separating, seconds),
                "transcribing": sum(self.parts.values()),
                "writing": paces.seconds("writing", seconds),
            }
        )

    @contextmanager
    def _part(self, work: str, region: OpenRegion) -> Iterator[PartControl]:
        """The control for one part of the transcribing stage, whose share is its expected duration; it is measured."""
        names, total = list(self.parts), sum(self.parts.values()) or 1.0
        start = sum(self.parts[earlier] for earlier in names[: names.index(work)]) / total
        began = self.context.clock.monotonic_seconds()
        yield PartControl(self.control, start, start + self.parts[work] / total)
        self.context.paces.record(work, began, region.seconds)

    def _transcribe(self, audio: Mapping[str, Signal], region: OpenRegion, plan: _Plan) -> dict[str, list[Note]]:
        """The notes of each stem to transcribe; `audio` holds at least the stems whose analysis is not cached."""
        self.progress.enter("transcribing")
        parts: dict[str, list[Note]] = {}
        for stem in plan.midi:
            with self._part(plan.analyses.work_name(stem), region) as control:
                parts[stem] = self._notes_of_stem(stem, audio.get(stem), plan, control)
            self.record.transcribers[stem] = self.context.transcribers.for_stem(stem).name
        return parts

    def _notes_of_stem(self, stem: str, audio: Signal | None, plan: _Plan, control: Control) -> list[Note]:
        settings, recent = settings_for(self.request, stem), self.context.recent_notes
        key = (plan.analyses.key(stem), settings)
        notes = recent.get(key) if plan.analyses.has(stem) else None
        if notes is None:
            analysis = plan.analyses.analysis(stem, audio, control)
            notes = self.context.transcribers.for_stem(stem).notes(analysis, stem, settings)
            recent.put(key, notes)
        control.checkpoint(1.0)
        return notes

    def _notes(self, parts: Mapping[str, list[Note]], region: OpenRegion, plan: _Plan) -> NotesOfJob | None:
        """The notes, at the given or estimated tempo; None if no notes were requested."""
        if not plan.midi:
            return None

        def estimate() -> TempoEstimate:
            with self._part(TEMPO_READING, region) as control:
                return plan.analyses.tempo(region.signal, control)

        notes_of_job = fitted_notes(parts, self.request, known_music(self.request, estimate), region.seconds)
        self.record.music = notes_of_job.music
        return notes_of_job

    def _write_files(self, files: Sequence[OutputFile], folder: OutputFolder) -> None:
        for file in files:
            self.control.checkpoint(1.0)
            write_if_missing(file, folder)
            self.record.add_result(_placed(file, folder.path))

    def _write_picture(self, picture: bytes, wanted: Path, notes_of_job: NotesOfJob) -> None:
        """Writes the picture to the path the user gave, or a numbered one: `notes.svg`, `notes 2.svg` …"""
        for candidate in numbered(wanted.with_suffix("")):
            path = candidate.with_name(f"{candidate.name}.svg")
            result = Result(kind="picture", name=TOGETHER, file=path.name, seconds=notes_of_job.seconds)
            file = OutputFile(result, lambda: iter((picture,)))
            if not path.exists() or is_unchanged(path, file):
                write_if_missing(file, OutputFolder(self.job, path.parent, complete=(path.name,)))
                self.record.add_result(_placed(file, path.parent))
                return

    def _continue_in(self, folder: OutputFolder, plan: _Plan) -> None:
        """Writes the remaining files into a folder of an earlier run."""
        self.target = folder
        self._started(folder, plan.engine.name, plan.engine.device)

    def _started(self, folder: OutputFolder, engine: str, device: str) -> None:
        self.record.report(Started(job=self.job, engine=engine, device=device, output_dir=str(folder.path)))


def _placed(file: OutputFile, folder: Path) -> Result:
    return msgspec.structs.replace(file.result, folder=str(folder))
