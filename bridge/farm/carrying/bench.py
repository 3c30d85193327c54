"""A machine's side of what is carried: a bounded store of clips, and a private folder for each song.

    clips/SHA256        a clip, whole and checked
    clips/SHA256.part   one that is on its way; it is continued where it was cut off
    songs/JOB/source    the clip under its own name
    songs/JOB/results   what the job writes
    songs/JOB/picture   a picture that the user wants elsewhere
    songs/JOB/analyses  what its notes were read from, out of the machine's cache

All calls may wait for the drive, and may come on any thread.
"""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace

from bridge.errors import NotReadable, OutOfSpace
from bridge.farm.carrying.values import CHUNK_BYTES, CarriedFile, Clip, Place, check_file_name
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import ENDING, manifest_at
from bridge.project_paths import numbered
from bridge.request import JobRequest, OutputPlace
from bridge.system.directory import Directory
from bridge.system.file_lock import open_lock_file, try_lock
from bridge.system.files import SPARE_BYTES, sha256_of
from bridge.system.private_folders import private_folder

#: Larger clips go as soon as they are not needed; a studio's songs of a month fit.
MAX_CLIPS_BYTES = 20 * 10**9
#: Results stay for so long after something of them was fetched; a chunk takes a minute at the most.
KEPT_SECONDS = 600.0
_PART = ".part"
_PLACES: tuple[Place, ...] = ("results", "picture", "analyses")


def free_bench(scratch: Path, cache: ResultsCache | None = None) -> Bench:
    """A bench in a folder for scratch files, of which several machines' processes may use one. Raises OSError."""
    for folder in numbered(scratch / "carried"):
        lock = open_lock_file(private_folder(folder) / ".lock")
        if lock is not None and try_lock(lock):
            return Bench(folder, cache=cache, lock=lock)
    raise OSError(f"all benches in {scratch} are taken")


class Bench:
    """The clips and songs in one folder, which no other process uses: see `free_bench`."""

    def __init__(
        self,
        folder: Path,
        max_clips_bytes: int = MAX_CLIPS_BYTES,
        *,
        cache: ResultsCache | None = None,
        lock: BinaryIO | None = None,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """Removes the songs of an earlier process. Raises OSError.

        Args:
            cache: where the jobs of this machine leave their analyses.
            lock: an open file that keeps other processes out as long as this object lives.
            now: a monotonic clock.
        """
        self.folder = folder
        self._keeps_out = lock
        self._cache = cache
        self._now = now
        self._fetched: dict[str, float] = {}
        """When something of each song that is done was fetched last, on that clock."""
        self._clips = private_folder(folder / "clips")
        shutil.rmtree(folder / "songs", ignore_errors=True)
        self._songs = private_folder(folder / "songs")
        self._max_clips_bytes = max_clips_bytes
        self._lock = threading.Lock()

    def has(self, clip: Clip) -> bool:
        """Whether a clip is here, whole."""
        clip.check()
        return (self._clips / clip.sha256).is_file()

    def wants(self, clip: Clip) -> int:
        """From which byte on a clip is missing; its size: it is here.

        Raises:
            OutOfSpace: it has no room here.
            OSError: nothing can be written here.
        """
        clip.check()
        with self._lock:
            whole, part = self._files(clip)
            if not whole.is_file() and not part.exists():
                self._make_room(clip.size_bytes)
                part.touch(mode=0o600)
            with suppress(NotReadable):  # what a machine that lost its power has left
                return self._arrived(clip)
            return 0

    def take(self, clip: Clip, start: int, content: bytes) -> int:
        """Adds bytes to a clip, if it has just so many before; returns how many it has now.

        Raises:
            NotReadable: it is complete, and another one than was announced.
            OSError: it cannot be written.
        """
        clip.check()
        with self._lock:
            whole, part = self._files(clip)
            if not whole.is_file():
                with part.open("ab") as file:
                    if file.tell() == start and start + len(content) <= clip.size_bytes:
                        file.write(content)
            return self._arrived(clip)

    def prepare(self, job: str, request: JobRequest, clip: Clip) -> JobRequest:
        """The request as it is computed here: it reads and writes nothing but the song's own folder.

        Raises:
            NotReadable: the clip is not here, or a name is none.
            OSError: the folder cannot be made.
        """
        folder = self._folder(job)
        self._forget_old()
        if not self.has(clip):
            raise NotReadable(f"{clip.name} has not arrived.", advice="")
        self.forget(job)  # of an earlier run
        source = private_folder(folder / "source") / clip.name
        shutil.copyfile(self._clips / clip.sha256, source)  # a link would share the time, and not every drive has them
        os.utime(source, ns=(clip.changed_ns, clip.changed_ns))
        picture = request.note_files.picture
        if picture:
            file = Path(picture).name
            check_file_name(file)
            picture = str(private_folder(folder / "picture") / file)
        return replace(
            request,
            source=str(source),
            place=OutputPlace(folder=str(private_folder(folder / "results")), name=request.place.name),
            note_files=replace(request.note_files, picture=picture),
        )

    def results(self, job: str) -> tuple[CarriedFile, ...]:
        """The complete files of a song that is done, and its analyses. Raises OSError."""
        self._copy_analyses(self._folder(job))
        self._fetched[job] = self._now()
        return tuple(self._carried(self._folder(job)))

    def give(self, job: str, place: Place, file: str, start: int) -> bytes:
        """The bytes of a result from `start` on, at most `CHUNK_BYTES`; empty at its end.

        Raises:
            NotReadable: the name is none.
            OSError: there is no such file, or it is a link.
        """
        check_file_name(file)
        if place not in _PLACES:
            raise NotReadable(f"{place!r} is no folder of a song.")
        if job in self._fetched:
            self._fetched[job] = self._now()
        with Directory(self._folder(job) / place) as directory, directory.open(file) as opened:
            opened.seek(start)
            return opened.read(CHUNK_BYTES)

    def forget(self, job: str) -> None:
        """Removes a song's folder; its clip stays for other jobs."""
        self._fetched.pop(job, None)
        shutil.rmtree(self._folder(job), ignore_errors=True)

    def _forget_old(self) -> None:
        """Removes the results that nobody fetches, because who asked for them has gone."""
        for job, seconds in [*self._fetched.items()]:
            if self._now() - seconds > KEPT_SECONDS:
                self.forget(job)

    def _files(self, clip: Clip) -> tuple[Path, Path]:
        """Where a clip lies when it is whole, and while it is on its way."""
        return self._clips / clip.sha256, self._clips / f"{clip.sha256}{_PART}"

    def _arrived(self, clip: Clip) -> int:
        """How many bytes of a clip are here; it gets its name when these are all, also where a process died before.

        Raises:
            NotReadable: they are those of something else; they are gone now.
            OSError: the drive does not tell.
        """
        whole, part = self._files(clip)
        if whole.is_file():
            whole.touch()  # the least recently used go first
            return clip.size_bytes
        size = part.stat().st_size
        if size < clip.size_bytes:
            return size
        if size > clip.size_bytes or sha256_of(part) != clip.sha256:
            part.write_bytes(b"")
            raise NotReadable(f"{clip.name} arrived with other content than it was sent with.", advice="")
        part.rename(whole)
        return size

    def _folder(self, job: str) -> Path:
        if not (job.isascii() and job.isalnum()):
            raise NotReadable(f"{job!r} is no job.")
        return self._songs / job

    def _copy_analyses(self, folder: Path) -> None:
        for path in (folder / "results").glob(f"*{ENDING}"):
            for key in manifest_at(path).analyses.values():
                content = None if self._cache is None else self._cache.analysis(key)
                if content is not None:
                    (private_folder(folder / "analyses") / key).write_bytes(content)

    def _carried(self, folder: Path) -> Iterator[CarriedFile]:
        for place in _PLACES:
            if not (folder / place).is_dir():
                continue
            for path in sorted((folder / place).iterdir()):
                if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
                    size, digest = path.stat().st_size, sha256_of(path)
                    yield CarriedFile(file=path.name, size_bytes=size, sha256=digest, place=place)

    def _make_room(self, needed_bytes: int) -> None:
        """Removes the clips that were not used for the longest time. Raises OutOfSpace."""
        if needed_bytes > self._max_clips_bytes:
            raise OutOfSpace(f"A clip of {needed_bytes / 1e9:.1f} GB is too large for a machine of the farm.")
        kept = sorted(
            ((path.stat().st_mtime, path.stat().st_size, path) for path in self._clips.iterdir()), reverse=True
        )
        used = sum(size for _, size, _ in kept)
        free = shutil.disk_usage(self._clips).free - SPARE_BYTES
        while kept and (used + needed_bytes > self._max_clips_bytes or free < needed_bytes):
            _, size, oldest = kept.pop()
            with suppress(OSError):
                oldest.unlink()
                used, free = used - size, free + size
        if free < needed_bytes:
            raise OutOfSpace("The drive of a machine of the farm is full.")
