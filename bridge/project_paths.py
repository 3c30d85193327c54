"""Where results go and what they are called: beside the DAW's project, never over anything that is there."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from bridge.errors import NotFound, OutsideRoots

#: What Windows, macOS or a DAW cannot have in a file's name.
FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
RESERVED = frozenset(
    {"CON", "PRN", "AUX", "NUL", *(f"COM{n}" for n in range(1, 10)), *(f"LPT{n}" for n in range(1, 10))}
)
#: Room for ` 99`, ` (Vocals)`, the ending and the temporary name's head within the 255 bytes of common file systems.
MAX_NAME_BYTES = 180
PARTIAL = ".partial"


def result_name(source: Path, wanted: str | None) -> str:
    """What the results are called: the name that was asked for, or the source's, as every system can write it.

    Accents stay composed or decomposed as they come (macOS decomposes them): scripts wait for files by the name that
    they have asked for, and compare bytes.
    """
    name = FORBIDDEN.sub("_", (wanted or source.stem).strip()).rstrip(". ")
    name = name.encode("utf-8", "replace")[:MAX_NAME_BYTES].decode("utf-8", "ignore").rstrip(". ") or "clip"
    head, dot, rest = name.partition(".")
    return f"{head}_{dot}{rest}" if head.strip().upper() in RESERVED else name


def stem_file(name: str, stem: str, ending: str) -> str:
    """`song`, `vocals`, `wav` → `song (Vocals).wav`."""
    return f"{name} ({stem.capitalize()}).{ending}"


def partial_name(job: str, file: str) -> str:
    """The hidden temporary name that `file` has until it is complete."""
    return f".{job}.{file}{PARTIAL}"


def is_partial_of(job: str, path: Path) -> bool:
    """True for what a job has left unfinished."""
    return path.name.startswith(f".{job}.") and path.name.endswith(PARTIAL)


def output_parent(source: Path, project: str | None) -> Path:
    """The folder in which a job's own folder is made.

    A Live project keeps stems in `Samples/Processed/Stems`; an Ardour session or REAPER project in `stems`; without
    a project they lie in `stems` beside the clip.

    Raises:
        NotFound: `project` names nothing that is there.
    """
    if project is not None:
        root = Path(project).expanduser()
        if not root.exists():
            raise NotFound(f"There is no project {project}.")
        return _stems_folder(root if root.is_dir() else root.parent)
    for folder in source.parents:
        if _is_project(folder):
            return _stems_folder(folder)
    return source.parent / "stems"


def numbered(folder: Path) -> Iterable[Path]:
    """`folder`, then `folder 2`, `folder 3` …"""
    yield folder
    if not folder.name:  # the root of a drive
        return
    for number in range(2, 10_000):
        yield folder.with_name(f"{folder.name} {number}")


def check_roots(path: Path, roots: Iterable[Path]) -> None:
    """Sees that `path`, wherever its links lead, lies in one of `roots`; without roots it may lie anywhere.

    Raises:
        OutsideRoots: it does not.
    """
    allowed = [root.resolve() for root in roots]
    if allowed and not any(path.resolve().is_relative_to(root) for root in allowed):
        raise OutsideRoots(f"{path} lies outside the folders that this bridge may use.")


def _stems_folder(project: Path) -> Path:
    if _is_live_project(project):
        return project / "Samples" / "Processed" / "Stems"
    return project / "stems"


def _is_project(folder: Path) -> bool:
    return _is_live_project(folder) or _holds(folder, ".ardour", ".rpp")


def _is_live_project(folder: Path) -> bool:
    return (folder / "Ableton Project Info").is_dir() or _holds(folder, ".als")


def _holds(folder: Path, *endings: str) -> bool:
    try:
        return any(entry.suffix.lower() in endings and entry.is_file() for entry in folder.iterdir())
    except OSError:  # a folder above that may not be listed is no project of this user's
        return False
