"""A job's output folders: claimed for one job, held open, filled with whole files only, cleaned up after a failure."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Protocol

from bridge.audio.scratch import SPARE_BYTES
from bridge.errors import NotWritable, OutOfSpace, OutsideRoots
from bridge.model import Result
from bridge.pipeline.claim import FolderClaim, abandoned_by, claim_name, claim_names
from bridge.project_paths import PARTIAL, check_roots, is_partial_of, numbered, partial_name
from bridge.system.directory import Directory
from bridge.system.files import is_drive_full

#: What opening a folder fails with if there is something else, a link, or nothing.
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP, errno.ENOENT})
#: (folder, the folders that are made for it, topmost first)
Announce = Callable[[Path, Sequence[Path]], None]


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

    def __init__(
        self, job: str, directory: Directory, roots: Sequence[Path] = (), claim: FolderClaim | None = None
    ) -> None:
        """`claim`: None for a folder in which a job writes nothing but a picture, or in which it can write nothing."""
        self.complete_files: CompleteFiles | None = None
        """Who gets to know the complete files; None: nobody."""
        self._job = job
        self._directory = directory
        self._roots = tuple(roots)
        self._claim = claim
        self._complete: frozenset[str] = frozenset()

    @property
    def path(self) -> Path:
        return self._directory.path

    def take_over(self, claim: FolderClaim | None, complete: Iterable[str]) -> None:
        """`complete`: names of files that an earlier run of the same job has left, identical to those of this run."""
        self._claim = claim
        self._complete = frozenset(complete)

    def has(self, name: str, result: Result | None = None) -> bool:
        """Whether an earlier run of the job has already written this file; a user's file of that name is none."""
        if name not in self._complete or not self._directory.has(name):
            return False
        if self.complete_files is not None:
            self.complete_files.kept(name, result)
        return True

    def holds(self, name: str) -> bool:
        """Whether something of that name is in the folder."""
        return self._directory.has(name)

    def left_by(self, name: str) -> str:
        """The id of the killed job called `name` whose claim lies here; empty: there is none."""
        return abandoned_by(self._directory, name)

    def open(self, name: str) -> BinaryIO:
        """A file of the folder, for reading.

        Raises:
            OSError: there is none, or it is a link, a pipe or a device.
        """
        return self._directory.open(name)

    def check_space(self, needed_bytes: int) -> None:
        """Raises OutOfSpace if the drive has less free space than this, and the part that is always left free."""
        free = shutil.disk_usage(self._directory.location).free
        if free < needed_bytes + SPARE_BYTES:
            raise OutOfSpace(
                f"The job needs {_megabytes(needed_bytes)} in {self.path}. {_megabytes(free)} are free there, "
                f"of which the bridge uses none of the last {_megabytes(SPARE_BYTES)}."
            )

    def scratch(self, name: str) -> Callable[[], BinaryIO]:
        """What opens a temporary file in the folder. It has no name where the system allows that."""

        def create() -> BinaryIO:
            with _translate_errors(self.path):
                self._check_place()
                self._directory.remove(temporary)
                return self._directory.create_unnamed(temporary)

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
        with _translate_errors(self.path):
            self._check_place()
            self._directory.remove(temporary)  # of a run that was killed, or a link that somebody has laid there
            file = self._directory.create(temporary)
            try:
                with file:
                    yield file
                    file.flush()
                    self._check_place()
                    if self._directory.has(name):
                        appeared = f"{self.path / name} has appeared while the job was running."
                        raise NotWritable(appeared, advice="Run the job again.")
                    if self.complete_files is not None:
                        self.complete_files.before_rename(name, result, file)
                self._directory.replace(temporary, name)
            finally:
                self._directory.remove(temporary)

    def write_record(self, name: str, content: bytes) -> None:
        """Writes a small file atomically; one of that name is replaced. Raises as `new_file`."""
        temporary = partial_name(self._job, name)
        with _translate_errors(self.path):
            self._check_place()
            self._directory.remove(temporary)
            try:
                with self._directory.create(temporary) as file:
                    file.write(content)
                self._directory.replace(temporary, name)
            finally:
                self._directory.remove(temporary)

    def remove(self, name: str) -> None:
        """Removes a file, if it can be removed."""
        self._directory.remove(name)

    def sweep(self) -> None:
        """Removes the job's temporary files."""
        _remove_partials(self._job, self._directory)

    def close(self) -> None:
        """Removes the job's temporary files, and gives the claim back."""
        with ExitStack() as last:
            last.callback(self._directory.close)
            if self._claim is not None:
                last.callback(self._claim.release)
            self.sweep()

    def _check_place(self) -> None:
        """Checks that the folder still lies where it was claimed, inside the roots."""
        if not self._directory.is_in_place:
            raise NotWritable(
                f"The folder {self.path} was moved or replaced while the job was running.",
                advice="Leave it in its place, and run the job again.",
            )
        check_roots(self.path, self._roots)


class JobFolders:
    """The folders of one job. They are closed when the block ends; those made for it and still empty are removed."""

    def __init__(self, job: str, name: str, files: Iterable[str], roots: Sequence[Path] = ()) -> None:
        """
        Args:
            name: of the results.
            files: all file names that the job may write.
            roots: the folders that the bridge may use; empty: all.
        """
        self._job = job
        self._name = name
        self._files = tuple(files)
        self._roots = tuple(roots)
        self._created: dict[Path, None] = {}
        self._open = ExitStack()

    def __enter__(self) -> JobFolders:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()
        remove_empty(self._created)

    def claim(self, wanted: Path, announce: Announce, *, given: bool) -> OutputFolder:
        """Makes the job's folder: `wanted`, or `wanted 2`, `wanted 3` …

        A folder that is there already is taken if it is empty, or has nothing but the claim of a job that was killed.

        Args:
            announce: called with the folder before anything is made, so that nothing is left of a job that is killed.
            given: the user named the folder, so it may already hold other files, and may be a link.

        Raises:
            NotWritable: no folder can be made there.
            OutsideRoots: the next free one would be outside the roots.
        """
        with _translate_errors(wanted):
            for candidate in numbered(wanted):
                self._check_inside(candidate, wanted)
                folder = self._claimed(candidate, announce, given=given, follow_link=given and candidate == wanted)
                if folder is not None:
                    return folder
        raise NotWritable(f"There are too many folders named like {wanted}.")

    def find(self, wanted: Path, complete: Callable[[OutputFolder], Iterable[str] | None]) -> OutputFolder | None:
        """The first of the folders `wanted`, `wanted 2` … that `complete` accepts, and that no other job works in.

        Args:
            complete: returns the names of the files in a folder that can stay as they are; None: another's folder.
        """
        for candidate in numbered(wanted):
            try:
                check_roots(candidate, self._roots)
                folder = OutputFolder(self._job, Directory(candidate), self._roots)
            except OutsideRoots:
                return None
            except OSError as error:
                if error.errno == errno.ENOENT:
                    return None
                continue
            with ExitStack() as rejected:
                rejected.callback(folder.close)
                found = complete(folder)
                if found is not None and self._takes_over(folder, found):
                    rejected.pop_all()
                    self._open.callback(folder.close)
                    return folder
        return None

    def elsewhere(self, path: Path) -> OutputFolder:
        """A folder for one file that the user wants there.

        Raises:
            NotWritable: there is no such folder.
            OutsideRoots: it is outside the roots.
        """
        with _translate_errors(path):
            check_roots(path, self._roots)
            folder = OutputFolder(self._job, Directory(path, follow_link=True), self._roots)
        self._open.callback(folder.close)
        return folder

    def _claimed(self, path: Path, announce: Announce, *, given: bool, follow_link: bool) -> OutputFolder | None:
        """The folder at `path`, made or taken for this job; None if it cannot be had."""
        created = _missing_parents(path)
        if created:
            announce(path, created)
            self._created.update(dict.fromkeys(created))
            path.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileExistsError):  # another job has been quicker
                path.mkdir()
        try:
            directory = Directory(path, follow_link=follow_link)
        except OSError as error:
            if error.errno in _NO_FOLDER:
                return None
            raise
        folder = OutputFolder(self._job, directory, self._roots)
        with ExitStack() as rejected:
            rejected.callback(folder.close)
            if not given and not self._is_abandoned(directory):
                return None
            if any(map(directory.has, self._files)) or (claim := claim_names(directory, self._name)) is None:
                return None
            folder.take_over(claim, ())
            if any(map(directory.has, self._files)):  # a job has ended since they were looked for
                return None
            inherited = self._inherit(claim, directory)
            if inherited or not created:
                announce(path, [*inherited, *created])
            claim.record(self._job, [*inherited, *created])
            folder._check_place()
            rejected.pop_all()
        self._open.callback(folder.close)
        return folder

    def _takes_over(self, folder: OutputFolder, complete: Iterable[str]) -> bool:
        try:
            claim = claim_names(folder._directory, self._name)
        except OSError:  # nothing can be written there, and perhaps nothing has to be
            claim = None
        else:
            if claim is None:
                return False
        folder.take_over(claim, complete)
        if claim is not None:
            claim.record(self._job, self._inherit(claim, folder._directory))
        return True

    def _inherit(self, claim: FolderClaim, directory: Directory) -> list[Path]:
        """Takes over what a killed job has left in the folder: its temporary files, and the folders made for it."""
        if claim.before is None:
            return []
        if claim.before.job.isalnum():
            _remove_partials(claim.before.job, directory)
        path = directory.path
        created = [folder for folder in map(Path, claim.before.created) if folder == path or folder in path.parents]
        self._created.update(dict.fromkeys(created))
        return created

    def _is_abandoned(self, directory: Directory) -> bool:
        """Whether a folder is empty, but for what a killed job may have left."""
        mine = claim_name(self._name)
        return all(name == mine or (name.startswith(".") and name.endswith(PARTIAL)) for name in directory.names())

    def _check_inside(self, candidate: Path, wanted: Path) -> None:
        try:
            check_roots(candidate, self._roots)
        except OutsideRoots:
            if candidate == wanted:
                raise
            raise OutsideRoots(
                f"{wanted} already has results of that name, and {candidate.name} beside it is outside the folders "
                f"that this bridge may use.",
                advice="Name another folder with out, or other results with name.",
            ) from None


def _remove_partials(job: str, directory: Directory) -> None:
    """Removes the temporary files that a job has left in a folder."""
    with suppress(OSError):
        for name in directory.names():
            if is_partial_of(job, name):
                directory.remove(name)


def remove_empty(folders: Iterable[Path]) -> None:
    """Removes those of the folders that are empty, the deepest first."""
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()


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
    return f"{size / 1e6:,.0f} MB" if size >= 10e6 else f"{size / 1e6:.1f} MB"
