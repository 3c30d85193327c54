from __future__ import annotations

import numpy as np
import pytest

from bridge.music.tempo.harmony import changes_evidence, pitch_autocorrelation, pitch_evidence
from bridge.music.tempo.onsets import KEYS, PITCH_EVERY, OnsetFeatures

RATE_HZ = 200.0


def chords(roots: list[int], seconds_each: float) -> OnsetFeatures:
    """One pitch after another, without onsets."""
    each = round(seconds_each * RATE_HZ / PITCH_EVERY)
    pitches = np.zeros((each * len(roots), len(KEYS)))
    for index, root in enumerate(roots):
        pitches[index * each : (index + 1) * each, root] = 5.0
    seconds = each * len(roots) * PITCH_EVERY / RATE_HZ
    return OnsetFeatures(np.zeros((len(pitches) * PITCH_EVERY, 3)), pitches, seconds, 0.0, RATE_HZ)


def test_chords_that_change_at_bar_lines_are_evidence_for_these_bars() -> None:
    features = chords([10, 15, 17, 22], 2.0)
    first, line, uneven = changes_evidence(features, 4)
    assert (first, line, uneven) == pytest.approx((4.0, 2.0, 0.0), abs=0.4)
    # With half as many bars they also change in the middle; with twice as many, at every other bar line.
    assert changes_evidence(features, 2)[:2] == pytest.approx((2.0, 0.0), abs=0.2)
    assert changes_evidence(features, 8)[2] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("bars", [1, 2, 3])
def test_a_held_chord_is_no_evidence(bars: int) -> None:
    assert changes_evidence(chords([20], 4.0), bars) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)


def test_silence_has_no_autocorrelation() -> None:
    features = OnsetFeatures(np.zeros((400, 3)), np.zeros((40, len(KEYS))), 2.0, 0.0, RATE_HZ)
    assert pitch_evidence(pitch_autocorrelation(features), 0.5) == pytest.approx((0.0, 0.0))
    assert np.isfinite(changes_evidence(features, 1)).all()


def test_a_phrase_that_repeats_after_sixteen_beats_is_evidence() -> None:
    autocorrelation = pitch_autocorrelation(chords([10, 15, 17, 22] * 3, 2.0))
    three, sixteen = pitch_evidence(autocorrelation, 0.5)
    assert sixteen > 0.9
    assert three < 0.3
