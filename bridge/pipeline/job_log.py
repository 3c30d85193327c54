"""What one job has produced and reported, for its manifest and for the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bridge.audio.riff import audio_end
from bridge.audio.source import OpenRegion
from bridge.events import JobEvent, Produced, Warned
from bridge.model import Music, Result, Warning
from bridge.options.record import to_record
from bridge.pipeline.cache.store import Entry, FileHead, ResultsCache
from bridge.pipeline.manifest import (
    EngineRecord,
    Manifest,
    SourceRecord,
    encode_manifest,
    iso_time,
    versions,
)
from bridge.pipeline.output_folder import OutputFolder
from bridge.protocols import Clock
from bridge.request import JobRequest
from bridge.system.files import sha256_of


@dataclass
class JobRecord:
    """Emits a job's events and collects its results and warnings."""

    job: str
    name: str
    request: JobRequest
    clock: Clock
    emit: Callable[[JobEvent], None]
    results: list[Result] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    transcribers: dict[str, str] = field(default_factory=dict)
    """The transcriber's name for each transcribed stem."""
    music: Music | None = None

    def __post_init__(self) -> None:
        self._began_unix = self.clock.unix_seconds()
        self._began = self.clock.monotonic_seconds()

    def report(self, event: JobEvent) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.warning)
        self.emit(event)

    def add_result(self, result: Result) -> None:
        """Announces a complete file."""
        self.results.append(result)
        self.report(Produced(job=self.job, result=result))

    def write_manifest(self, folder: OutputFolder, source: SourceRecord, engine: EngineRecord, key: str) -> None:
        """Writes the manifest."""
        manifest = Manifest(
            job=self.job,
            name=self.name,
            source=source,
            request=to_record(self.request),
            engine=engine,
            transcribers=self.transcribers,
            music=self.music,
            warnings=tuple(self.warnings),
            results=tuple(msgspec.structs.replace(result, folder="") for result in self.results),
            versions=versions(),
            started=iso_time(self._began_unix),
            seconds=round(self.clock.monotonic_seconds() - self._began, 3),
            cache_key=key,
        )
        with folder.new_file(f"{self.name}.sab.json") as temporary:
            temporary.write_bytes(encode_manifest(manifest))

    def stem_bytes(self) -> int:
        """Total size in bytes of the stems written so far."""
        paths = [Path(result.path) for result in self.results if result.kind == "stem"]
        return sum(path.stat().st_size for path in paths if path.exists())

    def store_stems(self, cache: ResultsCache, key: str, engine: EngineRecord, warnings: tuple[Warning, ...]) -> None:
        """Stores the stems in the cache, without the time stamps after their audio.

        Args:
            warnings: those about the stems, which every job that restores them repeats.
        """
        stems = {entry_file_name(result): result for result in self.results if result.kind == "stem"}
        entry = Entry(
            key=key,
            name=self.name,
            engine=engine,
            warnings=warnings,
            results=tuple(msgspec.structs.replace(result, folder="", file=file) for file, result in stems.items()),
        )
        paths = {file: Path(result.path) for file, result in stems.items()}
        cache.store(entry, {file: FileHead(path, audio_end(path)) for file, path in paths.items()})


def entry_file_name(result: Result) -> str:
    """A stem's file name in the cache: `vocals.wav`."""
    return result.name + Path(result.file).suffix


def source_record(source: Path, region: OpenRegion) -> SourceRecord:
    """The manifest's record of the source region."""
    rate = region.audio.sample_rate_hz
    return SourceRecord(
        path=str(source),
        sha256=sha256_of(source),
        start_seconds=region.start_frame / rate,
        start_frame=region.start_frame,
        frames=region.frames,
        sample_rate_hz=rate,
        channels=region.audio.channels,
    )
