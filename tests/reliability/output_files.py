"""Whether the files that a bridge has left are whole, and each is one that it told of."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator
from pathlib import Path

import mido  # type: ignore[import-untyped]  # it ships no types
import soundfile

#: Records of jobs, which no event tells of.
RECORDS = (".sab.json", ".unfinished.json")
_JOB = re.compile(r"\b[a-z]{8}\b(?=\.)")


def left_over(folder: Path, told: Collection[Path], ours: Collection[Path]) -> Iterator[str]:
    """What should not lie in `folder`, a line each: temporaries, files without an event, half files, empty folders.

    Args:
        told: the files that the bridge told of.
        ours: files and folders that the fault itself put there; what lies in such a link or file is not looked at.
    """
    for path in sorted(folder.iterdir()):
        if path in ours and (path.is_symlink() or not path.is_dir()):
            continue
        if path.is_symlink():
            yield f"a link {path.name} that nobody planted"
        elif path.is_dir():
            inside = list(path.iterdir())
            if not inside and path not in ours:
                yield f"an empty folder {path.name}"
            yield from left_over(path, told, ours)
        elif path.name.startswith("."):
            yield f"a temporary file {_JOB.sub('JOB', path.name)}"
        elif path.name.endswith(RECORDS):
            yield from _json_faults(path)
        elif path not in told:
            yield f"a file that no event told of: {path.name}"


def missing_or_broken(path: Path, seconds: float) -> Iterator[str]:
    """What is wrong with a file that the bridge told of, a line each."""
    try:
        if not path.is_file():
            yield f"{path.name} was told of and is not there"
        elif path.suffix == ".wav":
            info = soundfile.info(str(path))
            if not math.isclose(info.frames, seconds * info.samplerate, abs_tol=1.5):
                yield f"{path.name} has {info.frames} frames for {seconds:g} s"
        elif path.suffix == ".mid":
            mido.MidiFile(path)
    except (OSError, ValueError, EOFError, KeyError, IndexError, soundfile.LibsndfileError) as error:
        yield f"{path.name} cannot be read ({type(error).__name__})"


def _json_faults(path: Path) -> Iterator[str]:
    try:
        json.loads(path.read_bytes())
    except ValueError:
        yield f"half a record {path.name}"
