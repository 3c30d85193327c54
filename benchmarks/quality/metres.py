"""Tempo and metre of songs in even and odd metres, slow and fast, beside an earlier version of the bridge.

Part of `python -m benchmarks.quality.tempo`. The songs (`benchmarks.corpora.metres`) are cut anywhere; nothing was
fitted to them. The earlier version runs in a work tree of this repository, in a process of its own.
"""

from __future__ import annotations

import json
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from benchmarks.corpora.metres import song
from benchmarks.corpora.synthesis import RATE_HZ, rendered
from benchmarks.report import Figure
from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.music.tempo.estimate import CONFIDENT, TempoEstimate, estimate_tempo

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: The version before metres were estimated.
PEER = "626060e"
NEAR = 0.01
GROUPS = ("slow", "four", "fast", "3/4", "6/8", "5/4", "7/8", "7/4")
#: Prints tempo and confidence of a WAV file, with the version of the folder that it runs in.
PEER_SCRIPT = """
import json, sys, soundfile
from bridge.audio.signal import ArraySignal
from bridge.music.tempo import estimate_tempo
class Control:
    def checkpoint(self, fraction): pass
samples, rate = soundfile.read(sys.argv[1], dtype="float32", always_2d=True)
found = estimate_tempo(ArraySignal(samples, rate), Control())
print(json.dumps([found.bpm, found.confidence]))
"""


@dataclass(frozen=True)
class SongFound:
    """One song, what was found in it, and what the earlier version found."""

    group: str
    name: str
    tempo_bpm: float
    signature: tuple[int, int]
    ours: TempoEstimate
    peer_bpm: float
    peer_confidence: float

    @property
    def is_right(self) -> bool:
        return _near(self.ours.bpm, self.tempo_bpm)

    @property
    def is_sure(self) -> bool:
        return self.ours.confidence >= CONFIDENT

    @property
    def has_metre(self) -> bool:
        return self.is_right and self.ours.time_signature == self.signature


@contextmanager
def peer_folder(commit: str = PEER) -> Iterator[Path | None]:
    """A work tree of an earlier version; None where git does not have it."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        made = subprocess.run(
            ["git", "worktree", "add", "--detach", str(tree), commit], capture_output=True, check=False
        )
        try:
            yield tree if made.returncode == 0 else None
        finally:
            if made.returncode == 0:
                subprocess.run(["git", "worktree", "remove", "--force", str(tree)], capture_output=True, check=False)


def song_found(seed: int, peer: Path | None) -> SongFound:
    """One song, cut anywhere."""
    groove, piece = song(seed)
    rng = random.Random(seed)
    mixed: Samples = np.sum([rendered(part, piece.seconds + 1.0) for part in piece.parts], axis=0)
    start = round(rng.uniform(0, 5) * RATE_HZ)
    samples = mixed[start : start + round(rng.uniform(18, 30) * RATE_HZ)]
    ours = estimate_tempo(ArraySignal(samples, RATE_HZ), NullControl())
    bpm, confidence = (0.0, 0.0) if peer is None else _of_peer(samples, peer)
    return SongFound(groove.group, groove.name, piece.tempo_bpm, groove.metre, ours, bpm, confidence)


def _of_peer(samples: Samples, peer: Path) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "song.wav"
        soundfile.write(str(path), samples, RATE_HZ, subtype="FLOAT")
        command = [sys.executable, "-c", PEER_SCRIPT, str(path)]
        printed = subprocess.run(command, cwd=peer, capture_output=True, check=True).stdout
    bpm, confidence = json.loads(printed)
    return bpm, confidence


def rows(found: Sequence[SongFound]) -> Iterator[Figure]:
    """How often tempo and metre are right, and how often a wrong tempo is sure: ours, and the earlier version's."""
    if not found:
        return
    wrong = [one.is_sure and not one.is_right for one in found]
    peer_wrong = [one.peer_confidence >= CONFIDENT and not _near(one.peer_bpm, one.tempo_bpm) for one in found]
    details = {"songs": float(len(found)), f"{PEER}": 1 - statistics.mean(peer_wrong)}
    yield Figure("metres: no confident wrong tempo", "of all", [1 - statistics.mean(wrong)], "≥ 0.96", details)
    for group in GROUPS:
        songs = [one for one in found if one.group == group]
        if not songs:
            continue
        peer_sure = [one for one in songs if one.peer_confidence >= CONFIDENT]
        details = {
            "songs": float(len(songs)),
            "confident": statistics.mean(one.is_sure for one in songs),
            "confident and wrong": statistics.mean(one.is_sure and not one.is_right for one in songs),
            "tempo and metre": statistics.mean(one.has_metre for one in songs),
            f"{PEER}: tempo": statistics.mean(_near(one.peer_bpm, one.tempo_bpm) for one in songs),
            f"{PEER}: confident": len(peer_sure) / len(songs),
            f"{PEER}: confident and wrong": sum(not _near(one.peer_bpm, one.tempo_bpm) for one in peer_sure)
            / len(songs),
        }
        yield Figure(
            f"metres, {group}: tempo right", "of all", [statistics.mean(one.is_right for one in songs)], "–", details
        )
    told = [one for one in found if one.group in ("3/4", "6/8")]
    told += [one for one in found if one.signature == (4, 4)]
    if told:
        is_right = [one.ours.time_signature == one.signature for one in told]
        yield Figure("metres: 3/4, 4/4, 6/8 recognised", "of all", [statistics.mean(is_right)], "≥ 0.9")
    odd = [one for one in found if one.group in ("5/4", "7/8", "7/4")]
    if odd:
        held = [one.has_metre or one.is_right or not one.is_sure for one in odd]
        yield Figure("metres: fives and sevens right or unconfident", "of all", [statistics.mean(held)], "1")


def _near(bpm: float, true_bpm: float) -> bool:
    return abs(bpm / true_bpm - 1) < NEAR
