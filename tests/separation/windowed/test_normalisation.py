"""The level of a whole mix is measured by two threads; every bit of a stem depends on it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.control import NullControl
from bridge.errors import Cancelled
from bridge.separation.spleeter import level as spleeter_level
from bridge.separation.windowed import normalisation
from bridge.separation.windowed.normalisation import measure_level
from tests.support.fakes import RecordingControl

if TYPE_CHECKING:
    from bridge.protocols import Samples

RATE_HZ = 1000


def mix_of(frames: int, seed: int) -> Samples:
    random = np.random.default_rng(seed)
    loudness = 10.0 ** random.uniform(-9, 3)
    mix: Samples = (loudness * (random.standard_normal((frames, 2)) + random.uniform(-1, 1))).astype(np.float32)
    return mix


def level_in_one_thread(mix: Samples, block_frames: int) -> tuple[float, float]:
    """Mean and deviation as they have been computed since the first release."""
    count, mean, squares = 0, 0.0, 0.0
    for start in range(0, len(mix), block_frames):
        mono = mix[start : start + block_frames].mean(axis=1, dtype=np.float64)
        block_mean = float(mono.mean())
        difference = block_mean - mean
        total = count + len(mono)
        squares += float(np.square(mono - block_mean).sum()) + difference**2 * count * len(mono) / total
        mean += difference * len(mono) / total
        count = total
    return mean, (math.sqrt(squares / (count - 1)) if count > 1 else 0.0) + 1e-8


@given(frames=st.integers(1, 9000), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_the_level_is_to_the_bit_what_one_thread_measured(frames: int, seed: int) -> None:
    mix = mix_of(frames, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalisation, "BLOCK_FRAMES", 2000)
        level = measure_level(ArraySignal(mix, RATE_HZ), NullControl())
    assert (level.mean, level.deviation) == level_in_one_thread(mix, 2000)


@given(frames=st.integers(1, 9000), seed=st.integers(0, 99))
@settings(max_examples=50, deadline=None)
def test_the_powers_of_blocks_are_to_the_bit_what_one_thread_measured(frames: int, seed: int) -> None:
    mix = mix_of(frames, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spleeter_level, "READ_BLOCKS", 4)
        powers = spleeter_level._block_powers(ArraySignal(mix, RATE_HZ), NullControl())
    squares = np.square(mix, dtype=np.float64).mean(axis=1)
    assert powers.tolist() == [float(squares[first : first + 400].mean()) for first in range(0, frames, 400)]


def test_only_zeros_are_silence() -> None:
    mix = np.zeros((5000, 2), np.float32)
    assert measure_level(ArraySignal(mix, RATE_HZ), NullControl()).is_silent
    mix[4999, 1] = 1e-30
    assert not measure_level(ArraySignal(mix, RATE_HZ), NullControl()).is_silent


def test_measuring_ends_when_it_is_cancelled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(normalisation, "BLOCK_FRAMES", 100)
    with pytest.raises(Cancelled):
        measure_level(ArraySignal(mix_of(5000, 0), RATE_HZ), RecordingControl(cancel_at=3))
