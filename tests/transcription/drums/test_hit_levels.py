from __future__ import annotations

import numpy as np
import pytest

from bridge.transcription.drums.band_spectrogram import BANDS
from bridge.transcription.drums.hit_levels import levels_db
from bridge.transcription.drums.kit import HAT


@pytest.mark.parametrize("highest_band", [BANDS, BANDS - 2], ids=["whole", "after a low-pass"])
def test_hats_have_levels_in_the_bands_that_the_stem_has(highest_band: int) -> None:
    increments = np.zeros((3, 4, BANDS))
    increments[:, 0, :highest_band] = np.array([1.0, 0.5, 0.25])[:, np.newaxis]
    levels = levels_db(increments, HAT)
    assert np.diff(levels) == pytest.approx([-6.02, -6.02], abs=0.01)
