"""How long a transcription takes: with everything loaded, and as a command from a cold start."""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from benchmarks.corpora.synthesis import RATE_HZ
from benchmarks.quality.note_scores import Ours, Peer, Sample, read_mono

if TYPE_CHECKING:
    import numpy.typing as npt

WARM_SECONDS = 60


@dataclass(frozen=True)
class Timing:
    """Medians in seconds, both programs measured in turns."""

    what: str
    ours: float
    basic_pitch: float

    @property
    def ratio(self) -> float:
        """How many times faster ours is."""
        return self.basic_pitch / self.ours


def timings(samples: Sequence[Sample], ours: Ours, peer: Peer, folder: Path, repeats: int) -> list[Timing]:
    """60 s of the samples, as a stem with everything loaded, and as a file for both commands from a cold start."""
    minute = folder / "minute.wav"
    _write_minute(samples, minute)
    warm = _in_turns("60 s, warm", lambda: ours(minute, "mix"), lambda: peer(minute), repeats)
    cold = _in_turns(
        "60 s, cold command",
        lambda: _run([sys.executable, "-m", "bridge", "transcribe", "--json", "--out", _fresh(folder), str(minute)]),
        lambda: _run([_beside_python("basic-pitch"), "--model-serialization", "onnx", _fresh(folder), str(minute)]),
        repeats,
    )
    return [warm, cold]


def _write_minute(samples: Sequence[Sample], path: Path) -> None:
    parts: list[npt.NDArray[np.float32]] = []
    frames = 0
    while frames < WARM_SECONDS * RATE_HZ:
        for sample in samples:
            signal = read_mono(sample.path)
            parts.append(signal.samples[:, 0])
            frames += signal.frames
    soundfile.write(str(path), np.concatenate(parts)[: WARM_SECONDS * RATE_HZ], RATE_HZ, subtype="PCM_16")


def _in_turns(what: str, ours: Callable[[], object], peer: Callable[[], object], repeats: int) -> Timing:
    seconds: tuple[list[float], list[float]] = [], []
    for _ in range(repeats):
        for side, work in zip(seconds, (ours, peer), strict=True):
            start = time.perf_counter()
            work()
            side.append(time.perf_counter() - start)
    return Timing(what, *(round(statistics.median(side), 3) for side in seconds))


def _run(command: list[str]) -> None:
    # A cached result would not be transcribed at all.
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "SAB_CACHE_MAX_GB": "0"})


def _fresh(folder: Path) -> str:
    """A new folder: basic-pitch refuses to write over its own results."""
    return tempfile.mkdtemp(dir=folder)


def _beside_python(command: str) -> str:
    found = shutil.which(command, path=str(Path(sys.executable).parent)) or shutil.which(command)
    if found is None:
        raise SystemExit(f"The command {command} is not installed here.")
    return found
