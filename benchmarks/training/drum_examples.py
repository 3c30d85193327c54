"""Training examples of drums: recorded and synthetic kits in random mixes, dry, beside a band, and separated from one.

A kit's drums come from several kits, tuned and filtered at random, at random levels, so that only what all kits share
can be learnt. Rooms, overheads, bleed, compression, noise and low-passes make the recordings different.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import scipy.fft
from scipy.signal import fftconvolve, lfilter, resample_poly

from benchmarks.corpora.random_drums import random_pulse
from benchmarks.corpora.random_songs import backing, random_song
from benchmarks.corpora.synthesis import RATE_HZ, played, rendered
from benchmarks.corpora.synthetic_drums import drum_sound, residue, synthesised
from benchmarks.quality.separation import drafted, mixed
from benchmarks.training.drum_kits import Kit, Sound
from benchmarks.training.drum_parts import drum_part
from bridge.model import Note
from bridge.stems import FOUR_STEMS

Wave = npt.NDArray[np.float64]

#: Drums that are tuned, filtered and scaled together, with their usual level in dB relative to the kick.
GROUPS: tuple[tuple[tuple[int, ...], float, float], ...] = (
    ((35, 36), 0, 4),
    ((37, 38, 40), 0, 4),
    ((42, 44, 46), -11, 6),
    ((49, 52, 55, 57), -6, 5),
    ((51, 53, 59), -12, 6),
    ((41, 43, 45, 47, 48, 50), -1, 4),
    ((54, 56, 60, 61, 62, 63, 64, 69, 70, 75, 82), -6, 5),
)
#: Decibels added to a key's level within its group; side sticks and soft hats are softer than what they share it with.
SOFTER_DB = {37: -4.0, 44: -7.0, 46: 3.0, 53: 4.0}
#: Keys that may stand in for one that a kit lacks.
STAND_INS = {35: (36,), 40: (38,), 38: (40,), 44: (42,), 43: (41,), 47: (45,), 50: (48,), 48: (45,), 41: (45,)}
STAND_INS |= {53: (51,), 59: (51,), 51: (53,), 57: (49,), 55: (49,), 52: (49,)}
DECIBELS_BELOW_LOUDEST = 18.0
"""How much softer velocity 1 is than 127."""
ATTACK_SAMPLES = round(0.08 * RATE_HZ)
EQ_ANCHORS_HZ = (30, 100, 300, 1000, 3000, 8000, 18000)
SECONDS = 18.0
BAND_SECONDS = 16.0


@dataclass(frozen=True)
class Example:
    """A drum stem and its hits."""

    sound: npt.NDArray[np.float32]
    """(frames,) at 44.1 kHz."""
    notes: tuple[Note, ...]


Band = Mapping[str, npt.NDArray[np.float32]]
"""The stems of a song without drums: each (frames, 2)."""


def band(seed: int) -> Band:
    """A random backing, rendered with FluidSynth."""
    rng = np.random.default_rng((seed, 6))
    stems = {stem: np.zeros((round(BAND_SECONDS * RATE_HZ), 2), np.float32) for stem in FOUR_STEMS}
    for player in backing(rng, random_pulse(seed)):
        stems[player.stem] += rendered(player, BAND_SECONDS)
    return stems


def examples(seed: int, kits: Sequence[Kit], bands: Sequence[Band]) -> Iterator[Example]:
    """One part on one kit as several drum stems: by itself, beside a band, separated, and a stem without drums."""
    rng = np.random.default_rng((seed, 5))
    notes = _subset(rng, drum_part(rng, SECONDS if seed % 4 else BAND_SECONDS))
    frames = round((SECONDS if seed % 4 else BAND_SECONDS) * RATE_HZ)
    kit = _played(rng, notes, kits, frames, channels=1 if seed % 4 else 2)
    yield Example(_mixed_down(rng, kit), notes)
    if seed % 4:
        return
    yield from _beside_a_band(rng, kit, notes, bands)


def plain_examples(seed: int, bands: Sequence[Band], fonts: Sequence[str]) -> Iterator[Example]:
    """A random song's part as a sound font plays it, without variation: by itself, beside a band, and separated."""
    rng = np.random.default_rng((seed, 7))
    part = random_song(seed).parts[0]
    notes = tuple(note for note in part.notes if note.onset_seconds < BAND_SECONDS - 0.1)
    kit = played(part, round(BAND_SECONDS * RATE_HZ), str(rng.choice(fonts)))
    kit *= 0.05 / max(float(np.sqrt(np.square(kit).mean())), 1e-6)
    yield Example(kit.mean(axis=1).astype(np.float32), notes)
    yield from _beside_a_band(rng, kit, notes, bands)


def song_examples(seed: int, fonts: Sequence[str]) -> Iterator[Example]:
    """A random song's part with more open hats and rides, without effects: alone, with its bass, and separated."""
    rng = np.random.default_rng((seed, 9))
    kit_part, *others = random_song(seed).parts
    notes = tuple(note for note in _with_cymbals(rng, kit_part.notes) if note.onset_seconds < BAND_SECONDS - 0.1)
    kit = rendered(replace(kit_part, notes=notes), BAND_SECONDS, str(rng.choice(fonts)))
    stems = {stem: np.zeros_like(kit) for stem in FOUR_STEMS}
    for other in others:
        stems[other.stem] += rendered(other, BAND_SECONDS)
    yield Example(kit.mean(axis=1), notes)
    if stems["bass"].any():
        bleed = stems["bass"] * np.float32(10 ** (rng.uniform(-18, -8) / 20))
        yield Example((kit + bleed).mean(axis=1), notes)
    stems["drums"] = kit
    yield Example(drafted(mixed(stems), RATE_HZ)["drums"].mean(axis=1), notes)


def machine_examples(seed: int) -> Iterator[Example]:
    """A part with more open hats and with flams on a synthetic kit, often only some of its drums."""
    rng = np.random.default_rng((seed, 8))
    notes = _ornamented(rng, drum_part(rng, SECONDS))
    if rng.random() < 0.5:
        kept = rng.choice(len(GROUPS), int(rng.integers(1, 4)), replace=False)
        notes = tuple(note for note in notes if any(note.pitch in GROUPS[index][0] for index in kept))
    sound = synthesised(rng, notes, round(SECONDS * RATE_HZ))
    sound *= 0.05 / max(float(np.sqrt(np.square(sound).mean())), 1e-6)
    yield Example(_mixed_down(rng, sound) if rng.random() < 0.5 else sound.mean(axis=1).astype(np.float32), notes)


def _with_cymbals(rng: np.random.Generator, notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes as they are, some hats opened, or the hats on a ride."""
    which = rng.random()
    if which < 0.4:
        return tuple(notes)
    if which < 0.75:
        opened = rng.choice((0.1, 0.3))
        keys = [46 if note.pitch == 42 and rng.random() < opened else note.pitch for note in notes]
    else:
        keys = [51 if note.pitch in (42, 46) else note.pitch for note in notes]
    return tuple(_note(note.onset_seconds, key, note.velocity) for note, key in zip(notes, keys, strict=True))


def _ornamented(rng: np.random.Generator, notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes with some closed hats opened, and perhaps a soft stroke 12 to 35 ms before each snare."""
    opened, flammed, before = rng.choice((0.05, 0.15, 0.4)), rng.random() < 0.3, rng.uniform(0.012, 0.035)
    changed = []
    for note in notes:
        pitch = 46 if note.pitch == 42 and rng.random() < opened else note.pitch
        changed.append(_note(note.onset_seconds, pitch, note.velocity))
        if flammed and pitch in (38, 40) and note.onset_seconds > before:
            changed.append(_note(note.onset_seconds - before, pitch, max(20, note.velocity - 40)))
    return tuple(sorted(changed, key=lambda note: note.onset_seconds))


def _note(onset: float, pitch: int, velocity: int) -> Note:
    return Note(onset_seconds=onset, offset_seconds=onset + 0.1, pitch=pitch, velocity=velocity)


def _beside_a_band(
    rng: np.random.Generator, kit: Wave, notes: tuple[Note, ...], bands: Sequence[Band]
) -> Iterator[Example]:
    """The kit with some of a band or its bass, often one of the band's stems alone, and the kit separated from it."""
    stems = dict(bands[int(rng.integers(len(bands)))])
    others, bass = mixed(stems), stems["bass"]
    which = rng.random()
    if which < 0.5:
        yield Example(_mixed_down(rng, kit + _at_level(rng, others, -32, -14)), notes)
    else:
        yield Example(_mixed_down(rng, kit + _at_level(rng, bass, -20, -6)), notes)
    if rng.random() < 0.6:
        stem = str(rng.choice([stem for stem in stems if stem != "drums" and stems[stem].any()]))
        yield Example(_mixed_down(rng, _at_level(rng, stems[stem], -6, 0)), ())
    stems["drums"] = (kit * 10 ** (rng.uniform(-4, 4) / 20)).astype(np.float32)
    yield Example(_mixed_down(rng, drafted(mixed(stems), RATE_HZ)["drums"]), notes)


def _subset(rng: np.random.Generator, notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Usually all notes; otherwise those of a few groups."""
    if rng.random() > 0.1:
        return notes
    kept = rng.choice(len(GROUPS), int(rng.integers(1, 4)), replace=False)
    return tuple(note for note in notes if any(note.pitch in GROUPS[index][0] for index in kept))


def _played(rng: np.random.Generator, notes: Sequence[Note], kits: Sequence[Kit], frames: int, channels: int) -> Wave:
    """The notes on one kit, or on one assembled from several, 0.05 rms: (frames, channels)."""
    whole = kits[int(rng.integers(len(kits)))] if rng.random() < 0.4 else None
    synthetic = rng.choice([0.0, 0.08, 1.0], p=[0.4, 0.5, 0.1])
    sound, close = np.zeros((frames, channels)), np.zeros((frames, channels))
    overheads = rng.random() < 0.6
    room = _room(rng, rng.uniform(0.05, 0.6), rng.uniform(3, 8)) if overheads else None
    for keys, usual_db, spread_db in GROUPS:
        own = [note for note in notes if note.pitch in keys]
        if not own:
            continue
        kit = whole if whole is not None else kits[int(rng.integers(len(kits)))]
        sounds = _sounds(rng, kit, sorted({note.pitch for note in own}), kits, rng.random() < synthetic)
        piece = _hits(rng, own, sounds, frames)
        if rng.random() < (0.3 if 38 in keys else 0.08):
            piece = _convolved(piece, _room(rng, rng.uniform(0.08, 0.35), rng.uniform(0, 4), rng.uniform(-10, 2)))
        piece = piece[:frames] * 10 ** (rng.normal(usual_db, spread_db) / 20)
        pan = rng.normal(0, 0.05 if 36 in keys or 38 in keys else 0.3)
        stereo = piece[:, np.newaxis] * np.array([1 - pan, 1 + pan])[2 - channels :]
        sound += stereo
        if room is not None:
            close += stereo * 10 ** (rng.uniform(-8, 4) / 20)
    rattle = _rattle(rng, notes, frames)
    sound += rattle[:, np.newaxis]
    if room is not None:
        wet = np.stack([_convolved(close[:, side], room)[:frames] for side in range(channels)], axis=1)
        sound += wet * 10 ** (rng.uniform(-18, 0) / 20)
    return np.asarray(sound * 0.05 / max(float(np.sqrt(np.square(sound).mean())), 1e-6))


def _sounds(
    rng: np.random.Generator, kit: Kit, keys: Sequence[int], kits: Sequence[Kit], synthetic: bool
) -> dict[int, list[Sound]]:
    """The recordings for each key, on one kit where it has them, tuned together; each as loud as the others."""
    speed = int(rng.choice((17, 18, 19, 20, 20, 20, 20, 21, 22, 23)))
    curve = rng.normal(0, 3.0, len(EQ_ANCHORS_HZ))
    sounds = {}
    for key in keys:
        if synthetic:
            hits = [drum_sound(rng, key).astype(np.float32)]
        else:
            found = _recordings(rng, kit, key)
            for _ in range(20):
                if found:
                    break
                found = _recordings(rng, kits[int(rng.integers(len(kits)))], key)
            hits = list(found or [drum_sound(rng, key).astype(np.float32)])
        hits = _equalised(curve + rng.normal(0, 2.0, len(EQ_ANCHORS_HZ)), hits)
        if speed != 20:
            hits = [resample_poly(hit, 20, speed).astype(np.float32) for hit in hits]
        damp = rng.uniform(4, 25) if rng.random() < 0.15 else 0.0
        levelled = []
        for hit in hits:
            rms = float(np.sqrt(np.square(hit[:ATTACK_SAMPLES]).mean()))
            if damp:
                hit = hit * np.exp(-damp * np.arange(len(hit)) / RATE_HZ).astype(np.float32)
            levelled.append(hit * np.float32(10 ** (SOFTER_DB.get(key, 0.0) / 20) / max(rms, 1e-6)))
        sounds[key] = levelled
    return sounds


def _recordings(rng: np.random.Generator, kit: Kit, key: int) -> Sequence[Sound] | None:
    for candidate in (key, *STAND_INS.get(key, ())):
        same = [other for other in kit if other % 1000 == candidate]
        if same:
            return kit[same[int(rng.integers(len(same)))]]
    return None


def _hits(rng: np.random.Generator, notes: Sequence[Note], sounds: Mapping[int, Sequence[Sound]], frames: int) -> Wave:
    """The notes of one group, each with a recording near its velocity: (frames,)."""
    wave = np.zeros(frames)
    chokes = rng.random() < 0.8
    hats = sorted(note.onset_seconds for note in notes if note.pitch in (42, 44))
    depth = rng.uniform(0.6, 1.4) * DECIBELS_BELOW_LOUDEST
    for note in notes:
        layers = sounds[note.pitch]
        place = note.velocity / 128 * len(layers) + rng.normal(0, 0.3)
        hit = layers[int(np.clip(place, 0, len(layers) - 1))]
        tilt = rng.normal(0, 0.12)
        hit = hit + np.float32(tilt) * np.append(np.float32(0), np.diff(hit))
        start = round(note.onset_seconds * RATE_HZ)
        if note.pitch == 46 and chokes:
            later = [moment for moment in hats if moment > note.onset_seconds + 0.02]
            if later:
                length = round((later[0] - note.onset_seconds) * RATE_HZ)
                hit = hit[: length + 441].copy()
                fade = min(len(hit), 441)
                hit[len(hit) - fade :] *= np.linspace(1, 0, fade, dtype=np.float32)
        gain = 10 ** (depth * (note.velocity - 127) / 127 / 20 + rng.normal(0, 0.8) / 20)
        place_in = wave[start : start + len(hit)]
        place_in += gain * hit[: len(place_in)]
    return wave


def _rattle(rng: np.random.Generator, notes: Sequence[Note], frames: int) -> Wave:
    """The snare's wires, shaken by kicks and toms: (frames,)."""
    wave = np.zeros(frames)
    if rng.random() < 0.6:
        return wave
    length = round(0.2 * RATE_HZ)
    level = 10 ** (rng.uniform(-34, -16) / 20)
    decay = np.exp(-rng.uniform(12, 40) * np.arange(length) / RATE_HZ)
    for note in notes:
        if note.pitch in (35, 36, 41, 43, 45, 47, 48, 50):
            start = round((note.onset_seconds + 0.002) * RATE_HZ)
            buzz = np.diff(rng.standard_normal(length + 1)) * decay
            place = wave[start : start + length]
            place += level * buzz[: len(place)] * note.velocity / 127
    return wave


def _at_level(rng: np.random.Generator, sound: npt.NDArray[np.float32], least_db: float, most_db: float) -> Wave:
    """`sound` at a random level between `least_db` and `most_db`, relative to a kit of 0.05 rms."""
    rms = max(float(np.sqrt(np.square(sound).mean())), 1e-3)
    return np.asarray(sound * (0.05 / rms * 10 ** (rng.uniform(least_db, most_db) / 20)), np.float64)


def _mixed_down(rng: np.random.Generator, sound: npt.NDArray[np.floating]) -> npt.NDArray[np.float32]:
    """`sound` as one channel, after random effects: reverb, filter, compression, saturation, noise, low-pass."""
    wave = sound.mean(axis=1).astype(np.float64)
    frames = len(wave)
    if rng.random() < 0.3:
        wave = _convolved(wave, _room(rng, rng.uniform(0.1, 0.8), 5.0, rng.uniform(-22, -8)))[:frames]
    if rng.random() < 0.4:
        wave = _compressed(rng, wave)
    if rng.random() < 0.6:
        wave = _filtered(rng, wave, 5.0)
    if rng.random() < 0.25:
        drive = rng.uniform(1, 6) / max(float(np.abs(wave).max()), 1e-9)
        wave = np.tanh(drive * wave) * 0.3
    if rng.random() < 0.15:
        wave = wave + residue(rng, frames)[:, 0]
    if rng.random() < 0.5:
        hiss = lfilter([1], [1, -rng.uniform(0, 0.95)], rng.standard_normal(frames))
        wave = wave + hiss / hiss.std() * float(np.sqrt(np.square(wave).mean())) * 10 ** (rng.uniform(-60, -28) / 20)
    if rng.random() < 0.3:
        spectrum = scipy.fft.rfft(wave.astype(np.float32))
        highest = np.exp(rng.uniform(np.log(7000), np.log(17000)))
        spectrum /= np.sqrt(1 + (scipy.fft.rfftfreq(frames, 1 / RATE_HZ) / highest) ** (2 * rng.integers(4, 40)))
        wave = scipy.fft.irfft(spectrum, frames)
    return np.asarray(wave * 10 ** (rng.uniform(-14, 8) / 20), np.float32)


def _compressed(rng: np.random.Generator, wave: Wave) -> Wave:
    """Compression with a fast attack, by envelopes of 64 samples; sometimes added to the wave itself."""
    hop = 64
    blocks = np.sqrt(np.square(wave[: len(wave) // hop * hop].reshape(-1, hop)).mean(axis=1))
    release = np.exp(-hop / RATE_HZ / rng.uniform(0.03, 0.3))
    envelope = np.maximum(lfilter([1 - release], [1, -release], blocks), 0.5 * blocks)
    threshold = max(float(np.percentile(envelope, 95)), 1e-6) * 10 ** (rng.uniform(-24, -4) / 20)
    gain = np.minimum(1.0, (np.maximum(envelope, 1e-9) / threshold) ** -rng.uniform(0.4, 0.9))
    squeezed = wave * np.interp(np.arange(len(wave)), np.arange(len(gain)) * hop, gain)
    squeezed *= float(np.sqrt(np.square(wave).mean())) / max(float(np.sqrt(np.square(squeezed).mean())), 1e-9)
    share = rng.choice([1.0, rng.uniform(0.3, 1.0)])
    return np.asarray(share * squeezed + (1 - share) * wave)


def _convolved(wave: Wave, response: Wave) -> Wave:
    return np.asarray(fftconvolve(wave.astype(np.float32), response.astype(np.float32)), np.float64)


def _room(rng: np.random.Generator, seconds: float, decay: float, level_db: float | None = None) -> Wave:
    """A room's response that decays by `decay` nepers over its length; with `level_db` after the direct sound."""
    length = round(seconds * RATE_HZ)
    room = rng.standard_normal(length) * np.exp(-decay * np.arange(length) / length)
    room = lfilter([1], [1, -rng.uniform(0, 0.85)], room)
    room /= np.sqrt(np.square(room).sum())
    if level_db is not None:
        room *= 10 ** (level_db / 20)
        room[0] = 1.0
    return np.asarray(room)


def _filtered(rng: np.random.Generator, wave: Wave, spread_db: float) -> Wave:
    return np.asarray(_equalised(rng.normal(0, spread_db, len(EQ_ANCHORS_HZ)), [wave])[0], np.float64)


def _equalised(gains_db: npt.NDArray[np.float64], waves: Sequence[npt.NDArray[np.floating]]) -> list[Sound]:
    """Each wave, (frames,), with these gains at `EQ_ANCHORS_HZ`."""
    filtered = []
    for wave in waves:
        size = scipy.fft.next_fast_len(len(wave), real=True)
        frequency = scipy.fft.rfftfreq(size, 1 / RATE_HZ)
        curve = np.interp(np.log(np.maximum(frequency, 20)), np.log(EQ_ANCHORS_HZ), gains_db)
        spectrum = scipy.fft.rfft(wave.astype(np.float32), size) * (10 ** (curve / 20)).astype(np.float32)
        filtered.append(np.asarray(scipy.fft.irfft(spectrum, size)[: len(wave)], np.float32))
    return filtered
