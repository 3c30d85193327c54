"""The story of one job: read the region, take it apart, write the stems, turn them into notes, write those."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bridge import smf
from bridge.audio.resample import mono, resampled
from bridge.audio.sink import check_holds, subtype_for
from bridge.audio.source import FoundRegion, Region, find_region, sha256_of
from bridge.errors import Cancelled
from bridge.events import JobEvent, Produced, Started, Warned
from bridge.model import STEMS, JobRequest, Result, Warning
from bridge.pipeline.channels import stems_of
from bridge.pipeline.folder import OutputFolder
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode, iso_time, relative, versions
from bridge.pipeline.progress import JobProgress
from bridge.pipeline.stems import bytes_needed, chosen_stems, made_stems, write_stems
from bridge.project_paths import check_roots, output_parent, result_name, stem_file
from bridge.protocols import Clock, Control, Engines, Signal, Transcribers
from bridge.units import DEFAULT_TEMPO_BPM

#: What turning one second of one stem into notes takes on a small machine; only for guesses of the time left.
TRANSCRIBING_SECONDS_PER_SECOND = 0.03


@dataclass(frozen=True)
class Workshop:
    """What every job of a worker uses: the tools and the limits."""

    engines: Engines
    transcribers: Transcribers
    clock: Clock
    max_seconds: float
    roots: tuple[Path, ...] = ()


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
            self._write_manifest(source, folder, engine)
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
        given = self.request.out is not None
        if self.request.out is not None:
            wanted = Path(self.request.out)
        else:
            wanted = output_parent(self.source, self.request.project) / self.name
        check_roots(wanted, self.workshop.roots)
        folder = OutputFolder.claim(self.job, wanted, given=given, files=self._possible_files())
        engine = self.request.engine if self.request.transcribe_as is None else ""
        self._tell(Started(job=self.job, engine=engine, device="", output_dir=str(folder.path)))
        return folder

    def _possible_files(self) -> list[str]:
        endings = (self.request.format, "wav", "mid")
        of_stems = [stem_file(self.name, stem, ending) for stem in STEMS for ending in endings]
        return [*of_stems, f"{self.name}.mid", f"{self.name}.sab.json"]

    def _separate_and_transcribe(self, region: Region, folder: OutputFolder) -> EngineRecord:
        request = self.request
        if request.stems != ():
            subtype = subtype_for(request.format, request.depth, region.subtype)
            check_holds(request.format, subtype, region.audio.channels, region.audio.sample_rate_hz)
        separator = self.workshop.engines.open(request.engine, device=request.device, control=self.control)
        self._tell(Started(job=self.job, engine=separator.name, device=separator.device, output_dir=str(folder.path)))
        stems, midi = chosen_stems(request, separator)
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
        return EngineRecord(name=separator.name, device=separator.device, weights=separator.identity())

    def _transcribe_only(self, region: Region, folder: OutputFolder, stem: str) -> EngineRecord:
        self.progress.enter("transcribing")
        file = f"{self.name}.mid" if stem == "mix" else stem_file(self.name, stem, "mid")
        self._transcribe(region.signal, stem, folder, file, 0, 1)
        return EngineRecord(name="", device="", weights="")

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
        )
        with folder.landing(f"{self.name}.sab.json") as temporary:
            temporary.write_bytes(encode(manifest))

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
