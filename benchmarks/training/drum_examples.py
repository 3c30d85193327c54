"""Training examples of drums: random kits, dry, with reverb, mixed with a band, and separated from one.

A kit's drums come from several kits, tuned and filtered at random, so that only what all kits share can be learnt.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.signal import fftconvolve, resample_poly

from benchmarks.corpora.patterns import SECONDS, within
from benchmarks.corpora.random_songs import KITS, random_song
from benchmarks.corpora.synthesis import RATE_HZ, Part, played, rendered
from benchmarks.corpora.synthetic_drums import residue, synthesised
from benchmarks.quality.separation import drafted, mixed
from bridge.model import Note
from bridge.stems import FOUR_STEMS

Wave = npt.NDArray[np.float64]

#: Drums that are tuned, filtered and scaled together.
KICKS, SNARES, HATS = (35, 36), (37, 38, 40), (42, 44, 46)
CYMBALS, TOMS = (49, 51, 52, 53, 55, 57, 59), (41, 43, 45, 47, 48, 50)
PERCUSSION = (54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 82)
"""Sounds that the classifier must not take for one of its drums."""
DRUM_GROUPS = (KICKS, SNARES, HATS, CYMBALS, TOMS, PERCUSSION)
TUNINGS = (17, 18, 19, 20, 20, 20, 21, 22, 23)
"""Playback speed in twentieths."""
EQ_ANCHORS_HZ = (30, 100, 300, 1000, 3000, 8000, 18000)


@dataclass(frozen=True)
class Example:
    """A drum stem and its hits."""

    sound: npt.NDArray[np.float32]
    """(frames,) at 44.1 kHz."""
    notes: tuple[Note, ...]


def examples(seed: int, fonts: Sequence[str] = ()) -> Iterator[Example]:
    """One song as several drum stems: dry, with some of its band, with its bass, separated by the draft engine, and one
    stem without drums.

    Args:
        fonts: sound fonts, one of which is drawn for each group of drums; empty for the system's default.
    """
    rng = np.random.default_rng((seed, 5))
    song = random_song(seed)
    part = song.parts[0]
    part = replace(part, notes=_subset(rng, _varied(rng, part.notes)))
    kit = _kit(rng, part, fonts)
    band, font = {stem: np.zeros((len(kit), 2), np.float32) for stem in FOUR_STEMS}, _font(rng, fonts)
    for player in song.parts[1:]:
        band[player.stem] += rendered(player, SECONDS, font)
    others, bass = mixed(band), band["bass"]
    loudest = max(float(np.sqrt(np.square(kit).mean())), 1e-3)
    kit *= 0.05 / loudest
    if rng.random() < 0.5:
        kit += residue(rng, len(kit))
    yield Example(_mixed_down(rng, kit), part.notes)
    yield Example(_mixed_down(rng, kit + _at_level(rng, others, -32, -14)), part.notes)
    if rng.random() < 0.5:
        yield Example(_mixed_down(rng, kit + _at_level(rng, bass, -20, -6)), part.notes)
    if rng.random() < 0.5:
        stem = str(rng.choice([stem for stem in band if stem != "drums"]))
        yield Example(_mixed_down(rng, _at_level(rng, band[stem], -6, 0)), ())
    band["drums"] = kit.astype(np.float32) * np.float32(10 ** (rng.uniform(-4, 4) / 20))
    yield Example(_mixed_down(rng, drafted(mixed(band), RATE_HZ)["drums"]), part.notes)


def _varied(rng: np.random.Generator, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """The notes with what the parts lack: a ride, crashes, toms, hits in quick succession, other dynamics."""
    ride, pedal, crashes, toms = (rng.random() < probability for probability in (0.12, 0.5, 0.3, 0.3))
    side_stick, percussion = rng.random() < 0.12, rng.random() < 0.2
    doubled, probability = int(rng.choice((36, 38, 42))), 0.25 * (rng.random() < 0.2)
    touch, after = rng.uniform(0.7, 1.5), rng.uniform(0.055, 0.1)
    varied = []
    for note in notes:
        draw = rng.random()
        keys = [37 if side_stick and note.pitch == 38 else note.pitch]
        if note.pitch in HATS:
            keys = [49] if crashes and draw < 0.05 else [int(rng.choice(TOMS))] if toms and draw > 0.92 else keys
            keys = [51] if ride and keys[0] in HATS else keys
        if pedal and keys[0] in (49, 51) and rng.random() < 0.35:
            keys.append(int(rng.choice((42, 44))))
        if percussion and rng.random() < 0.4:
            keys.append(int(rng.choice(PERCUSSION)))
        varied += [_played(rng, note, key, touch, 0.0) for key in keys]
        if note.pitch == doubled and rng.random() < probability:
            varied.append(_played(rng, note, keys[0], touch, after))
    return within(varied)


def _played(rng: np.random.Generator, note: Note, key: int, touch: float, late: float) -> Note:
    velocity = int(np.clip(100 + touch * (note.velocity - 100) + rng.normal(0, 5), 15, 127))
    onset, offset = note.onset_seconds + late, note.offset_seconds + late
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=key, velocity=velocity)


def _subset(rng: np.random.Generator, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Usually all notes; otherwise none, or those of one or two groups of drums."""
    probability = rng.random()
    if probability < 0.08:
        return ()
    if probability > 0.2:
        return notes
    kept = [keys for index, keys in enumerate(DRUM_GROUPS) if index in rng.choice(3, int(rng.integers(1, 3)))]
    return tuple(note for note in notes if any(note.pitch in keys for keys in kept))


def _font(rng: np.random.Generator, fonts: Sequence[str]) -> str | None:
    return str(rng.choice(fonts)) if fonts else None


def _kit(rng: np.random.Generator, part: Part, fonts: Sequence[str]) -> Wave:
    """The part on one kit, or on one assembled from several."""
    frames = round(SECONDS * RATE_HZ)
    if rng.random() < 0.35:
        return played(part, frames, _font(rng, fonts))
    sound = np.zeros((frames, 2))
    synthetic = rng.choice([0.1, 1.0], p=[0.75, 0.25])
    for keys in DRUM_GROUPS:
        notes = tuple(note for note in part.notes if note.pitch in keys)
        if not notes:
            continue
        if rng.random() < synthetic:
            piece = 0.3 * synthesised(rng, notes, frames)
        else:
            speed = int(rng.choice(TUNINGS))
            slow = tuple(_stretched(note, speed / 20) for note in notes)
            piece = played(Part("drums", slow, int(rng.choice(KITS))), round(frames * speed / 20), _font(rng, fonts))
            piece = resample_poly(piece, 20, speed, axis=0)[:frames]
        if rng.random() < (0.35 if keys == SNARES else 0.1):
            piece = _in_a_room(rng, piece, rng.uniform(-10, 2), rng.uniform(0.08, 0.35), rng.uniform(0, 4))
        piece = _filtered(rng, piece, 5.0) * 10 ** (rng.uniform(-6, 5) / 20)
        sound[: len(piece)] += piece
    return sound


def _stretched(note: Note, times: float) -> Note:
    onset, offset = note.onset_seconds * times, note.offset_seconds * times
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=note.pitch, velocity=note.velocity)


def _at_level(rng: np.random.Generator, sound: npt.NDArray[np.float32], least_db: float, most_db: float) -> Wave:
    """`sound` at a random level between `least_db` and `most_db`, relative to a kit of 0.05 rms."""
    rms = max(float(np.sqrt(np.square(sound).mean())), 1e-3)
    return np.asarray(sound * (0.05 / rms * 10 ** (rng.uniform(least_db, most_db) / 20)), np.float64)


def _mixed_down(rng: np.random.Generator, sound: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """`sound` as one channel, after random mixing effects: reverb, filter, saturation."""
    wave = sound.mean(axis=1, keepdims=True).astype(np.float64)
    if rng.random() < 0.3:
        wave = _in_a_room(rng, wave, rng.uniform(-22, -8), rng.uniform(0.1, 0.8), 5.0)
    if rng.random() < 0.5:
        wave = _filtered(rng, wave, 4.0)
    if rng.random() < 0.3:
        drive = rng.uniform(1, 6) / max(float(np.abs(wave).max()), 1e-9)
        wave = np.tanh(drive * wave) * 0.3
    return np.asarray(wave[:, 0], np.float32)


def _in_a_room(rng: np.random.Generator, wave: Wave, level_db: float, seconds: float, decay: float) -> Wave:
    """`wave` with reverb that decays by `decay` nepers over its length: with few, it sounds gated."""
    length = round(seconds * RATE_HZ)
    room = rng.standard_normal(length) * np.exp(-decay * np.arange(length) / length)
    room *= 10 ** (level_db / 20) / np.sqrt(np.square(room).sum())
    room[0] = 1.0
    return np.asarray(fftconvolve(wave, room[:, np.newaxis], axes=0)[: len(wave)])


def _filtered(rng: np.random.Generator, wave: Wave, spread_db: float) -> Wave:
    frequency = np.fft.rfftfreq(len(wave), 1 / RATE_HZ)
    gains = rng.normal(0, spread_db, len(EQ_ANCHORS_HZ))
    curve = np.interp(np.log(np.maximum(frequency, 20)), np.log(EQ_ANCHORS_HZ), gains)
    spectrum = np.fft.rfft(wave, axis=0) * 10 ** (curve / 20)[:, np.newaxis]
    return np.asarray(np.fft.irfft(spectrum, len(wave), axis=0))
