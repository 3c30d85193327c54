"""Drums to learn from: kits put together at random, heard dry, through a room, beside a band and taken out of one.

A kit's pieces come from several kits, tuned and filtered at random, so that nothing in them is worth remembering but
what all kits share.
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
from benchmarks.quality.draft import drafted, mixed
from bridge.model import Note
from bridge.separation.models.catalogue import FOUR_STEMS

Wave = npt.NDArray[np.float64]

#: Pieces that are tuned, filtered and turned up together.
KICKS, SNARES, HATS = (35, 36), (37, 38, 40), (42, 44, 46)
CYMBALS, TOMS = (49, 51, 52, 53, 55, 57, 59), (41, 43, 45, 47, 48, 50)
PERCUSSION = (54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 82)
"""None of the pieces that are found: what sounds so is nothing."""
PIECES = (KICKS, SNARES, HATS, CYMBALS, TOMS, PERCUSSION)
TUNINGS = (17, 18, 19, 20, 20, 20, 21, 22, 23)
"""In twentieths of the speed."""
EQ_ANCHORS_HZ = (30, 100, 300, 1000, 3000, 8000, 18000)


@dataclass(frozen=True)
class Example:
    """A drum stem and what was struck in it."""

    sound: npt.NDArray[np.float32]
    """(frames,) at 44.1 kHz."""
    notes: tuple[Note, ...]


def examples(seed: int, fonts: Sequence[str] = ()) -> Iterator[Example]:
    """One song as several stems: dry, with its band a little, with its bass, as the draft engine finds it, and one of
    which nothing is a drum.

    Args:
        fonts: of which one is drawn for every piece; none for the system's default.
    """
    rng = np.random.default_rng((seed, 5))
    song = random_song(seed)
    part = song.parts[0]
    part = replace(part, notes=_thinned(rng, _varied(rng, part.notes)))
    kit = _kit(rng, part, fonts)
    band, font = {stem: np.zeros((len(kit), 2), np.float32) for stem in FOUR_STEMS}, _font(rng, fonts)
    for player in song.parts[1:]:
        band[player.stem] += rendered(player, SECONDS, font)
    others, bass = mixed(band), band["bass"]
    loudest = max(float(np.sqrt(np.square(kit).mean())), 1e-3)
    kit *= 0.05 / loudest
    if rng.random() < 0.5:
        kit += residue(rng, len(kit))
    yield Example(_worn(rng, kit), part.notes)
    yield Example(_worn(rng, kit + _beside(rng, others, -32, -14)), part.notes)
    if rng.random() < 0.5:
        yield Example(_worn(rng, kit + _beside(rng, bass, -20, -6)), part.notes)
    if rng.random() < 0.5:
        stem = str(rng.choice([stem for stem in band if stem != "drums"]))
        yield Example(_worn(rng, _beside(rng, band[stem], -6, 0)), ())
    band["drums"] = kit.astype(np.float32) * np.float32(10 ** (rng.uniform(-4, 4) / 20))
    yield Example(_worn(rng, drafted(mixed(band), RATE_HZ)["drums"]), part.notes)


def _varied(rng: np.random.Generator, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """With what the parts are short of: a ride, crashes, toms, strokes in quick succession, other dynamics."""
    ride, pedal, crashes, toms = (rng.random() < chance for chance in (0.12, 0.5, 0.3, 0.3))
    side_stick, percussion = rng.random() < 0.12, rng.random() < 0.2
    doubled, chance = int(rng.choice((36, 38, 42))), 0.25 * (rng.random() < 0.2)
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
        varied += [_struck(rng, note, key, touch, 0.0) for key in keys]
        if note.pitch == doubled and rng.random() < chance:
            varied.append(_struck(rng, note, keys[0], touch, after))
    return within(varied)


def _struck(rng: np.random.Generator, note: Note, key: int, touch: float, late: float) -> Note:
    velocity = int(np.clip(100 + touch * (note.velocity - 100) + rng.normal(0, 5), 15, 127))
    onset, offset = note.onset_seconds + late, note.offset_seconds + late
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=key, velocity=velocity)


def _thinned(rng: np.random.Generator, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """All of them mostly; else none, or those of one or two pieces."""
    chance = rng.random()
    if chance < 0.08:
        return ()
    if chance > 0.2:
        return notes
    kept = [keys for index, keys in enumerate(PIECES) if index in rng.choice(3, int(rng.integers(1, 3)))]
    return tuple(note for note in notes if any(note.pitch in keys for keys in kept))


def _font(rng: np.random.Generator, fonts: Sequence[str]) -> str | None:
    return str(rng.choice(fonts)) if fonts else None


def _kit(rng: np.random.Generator, part: Part, fonts: Sequence[str]) -> Wave:
    """The part on one kit, or on one that is put together from several."""
    frames = round(SECONDS * RATE_HZ)
    if rng.random() < 0.35:
        return played(part, frames, _font(rng, fonts))
    sound = np.zeros((frames, 2))
    synthetic = rng.choice([0.1, 1.0], p=[0.75, 0.25])
    for keys in PIECES:
        notes = tuple(note for note in part.notes if note.pitch in keys)
        if not notes:
            continue
        if rng.random() < synthetic:
            piece = 0.3 * synthesised(rng, notes, frames)
        else:
            speed = int(rng.choice(TUNINGS))
            slow = tuple(_later(note, speed / 20) for note in notes)
            piece = played(Part("drums", slow, int(rng.choice(KITS))), round(frames * speed / 20), _font(rng, fonts))
            piece = resample_poly(piece, 20, speed, axis=0)[:frames]
        if rng.random() < (0.35 if keys == SNARES else 0.1):
            piece = _in_a_room(rng, piece, rng.uniform(-10, 2), rng.uniform(0.08, 0.35), rng.uniform(0, 4))
        piece = _filtered(rng, piece, 5.0) * 10 ** (rng.uniform(-6, 5) / 20)
        sound[: len(piece)] += piece
    return sound


def _later(note: Note, times: float) -> Note:
    onset, offset = note.onset_seconds * times, note.offset_seconds * times
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=note.pitch, velocity=note.velocity)


def _beside(rng: np.random.Generator, sound: npt.NDArray[np.float32], least_db: float, most_db: float) -> Wave:
    """`sound` so far below a kit of 0.05 rms."""
    rms = max(float(np.sqrt(np.square(sound).mean())), 1e-3)
    return np.asarray(sound * (0.05 / rms * 10 ** (rng.uniform(least_db, most_db) / 20)), np.float64)


def _worn(rng: np.random.Generator, sound: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """What a desk does to it: a room, a filter, a compressor driven into its ceiling; as one channel."""
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
    """With a room that decays by so many nepers before it ends: of few, it is gated."""
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
