"""The waveform that is gathered while samples pass by."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.audio.peaks import SPANS, Peaks


@given(st.integers(0, 3000), st.lists(st.integers(0, 900), max_size=8), st.integers(1, 3))
def test_the_blocks_do_not_matter(frames: int, cuts: list[int], channels: int) -> None:
    samples = np.random.default_rng(frames).uniform(-1.1, 1.1, (frames, channels)).astype(np.float32)
    peaks, start = Peaks(frames), 0
    for cut in [*cuts, frames]:
        peaks.append(samples[start : start + cut])
        start = min(frames, start + cut)
    bounds = [span * frames // SPANS for span in range(SPANS + 1)]
    highest = [np.abs(samples[a:b]).max(initial=0.0) for a, b in pairwise(bounds)]
    expected = np.rint(np.clip(highest, 0, 1) * 255).astype(np.uint8).tobytes()
    assert peaks.known() == expected[: len(peaks.known())]
    assert start < frames or len(peaks.known()) == SPANS


def test_only_complete_spans_are_known() -> None:
    peaks = Peaks(SPANS * 10)
    peaks.append(np.ones((25, 2), np.float32))
    assert peaks.known() == b"\xff\xff"


def test_what_is_longer_than_the_clip_is_ignored() -> None:
    peaks = Peaks(SPANS)
    peaks.append(np.ones((2 * SPANS, 1), np.float32))
    peaks.append(np.ones((5, 1), np.float32))
    assert peaks.known() == b"\xff" * SPANS
