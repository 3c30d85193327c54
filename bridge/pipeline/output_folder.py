"""The folder that a job writes into: claimed for it alone, filled file by file, left without a trace of failure."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import NotWritable, OutOfSpace
from bridge.project_paths import is_partial_of, numbered, partial_name

#: Kept free beyond a job's own need, so that the bridge is never what fills a drive to the last byte.
SPARE_BYTES = 64 * 1024 * 1024


class OutputFolder:
    """Where one job's files land.

    Nothing that exists is ever overwritten: `claim` takes a folder that is new, or one given by the user in which
    none of the job's own names exist yet.
    """

    def __init__(self, job: str, path: Path, created: Sequence[Path] = (), complete: Iterable[str] = ()) -> None:
        """`complete`: the files that an earlier run of the same job has left there, as they would be made now."""
        self.path = path
        self._job = job
        self._created = tuple(created)
        self._complete = frozenset(complete)

    def has(self, name: str) -> bool:
        """Whether that file of the job is there already; another one of its name is somebody's, and in the way."""
        return name in self._complete and (self.path / name).exists()

    @classmethod
    def claim(cls, job: str, wanted: Path, *, given: bool, files: Iterable[str]) -> OutputFolder:
        """Makes the job's folder: `wanted`, or `wanted 2`, `wanted 3` …

        Args:
            given: the user named the folder, so it may hold other files already.
            files: the names that the job is going to write.

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
        """Raises OutOfSpace where the drive has not that much room."""
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
    def landing(self, name: str) -> Iterator[Path]:
        """Gives a temporary path to write to; it becomes `name` when the block ends well, else it is removed."""
        temporary = self.scratch(name)
        with _translate_errors(self.path):
            try:
                yield temporary
                final = self.path / name
                if final.exists():
                    raise NotWritable(f"{final} has appeared while the job ran.", advice="Run the job again.")
                temporary.replace(final)
            finally:
                temporary.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Removes what is unfinished, and the folders that were made for the job where they stayed empty."""
        remove_partials(self._job, self.path)
        for folder in reversed(self._created):
            try:
                folder.rmdir()
            except OSError:  # it holds something: then it stays
                return


def remove_partials(job: str, folder: Path) -> None:
    """Removes what a job that is no longer running has left unfinished in `folder`."""
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        if is_partial_of(job, entry):
            entry.unlink(missing_ok=True)


@contextmanager
def _translate_errors(folder: Path) -> Iterator[None]:
    """Translates what the file system says into words, once."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise OutOfSpace(f"The drive of {folder} is full.") from error
        raise NotWritable(f"Nothing can be written to {folder}: {error.strerror or error}.") from error


def _missing_parents(folder: Path) -> list[Path]:
    """`folder` and the folders above it that do not exist yet, highest first."""
    missing = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.append(path)
    return missing[::-1]


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
