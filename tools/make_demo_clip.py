"""Makes the clip that `sab demo` separates: four bars of our own music, with a voice that sings.

    python -m tools.make_demo_clip bridge/demo/clip.ogg tests/data/demo_voice.ogg

The second file is the voice alone, by which a test measures the separation. The voice needs flite and pyworld
(`benchmarks.corpora.voices`). The samples are the same each time, because every random generator has a seed.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

from benchmarks.corpora.voices import in_a_room, sung
from bridge.model import Note

RATE = 44_100
TEMPO_BPM = 112.0
BEAT = 60 / TEMPO_BPM
BEATS = 16

SINGER = "slt"
WORDS = ("Take any song apart, and listen", "then play the notes with every sound you know")

Sound: TypeAlias = npt.NDArray[np.float64]

# (beat, length in beats, MIDI note)
BASS = [
    (bar * 4 + beat, length, root + step)
    for bar, root in enumerate((33, 29, 36, 31))
    for beat, length, step in ((0, 0.9, 0), (1, 0.45, 0), (1.5, 0.9, 12), (2.5, 0.45, 7), (3, 0.9, 0))
]
CHORDS = [(0, (57, 60, 64)), (4, (57, 60, 65)), (8, (55, 60, 64)), (12, (55, 59, 62))]
LEAD = [
    (0.0, 1.4, 76), (1.5, 0.5, 74), (2.0, 1.0, 72), (3.0, 0.9, 69),
    (4.5, 0.5, 69), (5.0, 0.5, 72), (5.5, 1.5, 77), (7.0, 0.9, 76),
    (8.0, 1.9, 79), (10.0, 0.5, 76), (10.5, 0.5, 72), (11.0, 0.9, 74),
    (12.0, 0.9, 74), (13.0, 0.9, 71), (14.0, 1.8, 67),
]  # fmt: skip


def main(clip: Path, voice_alone: Path) -> None:
    """Plays all parts into one stereo file, and the voice into another."""
    lead = voice()
    mix = sum((drums(), bass(), chords(), lead), np.zeros((frames(BEATS), 2)))
    gain = 0.8 / np.abs(mix).max()
    write(clip, mix * gain)
    write(voice_alone, lead * gain)


def write(path: Path, samples: Sound) -> None:
    """In parts: libsndfile's encoder cannot take many samples at once."""
    channels = samples.shape[1]
    with soundfile.SoundFile(
        str(path), "w", RATE, channels, format="OGG", subtype="VORBIS", compression_level=0.4
    ) as file:
        for start in range(0, len(samples), 4096):
            file.write(samples[start : start + 4096])


def frames(beats: float) -> int:
    """Length of so many beats."""
    return round(beats * BEAT * RATE)


def time(beats: float) -> Sound:
    """Seconds from 0 on, for so many beats."""
    return np.arange(frames(beats)) / RATE


def hertz(note: float) -> float:
    """Frequency of a MIDI note."""
    return float(440 * 2 ** ((note - 69) / 12))


def place(part: Sound, sound: Sound, beat: float, pan: float = 0.5) -> None:
    """Adds a mono sound to a stereo part; pan 0 is left, 1 right, at constant power."""
    start = frames(beat)
    sound = sound[: len(part) - start]
    gains = np.array([np.cos(pan * np.pi / 2), np.sin(pan * np.pi / 2)])
    part[start : start + len(sound)] += sound[:, None] * gains


def shape(t: Sound, attack: float, release: float) -> Sound:
    """Rises for `attack` seconds, falls for the last `release`."""
    rise: Sound = np.minimum(1, t / attack)
    fall: Sound = np.minimum(1, (t[-1] - t) / release)
    return rise * fall


def drums() -> Sound:
    """Kick on one and three and the "and" of three, snare on two and four, hats in eighths."""
    part = np.zeros((frames(BEATS), 2))
    noise = np.random.default_rng(7)
    high = signal.butter(4, 7000, "highpass", fs=RATE, output="sos")
    band = signal.butter(2, (900, 7000), "bandpass", fs=RATE, output="sos")
    for bar in range(0, BEATS, 4):
        for beat in (0, 2, 2.5):
            t = time(0.6)
            place(part, 1.0 * np.sin(2 * np.pi * (48 * t + 9 * (1 - np.exp(-t * 28)))) * np.exp(-t * 11), bar + beat)
        for beat in (1, 3):
            t = time(0.5)
            rattle = signal.sosfilt(band, noise.standard_normal(len(t))) * np.exp(-t * 20)
            place(part, 0.5 * rattle + 0.4 * np.sin(2 * np.pi * 190 * t) * np.exp(-t * 26), bar + beat)
        for eighth in range(8):
            t = time(0.2)
            tick = signal.sosfilt(high, noise.standard_normal(len(t))) * np.exp(-t * 60)
            place(part, (0.3 if eighth % 2 == 0 else 0.18) * tick, bar + eighth / 2, pan=0.6)
    return part


def bass() -> Sound:
    """A round bass with a little growl."""
    part = np.zeros((frames(BEATS), 2))
    for beat, length, note in BASS:
        t = time(length)
        phase = 2 * np.pi * hertz(note) * t
        tone = np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.15 * np.sin(3 * phase)
        place(part, 0.42 * tone * shape(t, 0.006, 0.03) * np.exp(-t * 0.8), beat)
    return part


def chords() -> Sound:
    """Soft chords of detuned voices, wide in the stereo picture."""
    part = np.zeros((frames(BEATS), 2))
    soft = signal.butter(2, 2200, "lowpass", fs=RATE, output="sos")
    for beat, notes in CHORDS:
        for index, note in enumerate(notes):
            t = time(3.9)
            for side, cents in ((0.08, -5), (0.92, 5)):
                tone = signal.sawtooth(2 * np.pi * hertz(note + cents / 100) * t + index)
                place(part, 0.075 * signal.sosfilt(soft, tone) * shape(t, 0.03, 0.2), beat, pan=side)
    return part


def voice() -> Sound:
    """The tune, sung in the middle of a small room."""
    notes = [
        Note(onset_seconds=beat * BEAT, offset_seconds=(beat + length) * BEAT, pitch=note - 12, velocity=100)
        for beat, length, note in LEAD
    ]
    return 0.14 * in_a_room(sung(notes, frames(BEATS), SINGER, 0, WORDS), 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
