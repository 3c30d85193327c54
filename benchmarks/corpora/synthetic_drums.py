"""Random synthetic drums, like those of drum machines: falling sines and decaying noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from benchmarks.corpora.synthesis import RATE_HZ
from bridge.model import Note

Wave = npt.NDArray[np.float64]

#: The keys of each kind of sound.
KICKS, SNARES, TOMS = (35, 36), (37, 38, 40), (41, 43, 45, 47, 48, 50)
OPEN_HATS, CRASHES, RIDES = (46,), (49, 52, 55, 57), (51, 53, 59)
LOUDEST, DECIBELS_A_STEP = 127, 0.35


def synthesised(rng: np.random.Generator, notes: Sequence[Note], frames: int) -> Wave:
    """The notes on one synthetic kit, each key with its own sound: (frames, 2)."""
    wave = np.zeros((frames, 2))
    seeds = {key: int(rng.integers(1 << 30)) for key in sorted({note.pitch for note in notes})}
    for note in notes:
        sound = drum_sound(np.random.default_rng(seeds[note.pitch]), note.pitch)
        sound = sound * 10 ** (DECIBELS_A_STEP * (note.velocity - LOUDEST) / 20)
        start = round(note.onset_seconds * RATE_HZ)
        room = wave[start : start + len(sound)]
        room += sound[: len(room), np.newaxis]
    return wave


def residue(rng: np.random.Generator, frames: int) -> Wave:
    """Other instruments' attacks, well below a kit of 0.05 rms: low plucks and mid-frequency bursts, (frames, 2)."""
    wave = np.zeros((frames, 2))
    least_db, step_seconds = rng.uniform(-40, -22), rng.uniform(0.2, 0.8)
    for number in range(1, int(frames / RATE_HZ / step_seconds)):
        gain = 10 ** ((least_db + rng.uniform(0, 4)) / 20)
        if rng.random() < 0.6:
            sound = _fall(40 * 2 ** rng.uniform(0, 1.6), 0, 60, rng.uniform(4, 14))
        else:
            sound = _noise(rng, 0.2, rng.uniform(200, 800), rng.uniform(900, 2500), rng.uniform(10, 40))
        start = round((number * step_seconds + rng.normal(0, 0.02)) * RATE_HZ)
        room = wave[max(start, 0) : max(start, 0) + len(sound)]
        room += gain * sound[: len(room), np.newaxis]
    return wave


def drum_sound(rng: np.random.Generator, key: int) -> Wave:
    """A random sound for a General MIDI key: (frames,) at 44.1 kHz."""

    def between(low: float, high: float) -> float:
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    click = 10 ** (rng.uniform(-35, -12) / 20) * _noise(rng, 0.01, 300, 12000, 400)
    if key in KICKS:
        beater = (
            (rng.random() < 0.3) * between(0.05, 0.5) * _noise(rng, 0.15, 300, between(2000, 7000), between(20, 60))
        )
        return _sum(_fall(between(40, 70), between(60, 250), between(15, 80), between(8, 30)), beater, click)
    if key in SNARES:
        shell = between(0.1, 0.7) * _fall(between(150, 260), between(10, 60), 60, between(15, 40))
        return 0.6 * _sum(shell, _noise(rng, 0.3, between(300, 1800), between(5000, 16000), between(10, 40)))
    if key in TOMS:
        lowest = 80 * 2 ** ((key - 41) / 9) * between(0.85, 1.2)
        head = 0.06 * _noise(rng, 0.2, 300, 3000, 25)
        return _sum(0.7 * _fall(lowest, lowest * between(0.1, 0.5), 30, between(5, 12)), head, click)
    if key in CRASHES:
        return 0.3 * _noise(rng, 2.0, between(500, 1500), between(7000, 14000), between(1.5, 4))
    if key in RIDES:
        bell = 0.05 * _fall(between(3000, 5500), 1, 60, between(4, 12))
        return _sum(0.12 * _noise(rng, 1.0, between(1500, 4000), 14000, between(3, 9)), bell, 0.5 * click)
    if key not in (42, 44, *OPEN_HATS):
        return 0.3 * _fall(between(200, 3000), between(1, 200), 60, between(10, 40))
    low, high = between(800 if key in OPEN_HATS else 3000, 9000), between(10000, 18000)
    decay = between(4, 11) if key in OPEN_HATS else between(25, 80)
    return between(0.1, 0.4) * _noise(rng, 0.8 if key in OPEN_HATS else 0.2, low, high, decay)


def _fall(hertz: float, above_hertz: float, speed: float, decay: float) -> Wave:
    """A decaying sine that falls to `hertz`."""
    time = np.arange(round(0.6 * RATE_HZ)) / RATE_HZ
    phase = 2 * np.pi * np.cumsum(hertz + above_hertz * np.exp(-time * speed)) / RATE_HZ
    return np.asarray(np.sin(phase) * np.exp(-time * decay))


def _noise(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float, decay: float) -> Wave:
    count = round(seconds * RATE_HZ)
    frequency = np.fft.rfftfreq(count, 1 / RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum /= 1 + (low_hz / np.maximum(frequency, 1)) ** 4 + (frequency / high_hz) ** 4
    wave = np.fft.irfft(spectrum, count)
    return np.asarray(wave / np.abs(wave).max() * np.exp(-decay * np.arange(count) / RATE_HZ))


def _sum(*waves: Wave) -> Wave:
    total = np.zeros(max(len(wave) for wave in waves))
    for wave in waves:
        total[: len(wave)] += wave
    return total
