"""What one job has made and said, for its manifest and for the cache."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from bridge.audio.riff import audio_end
from bridge.audio.source import Region
from bridge.events import JobEvent, Produced, Warned
from bridge.model import JobRequest, Music, Result, Warning
from bridge.pipeline.cache.store import Entry, FileHead, ResultsCache
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode_manifest, iso_time, relative, versions
from bridge.pipeline.output_folder import OutputFolder
from bridge.protocols import Clock
from bridge.system.files import sha256_of


@dataclass
class JobRecord:
    """Passes a job's events on, and remembers what they said."""

    job: str
    name: str
    request: JobRequest
    clock: Clock
    emit: Callable[[JobEvent], None]
    results: list[Result] = field(default_factory=list)
    warnings: list[Warning] = field(default_factory=list)
    transcribers: dict[str, str] = field(default_factory=dict)
    """For each stem that was turned into notes, what did it."""
    music: Music | None = None

    def __post_init__(self) -> None:
        self._began_unix = self.clock.unix_seconds()
        self._began = self.clock.monotonic_seconds()

    def tell(self, event: JobEvent) -> None:
        if isinstance(event, Warned):
            self.warnings.append(event.warning)
        self.emit(event)

    def produced(self, result: Result) -> None:
        """One file is complete; `result` has its whole path."""
        self.results.append(result)
        self.tell(Produced(job=self.job, result=result))

    def write(self, folder: OutputFolder, source: SourceRecord, engine: EngineRecord, key: str) -> None:
        """Writes the manifest."""
        manifest = Manifest(
            job=self.job,
            name=self.name,
            source=source,
            request=self.request,
            engine=engine,
            transcribers=self.transcribers,
            music=self.music,
            warnings=tuple(self.warnings),
            results=tuple(relative(result) for result in self.results),
            versions=versions(),
            started=iso_time(self._began_unix),
            seconds=round(self.clock.monotonic_seconds() - self._began, 3),
            cache_key=key,
        )
        with folder.landing(f"{self.name}.sab.json") as temporary:
            temporary.write_bytes(encode_manifest(manifest))

    def stem_bytes(self) -> int:
        """The size of the stems that lie there by now."""
        paths = [Path(result.path) for result in self.results if result.kind == "stem"]
        return sum(path.stat().st_size for path in paths if path.exists())

    def keep_stems(self, cache: ResultsCache, key: str, engine: EngineRecord, warnings: tuple[Warning, ...]) -> None:
        """Puts the stems into the cache, without the time stamps behind their audio.

        Args:
            warnings: those that belong to the stems, whatever job they are for.
        """
        stems = {entry_file(result): result for result in self.results if result.kind == "stem"}
        entry = Entry(
            key=key,
            name=self.name,
            engine=engine,
            warnings=warnings,
            results=tuple(msgspec.structs.replace(result, path=file) for file, result in stems.items()),
        )
        paths = {file: Path(result.path) for file, result in stems.items()}
        cache.store(entry, {file: FileHead(path, audio_end(path)) for file, path in paths.items()})


def entry_file(result: Result) -> str:
    """What a stem is called in the cache: `vocals.wav`."""
    return result.name + Path(result.path).suffix


def source_record(source: Path, region: Region) -> SourceRecord:
    """Which audio it was."""
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
