from __future__ import annotations

import numpy as np
import pytest

from bridge.dsp.arrays import Floats
from bridge.transcription.drums.band_spectrogram import BANDS, BandSpectrogram
from bridge.transcription.drums.classifier import HIDDEN, ROUNDS, VALUES, DrumClassifier
from bridge.transcription.drums.features import hit_features
from bridge.transcription.drums.layout import HIT, OUTPUTS
from tests.support.instruments import DRUM_RATE_HZ


@pytest.fixture(scope="module")
def classifier() -> DrumClassifier:
    return DrumClassifier.load()


def random_features(hits: int) -> Floats:
    return np.random.default_rng(1).normal(-2, 1, (hits, HIT.width)).astype(np.float32)


def test_the_shipped_network_fits_the_layout(classifier: DrumClassifier) -> None:
    assert classifier.mean.shape == classifier.deviation.shape == (HIT.width,)
    assert classifier.seen[0].shape == (HIT.width, HIDDEN)
    assert classifier.named[0].shape == (VALUES, len(OUTPUTS))
    assert len(classifier.rounds) == ROUNDS


@pytest.mark.parametrize("hits", [0, 1, 2, 9, 700])
def test_every_hit_gets_a_probability_for_every_output(hits: int, classifier: DrumClassifier) -> None:
    probabilities = classifier.probabilities(random_features(hits))
    assert probabilities.shape == (hits, len(OUTPUTS))
    assert (probabilities >= 0).all()
    assert (probabilities <= 1).all()


def test_the_block_size_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch, classifier: DrumClassifier) -> None:
    whole = classifier.probabilities(random_features(60))
    monkeypatch.setattr("bridge.transcription.drums.classifier.BLOCK_HITS", 7)
    assert classifier.probabilities(random_features(60)) == pytest.approx(whole, abs=1e-5)


def test_similar_hits_are_context(classifier: DrumClassifier) -> None:
    """One hit gets different probabilities among similar hits than among different ones."""
    one, others = random_features(40)[:1], random_features(40)[1:]
    alike = classifier.probabilities(np.repeat(one, 40, axis=0))[20]
    assert np.abs(alike - classifier.probabilities(np.vstack((others[:20], one, others[20:])))[20]).max() > 1e-3


@pytest.mark.parametrize("gain", [0.01, 30.0])
def test_features_are_relative_to_the_clips_level(gain: float) -> None:
    level = np.random.default_rng(2).uniform(0.1, 9, (400, BANDS)).astype(np.float32)
    frames = np.arange(5, 395, 13)
    clips = [BandSpectrogram(level * times, DRUM_RATE_HZ / 256, 2.3) for times in (np.float32(1), np.float32(gain))]
    plain, louder = (hit_features(clip, frames) for clip in clips)
    assert louder == pytest.approx(plain, abs=1e-3)


def test_slots_outside_the_clip_are_silent() -> None:
    level = np.ones((30, BANDS), np.float32)
    found = hit_features(BandSpectrogram(level, DRUM_RATE_HZ / 256, 0.17), np.array([0, 29]))
    assert np.isfinite(found).all()
    assert found[0, 0] == pytest.approx(np.log(0.02), abs=1e-3)


def test_the_shape_of_a_hit_does_not_depend_on_its_loudness() -> None:
    level = np.full((60, BANDS), 0.001, np.float32)
    level[20:24, 5:9], level[40:44, 5:9] = 8.0, 0.2
    soft, loud = (
        hit_features(BandSpectrogram(level, DRUM_RATE_HZ / 256, 0.35), np.array([20, 40]))[row, HIT["shape"]]
        for row in (1, 0)
    )
    assert soft == pytest.approx(loud, abs=0.2)
