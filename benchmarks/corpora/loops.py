"""Loops of known tempo in many styles, for measuring the tempo estimate."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmarks.corpora.patterns import (
    ACOUSTIC_BASS,
    CLEAN,
    FINGERED_BASS,
    KEYS,
    NYLON,
    ORGAN,
    OVERDRIVE,
    PIANO,
    SAW_LEAD,
    SAX,
    SLAP_BASS,
    STEEL,
    SYNTH_BASS,
    VIBRAPHONE,
)
from benchmarks.corpora.synthesis import Part
from bridge.model import Note

Rhythm = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Style:
    """One bar of each player, and the usual tempi."""

    name: str
    tempi: tuple[int, int]
    drums: tuple[str, ...]
    bass: Rhythm
    """(beat, length in beats)."""
    chords: Rhythm
    swing: float = 0.0
    """Delay of the second eighth of a beat, in beats."""
    bass_program: int = FINGERED_BASS
    chord_program: int = PIANO
    fill: str = ""


@dataclass(frozen=True)
class Loop:
    """A piece of whole bars."""

    name: str
    tempo_bpm: float
    bars: int
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float:
        return self.bars * 240 / self.tempo_bpm

    def repeated(self, times: int) -> Loop:
        """The loop, repeated."""
        starts = [turn * self.seconds for turn in range(times)]
        parts = tuple(
            replace(part, notes=tuple(moved(note, start) for start in starts for note in part.notes))
            for part in self.parts
        )
        return replace(self, bars=self.bars * times, parts=parts)


EIGHTHS: Rhythm = tuple((step / 2, 0.45) for step in range(8))
SIXTEENTHS: Rhythm = tuple((step / 4, 0.22) for step in range(16))
QUARTERS: Rhythm = tuple((float(beat), 0.9) for beat in range(4))
OFF_BEATS: Rhythm = tuple((beat + 0.5, 0.4) for beat in range(4))
TRESILLO: Rhythm = ((0.0, 1.4), (1.5, 1.4), (3.0, 0.9))
CHARLESTON: Rhythm = ((0.0, 1.0), (1.5, 0.5))
STRUM: Rhythm = ((0.0, 0.9), (1.0, 0.4), (1.5, 0.9), (2.5, 0.4), (3.0, 0.4), (3.5, 0.4))
BACKBEATS: Rhythm = ((1.0, 0.3), (3.0, 0.3))
HALVES: Rhythm = ((0.0, 1.8), (2.0, 1.8))
ROOT_FIFTH: Rhythm = ((0.0, 0.9), (1.5, 0.4), (2.0, 0.9), (3.5, 0.4))
SLAPPED: Rhythm = ((0.0, 0.3), (0.75, 0.2), (1.5, 0.3), (2.0, 0.2), (2.5, 0.2), (3.25, 0.2), (3.5, 0.3))
STABS: Rhythm = ((0.5, 0.2), (1.25, 0.2), (1.75, 0.2), (2.75, 0.2), (3.5, 0.2))

STYLES = (
    Style("rock", (90, 160), ("h-h-h-h-h-h-h-h-", "K-------K-k-----", "----S-------S---"), EIGHTHS, QUARTERS, 0, FINGERED_BASS, OVERDRIVE, "K---S-ssmmttffFC"),  # noqa: E501
    Style("ballad", (70, 90), ("h-h-h-h-h-h-h-h-", "K-----k-K-------", "----S-------S---"), HALVES, EIGHTHS),
    Style("funk", (88, 118), ("hhhhhhohhhhhhhoh", "K--k--k---kk----", "----S--s-s--S--s"), SLAPPED, STABS, 0, SLAP_BASS, CLEAN),  # noqa: E501
    Style("house", (116, 132), ("K---K---K---K---", "--o---o---o---o-", "----S-------S---"), OFF_BEATS, TRESILLO, 0, SYNTH_BASS, ORGAN),  # noqa: E501
    Style("techno", (125, 150), ("K---K---K---K---", "h-hhh-hhh-hhh-hh", "--o---o---o---o-"), SIXTEENTHS, STABS, 0, SYNTH_BASS, SAW_LEAD),  # noqa: E501
    Style("boom bap", (78, 100), ("h-h-h-h-h-h-h-hh", "K--k------k-k---", "----S-------S---"), ROOT_FIFTH, CHARLESTON, 0.08, FINGERED_BASS, VIBRAPHONE),  # noqa: E501
    Style("trap", (130, 165), ("h-h-hhh-h-h-hhhh", "K-----k---K-----", "--------S-------"), TRESILLO, HALVES, 0, SYNTH_BASS, PIANO),  # noqa: E501
    Style("drum and bass", (162, 180), ("h-h-h-h-h-h-h-h-", "K---------K-----", "----S-------S---"), ROOT_FIFTH, HALVES, 0, SYNTH_BASS, SAW_LEAD),  # noqa: E501
    Style("disco", (108, 130), ("K---K---K---K---", "hhohhhohhhohhhoh", "----S-------S---"), EIGHTHS, BACKBEATS, 0, FINGERED_BASS, CLEAN),  # noqa: E501
    Style("jazz", (110, 178), ("r---r-r-r---r-r-", "----h-------h---", "k-----------k---"), QUARTERS, CHARLESTON, 0.167, ACOUSTIC_BASS, PIANO),  # noqa: E501
    Style("shuffle", (90, 140), ("h-h-h-h-h-h-h-h-", "K-------K-------", "----S-------S---"), QUARTERS, EIGHTHS, 0.167, FINGERED_BASS, OVERDRIVE),  # noqa: E501
    Style("one drop", (70, 88), ("h-h-h-h-h-h-h-h-", "--------K-------", "--------X---g-g-"), ROOT_FIFTH, BACKBEATS, 0.06, FINGERED_BASS, CLEAN, "K-ttmm--ffttS---"),  # noqa: E501
    Style("salsa", (160, 178), ("q-q-q-q-q-q-q-q-", "x--x--x---x-x---", "--g---gg--g---gg", "K-------K-------"), TRESILLO, STRUM, 0, ACOUSTIC_BASS, PIANO),  # noqa: E501
    Style("bossa", (115, 150), ("h-h-h-h-h-h-h-h-", "K-----k-K-----k-", "x-----x-----x---"), ROOT_FIFTH, TRESILLO, 0, ACOUSTIC_BASS, NYLON),  # noqa: E501
    Style("break", (100, 140), ("h-h-h-h-h-h-h-h-", "K-K-------KK----", "----S--s-s--S--s"), SLAPPED, CHARLESTON, 0, SYNTH_BASS, ORGAN),  # noqa: E501
    Style("soul", (100, 140), ("h-h-h-h-h-h-h-h-", "K-----k-K-k-----", "S---S---S---S---"), EIGHTHS, BACKBEATS),
    Style("hip-hop", (80, 100), ("hhhhhhhhhhhhhhhh", "K-----k--kK-----", "----S-------S---"), TRESILLO, QUARTERS, 0, SYNTH_BASS, VIBRAPHONE),  # noqa: E501
    Style("punk", (150, 180), ("h-h-h-h-h-h-h-h-", "K-k-----K-k-----", "----S-------S---"), EIGHTHS, EIGHTHS, 0, FINGERED_BASS, OVERDRIVE),  # noqa: E501
    Style("country", (95, 130), ("hhhhhhhhhhhhhhhh", "K-------K-------", "----S-------S---"), HALVES, STRUM, 0, FINGERED_BASS, STEEL),  # noqa: E501
    Style("slow soul", (70, 84), ("h-hhh-hhh-hhh-hh", "K------k--k-----", "----S-------S---"), ROOT_FIFTH, SIXTEENTHS),
)  # fmt: skip
HARMONIES = (
    ((48, 55, 60, 64), (45, 52, 57, 60), (41, 53, 57, 60), (43, 55, 59, 62)),
    ((45, 52, 57, 60), (41, 53, 57, 60), (48, 55, 60, 64), (43, 55, 59, 62)),
    ((50, 57, 62, 65), (43, 53, 59, 62), (48, 52, 59, 64), (48, 55, 59, 64)),
)
KINDS = ("drums", "bass", "chords", "melody", "mix")


def loop(style: Style, kind: str, tempo_bpm: float, bars: int, seed: int) -> Loop:
    """A loop of a style: one of its players, or drums, bass and chords (`mix`)."""
    rng = random.Random(seed)
    harmony = rng.choice(HARMONIES)
    made = {
        "drums": lambda: _drums(style, tempo_bpm, bars),
        "bass": lambda: _pitched(style, "bass", tempo_bpm, bars, [chord[:1] for chord in harmony], style.bass, rng),
        "chords": lambda: _pitched(style, "other", tempo_bpm, bars, harmony, style.chords, rng),
        "melody": lambda: melody(style, tempo_bpm, bars, rng),
    }
    players = KINDS[:3] if kind == "mix" else (kind,)
    return Loop(f"{style.name}, {kind}", tempo_bpm, bars, tuple(made[player]() for player in players))


def _drums(style: Style, tempo_bpm: float, bars: int) -> Part:
    notes = []
    for bar in range(bars):
        for row in (style.fill,) if style.fill and bar % 4 == 3 else style.drums:
            for step, letter in enumerate(row):
                if letter.lower() in KEYS:
                    velocity = 112 if letter.isupper() else 84 + step % 3 * 5
                    notes.append(played(style, tempo_bpm, 4 * bar + step / 4, 0.25, KEYS[letter.lower()], velocity))
    return Part("drums", in_order(notes))


def _pitched(
    style: Style,
    stem: str,
    tempo_bpm: float,
    bars: int,
    harmony: Sequence[Sequence[int]],
    rhythm: Rhythm,
    rng: random.Random,
) -> Part:
    leaps = [rng.choice((0, 0, 0, 7, 12)) if stem == "bass" else 0 for _ in rhythm]
    notes = [
        played(style, tempo_bpm, 4 * bar + beat, length, pitch + leap, 84 + rng.randrange(20))
        for bar in range(bars)
        for (beat, length), leap in zip(rhythm, leaps, strict=True)
        for pitch in harmony[bar % len(harmony)]
    ]
    down = 12 if stem == "bass" else 0
    lowered = [_lowered(note, down) for note in notes]
    return Part(stem, in_order(lowered), style.bass_program if stem == "bass" else style.chord_program)


def melody(style: Style, tempo_bpm: float, bars: int, rng: random.Random) -> Part:
    """A tune in eighths, quarters and longer, with a rhythm that repeats every two bars."""
    rhythm: list[tuple[float, float]] = []
    beat = 0.0
    while beat < 8:
        length = rng.choice((0.5, 0.5, 0.5, 1.0, 1.0, 1.5, 2.0)) if beat % 1 == 0 else 0.5
        if rng.random() > 0.12:
            rhythm.append((beat, min(length, 8 - beat)))
        beat += length
    notes, degree = [], 4
    for turn in range(0, bars, 2):
        for beat, length in rhythm:
            degree = max(0, min(11, degree + rng.choice((-2, -1, -1, 0, 1, 1, 2, 3))))
            if turn * 4 + beat < 4 * bars:
                pitch = 60 + (0, 2, 4, 5, 7, 9, 11, 12, 14, 16, 17, 19)[degree]
                notes.append(played(style, tempo_bpm, turn * 4 + beat, length * 0.95, pitch, 80 + rng.randrange(25)))
    return Part("other", in_order(notes), rng.choice((SAX, PIANO, VIBRAPHONE, NYLON)))


def played(style: Style, tempo_bpm: float, beat: float, length: float, pitch: int, velocity: int) -> Note:
    late = style.swing if beat % 1 == 0.5 else style.swing * 0.5 if beat % 1 in (0.25, 0.75) else 0.0
    onset = (beat + late) * 60 / tempo_bpm
    return Note(
        onset_seconds=onset,
        offset_seconds=onset + max(0.03, length * 60 / tempo_bpm - 0.01),
        pitch=pitch,
        velocity=velocity,
    )


def in_order(notes: Sequence[Note]) -> tuple[Note, ...]:
    return tuple(sorted(notes, key=lambda note: (note.onset_seconds, note.pitch)))


def moved(note: Note, seconds: float) -> Note:
    return Note(
        onset_seconds=note.onset_seconds + seconds,
        offset_seconds=note.offset_seconds + seconds,
        pitch=note.pitch,
        velocity=note.velocity,
    )


def _lowered(note: Note, semitones: int) -> Note:
    return Note(
        onset_seconds=note.onset_seconds,
        offset_seconds=note.offset_seconds,
        pitch=note.pitch - semitones,
        velocity=note.velocity,
    )
