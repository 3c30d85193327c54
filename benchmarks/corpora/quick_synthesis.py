"""Renders parts in a tenth of FluidSynth's time, for corpora of thousands: random drum machines and plucked tones."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from benchmarks.corpora.synthesis import Part
from benchmarks.corpora.synthetic_drums import DECIBELS_A_STEP, LOUDEST, drum_sound
from bridge.model import Note

Wave: TypeAlias = npt.NDArray[np.float32]
Sound = Callable[[Note], Wave]

RATE_HZ = 22050
RELEASE_SECONDS = 0.05


def quickly_rendered(part: Part, seconds: float, rng: random.Random) -> Wave:
    """The part as audio: (round(seconds · 22 050),), its loudest second at -20 dBFS rms."""
    sound = _drums(rng) if part.is_drums else _plucked(rng)
    wave = np.zeros(round((seconds + 3) * RATE_HZ), np.float32)
    for note in part.notes:
        played = sound(note)
        room = wave[round(note.onset_seconds * RATE_HZ) :][: len(played)]
        room += played[: len(room)]
    wave = wave[: round(seconds * RATE_HZ)]
    power = [float(np.square(wave[at : at + RATE_HZ]).mean()) for at in range(0, len(wave), RATE_HZ // 2)]
    gain = 10 ** (part.gain_db / 20) * 0.1 / max(max(power) ** 0.5, 1e-9)
    return np.asarray(wave * np.float32(gain))


def _drums(rng: random.Random) -> Sound:
    seed = rng.randrange(1 << 30)
    sounds: dict[int, Wave] = {}

    def sound(note: Note) -> Wave:
        if note.pitch not in sounds:
            full = np.convolve(
                drum_sound(np.random.default_rng(seed + note.pitch), note.pitch), (0.25, 0.5, 0.25), "same"
            )
            sounds[note.pitch] = full[::2].astype(np.float32)
        return np.asarray(sounds[note.pitch] * np.float32(10 ** (DECIBELS_A_STEP * (note.velocity - LOUDEST) / 20)))

    return sound


def _plucked(rng: random.Random) -> Sound:
    """Harmonics that decay, with a random attack and breath."""
    harmonics, slope = rng.choice((3, 5, 8)), rng.uniform(0.6, 2.0)
    decay, attack = np.exp(rng.uniform(np.log(0.6), np.log(8))), np.exp(rng.uniform(np.log(0.002), np.log(0.04)))
    breath = rng.choice((0.0, 0.0, 0.02, 0.1))
    noise = np.random.default_rng(rng.randrange(1 << 30))
    sounds: dict[tuple[int, float], Wave] = {}

    def sound(note: Note) -> Wave:
        length = round(note.offset_seconds - note.onset_seconds, 2)
        if (note.pitch, length) not in sounds:
            time = np.arange(max(64, round((length + RELEASE_SECONDS) * RATE_HZ))) / RATE_HZ
            hertz = 440 * 2 ** ((note.pitch - 69) / 12)
            parts = [part for part in range(1, harmonics + 1) if hertz * part < 9000]
            wave = np.sum([np.sin(2 * np.pi * hertz * part * time) / part**slope for part in parts], axis=0)
            fade = np.minimum(1, time / attack) * np.clip((length + RELEASE_SECONDS - time) / 0.04, 0, 1)
            wave = wave * np.exp(-decay * time) * fade + breath * noise.standard_normal(len(time)) * np.exp(-60 * time)
            sounds[note.pitch, length] = wave.astype(np.float32)
        return np.asarray(sounds[note.pitch, length] * np.float32(note.velocity / 100))

    return sound
