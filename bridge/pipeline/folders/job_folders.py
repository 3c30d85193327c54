"""The folders of one job: claimed for it alone, or taken over from an earlier run of the same job."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack, suppress
from itertools import takewhile
from pathlib import Path
from types import TracebackType

from bridge.errors import NotWritable, OutsideRoots
from bridge.pipeline.folders.claim import FolderClaim, claim_file_name, claim_names
from bridge.pipeline.folders.output_folder import OutputFolder, remove_partials, translate_folder_errors
from bridge.project_paths import PARTIAL, check_roots, numbered
from bridge.system.directory import Directory

#: What opening a folder fails with if there is something else, a link, or nothing.
_NO_FOLDER = frozenset({errno.ENOTDIR, errno.ELOOP, errno.ENOENT})
#: (folder, the folders that are made for it, topmost first)
Announce = Callable[[Path, Sequence[Path]], None]


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
        with translate_folder_errors(wanted):
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
        with translate_folder_errors(path):
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
            folder.made_levels = sum(1 for _ in takewhile({*inherited, *created}.__contains__, (path, *path.parents)))
            folder.check_place()
            rejected.pop_all()
        self._open.callback(folder.close)
        return folder

    def _takes_over(self, folder: OutputFolder, complete: Iterable[str]) -> bool:
        try:
            claim = claim_names(folder.directory, self._name)
        except OSError:  # nothing can be written there, and perhaps nothing has to be
            claim = None
        else:
            if claim is None:
                return False
        folder.take_over(claim, complete)
        if claim is not None:
            claim.record(self._job, self._inherit(claim, folder.directory))
        return True

    def _inherit(self, claim: FolderClaim, directory: Directory) -> list[Path]:
        """Takes over what a killed job has left in the folder: its temporary files, and the folders made for it."""
        if claim.before is None:
            return []
        if claim.before.job.isalnum():
            remove_partials(claim.before.job, directory)
        path = directory.path
        created = [folder for folder in map(Path, claim.before.created) if folder == path or folder in path.parents]
        self._created.update(dict.fromkeys(created))
        return created

    def _is_abandoned(self, directory: Directory) -> bool:
        """Whether a folder is empty, but for what a killed job may have left."""
        mine = claim_file_name(self._name)
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


def remove_empty(folders: Iterable[Path]) -> None:
    """Removes those of the folders that are empty, the deepest first."""
    for folder in sorted(folders, key=lambda path: len(path.parts), reverse=True):
        with suppress(OSError):
            folder.rmdir()


def _missing_parents(folder: Path) -> list[Path]:
    """`folder` and its parents that do not exist yet, topmost first."""
    missing = []
    for path in (folder, *folder.parents):
        if path.exists():
            break
        missing.append(path)
    return missing[::-1]
