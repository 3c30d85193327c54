"""Synthesised sounds whose notes are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bridge.audio.signal import ArraySignal

PITCH_RATE_HZ = 22050
DRUM_RATE_HZ = 44100

Wave = npt.NDArray[np.float64]


def tone(pitch: float, seconds: float, *, gain: float = 0.3, vibrato_semitones: float = 0.0) -> Wave:
    """A plucked tone with six harmonics; `pitch` may be fractional, the 5 Hz vibrato fades in over 0.4 s."""
    time = np.arange(round(seconds * PITCH_RATE_HZ)) / PITCH_RATE_HZ
    contour = pitch + vibrato_semitones * np.minimum(1.0, time / 0.4) * np.sin(2 * np.pi * 5 * time)
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((contour - 69) / 12)) / PITCH_RATE_HZ
    harmonics = sum(np.sin(number * phase) / number**1.5 for number in range(1, 7))
    fade = np.minimum(1.0, np.minimum(time, seconds - time) / 0.004)
    return np.asarray(gain * harmonics * np.exp(-time) * fade)


def melody(notes: Sequence[tuple[float, float, int]], seconds: float) -> ArraySignal:
    """Tones (onset, length, pitch) in a clip."""
    wave = np.zeros(round(seconds * PITCH_RATE_HZ))
    for onset, length, pitch in notes:
        place(wave, tone(pitch, length), round(onset * PITCH_RATE_HZ))
    return as_signal(wave, PITCH_RATE_HZ)


def kick(rng: np.random.Generator) -> Wave:
    """A sine that falls from 150 to 50 Hz, with a click."""
    time = np.arange(round(0.2 * DRUM_RATE_HZ)) / DRUM_RATE_HZ
    phase = 2 * np.pi * np.cumsum(50 + 100 * np.exp(-time * 60)) / DRUM_RATE_HZ
    click = 0.15 * rng.standard_normal(len(time)) * np.exp(-time * 900)
    return np.asarray(0.8 * np.sin(phase) * np.exp(-time * 18) + click)


def snare(rng: np.random.Generator) -> Wave:
    """A 190 Hz shell under broad noise."""
    time = np.arange(round(0.2 * DRUM_RATE_HZ)) / DRUM_RATE_HZ
    shell = 0.3 * np.sin(2 * np.pi * 190 * time) * np.exp(-time * 30)
    return np.asarray(shell + 0.35 * rng.standard_normal(len(time)) * np.exp(-time * 20))


def hat(rng: np.random.Generator) -> Wave:
    """Short noise, differentiated twice: all of it high."""
    time = np.arange(round(0.08 * DRUM_RATE_HZ)) / DRUM_RATE_HZ
    noise = np.diff(rng.standard_normal(len(time) + 2), n=2)
    return np.asarray(0.08 * noise * np.exp(-time * 60))


def place(wave: Wave, sound: Wave, start: int) -> None:
    """Adds `sound` to `wave` from sample `start` on, cut off at the end of `wave`."""
    room = wave[start : start + len(sound)]
    room += sound[: len(room)]


def as_signal(wave: npt.NDArray[np.floating], rate_hz: int) -> ArraySignal:
    return ArraySignal(wave.astype(np.float32)[:, np.newaxis], rate_hz)


def beat(bars: int, step_seconds: float = 0.15) -> dict[str, Wave]:
    """A rock beat in eighths, drum by drum: kick and snare in turn, hats on every eighth."""
    rng = np.random.default_rng(5)
    parts = {
        name: np.zeros(round((bars * 8 * step_seconds + 0.5) * DRUM_RATE_HZ)) for name in ("kick", "snare", "hats")
    }
    for step in range(8 * bars):
        start = round((0.1 + step * step_seconds) * DRUM_RATE_HZ)
        place(parts["hats"], hat(rng), start)
        if step % 2 == 0:
            drum, sound = ("kick", kick) if step % 4 == 0 else ("snare", snare)
            place(parts[drum], sound(rng), start)
    return parts
