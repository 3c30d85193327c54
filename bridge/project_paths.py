"""Folders and names of results: beside the DAW's project, without overwriting existing files."""

from __future__ import annotations

import functools
import os
import re
import time
from collections.abc import Iterable
from pathlib import Path

from bridge.errors import NotFound, NotWritable, OutsideRoots
from bridge.stems import label_of

#: Characters that Windows, macOS or a DAW does not allow in file names.
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"COM{n}" for n in range(1, 10)), *(f"LPT{n}" for n in range(1, 10))}
)
#: Leaves room for ` 99`, ` (Instrumental)`, the suffix and the temporary prefix within the 255 bytes of common file
#: systems.
MAX_NAME_BYTES = 180
PARTIAL = ".partial"
#: The folder by which Ableton Live marks its projects.
LIVE_INFO = "Ableton Project Info"
PROJECT_SUFFIXES = (".als", ".ardour", ".rpp")
#: Longer names no common file system takes; longer paths macOS does not, nor many a program that reads audio.
MAX_FILE_NAME_BYTES, MAX_PATH_BYTES = 255, 1023
#: A folder changed this long ago has another time of change when it changes again, whatever its drive's clock resolves.
_SETTLED_NS = 4_000_000_000
#: Room for ` 99/`, a stem's label and the longest ending.
_ROOM_BYTES = 48


def result_name(source: Path, wanted: str | None) -> str:
    """The name of the results: the requested name, or the source's, made valid on every system.

    The Unicode normalisation is not changed, because scripts wait for files by the name that they requested and compare
    bytes (macOS decomposes accents).
    """
    name = FORBIDDEN.sub("_", (wanted or source.stem).strip()).rstrip(". ")
    name = name.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(". ") or "clip"
    head, dot, rest = name.partition(".")
    return f"{head}_{dot}{rest}" if head.strip().upper() in RESERVED else name


def stem_file_name(name: str, stem: str, ending: str) -> str:
    """`song`, `vocals`, `wav` → `song (Vocals).wav`."""
    return f"{name} ({label_of(stem)}).{ending}"


def partial_name(job: str, file: str) -> str:
    """The hidden temporary name of `file` until it is complete."""
    return f".{job}.{file}{PARTIAL}"


def is_partial_of(job: str, file: str) -> bool:
    """Whether `file` is the name of a temporary file of the job."""
    return file.startswith(f".{job}.") and file.endswith(PARTIAL)


def output_parent(source: Path, project: str | None) -> Path:
    """The parent of a job's output folder.

    `Samples/Processed/Stems` in a Live project, `stems` in an Ardour session or REAPER project, and `stems` beside the
    clip without a project.

    Raises:
        NotFound: `project` does not exist.
    """
    if project is not None:
        root = Path(project).expanduser()
        if not os.path.exists(root):  # noqa: PTH110 - Path.exists raises where this account may not look
            raise NotFound(f"There is no project {project}.")
        return _stems_folder(root if root.is_dir() else root.parent)
    for folder in source.parents:
        if _is_project(folder):
            return _stems_folder(folder)
    return source.parent / "stems"


def numbered(folder: Path) -> Iterable[Path]:
    """`folder`, then `folder 2`, `folder 3` …"""
    yield folder
    if not folder.name:  # the root of a drive has no name
        return
    for number in range(2, 10_000):
        yield folder.with_name(f"{folder.name} {number}")


def check_length(folder: Path, name: str) -> None:
    """Checks that the results called `name` can be written to `folder`, or to a numbered one beside it.

    Raises:
        NotWritable: their paths would be too long.
    """
    length = len(os.fsencode(folder)) + len(name.encode("utf-8", "replace")) + _ROOM_BYTES
    if length > MAX_PATH_BYTES or any(len(os.fsencode(part)) > MAX_FILE_NAME_BYTES for part in folder.parts):
        raise NotWritable(
            f"The paths of the results would be too long: above {MAX_PATH_BYTES} bytes, or with a folder's name above "
            f"{MAX_FILE_NAME_BYTES}, in {folder}.",
            advice="Choose a shorter folder with out, or a shorter name with name.",
        )


def check_roots(path: Path, roots: Iterable[Path]) -> None:
    """Checks that `path`, with links resolved, is in one of `roots`; without roots it may be anywhere.

    Raises:
        OutsideRoots: it is not.
    """
    allowed = [root.resolve() for root in roots]
    if allowed and not any(path.resolve().is_relative_to(root) for root in allowed):
        raise OutsideRoots(f"{path} is outside the folders that this bridge may use.")


def _stems_folder(project: Path) -> Path:
    if _is_live_project(project):
        return project / "Samples" / "Processed" / "Stems"
    return project / "stems"


def _is_project(folder: Path) -> bool:
    return (folder / LIVE_INFO).is_dir() or bool(_projects_in(folder))


def _is_live_project(folder: Path) -> bool:
    return (folder / LIVE_INFO).is_dir() or ".als" in _projects_in(folder)


def _projects_in(folder: Path) -> frozenset[str]:
    """The suffixes of the DAW projects that lie in a folder."""
    try:
        modified_ns = folder.stat().st_mtime_ns
        if time.time_ns() - modified_ns > _SETTLED_NS:
            return _projects_in_settled(folder, modified_ns)
        return _look_for_projects(folder)
    except OSError:  # a parent that cannot be listed is not the user's project
        return frozenset()


def _look_for_projects(folder: Path) -> frozenset[str]:
    names = [name for name in os.listdir(folder) if name.lower().endswith(PROJECT_SUFFIXES)]  # noqa: PTH208 - very many
    suffixes = {name: os.path.splitext(name)[1].lower() for name in names}  # noqa: PTH122 - empty for a file `.als`
    return frozenset(suffix for name, suffix in suffixes.items() if suffix and (folder / name).is_file())


@functools.lru_cache(maxsize=256)
def _projects_in_settled(folder: Path, modified_ns: int) -> frozenset[str]:  # noqa: ARG001 - it tells the contents
    """Remembered: a thousand clips of one folder come at once, and its parents may hold a hundred thousand files."""
    return _look_for_projects(folder)
