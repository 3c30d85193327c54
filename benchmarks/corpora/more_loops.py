"""Random loops: thirty more styles, and variations of all styles in patterns, rhythms and sounds, from a seed.

The weights in `bridge.music.tempo.estimate` are fitted to these (`benchmarks.training.tempo_fit`); `benchmarks.quality.tempo`
uses none of them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from benchmarks.corpora.loops import (
    BACKBEATS,
    CHARLESTON,
    EIGHTHS,
    HALVES,
    HARMONIES,
    OFF_BEATS,
    QUARTERS,
    ROOT_FIFTH,
    SIXTEENTHS,
    SLAPPED,
    STABS,
    STRUM,
    TRESILLO,
    Loop,
    Rhythm,
    Style,
    in_order,
    melody,
    moved,
    played,
)
from benchmarks.corpora.patterns import (
    ACOUSTIC_BASS,
    CLEAN,
    DISTORTION,
    FINGERED_BASS,
    FLUTE,
    KEYS,
    NYLON,
    ORGAN,
    OVERDRIVE,
    PIANO,
    PICKED_BASS,
    SAW_LEAD,
    SAX,
    STEEL,
    STRINGS,
    SYNTH_BASS,
    TRUMPET,
    VIBRAPHONE,
    VIOLIN,
)
from benchmarks.corpora.synthesis import Part

WHOLE: Rhythm = ((0.0, 3.8),)
ROLLING: Rhythm = tuple((step / 4, 0.2) for step in range(16) if step % 4)

MORE_STYLES = (
    Style("motown", (100, 138), ("h-h-h-h-h-h-h-h-", "K-----k-K-----k-", "S---S---S---S---"), ROOT_FIFTH, BACKBEATS),
    Style("half-time rock", (130, 172), ("h-h-h-h-h-h-h-h-", "K-----k-----k-k-", "--------S-------"), EIGHTHS, HALVES, 0, PICKED_BASS, DISTORTION),
    Style("drill", (138, 148), ("h--h--h-h--h--h-", "K-----k----k----", "------S-------S-"), TRESILLO, HALVES, 0, SYNTH_BASS, PIANO),
    Style("dubstep", (136, 144), ("h-----h-h-----h-", "K-----k---------", "--------S-------"), HALVES, STABS, 0, SYNTH_BASS, SAW_LEAD),
    Style("jungle", (160, 178), ("h-h-h-h-h-h-h-h-", "K-K-------KK----", "----S--s-s--S--s"), HALVES, HALVES, 0, SYNTH_BASS, STRINGS),
    Style("reggaeton", (86, 102), ("h-h-h-h-h-h-h-h-", "K---K---K---K---", "---s--s----s--s-"), TRESILLO, OFF_BEATS, 0, SYNTH_BASS, PIANO),
    Style("slow jam", (70, 88), ("hhhhhhhhhhhhhhhh", "K--k-----kk-----", "----X-------X---"), ROOT_FIFTH, QUARTERS, 0, FINGERED_BASS, VIBRAPHONE),
    Style("gospel", (70, 86), ("h-hhh-hhh-hhh-hh", "K-----k-K--k----", "----S--s----S--s"), ROOT_FIFTH, EIGHTHS, 0.1, FINGERED_BASS, ORGAN),
    Style("fast metal", (150, 180), ("c---c---c---c---", "K-K-K-K-K-K-K-K-", "----S-------S---"), EIGHTHS, EIGHTHS, 0, PICKED_BASS, DISTORTION),
    Style("slow metal", (78, 112), ("c---c---c---c---", "K-kkK-kkK-kkK-kk", "----S-------S---"), SIXTEENTHS, SIXTEENTHS, 0, PICKED_BASS, DISTORTION),
    Style("synth pop", (104, 132), ("h-h-h-h-h-h-h-h-", "K---K---K---K---", "----S-------S---"), EIGHTHS, QUARTERS, 0, SYNTH_BASS, SAW_LEAD),
    Style("trance", (130, 142), ("K---K---K---K---", "--o---o---o---o-", "hhhhhhhhhhhhhhhh"), ROLLING, STABS, 0, SYNTH_BASS, SAW_LEAD),
    Style("ska", (140, 176), ("h-h-h-h-h-h-h-h-", "K-------K-------", "----S-------S---"), QUARTERS, OFF_BEATS, 0, FINGERED_BASS, CLEAN),
    Style("train beat", (92, 126), ("S-ssS-ssS-ssS-ss", "K-------K-------"), HALVES, BACKBEATS, 0, ACOUSTIC_BASS, STEEL),
    Style("lo-fi", (70, 90), ("h-h-h-h-h-h-h-h-", "K-----k---k-----", "----S-------S---"), HALVES, CHARLESTON, 0.1, ACOUSTIC_BASS, VIBRAPHONE),
    Style("afrobeat", (104, 126), ("h-hhh-hhh-hhh-hh", "K--k--k-K--k--k-", "----x--x----x--x"), SLAPPED, STABS, 0, FINGERED_BASS, CLEAN),
    Style("samba", (94, 122), ("q-qqq-qqq-qqq-qq", "K--kK--kK--kK--k", "x-x--x-xx-x-xx-x"), ROOT_FIFTH, STRUM, 0, ACOUSTIC_BASS, NYLON),
    Style("post-punk", (138, 172), ("h-h-h-h-h-h-h-h-", "K---k-----k-----", "----S-------S---"), EIGHTHS, HALVES, 0, PICKED_BASS, CLEAN),
    Style("surf", (148, 178), ("h-h-h-h-h-h-h-h-", "K-------K-------", "----S-S-----S---"), EIGHTHS, STRUM, 0, PICKED_BASS, CLEAN),
    Style("piano ballad", (70, 92), ("r-r-r-r-r-r-r-r-", "K-------K-------", "----x-------x---"), WHOLE, QUARTERS, 0, ACOUSTIC_BASS, PIANO),
    Style("hymn", (70, 110), ("r---r---r---r---", "K-------K-------", "----x-------x---"), HALVES, ((0, 1.9), (2, 0.9), (3, 0.9)), 0, ACOUSTIC_BASS, ORGAN),
    Style("bluegrass", (110, 160), ("h-h-h-h-h-h-h-h-", "----x-------x---"), HALVES, BACKBEATS, 0, ACOUSTIC_BASS, STEEL),
    Style("big band", (130, 178), ("r---r--rr---r--r", "K-------K-------", "----h-------h---"), QUARTERS, CHARLESTON, 0, ACOUSTIC_BASS, PIANO),
    Style("cha-cha", (108, 130), ("x---x---x---x-x-", "g-g-g-g-g-g-g-g-", "------K-----K-K-"), TRESILLO, STRUM, 0, ACOUSTIC_BASS, PIANO),
    Style("crunk", (70, 84), ("hhhhhhhhhhhhhhhh", "K--k---k--K-k---", "----S-------S---"), TRESILLO, EIGHTHS, 0, SYNTH_BASS, SAW_LEAD),
    Style("uk garage", (128, 136), ("--o---o---o---o-", "K---------k-----", "----S-------S--s"), STABS, STABS, 0.08, SYNTH_BASS, ORGAN),
    Style("fast pop rock", (140, 178), ("h-h-h-h-h-h-h-h-", "K-----k-K-k-----", "----S-------S---"), EIGHTHS, QUARTERS, 0, PICKED_BASS, OVERDRIVE),
    Style("slow blues", (70, 88), ("h-h-h-h-h-h-h-h-", "K-------K-----k-", "----S-------S---"), QUARTERS, BACKBEATS, 0.167, FINGERED_BASS, CLEAN),
    Style("electro", (118, 132), ("h-h-h-h-h-h-h-h-", "K-----k-------k-", "----S-------S---"), SIXTEENTHS, STABS, 0, SYNTH_BASS, SAW_LEAD),
    Style("neo soul", (78, 96), ("h-hhh-h-h-hhh-h-", "K--k---k--k----k", "----S-------S---"), ROOT_FIFTH, STABS, 0.08, FINGERED_BASS, VIBRAPHONE),
)  # fmt: skip
CYMBALS = ("h-h-h-h-h-h-h-h-", "h---h---h---h---", "--h---h---h---h-", "r---r-r-r---r-r-", "--o---o---o---o-")
BUSY_CYMBALS = (*CYMBALS, "hhhhhhhhhhhhhhhh", "h-hhh-hhh-hhh-hh", "h--hh--hh--hh--h")
FILLS = ("K---S-ssmmttffFC", "K---s---S-s-S-ss", "----S-----ssS-S-", "K-k-S---s-s-tttt")
BASS_RHYTHMS = (EIGHTHS, QUARTERS, HALVES, ROOT_FIFTH, TRESILLO, OFF_BEATS, SLAPPED, WHOLE, SIXTEENTHS)
CHORD_RHYTHMS = (QUARTERS, HALVES, EIGHTHS, CHARLESTON, STRUM, BACKBEATS, OFF_BEATS, TRESILLO, WHOLE, STABS)
CHORD_PROGRAMS = (0, 1, 4, 5, 7, 11, 16, 18, 24, 25, 26, 27, 28, 29, 48, 50, 62, 81, 89)
LEADS = (SAX, PIANO, VIBRAPHONE, NYLON, FLUTE, VIOLIN, TRUMPET, SAW_LEAD)
KITS = (0, 0, 0, 8, 16, 24, 25, 32, 40)
PROGRESSIONS = (
    *HARMONIES,
    ((52, 55, 59, 64), (48, 55, 60, 64), (43, 55, 59, 62), (50, 54, 57, 62)),
    ((45, 52, 57, 60), (50, 53, 57, 62), (52, 56, 59, 64), (45, 52, 57, 60)),
    ((46, 53, 58, 62), (43, 50, 58, 62), (51, 55, 58, 63), (41, 53, 57, 60)),
    ((48, 55, 60, 64),) * 4,
)
PLAYERS = {
    "mix": ("drums", "bass", "chords"),
    "drums and bass": ("drums", "bass"),
    "bass and chords": ("bass", "chords"),
    "full": ("drums", "bass", "arpeggio", "melody"),
}
KINDS = ("drums", "drums", "drums", "bass", "bass", "chords", "chords", "arpeggio", "melody", "mix", *PLAYERS)
#: Above this tempo patterns are less dense.
FAST_BPM = 125.0


@dataclass(frozen=True)
class _Session:
    """The settings that the parts of one loop share."""

    style: Style
    tempo_bpm: float
    bars: int
    rng: random.Random
    harmony: Sequence[Sequence[int]]
    bars_a_chord: float

    def chord(self, beat: float) -> Sequence[int]:
        return self.harmony[int(beat / 4 / self.bars_a_chord + 1e-9) % len(self.harmony)]


def varied(style: Style, kind: str, tempo_bpm: float, bars: int, seed: int) -> Loop:
    """A random variation of a style: cymbals, kicks, ghost notes, fills, rhythms, chords, sounds."""
    rng = random.Random(seed)
    slow = tempo_bpm < FAST_BPM
    drawn = replace(
        style,
        drums=tuple(_redrawn(row, slow, rng) for row in style.drums),
        bass=style.bass if rng.random() < 0.45 else rng.choice(BASS_RHYTHMS[: None if slow else -1]),
        chords=style.chords if rng.random() < 0.4 else rng.choice(CHORD_RHYTHMS),
        fill=style.fill or (rng.choice(FILLS) if rng.random() < 0.25 else ""),
        bass_program=style.bass_program if rng.random() < 0.5 else rng.randrange(32, 40),
        chord_program=style.chord_program if rng.random() < 0.4 else rng.choice(CHORD_PROGRAMS),
    )
    bars_a_chord = rng.choice((1, 1, 1, 1, 1, 1, 1, 2, 0.5, 0.5))
    session = _Session(drawn, tempo_bpm, bars, rng, rng.choice(PROGRESSIONS), bars_a_chord)
    makers: dict[str, Callable[[], Part]] = {
        "drums": lambda: _drums(session),
        "bass": lambda: _bass(session),
        "chords": lambda: _chords(session),
        "arpeggio": lambda: _arpeggio(session),
        "melody": lambda: replace(melody(drawn, tempo_bpm, bars, rng), program=rng.choice(LEADS)),
    }
    unsteady = rng.choice((0.0, 0.0, 0.0, 0.003, 0.006))
    parts = [makers[player]() for player in PLAYERS.get(kind, (kind,))]
    return Loop(f"{style.name}, {kind}", tempo_bpm, bars, tuple(_by_hand(part, unsteady, rng) for part in parts))


def _redrawn(row: str, slow: bool, rng: random.Random) -> str:
    letters, steps = set(row.lower()) - {"-"}, list(row)
    if letters <= set("hor") and rng.random() < 0.5:
        return rng.choice(BUSY_CYMBALS if slow else CYMBALS)
    if "k" in letters and rng.random() < 0.6:
        for step in rng.sample((2, 3, 6, 7, 10, 11, 14, 15) if slow else (2, 3, 6, 8, 10, 11, 14), rng.randrange(1, 4)):
            steps[step] = "-" if steps[step] != "-" else "k"
    if "s" in letters and slow and rng.random() < 0.25:
        for step in rng.sample((1, 3, 6, 7, 9, 11, 15), 2):
            steps[step] = "s" if steps[step] == "-" else steps[step]
    return "".join(steps)


def _drums(session: _Session) -> Part:
    style, rng = session.style, session.rng
    # Every other bar may have one kick more or one less.
    turn = rng.choice((None, None, 6, 7, 10, 11, 14))
    notes = []
    for bar in range(session.bars):
        for row in (style.fill,) if style.fill and bar % 4 == 3 else style.drums:
            for step, letter in enumerate(row):
                turned = step == turn and bar % 2 == 1 and "k" in row.lower()
                letter_played = ("-" if letter != "-" else "k") if turned else letter
                if letter_played.lower() in KEYS:
                    velocity = (112 if letter_played.isupper() else 84 + step % 3 * 5) + rng.randrange(-6, 7)
                    key = KEYS[letter_played.lower()]
                    notes.append(played(style, session.tempo_bpm, 4 * bar + step / 4, 0.25, key, velocity))
    return Part("drums", in_order(notes), rng.choice(KITS))


def _bass(session: _Session) -> Part:
    style, rng = session.style, session.rng
    leaps = [rng.choice((0, 0, 0, 7, 12, -5, 3)) for _ in style.bass]
    notes = [
        played(style, session.tempo_bpm, at, length, session.chord(at)[0] + leap - 12, 84 + rng.randrange(20))
        for bar in range(session.bars)
        for (beat, length), leap in zip(style.bass, leaps, strict=True)
        for at in (4 * bar + beat,)
    ]
    return Part("bass", in_order(notes), style.bass_program)


def _chords(session: _Session) -> Part:
    notes = [
        played(session.style, session.tempo_bpm, 4 * bar + beat, length, pitch, 84 + session.rng.randrange(20))
        for bar in range(session.bars)
        for beat, length in session.style.chords
        for pitch in session.chord(4 * bar + beat)
    ]
    return Part("other", in_order(notes), session.style.chord_program)


def _arpeggio(session: _Session) -> Part:
    rng = session.rng
    beat = 0.5 if session.tempo_bpm > FAST_BPM else rng.choice((0.5, 0.5, 0.25))
    order = rng.choice(((0, 1, 2, 3), (0, 1, 2, 3, 2, 1), (0, 2, 1, 3), (3, 2, 1, 0)))
    length = beat * rng.choice((0.9, 1.5))
    notes = [
        played(session.style, session.tempo_bpm, at, length, session.chord(at)[order[step % len(order)]] + 12, velocity)
        for step in range(round(4 * session.bars / beat))
        for at, velocity in ((step * beat, 80 + rng.randrange(20)),)
    ]
    return Part("other", in_order(notes), session.style.chord_program)


def _by_hand(part: Part, unsteady_seconds: float, rng: random.Random) -> Part:
    late = (rng.gauss(0, unsteady_seconds) for _ in part.notes)
    notes = [moved(note, max(-note.onset_seconds, by)) for note, by in zip(part.notes, late, strict=True)]
    return replace(part, notes=in_order(notes))
