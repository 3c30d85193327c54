"""A human voice for rendered songs: recorded diphones and statistical voices of flite, spoken, or sung with WORLD.

Needs the command `flite` (Debian's package of that name) and the Python package pyworld (group `bench`).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
import soxr

from benchmarks.corpora.synthesis import RATE_HZ

if TYPE_CHECKING:
    from benchmarks.corpora.synthesis import Wave
    from bridge.model import Note

FLITE = "flite"
#: A woman, two men.
VOICES = ("slt", "rms", "awb")
SENTENCES = (
    "We drive all night along the river",
    "Nobody told me that the road was long",
    "Take it slow and listen to the sound",
    "I remember every word you said to me",
    "The city lights are burning in the rain",
    "Come on over here and dance with me",
)
PAUSE_SECONDS = 0.4
BREATH_SECONDS = 0.25


def missing_voice() -> str | None:
    """What must be installed before a voice can be rendered; None if nothing is missing."""
    if shutil.which(FLITE) is None or find_spec("pyworld") is None:
        return "needs the command flite and the Python package pyworld"
    return None


def sung(notes: Sequence[Note], frames: int, voice: str, seed: int, sentences: Sequence[str] = SENTENCES) -> Wave:
    """Sentences on the pitches of the notes, legato, as a singer slurs a tune: (frames,).

    The words keep their timing, half as long again as in speech, their consonants, and a little of their intonation.
    """
    import pyworld

    samples = np.zeros(frames)
    onsets, pitches = np.array([note.onset_seconds for note in notes]), np.array([note.pitch for note in notes])
    position, index = float(onsets[0]), seed
    while position * RATE_HZ < frames:
        audio, rate_hz = _said(voice, sentences[index % len(sentences)], slower=1.5)
        spoken_hz, times = pyworld.harvest(audio, rate_hz)
        envelope = pyworld.cheaptrick(audio, spoken_hz, times, rate_hz)
        breath = pyworld.d4c(audio, spoken_hz, times, rate_hz)
        voiced = spoken_hz > 0
        spoken_pitch = 69 + 12 * np.log2(np.maximum(spoken_hz, 1) / 440)
        intonation = np.where(voiced, spoken_pitch - np.median(spoken_pitch[voiced]), 0)
        tune = pitches[np.maximum(np.searchsorted(onsets, position + times, side="right") - 1, 0)].astype(float)
        glide = np.hanning(13) / np.hanning(13).sum()  # 60 ms
        tune = np.convolve(np.pad(tune, 6, "edge"), glide, "valid")
        vibrato = 0.25 * np.sin(2 * np.pi * 5.3 * times)
        pitch = tune + 0.15 * np.clip(intonation, -4, 4) + vibrato
        sung_hz = np.where(voiced, 440 * 2 ** ((pitch - 69) / 12), 0)
        _add(samples, pyworld.synthesize(sung_hz, envelope, breath, rate_hz), rate_hz, position)
        position += len(audio) / rate_hz + BREATH_SECONDS
        index += 1
    return samples


def spoken(frames: int, voice: str, seed: int) -> Wave:
    """Sentences with pauses between them: (frames,)."""
    samples = np.zeros(frames)
    position, index = PAUSE_SECONDS, seed
    while position * RATE_HZ < frames:
        audio, rate_hz = _said(voice, SENTENCES[index % len(SENTENCES)])
        _add(samples, audio, rate_hz, position)
        position += len(audio) / rate_hz + PAUSE_SECONDS
        index += 1
    return samples


def in_a_room(voice: Wave, seed: int) -> Wave:
    """With 0.3 s of diffuse reverberation: (frames,) → (frames, 2)."""
    rng = np.random.default_rng(seed)
    length = int(0.3 * RATE_HZ)
    decay = np.exp(-np.arange(length) / (0.07 * RATE_HZ))[:, np.newaxis]
    response = 0.006 * rng.standard_normal((length, 2)) * decay
    response[0] = 1
    size = len(voice) + length
    spectrum = np.fft.rfft(voice, size)[:, np.newaxis] * np.fft.rfft(response, size, axis=0)
    wet: Wave = np.fft.irfft(spectrum, size, axis=0)[: len(voice)]
    return wet


def _add(samples: Wave, audio: Wave, rate_hz: int, onset_seconds: float) -> None:
    voice = soxr.resample(audio, rate_hz, RATE_HZ)
    voice /= np.sqrt(np.square(voice).mean()) + 1e-9
    first = round(onset_seconds * RATE_HZ)
    room = len(samples[first : first + len(voice)])
    samples[first : first + room] += voice[:room]


def _said(voice: str, text: str, slower: float = 1.0) -> tuple[Wave, int]:
    """A sentence, `slower` times as long as spoken: (samples,) and its sample rate."""
    with tempfile.TemporaryDirectory() as folder:
        sound = Path(folder) / "voice.wav"
        command = [FLITE, "-voice", voice, "--setf", f"duration_stretch={slower}", "-t", text, "-o", str(sound)]
        subprocess.run(command, check=True, capture_output=True)
        audio, rate_hz = soundfile.read(str(sound))
    return audio, int(rate_hz)
