"""A job's output folder: held open, filled with whole files only, cleaned up after a failure."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from bridge.errors import NotWritable, OutOfSpace
from bridge.model import Result
from bridge.pipeline.folders.claim import FolderClaim, abandoned_by, claim_file_name
from bridge.project_paths import check_roots, is_partial_of, partial_name
from bridge.system.directory import Directory
from bridge.system.files import SPARE_BYTES, is_drive_full


class CompleteFiles(Protocol):
    """Gets to know a folder's complete files; see `unfinished.UnfinishedRecord`."""

    def before_rename(self, name: str, result: Result | None, file: BinaryIO) -> None:
        """Called with each file that is complete, before it gets its name."""
        ...

    def kept(self, name: str, result: Result | None) -> None:
        """Called with each file that an earlier run of the job has left."""
        ...


class OutputFolder:
    """An open folder that one job writes its files to. Existing files are never overwritten."""

    def __init__(self, job: str, directory: Directory, roots: Sequence[Path] = ()) -> None:
        self.complete_files: CompleteFiles | None = None
        """Who gets to know the complete files; None: nobody."""
        self.made_levels = 0
        """How many folders were made for the job: this one and those above it."""
        self._job = job
        self.directory = directory
        self._roots = tuple(roots)
        self._claim: FolderClaim | None = None
        """None for a folder in which a job writes nothing but a picture, or in which it can write nothing."""
        self._complete: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        return self.directory.path

    def take_over(self, claim: FolderClaim | None, complete: Iterable[str]) -> None:
        """`complete`: names of files that an earlier run of the same job has left, identical to those of this run."""
        self._claim = claim
        self._complete = frozenset(complete)

    def has(self, name: str, result: Result | None = None) -> bool:
        """Whether an earlier run of the job has already written this file; a user's file of that name is none."""
        if name not in self._complete or not self.directory.has(name):
            return False
        if self.complete_files is not None:
            self.complete_files.kept(name, result)
        return True

    def holds(self, name: str) -> bool:
        """Whether something of that name is in the folder."""
        return self.directory.has(name)

    def sizes_of(self, names: Iterable[str]) -> dict[str, int]:
        """The sizes in bytes of those of these files that are in the folder."""
        found = {name: self.directory.size_of(name) for name in names}
        return {name: size for name, size in found.items() if size is not None}

    def left_by(self, name: str) -> str:
        """The id of the killed job called `name` whose claim lies here; empty: there is none."""
        return abandoned_by(self.directory, claim_file_name(name))

    def open(self, name: str) -> BinaryIO:
        """A file of the folder, for reading.

        Raises:
            OSError: there is none, or it is a link, a pipe or a device.
        """
        return self.directory.open(name)

    def check_space(self, needed_bytes: int) -> None:
        """Raises OutOfSpace if the drive has less free space than this, and the part that is always left free."""
        free = shutil.disk_usage(self.directory.location).free
        if free < needed_bytes + SPARE_BYTES:
            raise OutOfSpace(
                f"The job needs {_megabytes(needed_bytes)} in {self.path}; {_megabytes(free)} are free there, and the "
                f"bridge always leaves {_megabytes(SPARE_BYTES)} free."
            )

    def shares_drive_with(self, other: Path) -> bool:
        return os.stat(self.directory.location).st_dev == other.stat().st_dev  # noqa: PTH116 - it may be a descriptor

    def scratch(self, name: str) -> Callable[[], BinaryIO]:
        """What opens a temporary file in the folder. It has no name where the system allows that."""

        def create() -> BinaryIO:
            with translate_folder_errors(self.path):
                self.check_place()
                self.directory.remove(temporary)
                return self.directory.create_unnamed(temporary)

        temporary = partial_name(self._job, name)
        return create

    @contextmanager
    def new_file(self, name: str, result: Result | None = None) -> Iterator[BinaryIO]:
        """Yields a temporary file; it is renamed to `name` if the block succeeds, else removed.

        Raises:
            NotWritable: it cannot be written, something of that name has appeared, or the folder was moved.
            OutsideRoots: the folder was moved out of the roots.
            OutOfSpace: the drive is full.
        """
        temporary = partial_name(self._job, name)
        with translate_folder_errors(self.path):
            self.check_place()
            self.directory.remove(temporary)  # of a run that was killed, or a link that somebody has laid there
            file = self.directory.create(temporary)
            try:
                with file:
                    yield file
                    file.flush()
                    self.check_place()
                    if self.directory.has(name):
                        appeared = f"{self.path / name} has appeared while the job was running."
                        raise NotWritable(appeared, advice="Run the job again.")
                    if self.complete_files is not None:
                        self.complete_files.before_rename(name, result, file)
                self.directory.replace(temporary, name)
            finally:
                self.directory.remove(temporary)

    def write_record(self, name: str, content: bytes) -> None:
        """Writes a small file atomically; one of that name is replaced. Raises as `new_file`."""
        temporary = partial_name(self._job, name)
        with translate_folder_errors(self.path):
            self.check_place()
            self.directory.remove(temporary)
            try:
                with self.directory.create(temporary) as file:
                    file.write(content)
                self.directory.replace(temporary, name)
            finally:
                self.directory.remove(temporary)

    def remove(self, name: str) -> None:
        """Removes a file, if it can be removed."""
        self.directory.remove(name)

    def sweep(self) -> None:
        """Removes the job's temporary files."""
        remove_partials(self._job, self.directory)

    def close(self) -> None:
        """Removes the job's temporary files, gives the claim back, and removes the folders made for the job if empty.

        It does so where they lie now: somebody may have moved them in the middle of the job.
        """
        with ExitStack() as last:
            last.callback(self.directory.close)
            last.callback(self.directory.remove_where_it_lies, self.made_levels)
            if self._claim is not None:
                last.callback(self._claim.release)
            self.sweep()

    def check_place(self) -> None:
        """Checks that the folder still lies where it was claimed, inside the roots."""
        if not self.directory.is_in_place:
            raise NotWritable(
                f"The folder {self.path} was moved or replaced while the job was running.",
                advice="Leave it in its place, and run the job again.",
            )
        check_roots(self.path, self._roots)


def remove_partials(job: str, directory: Directory) -> None:
    """Removes the temporary files that a job has left in a folder."""
    with suppress(OSError):
        for name in directory.names():
            if is_partial_of(job, name):
                directory.remove(name)


@contextmanager
def translate_folder_errors(folder: Path) -> Iterator[None]:
    """Translates errors of the file system into the bridge's errors."""
    try:
        yield
    except OSError as error:
        if is_drive_full(error):
            raise OutOfSpace(f"The drive of {folder} is full.") from error
        raise NotWritable(f"Nothing can be written to {folder}: {error.strerror or error}.") from error


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB" if size >= 10e6 else f"{size / 1e6:.1f} MB"
