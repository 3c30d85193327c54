"""Notes as an earlier version of the bridge reads them: in a work tree of this repository, in a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.quality.metres import PEER, peer_folder
from benchmarks.quality.note_scores import Plain, Sample
from bridge.transcription.pitched.basic_pitch import find_model

__all__ = ["PEER", "notes_of_earlier"]

#: Reads pairs of a path and a stem, and prints the notes of each, with the version of the folder that it runs in.
_SCRIPT = """
import json, sys
from pathlib import Path
try:
    from benchmarks.quality.note_scores import Ours, plain
except ImportError:  # where it lay in the first versions
    from benchmarks.note_scores import Ours, plain
ours = Ours()
print(json.dumps([plain(ours(Path(path), stem)) for path, stem in json.load(sys.stdin)]))
"""


def notes_of_earlier(samples: Sequence[Sample], commit: str) -> list[list[Plain]] | None:
    """The notes of each sample; None where git does not have that commit."""
    with peer_folder(commit) as tree:
        if tree is None:
            return None
        _give_network(tree)
        asked = json.dumps([(str(sample.path.resolve()), sample.as_stem) for sample in samples])
        command = [sys.executable, "-c", _SCRIPT]
        printed = subprocess.run(command, cwd=tree, input=asked, capture_output=True, text=True, check=True).stdout
    return [[tuple(note) for note in notes] for notes in json.loads(printed)]


def _give_network(tree: Path) -> None:
    """A work tree has no files that an installation makes: basic-pitch's network, where that version looks for it."""
    ours = find_model().parent
    for room in tree.glob("bridge/transcription/pitched"):
        shutil.copytree(ours, room / ours.name, dirs_exist_ok=True)
