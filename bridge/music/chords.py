"""Chords from the notes of all stems: how well each chord explains each beat, joined by dynamic programming.

A beat is a bag of pitch classes, each as heavy as it sounds long and loud. A chord is a distribution over pitch
classes, and another over the lowest ones; how well it explains the beat is the beat's likelihood under both. A change
costs, least at bar lines (Viterbi). Every constant was chosen on songs rendered for that: docs/methods/chords.md.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from bridge.model import Chord, Music, Note
from bridge.music.metre import Metre
from bridge.music.overlaps import is_line
from bridge.music.spelling import root_name
from bridge.stems import stem_of

#: Semitones above the root, by what follows the root in a name.
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "sus4": (0, 5, 7),
    "aug": (0, 4, 8),
}
#: How much rarer than plain triads these are, as a logarithm.
RARER = {"": 0.0, "m": 0.0, "7": 0.3, "maj7": 0.3, "m7": 0.3, "dim": 1.0, "sus4": 2.0, "aug": 1.8}
#: The share of a beat's sound that belongs to its chord; the rest is spread over the other pitch classes.
CHORD_SHARE = 0.88
#: How likely the lowest note is the root, the fifth or another tone of the chord; the rest likewise.
BASS_SHARES = (0.66, 0.14, 0.1)
#: What one beat weighs, in notes, as a bag of pitch classes and by its lowest note.
CHORD_NOTES, BASS_NOTES = 8.0, 2.0
#: What a change costs at the start of a bar, in its middle, and elsewhere.
CHANGE_COSTS = (2.0, 4.0, 7.0)
#: A beat without a chord is as likely as an even spread of its notes, and this much more.
NO_CHORD_BONUS = 0.2
#: A sung or played line has passing notes: its notes weigh this much.
LINE_WEIGHTS = {"vocals": 0.4}
BASS = "bass"
#: Stems that can sound several notes; without one of them there are no chords.
LINES = ("vocals", "bass")
#: A struck note counts as at least so long, and as no longer than that.
LEAST_SECONDS, MOST_SECONDS = 0.12, 2.5
#: A beat with less sound than this share of the mean beat is silent: a chord over it costs this, so that a chord lasts
#: over a rest, but not over a bar of silence.
SILENT_SHARE, SILENCE_COST = 0.08, 2.0
#: Length of a "beat" without a tempo.
STEP_SECONDS = 0.5
#: Block chords: the C below the lowest root, the lowest of the other tones, and how loud they are.
BLOCK_BASS, BLOCK_LOWEST, BLOCK_VELOCITY = 36, 55, 80
#: How many different names a line of words has room for.
WORDS = 8


@dataclass(frozen=True)
class _Beat:
    start: float
    end: float
    change_cost: float
    """Of a change at its start."""


def chords_of(parts: Mapping[str, Sequence[Note]], music: Music, seconds: float) -> tuple[Chord, ...]:
    """The chords of a clip in order, without overlaps; where none is told, there is none. A lone line has none.

    Args:
        parts: the notes of each stem; drums are left out, the bass weighs for the root.
        music: its tempo, metre and first beat say where beats are; without a tempo they are half a second long.
        seconds: length of the clip.
    """
    pitched = {stem: notes for stem, notes in parts.items() if stem_of(stem).is_pitched and notes}
    if all(stem in LINES for stem in pitched) or (len(pitched) == 1 and all(map(is_line, pitched.values()))):
        return ()
    beats = [*_beats(music, seconds)]
    sound, lowest = _weights(pitched, beats)
    names = _names(music.key)
    return tuple(
        Chord(start_seconds=round(beats[first].start, 6), end_seconds=round(beats[last].end, 6), name=names[chord])
        for first, last, chord in _runs(_likeliest(beats, sound, lowest))
    )


def chord_words(chords: Sequence[Chord]) -> str:
    """`C Am F G`: the chords in order; a progression that comes again stands once, a long one ends with `…`."""
    names = [name for name, _ in groupby(chord.name for chord in chords)]
    for length in range(1, WORDS + 1):
        if len(names) > length and all(name == names[place % length] for place, name in enumerate(names)):
            return " ".join(names[:length])
    return " ".join([*names[:WORDS], *(["…"] if len(names) > WORDS else [])])


def block_chords(chords: Sequence[Chord]) -> list[Note]:
    """The chords as notes, for a synthesiser: the root in the bass, and all tones in the octave from G3 on."""
    notes = []
    for chord in chords:
        root, tones = chord_tones(chord.name)
        pitches = [BLOCK_BASS + root, *sorted(BLOCK_LOWEST + (root + tone - BLOCK_LOWEST) % 12 for tone in tones)]
        notes += [
            Note(
                onset_seconds=chord.start_seconds,
                offset_seconds=chord.end_seconds,
                pitch=pitch,
                velocity=BLOCK_VELOCITY,
            )
            for pitch in pitches
        ]
    return notes


def chord_tones(name: str) -> tuple[int, tuple[int, ...]]:
    """The root's pitch class and the semitones above it: `Bb7` → 10, (0, 4, 7, 10)."""
    signs = name[1 : 1 + len(name[1:]) - len(name[1:].lstrip("#b"))]
    letters = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
    root = letters[name[0]] + signs.count("#") - signs.count("b")
    return root % 12, QUALITIES[name[1 + len(signs) :]]


def _names(key: str) -> list[str]:
    return [root_name(root, key) + quality for root in range(12) for quality in QUALITIES]


def _beats(music: Music, seconds: float) -> Iterator[_Beat]:
    """The beats of the clip, the first and the last cut at its ends."""
    at_bar, at_half, elsewhere = CHANGE_COSTS
    if music.tempo_source == "default":
        length, first, in_bar = STEP_SECONDS, 0.0, 1
        at_bar = at_half = elsewhere
    else:
        metre = Metre.of(music.time_signature)
        length = metre.beat_quarters * 60 / music.tempo_bpm
        first, in_bar = music.first_beat_seconds, max(1, round(metre.bar_quarters / metre.beat_quarters))
    beat = math.floor(-first / length + 1e-6)
    while (start := first + beat * length) < seconds - 1e-6:
        place = beat % in_bar
        cost = at_bar if place == 0 else at_half if 2 * place == in_bar else elsewhere
        yield _Beat(max(0.0, start), min(seconds, first + (beat + 1) * length), cost)
        beat += 1


def _weights(
    parts: Mapping[str, Sequence[Note]], beats: Sequence[_Beat]
) -> tuple[list[list[float]], list[list[float]]]:
    """How much each pitch class sounds in each beat, and how much each is the lowest: 12 values each."""
    sound = [[0.0] * 12 for _ in beats]
    lowest = [[0.0] * 12 for _ in beats]
    ends = [beat.end for beat in beats]
    has_bass = BASS in parts
    for stem, notes in parts.items():
        weight = LINE_WEIGHTS.get(stem, 1.0)
        for note in notes:
            end = min(max(note.offset_seconds, note.onset_seconds + LEAST_SECONDS), note.onset_seconds + MOST_SECONDS)
            loud = weight * note.velocity / 127 * note.confidence
            place = bisect_left(ends, note.onset_seconds + 1e-3)
            while place < len(beats) and beats[place].start < end:
                shared = loud * max(0.0, min(end, beats[place].end) - max(note.onset_seconds, beats[place].start))
                sound[place][note.pitch % 12] += shared
                if stem == BASS:
                    lowest[place][note.pitch % 12] += shared
                elif not has_bass and stem not in LINES:
                    # Without a bass, what is lower weighs more for the root: an octave makes four times as much.
                    lowest[place][note.pitch % 12] += shared * 4 ** ((60 - note.pitch) / 12)
                place += 1
    return sound, lowest


def _likeliest(
    beats: Sequence[_Beat], sound: Sequence[Sequence[float]], lowest: Sequence[Sequence[float]]
) -> list[int | None]:
    """For each beat the index of its chord in `_names`; None: no chord."""
    none = 12 * len(QUALITIES)
    mean = sum(map(sum, sound)) / max(1, len(beats))
    fits = [_fits(*pair, SILENT_SHARE * mean) for pair in zip(sound, lowest, strict=True)]
    best, previous = fits[0] if fits else [], []
    for beat, fit in zip(beats[1:], fits[1:], strict=True):
        top = max(range(none + 1), key=best.__getitem__)
        changed = best[top] - beat.change_cost
        previous.append([top if changed > stayed else place for place, stayed in enumerate(best)])
        best = [max(stayed, changed) + now for stayed, now in zip(best, fit, strict=True)]
    if not fits:
        return []
    chord = max(range(none + 1), key=best.__getitem__)
    path = [chord]
    for step in reversed(previous):
        chord = step[chord]
        path.append(chord)
    return [None if chord == none else chord for chord in reversed(path)]


def _fits(sound: Sequence[float], lowest: Sequence[float], silence: float) -> list[float]:
    """The log-likelihood of a beat under each chord, then under no chord."""
    total, low = sum(sound), sum(lowest)
    if total <= silence:
        return [-SILENCE_COST] * (12 * len(QUALITIES)) + [0.0]
    heard = [CHORD_NOTES * weight / total for weight in sound]
    under = [BASS_NOTES * weight / low if low else 0.0 for weight in lowest]
    fits = []
    for root in range(12):
        turned, deep = [*heard[root:], *heard[:root]], [*under[root:], *under[:root]]
        for quality in QUALITIES:
            tone_logs, bass_logs = _LOGS[quality]
            fit = sum(map(float.__mul__, turned, tone_logs)) + sum(map(float.__mul__, deep, bass_logs))
            fits.append(fit - RARER[quality])
    return [*fits, NO_CHORD_BONUS - math.log(12) * (sum(heard) + sum(under))]


def _logs(tones: Sequence[int]) -> tuple[list[float], list[float]]:
    """The logarithms of a chord's probabilities for pitch classes above its root, and for the lowest note."""
    others = 12 - len(tones)
    sounds = [CHORD_SHARE / len(tones) if step in tones else (1 - CHORD_SHARE) / others for step in range(12)]
    root, fifth, tone = BASS_SHARES
    bass = [root if step == 0 else fifth if step == tones[2] else tone if step in tones else 0.0 for step in range(12)]
    rest = max(0.02, (1 - sum(bass)) / others)
    bass = [share or rest for share in bass]
    return [math.log(share) for share in sounds], [math.log(share / sum(bass)) for share in bass]


_LOGS = {quality: _logs(tones) for quality, tones in QUALITIES.items()}


def _runs(path: Sequence[int | None]) -> Iterator[tuple[int, int, int]]:
    """First beat, last beat and chord of every run of one chord."""
    place = 0
    for chord, run in groupby(path):
        length = len([*run])
        if chord is not None:
            yield place, place + length - 1, chord
        place += length
