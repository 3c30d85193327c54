"""The clips that a folder stands for, and the results of the bridge, which are none."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from bridge.audio.clip_names import AUDIO_ENDINGS, natural_order
from bridge.errors import NotFound, NotReadable
from bridge.options.record import from_json
from bridge.pipeline import manifest, unfinished
from bridge.system.files import read_small
from bridge.value import Value

#: The ends of the names of manifests, and of the records of jobs that are not done.
RECORD_ENDINGS = (manifest.ENDING, f".{unfinished.ENDING}")


class _Named(Value, frozen=True):
    file: str


class _Record(Value, frozen=True):
    """The part of a record that lists its files."""

    results: tuple[_Named, ...]


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
    """The names of the files that the records among `files` list; a damaged record lists none."""
    made: set[str] = set()
    for path in files:
        if path.name.endswith(RECORD_ENDINGS):
            with suppress(OSError, ValueError):
                made |= results_of(path)
    return made


def results_of(record: Path) -> frozenset[str]:
    """The names of the files that a record lists.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no record.
    """
    return frozenset(result.file for result in from_json(read_small(record), _Record).results)
