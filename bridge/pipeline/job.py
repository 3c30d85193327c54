"""The story of one job: read the region, take it apart, write the stems, turn them into notes, write those."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bridge import smf
from bridge.audio.resample import mono, resampled
from bridge.audio.sink import check_holds, subtype_for
from bridge.audio.source import FoundRegion, Region, find_region, sha256_of
from bridge.errors import Cancelled
from bridge.events import JobEvent, Produced, Started, Warned
from bridge.model import STEMS, JobRequest, Kind, Result, Stage, Warning
from bridge.pipeline.cache import Entry, OpenEntry, ResultsCache
from bridge.pipeline.cache_key import cache_key
from bridge.pipeline.channels import stems_of
from bridge.pipeline.folder import OutputFolder
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode, iso_time, relative, versions
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.recall import entry_file, folder_of, restore, result_file, state_of
from bridge.pipeline.stems import bytes_needed, chosen_stems, made_stems, write_stems
from bridge.project_paths import check_roots, output_parent, result_name, stem_file
from bridge.protocols import Clock, Control, Engines, Separator, Signal, Transcribers
from bridge.units import DEFAULT_TEMPO_BPM

#: What turning one second of one stem into notes takes on a small machine; only for guesses of the time left.
TRANSCRIBING_SECONDS_PER_SECOND = 0.03
#: The stage that gives results of a kind.
STAGE_OF: dict[Kind, Stage] = {"stem": "separating", "midi": "transcribing"}


@dataclass(frozen=True)
class Workshop:
    """What every job of a worker uses: the tools and the limits."""

    engines: Engines
    transcribers: Transcribers
    clock: Clock
    max_seconds: float
    roots: tuple[Path, ...] = ()
    cache: ResultsCache | None = None
    """None: every job does its work."""


@dataclass(frozen=True)
class JobControl:
    """Carries one job's progress and warnings out, and the wish to cancel it in."""

    job: str
    progress: JobProgress
    emit: Callable[[JobEvent], None]
    cancelled: threading.Event

    def checkpoint(self, fraction: float) -> None:
        if self.cancelled.is_set():
            raise Cancelled
        self.progress.advance(fraction)

    def warn(self, warning: Warning) -> None:
        self.emit(Warned(job=self.job, warning=warning))


def run_job(
    job: str, request: JobRequest, workshop: Workshop, emit: Callable[[JobEvent], None], cancelled: threading.Event
) -> None:
    """Does one job and emits all its events but the first and the last.

    Raises:
        BridgeError: it failed; the files that were announced stay, nothing else does.
        Cancelled: `cancelled` was set.
    """
    _JobRun(job, request, workshop, emit, cancelled).run()


class _JobRun:
    def __init__(
        self,
        job: str,
        request: JobRequest,
        workshop: Workshop,
        emit: Callable[[JobEvent], None],
        cancelled: threading.Event,
    ) -> None:
        self.job = job
        self.request = request
        self.workshop = workshop
        self.source = Path(request.source)
        self.name = result_name(self.source, request.name)
        self.results: list[Result] = []
        self.warnings: list[Warning] = []
        self.transcribed_by: dict[str, str] = {}
        self.cache_key = ""
        self.warned_before = 0
        self.source_state: tuple[int, int] | None = None
        self.is_recalled = False
        self.is_described = False
        self.began_unix = workshop.clock.unix_seconds()
        self.began = workshop.clock.monotonic_seconds()
        self._emit = emit
        self.progress = JobProgress(job, workshop.clock, self._tell)
        self.control = JobControl(job, self.progress, self._tell, cancelled)

    def run(self) -> None:
        self.progress.enter("loading")
        self.control.checkpoint(0.0)
        found = self._find()
        folder = self._claim_folder()
        try:
            folder.check_space(found.scratch_bytes())
            with found.open(folder.scratch("source"), self.control) as region:
                self._tell_mended(region)
                source = self._source_record(region)
                if self.request.transcribe_as is None:
                    engine = self._separate_and_transcribe(region, folder)
                else:
                    engine = self._transcribe_only(region, folder, self.request.transcribe_as)
            self.progress.enter("writing")
            if not self.is_described:
                self._write_manifest(source, folder, engine)
            self._keep(engine)
        finally:
            folder.tidy()

    def _find(self) -> FoundRegion:
        check_roots(self.source, self.workshop.roots)
        return find_region(self.source, self.request.start_seconds, self.request.end_seconds, self.workshop.max_seconds)

    def _tell_mended(self, region: Region) -> None:
        if region.mended_samples:
            message = f"{region.mended_samples} samples were no numbers (NaN); they are silent now."
            self.control.warn(Warning(code="bad_samples", message=message))

    def _claim_folder(self) -> OutputFolder:
        wanted = self._wanted_folder()
        check_roots(wanted, self.workshop.roots)
        given = self.request.out is not None
        folder = OutputFolder.claim(self.job, wanted, given=given, files=self._possible_files())
        engine = self.request.engine if self.request.transcribe_as is None else ""
        self._tell(Started(job=self.job, engine=engine, device="", output_dir=str(folder.path)))
        return folder

    def _wanted_folder(self) -> Path:
        if self.request.out is not None:
            return Path(self.request.out)
        return output_parent(self.source, self.request.project) / self.name

    def _possible_files(self) -> list[str]:
        endings = (self.request.format, "wav", "mid")
        of_stems = [stem_file(self.name, stem, ending) for stem in STEMS for ending in endings]
        return [*of_stems, f"{self.name}.mid", f"{self.name}.sab.json"]

    def _separate_and_transcribe(self, region: Region, folder: OutputFolder) -> EngineRecord:
        request = self.request
        if request.stems != ():
            subtype = subtype_for(request.format, request.depth, region.subtype)
            check_holds(request.format, subtype, region.audio.channels, region.audio.sample_rate_hz)
        separator = self.workshop.engines.open(
            request.engine, device=request.device, control=self.control, seconds=region.seconds
        )
        self._tell(Started(job=self.job, engine=separator.name, device=separator.device, output_dir=str(folder.path)))
        stems, midi = chosen_stems(request, separator)
        engine = EngineRecord(name=separator.name, device=separator.device, weights=separator.identity())
        if self._recalled(region, folder, stems, midi, engine, separator):
            return engine
        needed = [stem for stem in stems_of(separator) if stem in stems or stem in midi]
        folder.check_space(bytes_needed(region, made=len(needed), written=len(stems)))
        self.progress.enter("separating", self._transcribing_seconds(region, midi))
        with made_stems(separator, region, needed, folder, self.control) as made:
            chosen = {stem: made[stem] for stem in stems}
            for result in write_stems(chosen, region, self.name, request, folder, self.control):
                self._produced(result)
            self.progress.enter("transcribing")
            for index, stem in enumerate(midi):
                self._transcribe(made[stem].signal(), stem, folder, stem_file(self.name, stem, "mid"), index, len(midi))
        return engine

    def _transcribe_only(self, region: Region, folder: OutputFolder, stem: str) -> EngineRecord:
        engine = EngineRecord(name="", device="", weights="")
        if not self._recalled(region, folder, (), (stem,), engine, None):
            self.progress.enter("transcribing")
            self._transcribe(region.signal, stem, folder, result_file(self.name, stem, "mid"), 0, 1)
        return engine

    def _recalled(
        self,
        region: Region,
        folder: OutputFolder,
        stems: Sequence[str],
        midi: Sequence[str],
        engine: EngineRecord,
        separator: Separator | None,
    ) -> bool:
        """Brings the results from the cache, with the events that making them would have had; False: not there."""
        cache = self.workshop.cache
        if cache is None:
            return False
        self.source_state = state_of(self.source)
        self.warned_before = len(self.warnings)
        self.cache_key = cache_key(region, self.request, stems, midi, separator, engine, self.control)
        with cache.opened(self.cache_key) as cached:
            if cached is None:
                return False
            before = folder_of(self.job, self._wanted_folder(), self.name, cached)
            if before is None:
                folder.check_space(cached.entry.total_bytes)
            else:
                folder, self.is_described = before, True
                path = str(folder.path)
                self._tell(Started(job=self.job, engine=engine.name, device=engine.device, output_dir=path))
            self._restore(cached, folder, ("separating", "transcribing") if separator else ("transcribing",))
        return True

    def _restore(self, cached: OpenEntry, folder: OutputFolder, stages: Sequence[Stage]) -> None:
        for stage in stages:
            self.progress.enter(stage)
            for warning in cached.entry.warnings if stage == stages[0] else ():
                self.control.warn(warning)
            for result in cached.entry.results:
                if STAGE_OF[result.kind] == stage:
                    self.control.checkpoint(1.0)
                    self._produced(restore(result, self.name, cached, folder))
        self.transcribed_by = dict(cached.entry.transcribers)
        self.is_recalled = True

    def _transcribe(self, sound: Signal, stem: str, folder: OutputFolder, file: str, index: int, of: int) -> None:
        transcriber = self.workshop.transcribers.for_stem(stem)
        control = _Part(self.control, index, of)
        audio = resampled(mono(sound), transcriber.sample_rate_hz)
        notes = transcriber.transcribe(audio, stem, control)
        self.transcribed_by[stem] = transcriber.name
        seconds = sound.frames / sound.sample_rate_hz
        with folder.landing(file) as temporary:
            smf.write_midi_file(
                temporary,
                notes,
                stem=stem,
                seconds=seconds,
                tempo_bpm=self.request.tempo_bpm or DEFAULT_TEMPO_BPM,
                beat=self.request.beat,
            )
        self._produced(Result(kind="midi", name=stem, path=str(folder.path / file), seconds=seconds, notes=len(notes)))

    def _source_record(self, region: Region) -> SourceRecord:
        rate = region.audio.sample_rate_hz
        return SourceRecord(
            path=str(self.source),
            sha256=sha256_of(self.source),
            start_seconds=region.start_frame / rate,
            start_frame=region.start_frame,
            frames=region.frames,
            sample_rate_hz=rate,
            channels=region.audio.channels,
        )

    def _write_manifest(self, source: SourceRecord, folder: OutputFolder, engine: EngineRecord) -> None:
        manifest = Manifest(
            job=self.job,
            name=self.name,
            source=source,
            request=self.request,
            engine=engine,
            transcribers=self.transcribed_by,
            warnings=tuple(self.warnings),
            results=tuple(relative(result) for result in self.results),
            versions=versions(),
            started=iso_time(self.began_unix),
            seconds=round(self.workshop.clock.monotonic_seconds() - self.began, 3),
            cache_key=self.cache_key,
        )
        with folder.landing(f"{self.name}.sab.json") as temporary:
            temporary.write_bytes(encode(manifest))

    def _keep(self, engine: EngineRecord) -> None:
        """Puts the results into the cache, unless they come from there or the source was written to meanwhile."""
        cache = self.workshop.cache
        if cache is None or self.is_recalled or self.source_state != state_of(self.source):
            return
        entry = Entry(
            key=self.cache_key,
            name=self.name,
            engine=engine,
            transcribers=self.transcribed_by,
            warnings=tuple(self.warnings[self.warned_before :]),
            results=tuple(msgspec.structs.replace(result, path=entry_file(result)) for result in self.results),
        )
        cache.store(entry, {entry_file(result): Path(result.path) for result in self.results})

    def _transcribing_seconds(self, region: Region, midi: Sequence[str]) -> float:
        return region.seconds * len(midi) * TRANSCRIBING_SECONDS_PER_SECOND

    def _produced(self, result: Result) -> None:
        self.results.append(result)
        self._tell(Produced(job=self.job, result=result))

    def _tell(self, event: JobEvent) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.warning)
        self._emit(event)


@dataclass(frozen=True)
class _Part:
    """The control for one of several equal parts of a stage."""

    whole: Control
    index: int
    of: int

    def checkpoint(self, fraction: float) -> None:
        self.whole.checkpoint((self.index + fraction) / self.of)

    def warn(self, warning: Warning) -> None:
        self.whole.warn(warning)
