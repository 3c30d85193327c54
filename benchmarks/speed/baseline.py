"""A simple separation with librosa, as a baseline for the draft engine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import librosa
import numpy as np

if TYPE_CHECKING:
    from bridge.protocols import Samples

BASS_BELOW_HZ = 180.0


def split_simply(mix: Samples, rate_hz: int) -> dict[str, Samples]:
    """float32 (frames, 2) → drums: the percussive part; bass: the low harmonic part; vocals: the centred rest."""
    spectrum = librosa.stft(np.ascontiguousarray(mix.T), n_fft=2048)
    level = np.abs(spectrum).mean(axis=0)
    tones, hits = librosa.decompose.hpss(level, mask=True)
    low = (librosa.fft_frequencies(sr=rate_hz, n_fft=2048) < BASS_BELOW_HZ)[:, np.newaxis]
    left, right = np.abs(spectrum[0] + spectrum[1]), np.abs(spectrum[0] - spectrum[1])
    centre = left**2 / (left**2 + 20 * right**2 + 1e-12)
    masks = {"drums": hits, "bass": tones * low, "vocals": tones * ~low * centre}
    stems = {
        stem: librosa.istft(spectrum * mask, n_fft=2048, length=len(mix)).T.astype(np.float32)
        for stem, mask in masks.items()
    }
    stems["other"] = mix - (stems["drums"] + stems["bass"] + stems["vocals"])
    return stems
