"""Renders parts as audio: with FluidSynth, and with a synthesised voice."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import soundfile

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.model import Note
    from bridge.protocols import Samples

    Wave = npt.NDArray[np.float64]

RATE_HZ = 44100
FLUIDSYNTH = "fluidsynth"
TICKS_PER_SECOND = 1920
"""Of the files for FluidSynth: 960 ticks per quarter at 120 bpm."""
DRUM_CHANNEL = 9
#: General MIDI program, from 0, that stands for the synthesised voice.
SINGER = 53

#: Centres of the first four formants in Hz, for a tenor (after Peterson and Barney, 1952), and their bandwidths.
VOWELS = {
    "a": (730.0, 1090.0, 2440.0, 3400.0),
    "e": (530.0, 1840.0, 2480.0, 3500.0),
    "i": (270.0, 2290.0, 3010.0, 3600.0),
    "o": (570.0, 840.0, 2410.0, 3300.0),
    "u": (300.0, 870.0, 2240.0, 3300.0),
}
BANDWIDTHS_HZ = (80.0, 100.0, 140.0, 220.0)


@dataclass(frozen=True)
class Part:
    """The notes of one player, with instrument, panning and gain."""

    stem: str
    notes: tuple[Note, ...]
    program: int = 0
    """General MIDI program, from 0; of a drum part, the kit."""
    pan: float = 0.0
    """-1 left, 0 centre, 1 right."""
    gain_db: float = 0.0

    @property
    def is_drums(self) -> bool:
        return self.stem == "drums"


def missing() -> str | None:
    """What must be installed before rendering; None if nothing is missing."""
    if shutil.which(FLUIDSYNTH) is None:
        return "needs the command fluidsynth and a General MIDI sound font"
    return None


def rendered(part: Part, seconds: float, font: str | None = None) -> Samples:
    """The part as audio: float32 (round(seconds · 44 100), 2), scaled so that its loudest second has -20 dBFS rms."""
    frames = round(seconds * RATE_HZ)
    sung = part.stem == "vocals" and part.program == SINGER
    samples = _panned(sing(part.notes, frames), part.pan) if sung else played(part, frames, font)
    second = np.square(samples.astype(np.float64)).mean(axis=1)
    blocks = [second[start : start + RATE_HZ].mean() for start in range(0, frames, RATE_HZ // 2)]
    gain = 10 ** (part.gain_db / 20) * 0.1 / max(float(np.sqrt(max(blocks))), 1e-9)
    return (samples * gain).astype(np.float32)


def played(part: Part, frames: int, font: str | None = None) -> Wave:
    """The part rendered by FluidSynth: (frames, 2). Without `font`, with the system's default sound font."""
    with tempfile.TemporaryDirectory() as folder:
        score, sound = Path(folder) / "part.mid", Path(folder) / "part.wav"
        _score(part).save(str(score))
        command = [FLUIDSYNTH, "-ni", "-q", "-r", str(RATE_HZ), "-O", "float", "-g", "0.5"]
        command += ["-C", "0", "-R", "1", "-F", str(sound), *([font] if font else []), str(score)]
        subprocess.run(command, check=True, capture_output=True)
        played, _ = soundfile.read(str(sound), always_2d=True)
    samples = np.zeros((frames, 2))
    samples[: min(frames, len(played))] = played[:frames]
    return samples


def _score(part: Part) -> mido.MidiFile:
    file = mido.MidiFile(ticks_per_beat=TICKS_PER_SECOND // 2)
    track = mido.MidiTrack()
    file.tracks.append(track)
    channel = DRUM_CHANNEL if part.is_drums else 0
    track.append(mido.Message("program_change", channel=channel, program=part.program))
    track.append(mido.Message("control_change", channel=channel, control=10, value=round(64 + 63 * part.pan)))
    events = []
    for note in part.notes:
        on, off = round(note.onset_seconds * TICKS_PER_SECOND), round(note.offset_seconds * TICKS_PER_SECOND)
        events.append((on, 1, mido.Message("note_on", channel=channel, note=note.pitch, velocity=note.velocity)))
        events.append((off, 0, mido.Message("note_off", channel=channel, note=note.pitch)))
    tick = 0
    for moment, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=moment - tick))
        tick = moment
    return file


def sing(notes: Sequence[Note], frames: int) -> Wave:
    """A voice-like lead: (frames,). Harmonics of a gliding pitch, shaped by moving formants, with noise as consonants.

    The pitch slides into each note, has delayed vibrato and a slow drift; each note has a vowel.
    """
    rng = np.random.default_rng(len(notes) + frames)
    time = np.arange(frames) / RATE_HZ
    pitch, loud, formants = np.full(frames, 60.0), np.zeros(frames), np.zeros((4, frames))
    formants[:] = np.array(VOWELS["a"])[:, np.newaxis]
    consonants = np.zeros(frames)
    for index, note in enumerate(notes):
        first, last = round(note.onset_seconds * RATE_HZ), min(frames, round(note.offset_seconds * RATE_HZ))
        if last <= first:
            continue
        inside = time[first:last] - time[first]
        vibrato = 0.35 * np.clip((inside - 0.2) / 0.3, 0, 1) * np.sin(2 * np.pi * (5.2 + index % 3 * 0.3) * inside)
        scoop = -1.2 * np.exp(-inside / 0.05)
        pitch[first:] = note.pitch
        pitch[first:last] += vibrato + scoop
        rise = np.clip(inside / 0.04, 0, 1)
        fall = np.clip((time[last - 1] - time[first:last]) / 0.06, 0, 1)
        loud[first:last] = rise * fall * (note.velocity / 127) * (0.75 + 0.25 * np.sin(np.pi * inside / inside[-1]))
        formants[:, first:] = np.array(VOWELS["aoeiu"[index * 7 % 5]])[:, np.newaxis]
        if index % 3 != 1:
            length = min(round(0.07 * RATE_HZ), frames - first)
            hiss = np.diff(rng.standard_normal(length + 1)) * np.hanning(length)
            consonants[first : first + length] += (0.05 if index % 2 else 0.02) * hiss
    wander = np.interp(
        time, np.arange(0, time[-1] + 0.1, 0.05), 0.12 * rng.standard_normal(len(np.arange(0, time[-1] + 0.1, 0.05)))
    )
    frequency = 440 * 2 ** ((_smooth(pitch, 0.03) + wander - 69) / 12)
    formants = np.stack([_smooth(contour, 0.05) for contour in formants])
    phase = 2 * np.pi * np.cumsum(frequency) / RATE_HZ
    voice = np.zeros(frames)
    for number in range(1, 1 + int(9000 / frequency.min())):
        at = number * frequency
        tract = sum(
            width**2 / ((at - centre) ** 2 + width**2) / (1 + order)
            for order, (centre, width) in enumerate(zip(formants, BANDWIDTHS_HZ, strict=True))
        )
        voice += (tract + 0.02) / number**0.5 * np.sin(number * phase) * (at < 10_000)
    return np.asarray(voice * loud + consonants)


def _smooth(contour: Wave, seconds: float) -> Wave:
    """Running mean; the edge values are extended."""
    half = round(seconds * RATE_HZ / 2)
    total = np.cumsum(np.pad(contour, (half + 1, half), mode="edge"))
    return np.asarray((total[2 * half + 1 :] - total[: -2 * half - 1]) / (2 * half + 1))


def _panned(wave: Wave, pan: float) -> Wave:
    """Two channels, panned with constant power (sine and cosine), with a short reverb."""
    angle = (pan + 1) * np.pi / 4
    dry = np.stack([wave * np.cos(angle), wave * np.sin(angle)], axis=1)
    rng = np.random.default_rng(7)
    length = round(0.6 * RATE_HZ)
    tail = rng.standard_normal((length, 2)) * np.exp(-np.arange(length) / (0.12 * RATE_HZ))[:, np.newaxis]
    tail[: round(0.012 * RATE_HZ)] = 0
    size = 1 << (len(wave) + length).bit_length()
    room = np.fft.irfft(np.fft.rfft(wave, size)[:, np.newaxis] * np.fft.rfft(tail, size, axis=0), size, axis=0)
    return np.asarray(dry + 0.003 * room[: len(wave)])
