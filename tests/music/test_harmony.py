from __future__ import annotations

import numpy as np
import pytest

from bridge.music.harmony import changes_evidence, pitch_evidence, pitch_repetition
from bridge.music.onsets import KEYS, PITCH_EVERY, Onsets

RATE_HZ = 200.0


def chords(roots: list[int], seconds_each: float) -> Onsets:
    """One pitch after another, and nothing that begins."""
    each = round(seconds_each * RATE_HZ / PITCH_EVERY)
    pitches = np.zeros((each * len(roots), len(KEYS)))
    for place, root in enumerate(roots):
        pitches[place * each : (place + 1) * each, root] = 5.0
    seconds = each * len(roots) * PITCH_EVERY / RATE_HZ
    return Onsets(np.zeros((len(pitches) * PITCH_EVERY, 3)), pitches, seconds, 0.0, RATE_HZ)


def test_chords_that_change_at_each_bar_line_speak_for_those_bars() -> None:
    heard = chords([10, 15, 17, 22], 2.0)
    first, line, uneven = changes_evidence(heard, 4)
    assert (first, line, uneven) == pytest.approx((4.0, 2.0, 0.0), abs=0.4)
    # Taken for half as many bars they change in the middle as well; for twice as many, at every other line.
    assert changes_evidence(heard, 2)[:2] == pytest.approx((2.0, 0.0), abs=0.2)
    assert changes_evidence(heard, 8)[2] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("bars", [1, 2, 3])
def test_one_held_chord_speaks_for_nothing(bars: int) -> None:
    assert changes_evidence(chords([20], 4.0), bars) == pytest.approx((0.0, 0.0, 0.0), abs=1e-6)


def test_silence_has_no_repetition() -> None:
    heard = Onsets(np.zeros((400, 3)), np.zeros((40, len(KEYS))), 2.0, 0.0, RATE_HZ)
    assert pitch_evidence(pitch_repetition(heard), 0.5) == pytest.approx((0.0, 0.0))
    assert np.isfinite(changes_evidence(heard, 1)).all()


def test_a_phrase_that_returns_after_sixteen_beats_is_heard() -> None:
    repeated = pitch_repetition(chords([10, 15, 17, 22] * 3, 2.0))
    three, sixteen = pitch_evidence(repeated, 0.5)
    assert sixteen > 0.9
    assert three < 0.3
