"""The clips that a command line names: files, and folders with their audio files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from bridge.errors import BadArguments, BridgeError, unresponsive_drive
from bridge.options.paths import absolute_path, current_folder, is_folder
from bridge.options.special_kinds import LONGEST_GROUP_NAME
from bridge.pipeline.clips_in_folder import clips_in
from bridge.system.ids import new_id
from bridge.system.off_loop import ANSWER_SECONDS, off_loop


class NamedClips(NamedTuple):
    """What a command line names."""

    files: list[Path]
    """Absolute, in order."""
    is_group: bool
    """False: one file."""
    folder: Path | None = None
    """The folder that all are from, if one was named and nothing else."""


async def find_clips(written: Sequence[str]) -> NamedClips:
    """The files as written, in order; a folder stands for its audio files in natural order.

    Raises:
        BadArguments: a path is empty, or none.
        NotFound: a folder holds no audio file.
        NotReadable: a folder cannot be read, or its drive does not answer.
    """
    try:
        return await off_loop(lambda: _find(written), timeout_seconds=ANSWER_SECONDS)
    except TimeoutError:
        raise unresponsive_drive(written[0]) from None


def new_group_name(folder: Path | None) -> str:
    """A name for the group of these clips: that of the folder that all are from, if there is one, and some letters."""
    readable = "".join(sign for sign in folder.name if sign.isprintable()).strip() if folder is not None else ""
    readable = readable or "clips"
    letters = new_id(4)
    return f"{readable[: LONGEST_GROUP_NAME - 5]}-{letters}"


def _find(written: Sequence[str]) -> NamedClips:
    paths = [_absolute(path, alone=len(written) == 1) for path in written]
    folders = [path for path in paths if _is_folder(path)]
    files = [clip for path in paths for clip in (clips_in(path) if path in folders else [path])]
    return NamedClips(files, bool(folders) or len(paths) > 1, folders[0] if folders and len(paths) == 1 else None)


def _absolute(written: str, *, alone: bool) -> Path:
    """The path; one of several that is none stays as it is, and is refused later without stopping the others."""
    try:
        return Path(absolute_path("FILE", written, current_folder()))
    except BadArguments:
        if alone:
            raise
        return Path(written or "FILE")


def _is_folder(path: Path) -> bool:
    """Also False for what cannot be looked at: as a clip, it is refused later without stopping the others."""
    try:
        return is_folder(path)
    except BridgeError:
        return False
