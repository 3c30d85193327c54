"""A job's output folder: reserved for one job, filled with whole files only, cleaned up after a failure."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.audio.scratch import SPARE_BYTES
from bridge.errors import NotWritable, OutOfSpace
from bridge.project_paths import is_partial_of, numbered, partial_name
from bridge.system.files import is_drive_full


class OutputFolder:
    """The folder that one job writes its files to.

    Existing files are never overwritten: `claim` makes a new folder, or takes one that the user named if it has none
    of the job's file names.
    """

    def __init__(self, job: str, path: Path, created: Sequence[Path] = (), complete: Iterable[str] = ()) -> None:
        """`complete`: names of files that an earlier run of the same job has left, identical to those of this run."""
        self.path = path
        self._job = job
        self._created = tuple(created)
        self._complete = frozenset(complete)

    def has(self, name: str) -> bool:
        """Whether an earlier run of the job has already written this file; a user's file of that name is none."""
        return name in self._complete and (self.path / name).exists()

    @classmethod
    def claim(cls, job: str, wanted: Path, *, given: bool, files: Iterable[str]) -> OutputFolder:
        """Makes the job's folder: `wanted`, or `wanted 2`, `wanted 3` …

        Args:
            given: the user named the folder, so it may already hold other files.
            files: the file names that the job may write.

        Raises:
            NotWritable: no folder can be made there.
        """
        names = tuple(files)
        with _translate_errors(wanted):
            for candidate in numbered(wanted):
                made = _missing_parents(candidate)
                candidate.parent.mkdir(parents=True, exist_ok=True)
                try:
                    candidate.mkdir()
                except FileExistsError:
                    if not given or not candidate.is_dir() or any((candidate / name).exists() for name in names):
                        continue
                return cls(job, candidate, made)
        raise NotWritable(f"There are too many folders named like {wanted}.")

    def check_space(self, needed_bytes: int) -> None:
        """Raises OutOfSpace if the drive has less free space than this."""
        free = shutil.disk_usage(self.path).free
        if free < needed_bytes + SPARE_BYTES:
            raise OutOfSpace(
                f"The job needs {_megabytes(needed_bytes + SPARE_BYTES)} in {self.path}, "
                f"and {_megabytes(free)} are free."
            )

    def scratch(self, name: str) -> Path:
        """A hidden temporary path in the folder."""
        return self.path / partial_name(self._job, name)

    @contextmanager
    def new_file(self, name: str) -> Iterator[Path]:
        """Yields a temporary path; the file is renamed to `name` if the block succeeds, else removed."""
        temporary = self.scratch(name)
        with _translate_errors(self.path):
            try:
                yield temporary
                final = self.path / name
                if final.exists():
                    raise NotWritable(f"{final} has appeared while the job was running.", advice="Run the job again.")
                temporary.replace(final)
            finally:
                temporary.unlink(missing_ok=True)

    def clean_up(self) -> None:
        """Removes temporary files, and the folders made for the job if they are empty."""
        remove_partials(self._job, self.path)
        for folder in reversed(self._created):
            try:
                folder.rmdir()
            except OSError:  # not empty
                return


def remove_partials(job: str, folder: Path) -> None:
    """Removes the temporary files that a job, no longer running, has left in `folder`."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if is_partial_of(job, entry):
            entry.unlink(missing_ok=True)


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    """Translates errors of the file system into the bridge's errors."""
    try:
        yield
    except OSError as error:
        if is_drive_full(error):
            raise OutOfSpace(f"The drive of {folder} is full.") from error
        raise NotWritable(f"Nothing can be written to {folder}: {error.strerror or error}.") from error


def _missing_parents(folder: Path) -> list[Path]:
    """`folder` and its parents that do not exist yet, topmost first."""
    missing = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.append(path)
    return missing[::-1]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
