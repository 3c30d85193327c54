from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.pipeline.kit import step_of
from bridge.separation.kit.closing import closed, on_steps
from tests.support.sounds import Samples


def parts_of(seed: int, frames: int, channels: int) -> tuple[dict[str, Samples], Samples]:
    rng = np.random.default_rng(seed)
    parts = {name: (rng.standard_normal((frames, channels)) * 0.1).astype(np.float32) for name in "abcde"}
    parts["c"] *= np.float32(1e-4)
    whole: Samples = np.asarray(np.sum([*parts.values()], axis=0, dtype=np.float64), np.float32)
    return parts, whole


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 999), st.integers(0, 300), st.integers(1, 2), st.sampled_from(("PCM_16", "PCM_24")))
def test_integers_sum_to_the_bit(seed: int, frames: int, channels: int, subtype: str) -> None:
    step = step_of(subtype)
    parts, whole = parts_of(seed, frames, channels)
    whole = on_steps(whole, step)
    found = closed(parts, whole, step)
    steps = [part.astype(np.float64) / step for part in found.values()]
    assert all(np.array_equal(part, np.rint(part)) for part in steps)
    assert np.array_equal(np.sum(steps, axis=0) * step, whole)
    assert all(np.abs(found[name] - parts[name]).max(initial=0) <= 4 * step for name in parts)


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 999), st.integers(1, 300))
def test_floats_sum_to_half_of_the_last_bit_of_the_largest(seed: int, frames: int) -> None:
    parts, whole = parts_of(seed, frames, 2)
    found = closed(parts, whole, 0.0)
    largest = np.max(np.abs([*found.values()]), axis=0)
    total = np.sum([*found.values()], axis=0, dtype=np.float64)
    assert (np.abs(total - whole) <= np.spacing(largest.astype(np.float32)) / 2).all()


def test_silent_parts_stay_silent() -> None:
    """What rounding leaves over goes to a part that sounds, not to a file of digital silence."""
    parts, whole = parts_of(1, 500, 1)
    parts["e"] += parts["b"]
    parts["b"] *= 0
    assert not closed(parts, on_steps(whole, 2.0**-15), 2.0**-15)["b"].any()


@pytest.mark.parametrize(
    ("subtype", "step"), [("PCM_16", 2.0**-15), ("PCM_24", 2.0**-23), ("FLOAT", 0), ("PCM_32", 0), ("VORBIS", 0)]
)
def test_steps(subtype: str, step: float) -> None:
    assert step_of(subtype) == step
