"""Opens a job: which engine, stems and cache keys it has, known once its source and its engine are open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bridge.audio.check import changed, size_and_time
from bridge.audio.sink import check_format, subtype_for
from bridge.audio.source import OpenRegion
from bridge.model import Warning
from bridge.pipeline.cache.analyses import AnalysisCache
from bridge.pipeline.cache.keys import Keys, cache_keys, read_ahead
from bridge.pipeline.channels import audio_of
from bridge.pipeline.context import JobControl, WorkerContext
from bridge.pipeline.folders.job_folders import JobFolders
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.job_log import JobLog
from bridge.pipeline.manifest import EngineRecord, SourceRecord
from bridge.pipeline.stems import chosen_stems
from bridge.protocols import Control, Separator
from bridge.request import JobRequest
from bridge.stems import DRUMS
from bridge.system.files import sha256_of

#: A larger file is not hashed whole: a job for a short region of it must not read it all. A second's work, at most.
WHOLE_FILE_BYTES = 1 << 28


@dataclass(frozen=True)
class OpenJob:
    """A job whose source and engine are open: what it makes, and of what."""

    id: str
    name: str
    request: JobRequest
    context: WorkerContext
    log: JobLog
    control: JobControl
    region: OpenRegion
    folders: JobFolders
    began_seconds: float
    """On the monotonic clock."""
    source: SourceRecord
    source_state: tuple[int, int] | None
    """As `size_and_time` has it, from before the keys were made."""
    separator: Separator | None
    """None: nothing is separated; the clip itself is transcribed as one stem."""
    engine: EngineRecord
    stems: tuple[str, ...]
    """The stems to write."""
    midi: tuple[str, ...]
    """The stems to transcribe."""
    keys: Keys
    analyses: AnalysisCache

    @property
    def separated_stems(self) -> list[str]:
        """The stems and opposites that the separation has to produce."""
        available = () if self.separator is None else audio_of(self.separator)
        return [
            stem for stem in available
            if stem in self.stems or stem in self.midi or (stem == DRUMS and self.request.stems.kit)
        ]  # fmt: skip

    @property
    def splits_drums(self) -> bool:
        """Whether the drums are to be split into the parts of their kit, and there is such a stem."""
        has_drums = DRUMS in (self.midi if self.separator is None else self.separated_stems)
        return self.request.stems.kit and has_drums

    @property
    def copies(self) -> int:
        """How often each stem is written: once more into a project, if one is asked for."""
        return 2 if self.request.note_files.dawproject else 1

    @property
    def has_same_source(self) -> bool:
        """Whether the source is unchanged since the keys were made; otherwise they may not match the samples."""
        return self.source_state == size_and_time(Path(self.request.source))

    def check_source(self) -> None:
        """Checks that the clip is the one of which the stems were made.

        Raises:
            NotReadable: it was written anew meanwhile, so that they may be of the old one, the new one, or both.
        """
        path = Path(self.request.source)
        # Where it is gone, the open file was read on. Where only its time is another, its content was not changed.
        if not self.has_same_source and path.exists() and sha256_of(path) != self.source.sha256:
            raise changed(path)


def open_job(
    log: JobLog,
    context: WorkerContext,
    control: JobControl,
    region: OpenRegion,
    folders: JobFolders,
    folder: OutputFolder,
    *,
    began_seconds: float,
) -> OpenJob:
    """Opens the engine, and reports it.

    Raises:
        BadArguments: the engine, a stem or the file format does not suit the job.
        WeightsUnavailable, EngineFailed, OutOfMemory, Cancelled: see `Engines.open`.
    """
    job = log.job
    request, source = job.request, Path(job.request.source)
    if region.replaced_samples:
        message = (
            f"{region.replaced_samples} samples were no audio (NaN, or far too loud) and were replaced by silence."
        )
        control.warn(Warning(code="bad_samples", message=message))
    for warning in region.warnings:
        control.warn(warning)
    source_state, record = size_and_time(source), source_record(source, region, control)
    if source_state is not None:
        size, modified_ns = source_state
        record = msgspec.structs.replace(record, size_bytes=size, modified_ns=modified_ns)
    separator = _open_engine(request, context, control, region)
    engine = EngineRecord(name="", device="", weights="")
    if separator is not None:
        log.started(folder.path, separator.name, separator.device)
        engine = EngineRecord(name=separator.name, device=separator.device, weights=separator.identity())
    stems, midi = chosen_stems(request, separator)
    keys = cache_keys(region, request, stems, midi, separator, engine, control)
    return OpenJob(
        id=job.id,
        name=job.name,
        request=request,
        context=context,
        log=log,
        control=control,
        region=region,
        folders=folders,
        began_seconds=began_seconds,
        source=record,
        source_state=source_state,
        separator=separator,
        engine=engine,
        stems=stems,
        midi=midi,
        keys=keys,
        analyses=AnalysisCache(context.transcribers, context.cache, keys),
    )


def source_record(source: Path, region: OpenRegion, control: Control) -> SourceRecord:
    """The manifest's record of the source region."""
    rate = region.audio.sample_rate_hz
    is_large = source.stat().st_size > WHOLE_FILE_BYTES
    return SourceRecord(
        path=str(source),
        sha256="" if is_large else sha256_of(source, lambda: control.checkpoint(1.0)),
        start_seconds=region.start_frame / rate,
        start_frame=region.start_frame,
        frames=region.frames,
        sample_rate_hz=rate,
        channels=region.audio.channels,
        region_sha256=_samples_sha256(region, control) if is_large else "",
        silent_frames=region.silent_frames,
    )


def _samples_sha256(region: OpenRegion, control: Control) -> str:
    digest, signal = hashlib.sha256(), region.signal
    for block in read_ahead(signal, 0, signal.frames, control):
        digest.update(block.data)
    return digest.hexdigest()


def _open_engine(
    request: JobRequest, context: WorkerContext, control: JobControl, region: OpenRegion
) -> Separator | None:
    if request.stems.transcribe_as is not None:
        return None
    if request.stems.audio != () or request.stems.kit:
        subtype = subtype_for(request.audio.name, request.audio.depth, region.subtype)
        check_format(request.audio.name, subtype, region.audio.channels, region.audio.sample_rate_hz)
    return context.engines.open(
        request.engine.name, device=request.engine.device, control=control, seconds=region.seconds
    )
