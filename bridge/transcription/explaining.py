"""Which drums explain a stroke: the best of all sets that two hands and a foot can play, by least squares.

The drums' general sounds are drawn towards those of the recording in a few rounds – a semi-adaptive non-negative
factorisation (after Wu and Lerch, "Drum transcription using partially fixed non-negative matrix factorization",
2015), with two differences: a column is a stroke rather than a frame, and the activations are sparse because the sets
are searched through, which takes the place of a threshold.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from bridge.transcription.bands import BANDS
from bridge.transcription.kit import BLEED, KICK, RESIDUE, SNARE, SOUNDS, TOM, Drum, Sound
from bridge.transcription.strokes import Numbers, Strokes

ROUNDS = 2
#: What it costs besides to take a pair for struck that resembles another too much: a tom with the snare, never; what
#: bleeds in, which would take the kick's place or, with a cymbal, the snare's, with anything but the kick; and what is
#: left of other instruments, with anything.
TOM_AND_SNARE, BLEED_AND_OTHERS, RESIDUE_AND_OTHERS = 1.0, 0.08, 0.02
#: The general sound counts as much as this many loud strokes of the recording.
PRIOR_STROKES = 2.0
#: No feature grows beyond so many times the general sound's: a snare that is only heard with the kick keeps out of its
#: lows, and leaves them to it.
MOST_GROWTH = 2.0
#: A feature below this share of its stroke's strongest ones, or of a loud stroke's, counts as one of that size: that
#: nothing sounds there says much, how little says nothing.
FLOOR, LOUD_FLOOR = 0.05, 0.02
STRONGEST = 10
#: A feature's scale is that of its band in a loud stroke, and no less than this share of the loudest band's.
LOUD_PERCENTILE, LEAST_SCALE = 95, 0.1


@dataclass(frozen=True)
class Palette:
    """The sounds that a recording is taken to be made of, and the scale of its features."""

    sounds: tuple[Sound, ...]
    templates: Numbers
    """(sounds, FEATURES), each of sum 1."""
    scale: Numbers
    """(FEATURES,)"""


def general(strokes: Strokes) -> Palette:
    """The general sounds, at the scale of a recording of which these are some strokes (at least one)."""
    scale = _scale(strokes)
    return Palette(SOUNDS, _normalised(np.stack([sound.template() for sound in SOUNDS]) / scale), scale)


def adapted(strokes: Strokes) -> Palette:
    """The palette of a recording, learnt from some of its strokes (at least one)."""
    palette = general(strokes)
    prior, scale = palette.templates, palette.scale
    gains, _ = explain(strokes, palette)
    # A kit has one kick and one snare: of the sounds that a drum may have, the one that is heard most. Toms are many.
    heard = gains.sum(axis=0)
    best = {
        drum: max((i for i, s in enumerate(SOUNDS) if s.drum is drum), key=lambda i: heard[i])
        for drum in dict.fromkeys(sound.drum for sound in SOUNDS)
    }
    kept = [index for index, sound in enumerate(SOUNDS) if sound.drum is TOM or best[sound.drum] == index]
    prior, gains = prior[kept], gains[:, kept]
    palette = Palette(tuple(SOUNDS[index] for index in kept), prior, scale)
    for turn in range(ROUNDS):
        if turn:
            gains, _ = explain(strokes, palette)
        palette = Palette(palette.sounds, _moved(strokes, gains, palette, prior), scale)
    return palette


def explain(strokes: Strokes, palette: Palette) -> tuple[Numbers, Numbers]:
    """How loud each sound is in each stroke, and the share of the stroke that is left unexplained, 0–1, plus what the
    drums' surprise costs: (strokes, sounds) and (strokes,)."""
    sound = strokes.added / palette.scale
    strongest = np.sort(sound * strokes.weight, axis=1)[:, -STRONGEST:].mean(axis=1, keepdims=True)
    weight = strokes.weight / (sound + FLOOR * strongest + LOUD_FLOOR)
    templates = palette.templates
    count = len(templates)
    products = (templates[:, np.newaxis] * templates).reshape(count * count, -1)
    grams = (weight @ products.T).reshape(-1, count, count)
    sides = (weight * sound) @ templates.T
    whole = np.maximum((weight * sound * sound).sum(axis=1), 1e-12)
    gains, cost = np.zeros((len(sound), count)), np.ones(len(sound))
    for chosen in playable(palette.sounds):
        columns = list(chosen)
        right = sides[:, columns]
        solved = _solved(grams[:, columns][:, :, columns], right)
        left = 1 - (right * solved).sum(axis=1) / whole + surprise({palette.sounds[index].drum for index in chosen})
        better = (left < cost) & (solved > 0).all(axis=1)
        cost[better] = left[better]
        gains[better] = 0
        gains[np.ix_(better, columns)] = solved[better]
    return gains, cost


def surprise(drums: set[Drum]) -> float:
    """What it costs to take these for struck together, as a share of a stroke's sound."""
    cost = sum(drum.surprise for drum in drums)
    if {SNARE, TOM} <= drums:
        cost += TOM_AND_SNARE
    if BLEED in drums and not drums <= {BLEED, KICK}:
        cost += BLEED_AND_OTHERS
    if RESIDUE in drums and len(drums) > 1:
        cost += RESIDUE_AND_OTHERS
    return cost


def playable(sounds: tuple[Sound, ...]) -> list[tuple[int, ...]]:
    """Every set of up to three that can be struck at once, as indices: each drum once, and one cymbal."""
    found = []
    for size in (1, 2, 3):
        for chosen in itertools.combinations(range(len(sounds)), size):
            drums = {sounds[index].drum for index in chosen}
            cymbals = sum(drum.is_cymbal for drum in drums)
            if len(drums) == size and cymbals <= 1:
                found.append(chosen)
    return found


def _solved(grams: Numbers, sides: Numbers) -> Numbers:
    """Least squares without constraint: a set with a negative gain is beaten by one without that drum."""
    size = sides.shape[1]
    trace = grams.trace(axis1=1, axis2=2)[:, np.newaxis, np.newaxis]
    steady = grams + (1e-9 * trace + 1e-12) * np.eye(size)
    return np.asarray(np.linalg.solve(steady, sides[..., np.newaxis])[..., 0])


def _scale(strokes: Strokes) -> Numbers:
    """The loud level of each band, whatever the stretch: (FEATURES,)."""
    stretches = strokes.added.reshape(len(strokes.added), -1, BANDS)
    loud = np.percentile(stretches.max(axis=1), LOUD_PERCENTILE, axis=0)
    loud = np.maximum(loud, max(LEAST_SCALE * float(loud.max()), 1e-9))
    return np.tile(loud, stretches.shape[1])


def _moved(strokes: Strokes, gains: Numbers, palette: Palette, general: Numbers) -> Numbers:
    """The templates after one step towards what they explain (Kullback-Leibler, with the general ones as prior)."""
    heard = np.where(strokes.weight > 0, strokes.weight, 0.0)
    sound = strokes.added / palette.scale
    ratio = heard * sound / np.maximum(gains @ palette.templates, 1e-9)
    counts = palette.templates * (gains.T @ ratio)
    prior = PRIOR_STROKES * float(np.percentile((sound * heard).sum(axis=1), 90))
    moved = _normalised((prior * general + counts) / np.maximum(prior + gains.T @ heard, 1e-12))
    return _normalised(np.minimum(moved, MOST_GROWTH * general))


def _normalised(templates: Numbers) -> Numbers:
    return np.asarray(templates / np.maximum(templates.sum(axis=1, keepdims=True), 1e-12))
