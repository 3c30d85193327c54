"""The clips that a folder stands for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bridge.audio.clip_names import AUDIO_ENDINGS, natural_order
from bridge.errors import NotFound, NotReadable
from bridge.pipeline.manifest import decode_manifest
from bridge.system.files import read_small

MANIFEST_ENDING = ".sab.json"


def clips_in(folder: Path) -> list[Path]:
    """The audio files of a folder in natural order: not those in its folders, hidden ones, or results of the bridge.

    Raises:
        NotFound: there is none.
        NotReadable: the folder cannot be read.
    """
    try:
        files = [path for path in folder.iterdir() if path.is_file()]
    except (OSError, ValueError) as error:  # ValueError: there can be no such name
        reason = error.strerror if isinstance(error, OSError) else error
        raise NotReadable(f"The folder {folder} cannot be read: {reason}.") from error
    made = results_in(files)
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


def results_in(files: Iterable[Path]) -> set[str]:
    """The names of the files that the manifests among `files` list; a damaged manifest lists none."""
    made: set[str] = set()
    for path in files:
        if path.name.endswith(MANIFEST_ENDING):
            try:
                made.update(result.file for result in decode_manifest(read_small(path)).results)
            except (OSError, ValueError):
                continue
    return made
