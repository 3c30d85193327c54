"""The results' way back: into a folder that is claimed as for a job of this machine, whole files only, all or none.

What a machine of the farm tells is checked: names that this job cannot have, sizes and hashes that do not fit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, NamedTuple

from msgspec.structs import replace

from bridge.errors import BridgeError, Cancelled, EngineFailed
from bridge.events import Analysed, JobEvent, LiveNotes, Produced, Requeued, Started
from bridge.farm.carrying.values import CarriedFile, Place
from bridge.model import Job, Result
from bridge.options.record import to_record
from bridge.pipeline.cache.store import KEY, ResultsCache
from bridge.pipeline.folders.job_folders import JobFolders
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.manifest import Manifest, decode_manifest, encode_manifest, manifest_name
from bridge.pipeline.output_files import possible_files
from bridge.pipeline.source_lookup import wanted_folder
from bridge.pipeline.unfinished import UnfinishedRecord, read_manifest, unfinished_files
from bridge.project_paths import numbered, result_name
from bridge.request import JobRequest
from bridge.system.files import MAX_SMALL_FILE_BYTES

#: A file's bytes from an offset on, a chunk at a time; empty at its end. Raises EngineFailed: the machine has gone.
Fetch = Callable[[Place, str, int], bytes]
#: What a song has in analyses beyond this stays over there: those of an hour of one stem are smaller.
MAX_ANALYSIS_BYTES = 512 << 20
#: A machine of the farm that does not keep to what it has announced.
_BROKEN = "The machine of the farm has sent results that are not those it has announced: {what}."


class ReceivingPlace(NamedTuple):
    """Where this machine lets results go."""

    roots: tuple[Path, ...] = ()
    """The folders that they may be written to; empty: all."""
    cache: ResultsCache | None = None
    """What keeps analyses, so that notes can be read from them in another way; None: nothing."""


class ResultsReceiver:
    """The folder of one job, claimed from its start to its end, and the files that come into it.

    `told` may be called on the event loop; what waits for drives is called on one thread at a time.
    """

    def __init__(
        self,
        job: str,
        request: JobRequest,
        place: ReceivingPlace,
        emit: Callable[[JobEvent], None],
    ) -> None:
        self._job = job
        self._cache = place.cache
        self._request = request
        self._name = result_name(Path(request.source), request.place.name)
        self._possible = possible_files(self._name, request)
        self._folders = JobFolders(job, self._name, self._possible, place.roots)
        self._emit = emit
        self._folder: OutputFolder | None = None

    def claim(self) -> None:
        """Claims the folder, and tells where the files go. Raises as `JobFolders.claim`."""
        request = self._request
        engine = request.engine.name if request.stems.transcribe_as is None else ""

        def announce(folder: Path, created: Sequence[Path]) -> None:
            made = tuple(map(str, created))
            self._emit(Started(job=self._job, engine=engine, device="", output_dir=str(folder), created=made))

        given = request.place.folder is not None
        self._folder = self._folders.claim(wanted_folder(request), announce, given=given)

    def __enter__(self) -> ResultsReceiver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._folders.__exit__(kind, error, trace)

    def told(self, event: JobEvent | LiveNotes) -> JobEvent | LiveNotes | None:
        """What is to be told here of an event over there; None: nothing yet, because its files are not here."""
        match event:
            case Started():
                assert self._folder is not None, "the folder is claimed first"
                return replace(event, job=self._job, output_dir=str(self._folder.path), created=())
            case LiveNotes():
                return replace(event, job=self._job, previews=())
            case Produced() | Analysed():
                return None
            case Requeued():
                return replace(event, job=self._job)
        return replace(event, job=self._job)

    def receive(
        self,
        events: Iterable[JobEvent],
        files: Sequence[CarriedFile],
        fetch: Fetch,
        checkpoint: Callable[[], None],
    ) -> None:
        """Brings all files here, then gives them their names and tells of them in the order of `events`.

        Args:
            events: what happened over there, with `Produced` for each file.
            checkpoint: called between chunks; what it raises ends everything, and no file stays.

        Raises:
            EngineFailed: the machine has gone, or the files are not those that were announced.
            NotWritable, OutOfSpace, OutsideRoots: they cannot be written here.
        """
        assert self._folder is not None, "the folder is claimed first"
        told = [event for event in _last_run(events) if isinstance(event, (Produced, Analysed))]
        carried = {(file.place, file.file): file for file in files}
        manifest = self._manifest(carried, fetch)
        place = self._place(manifest, [file for file in files if file.place == "results"])
        if place is not self._folder:
            self._emit(
                Started(
                    job=self._job,
                    engine=manifest.engine.name,
                    device=manifest.engine.device,
                    output_dir=str(place.path),
                )
            )
        results = [self._result(event.result, carried) for event in told if isinstance(event, Produced)]
        place.check_space(sum(file.size_bytes for _, file in results if not place.holds(file.file)))
        record = UnfinishedRecord(self._as_job(manifest), manifest.cache_key, place)
        place.complete_files = record
        try:
            here = self._bring(told, results, place, fetch, checkpoint)
            if not place.has(manifest_name(self._name)):
                with place.new_file(manifest_name(self._name)) as file:
                    file.write(encode_manifest(self._own_manifest(manifest, here)))
        except Exception as error:
            with suppress(OSError, BridgeError):
                record.end("cancelled" if isinstance(error, Cancelled) else "failed")
            raise
        record.remove()
        with suppress(EngineFailed):  # the job is done without them
            self._keep_analyses(manifest, carried, fetch, checkpoint)

    def _keep_analyses(
        self,
        manifest: Manifest,
        carried: Mapping[tuple[Place, str], CarriedFile],
        fetch: Fetch,
        checkpoint: Callable[[], None],
    ) -> None:
        """Stores what the notes were read from, as a job of this machine does. Raises EngineFailed, Cancelled."""
        if self._cache is None:
            return
        found: dict[str, bytes] = {}
        left = MAX_ANALYSIS_BYTES
        for key in sorted({*manifest.analyses.values()}):
            file = carried.get(("analyses", key))
            if file is None or file.size_bytes > left or not KEY.fullmatch(key):
                continue
            content = BytesIO()
            _copy(file, content, fetch, checkpoint)
            found[key] = content.getvalue()
            left -= file.size_bytes
        if found:  # all at once, because a full cache is looked through for room each time
            self._cache.store_analyses(self._name, manifest.engine, found)

    def _bring(
        self,
        told: Sequence[Produced | Analysed],
        results: Sequence[tuple[Result, CarriedFile]],
        place: OutputFolder,
        fetch: Fetch,
        checkpoint: Callable[[], None],
    ) -> list[Result]:
        """Fetches all files, then names them and tells of them; returns them as they are here."""
        with ExitStack() as all_or_none:
            fetched = []
            for result, file in results:
                here, naming = self._fetched(result, file, place, fetch, checkpoint)
                all_or_none.push(naming)
                fetched.append((here, naming))
            arrived = iter(fetched)
            for event in told:
                if isinstance(event, Analysed):
                    self._emit(replace(event, job=self._job))
                else:
                    here, naming = next(arrived)
                    naming.close()  # the file gets its name
                    self._emit(Produced(job=self._job, result=here))
        return [here for here, _ in fetched]

    def _result(self, result: Result, carried: dict[tuple[Place, str], CarriedFile]) -> tuple[Result, CarriedFile]:
        wants_picture = bool(self._request.note_files.picture) and result.kind == "picture"
        file = carried.get(("picture" if wants_picture else "results", result.file))
        if file is None or not (wants_picture or result.file in self._possible):
            raise _broken(f"{result.file} is no file of this job")
        return result, file

    def _manifest(self, carried: dict[tuple[Place, str], CarriedFile], fetch: Fetch) -> Manifest:
        name = manifest_name(self._name)
        file = carried.get(("results", name))
        if file is None or file.size_bytes > MAX_SMALL_FILE_BYTES:
            raise _broken("there is no manifest")
        content = b""
        while len(content) < file.size_bytes and (chunk := fetch("results", name, len(content))):
            content += chunk
        if hashlib.sha256(content).hexdigest() != file.sha256:
            raise _broken(f"{name} is damaged")
        try:
            return decode_manifest(content)
        except ValueError as error:
            raise _broken(f"{name} cannot be read") from error

    def _place(self, manifest: Manifest, files: Sequence[CarriedFile]) -> OutputFolder:
        """Where the same job was left unfinished, or was written to and nothing has changed; else what was claimed."""
        assert self._folder is not None
        name, key, wanted = self._name, manifest.cache_key, wanted_folder(self._request)

        def left(folder: OutputFolder) -> Iterable[str] | None:
            return unfinished_files(folder, name, key, self._possible)

        def complete(folder: OutputFolder) -> Iterable[str] | None:
            found = read_manifest(folder, name)
            is_same = found is not None and found.cache_key == key
            return (
                [file.file for file in files] if is_same and all(_is_unchanged(folder, each) for each in mine) else None
            )

        mine = [file for file in files if file.file != manifest_name(name)]
        return self._folders.find(wanted, left) or self._folders.find(wanted, complete) or self._folder

    def _fetched(
        self,
        result: Result,
        file: CarriedFile,
        place: OutputFolder,
        fetch: Fetch,
        checkpoint: Callable[[], None],
    ) -> tuple[Result, ExitStack]:
        """A file that is complete but for its name, which it gets when the stack is closed."""
        folder, name, naming = place, file.file, ExitStack()
        if file.place == "picture":
            folder, name = self._picture_place()
        here = replace(result, folder=str(folder.path), file=name)
        if folder is not place or not folder.has(name, result):
            with ExitStack() as failed:
                opened = failed.enter_context(folder.new_file(name, here if folder is place else None))
                _copy(file, opened, fetch, checkpoint)
                naming.push(failed.pop_all())
        return here, naming

    def _picture_place(self) -> tuple[OutputFolder, str]:
        """The folder that the user wants the picture in, and the next free name there."""
        wanted = Path(self._request.note_files.picture or "")
        folder = self._folders.elsewhere(wanted.parent)
        names = (f"{path.name}.svg" for path in numbered(wanted.with_suffix("")))
        return folder, next(name for name in names if not folder.holds(name))

    def _own_manifest(self, manifest: Manifest, results: Sequence[Result]) -> Manifest:
        """The manifest as this machine would have written it."""
        return replace(
            manifest,
            job=self._job,
            name=self._name,
            source=replace(manifest.source, path=self._request.source),
            request=to_record(self._request),
            results=tuple(replace(result, folder="") for result in results),
        )

    def _as_job(self, manifest: Manifest) -> Job:
        return Job(
            id=self._job, name=self._name, request=self._request, submitted_unix=0.0, engine=manifest.engine.name
        )


def _last_run(events: Iterable[JobEvent]) -> list[JobEvent]:
    """The events since the job was begun for the last time over there: its process may have died before."""
    found: list[JobEvent] = []
    for event in events:
        if isinstance(event, Requeued):
            found.clear()
        found.append(event)
    return found


def _copy(file: CarriedFile, opened: BinaryIO, fetch: Fetch, checkpoint: Callable[[], None]) -> None:
    digest, size = hashlib.sha256(), 0
    while size < file.size_bytes:
        checkpoint()
        chunk = fetch(file.place, file.file, size)
        size += len(chunk)
        if not chunk or size > file.size_bytes:
            raise _broken(f"{file.file} has another size")
        digest.update(chunk)
        opened.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise _broken(f"{file.file} is damaged")


def _is_unchanged(folder: OutputFolder, file: CarriedFile) -> bool:
    """Whether a file in `folder` has the content of a carried one, or is missing."""
    try:
        with folder.open(file.file) as opened:
            digest = hashlib.sha256()
            while block := opened.read(1 << 20):
                digest.update(block)
            return digest.hexdigest() == file.sha256
    except FileNotFoundError:
        return True
    except OSError:
        return False


def _broken(what: str) -> EngineFailed:
    return EngineFailed(_BROKEN.format(what=what), advice="")
