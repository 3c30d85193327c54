from __future__ import annotations

import numpy as np
import pytest

from bridge.dsp.arrays import Floats
from bridge.transcription.drums.band_spectrogram import BANDS, Bands
from bridge.transcription.drums.classifier import OUTPUTS, DrumClassifier
from bridge.transcription.drums.features import WIDTH, hit_features
from tests.support.instruments import DRUM_RATE_HZ


@pytest.fixture(scope="module")
def recogniser() -> DrumClassifier:
    return DrumClassifier.load()


def heard(strokes: int) -> Floats:
    return np.random.default_rng(1).normal(-2, 1, (strokes, WIDTH)).astype(np.float32)


@pytest.mark.parametrize("strokes", [1, 2, 9, 700])
def test_every_stroke_has_a_chance_for_every_output(strokes: int, recogniser: DrumClassifier) -> None:
    chances = recogniser.chances(heard(strokes))
    assert chances.shape == (strokes, len(OUTPUTS))
    assert (chances >= 0).all()
    assert (chances <= 1).all()


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch, recogniser: DrumClassifier) -> None:
    whole = recogniser.chances(heard(60))
    monkeypatch.setattr("bridge.transcription.drums.classifier.BLOCK_STROKES", 7)
    assert recogniser.chances(heard(60)) == pytest.approx(whole, abs=1e-5)


def test_what_sounds_alike_is_heard_together(recogniser: DrumClassifier) -> None:
    """The same stroke among others like it and among others unlike it has other chances."""
    one, others = heard(40)[:1], heard(40)[1:]
    alike = recogniser.chances(np.repeat(one, 40, axis=0))[20]
    assert np.abs(alike - recogniser.chances(np.vstack((others[:20], one, others[20:])))[20]).max() > 1e-3


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_surroundings_are_on_the_clips_own_scale(gain: float) -> None:
    level = np.random.default_rng(2).uniform(0.1, 9, (400, BANDS)).astype(np.float32)
    frames = np.arange(5, 395, 13)
    clips = [Bands(level * times, DRUM_RATE_HZ / 256, 2.3) for times in (np.float32(1), np.float32(gain))]
    plain, louder = (hit_features(clip, frames) for clip in clips)
    assert louder == pytest.approx(plain, abs=1e-3)


def test_silence_around_the_clip_is_silence() -> None:
    level = np.ones((30, BANDS), np.float32)
    found = hit_features(Bands(level, DRUM_RATE_HZ / 256, 0.17), np.array([0, 29]))
    assert np.isfinite(found).all()
    assert found[0, 0] == pytest.approx(np.log(0.02), abs=1e-3)
