"""Packing posteriors: the round trip is exact, the bytes are reproducible, other bytes are refused."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.transcription.pitched.posteriors import CONTOUR_BINS, PITCHES, Posteriors
from bridge.transcription.transcribers import pack_posteriors, unpack_posteriors


def posteriors(frames: int) -> Posteriors:
    random = np.random.default_rng(0)

    def sheet(bins: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        return random.integers(0, 256, (frames, bins)).astype(np.uint8)

    power = random.random(frames).astype(np.float32)
    return Posteriors(sheet(PITCHES), sheet(PITCHES), sheet(CONTOUR_BINS), sheet(PITCHES), power, 86.13, frames / 86.13)


@pytest.mark.parametrize("frames", [0, 1, 700])
def test_posteriors_survive_the_round_trip(frames: int) -> None:
    sent = posteriors(frames)
    back = unpack_posteriors(pack_posteriors(sent))
    for name, array in sent.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)


def test_the_same_posteriors_make_the_same_bytes() -> None:
    assert pack_posteriors(posteriors(50)) == pack_posteriors(posteriors(50))


@pytest.mark.parametrize("analysis", [b"", b"notes"])
def test_other_bytes_are_refused(analysis: bytes) -> None:
    with pytest.raises(ValueError, match="posteriors"):
        unpack_posteriors(analysis)


@pytest.mark.parametrize("damage", [slice(200, 300), slice(5000, None)], ids=["damaged", "truncated"])
def test_damaged_posteriors_are_refused(damage: slice) -> None:
    analysis = bytearray(pack_posteriors(posteriors(50)))
    analysis[damage] = bytes(100) if damage.stop else b""
    with pytest.raises(ValueError, match="posteriors"):
        unpack_posteriors(bytes(analysis))
