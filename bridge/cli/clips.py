"""The clips that a command line names: files, and folders with their audio files."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from bridge.errors import BadArguments, NotFound, NotReadable, unresponsive_drive
from bridge.options.paths import absolute_path, current_folder
from bridge.options.special_kinds import LONGEST_GROUP_NAME
from bridge.pipeline.manifest import decode_manifest
from bridge.scheduler import ID_LETTERS
from bridge.system.files import read_small
from bridge.system.off_loop import ANSWER_SECONDS, off_loop

#: Of audio files, in lower case. In a folder, files with other endings are no clips.
AUDIO_ENDINGS = frozenset(
    [
        ".aac",
        ".aif",
        ".aifc",
        ".aiff",
        ".alac",
        ".au",
        ".caf",
        ".flac",
        ".m4a",
        ".mka",
        ".mp2",
        ".mp3",
        ".oga",
        ".ogg",
        ".opus",
        ".snd",
        ".w64",
        ".wav",
        ".wave",
        ".wma",
    ]
)
MANIFEST_ENDING = ".sab.json"


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


def clips_in(folder: Path) -> list[Path]:
    """The audio files of a folder in natural order: not those in its folders, hidden ones, or results of the bridge.

    Raises:
        NotFound: there is none.
        NotReadable: the folder cannot be read.
    """
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise NotReadable(f"The folder {folder} cannot be read: {error.strerror}.") from error
    made = _results_in(files)
    found = [
        path
        for path in files
        if path.suffix.lower() in AUDIO_ENDINGS and not path.name.startswith(".") and path.name not in made
    ]
    if not found:
        raise NotFound(
            f"There is no audio file in the folder {folder}.",
            advice="Folders in it, hidden files and the bridge's own results do not count.",
        )
    return sorted(found, key=lambda path: natural_order(path.name))


def natural_order(name: str) -> tuple[list[tuple[int, int, str]], str]:
    """A key that sorts `take 2` before `take 10`, whatever the case and the Unicode form of the letters."""
    words = re.findall(r"[0-9]+|[^0-9]+", unicodedata.normalize("NFC", name).casefold())
    return [(0, int(word), "") if word[0] in "0123456789" else (1, 0, word) for word in words], name


def new_group_name(folder: Path | None) -> str:
    """A name for the group of these clips: that of the folder that all are from, if there is one, and some letters."""
    readable = "".join(sign for sign in folder.name if sign.isprintable()).strip() if folder is not None else ""
    readable = readable or "clips"
    letters = "".join(secrets.choice(ID_LETTERS) for _ in range(4))
    return f"{readable[: LONGEST_GROUP_NAME - 5]}-{letters}"


def _find(written: Sequence[str]) -> NamedClips:
    paths = [_absolute(path, alone=len(written) == 1) for path in written]
    folders = [path for path in paths if path.is_dir()]
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


def _results_in(files: Iterable[Path]) -> set[str]:
    """The names of the files that the manifests among `files` list; a damaged manifest lists none."""
    made: set[str] = set()
    for path in files:
        if path.name.endswith(MANIFEST_ENDING):
            try:
                made.update(result.file for result in decode_manifest(read_small(path)).results)
            except (OSError, ValueError):
                continue
    return made
