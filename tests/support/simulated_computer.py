"""A computer of jobs that takes no time, but keeps the books as the pipeline does: claims, records, files."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import msgspec

from bridge.errors import ERRORS, EngineFailed
from bridge.events import Ended, JobEvent, LiveNotes, Submitted
from bridge.model import Failure, Result
from bridge.pipeline.folders.job_folders import JobFolders
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.job_log import JobLog
from bridge.pipeline.manifest import EngineRecord, SourceRecord, encode_manifest, manifest_name, manifest_of
from bridge.pipeline.output_files import possible_files
from bridge.pipeline.unfinished import UnfinishedRecord, unfinished_files
from bridge.project_paths import result_name, stem_file_name
from bridge.request import JobRequest
from tests.support.fakes import FakeClock

STEMS = ("vocals", "drums", "bass", "other")
#: A real manifest of a song with four stems has 8.8 KB, most of them outlines.
_PEAKS = bytes(1500)
SECONDS = 180.0
#: What songs fail with, each as often as the others.
CODES = ("not_audio", "not_readable", "engine_failed", "out_of_memory")


class SimulatedComputer:
    """Implements `JobComputer`. Whether a song fails depends on its name and the seed alone."""

    def __init__(self, seed: int = 0, *, slots: int = 4, failing: float = 0.0, computed: Path | None = None) -> None:
        """
        Args:
            failing: the share of songs that fail.
            computed: a file that gets the path of each song that is done, after its manifest is written.
        """
        self.slots = slots
        self.problem = ""
        self.failing = failing
        self.failure: Callable[[JobRequest], Failure | None] = lambda _: None
        """What else a song fails with."""
        self.is_gone = False
        """Whether nothing computes any more."""
        self.asked: list[str] = []
        """The latest songs that were asked for."""
        self.most_at_once = 0
        self._at_once = 0
        self._seed = seed
        self._computed = computed
        self._clock = FakeClock()
        self._watchers: list[Callable[[], None]] = []

    def watch(self, on_change: Callable[[], None]) -> Callable[[], None]:
        self._watchers.append(on_change)
        return lambda: self._watchers.remove(on_change)

    def change(self, slots: int, problem: str = "") -> None:
        """Machines join or leave."""
        self.slots, self.problem = slots, problem
        for watcher in [*self._watchers]:
            watcher()

    async def compute(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> Ended:
        self.asked = [*self.asked[-99:], request.source]
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        chance = random.Random(f"{self._seed} {Path(request.source).name}")
        try:
            for _ in range(chance.randint(1, 4)):  # the songs end in another order than they began
                await asyncio.sleep(0)
            if self.is_gone:
                raise EngineFailed("Nothing computes any more.")
            failure = self._failure(request, chance)
            if failure is None:
                self._make_files(job, request, on_event)
        finally:
            self._at_once -= 1
        outcome = "done" if failure is None else "failed"
        return Ended(job=job, outcome=outcome, unix_seconds=self._clock.unix_seconds(), failure=failure)  # type: ignore[arg-type]

    async def close(self) -> None: ...

    def _failure(self, request: JobRequest, chance: random.Random) -> Failure | None:
        if chance.random() < self.failing:
            error = ERRORS[chance.choice(CODES)](f"{request.source} fails in this simulation.")
            return Failure(code=error.code, message=str(error))
        failure = self.failure(request)
        if failure is None and not Path(request.source).exists():
            return Failure(code="not_found", message=f"There is no file {request.source}.")
        return failure

    def _make_files(self, job: str, request: JobRequest, on_event: Callable[[JobEvent | LiveNotes], None]) -> None:
        source = Path(request.source)
        name = result_name(source, request.place.name)
        submitted = Submitted(job=job, name=name, request=request, unix_seconds=self._clock.unix_seconds())
        log = JobLog(submitted, on_event)
        files, key = possible_files(name, request), f"{source} {request.engine.name}"
        wanted = Path(str(request.place.folder))
        with JobFolders(job, name, files) as folders:
            claimed = folders.claim(
                wanted, lambda path, created: log.started(path, "draft", "cpu", created), given=True
            )
            found = folders.find(wanted, lambda folder: unfinished_files(folder, name, key, files))
            folder = claimed if found is None else found
            log.started(folder.path, "draft", "cpu")
            record = UnfinishedRecord(log.job, key, folder)
            folder.complete_files = record
            for stem in STEMS:
                _write_stem(log, folder, stem_file_name(name, stem, "wav"), stem)
            _write_manifest(log, folder, source, key)
            record.remove()
            if self._computed is not None:
                with self._computed.open("a", encoding="utf-8") as file:
                    file.write(f"{source}\n")


def _write_stem(log: JobLog, folder: OutputFolder, file_name: str, stem: str) -> None:
    result = Result(kind="stem", name=stem, folder=str(folder.path), file=file_name, seconds=SECONDS)
    if not folder.has(file_name, result):
        with folder.new_file(file_name, result) as file:
            file.write(bytes(1024 if stem == "vocals" else 0))
    log.produced(result)


def _write_manifest(log: JobLog, folder: OutputFolder, source: Path, key: str) -> None:
    state = source.stat()
    manifest = manifest_of(
        log.job,
        source=SourceRecord(
            path=str(source),
            sha256="",
            size_bytes=state.st_size,
            modified_ns=state.st_mtime_ns,
            start_seconds=0.0,
            start_frame=0,
            frames=round(SECONDS * 44_100),
            sample_rate_hz=44_100,
            channels=2,
        ),
        engine=EngineRecord(name="draft", device="cpu", weights=""),
        transcribers={},
        chords=(),
        seconds=1.0,
        cache_key=key,
        sizes=folder.sizes_of(result.file for result in log.job.results),
        peaks=dict.fromkeys(STEMS, _PEAKS),
    )
    with folder.new_file(manifest_name(log.job.name)) as file:
        file.write(encode_manifest(msgspec.structs.replace(manifest, versions={})))
