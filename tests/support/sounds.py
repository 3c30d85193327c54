"""Test sounds, and reading and writing them."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

Samples: TypeAlias = npt.NDArray[np.float32]


def music(seconds: float, rate: int = 44_100, channels: int = 2) -> Samples:
    """A fifth, a bass tone and clicks, slightly different in every channel; peaks below 0.8."""
    t = np.arange(round(seconds * rate)) / rate
    out = np.zeros((len(t), channels))
    clicks = (np.random.default_rng(3).standard_normal(len(t))) * np.exp(-(t % 0.5) * 60)
    for channel in range(channels):
        tone = np.sin(2 * np.pi * 440 * t) * (0.25 - 0.02 * channel)
        fifth = np.sin(2 * np.pi * 660 * t + channel) * 0.1
        bass = np.sin(2 * np.pi * 65.4 * t) * 0.2
        out[:, channel] = tone + fifth + bass + 0.06 * clicks
    return out.astype(np.float32)


def write(path: Path, samples: Samples, rate: int = 44_100, subtype: str = "PCM_16") -> Path:
    """Writes a file in the format of its extension."""
    soundfile.write(str(path), samples, rate, subtype=subtype)
    return path


def read(path: Path) -> Samples:
    """float32 (frames, channels)."""
    samples: Samples = soundfile.read(str(path), dtype="float32", always_2d=True)[0]
    return samples


def level_dbfs(samples: npt.ArrayLike) -> float:
    """Peak level; -inf for silence."""
    peak = float(np.abs(np.asarray(samples)).max(initial=0.0))
    return float(20 * np.log10(peak)) if peak else -np.inf
