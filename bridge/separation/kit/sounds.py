"""How each key of a kit sounds, learnt from the stem's own hits: a level for each band and column after a hit.

The stem's spectrogram is taken for the sum of such sounds, each moved to its hits and scaled, and sounds and gains are
fitted to it in turns by multiplicative updates for the Kullback-Leibler divergence, with the hits' places known and
fixed (convolutive non-negative matrix factorisation: P. Smaragdis, 2004; informed by a score: C. Dittmar and M. Müller,
"Reverse engineering the Amen break", 2016). Each update costs as much as the hits are long, not the matrix.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from bridge.dsp.arrays import Floats
from bridge.separation.kit.drums import DRUMS, Hit
from bridge.separation.kit.grid import BandGrid

#: The level of a key's sound in the columns and bands from its hit on: float32 (columns, bands).
Sound: TypeAlias = Floats

#: Rounds in which the sounds and the gains are fitted; more rounds let the drums take each other's sound.
ROUNDS = 4
#: Of the levels at a place after each hit of a key, this quantile is its sound's first guess: what other drums add to
#: some of the hits does not count.
QUIET_QUANTILE = 0.3
#: From this many columns after all windows hold the hit, its sound only decays.
RISING_COLUMNS = 3
#: One round changes no level by more than this factor.
FASTEST_CHANGE = 10.0
#: Far below the level of one bit of 24-bit audio; keeps quotients finite.
FLOOR = 1e-9


@dataclass
class Placed:
    """A hit on a spectrogram: where the part of it lies that is there."""

    hit: Hit
    first: int
    """The first column of that part."""
    columns: int
    skipped: int
    """How many columns of the hit come before."""
    gain: float

    @property
    def place(self) -> slice:
        return slice(self.first, self.first + self.columns)

    def of(self, sound: Sound) -> Sound:
        """The part of a sound that is there."""
        return sound[self.skipped : self.skipped + self.columns]


def hit_on(hit: Hit, grid: BandGrid, first: int, columns: int) -> Placed | None:
    """A hit on the `columns` columns of its stem from `first` on, numbered from there; None: it is silent there."""
    start = grid.column_of(hit.onset_seconds) - first
    skipped, stop = max(0, -start), min(start + grid.columns_in(hit.seconds), columns)
    inside = max(0, start)
    return Placed(hit, inside, stop - inside, skipped, hit.gain) if stop > inside else None


def learnt(level: Floats, rings: Floats, hits: Sequence[Placed], grid: BandGrid) -> dict[int, Sound]:
    """The sound of each key that is struck, by key; the hits' gains are fitted to it.

    Args:
        level: the stem's level in each band, (columns, bands).
        rings: what of it is no hit's; see `ringing`.
        hits: on it, none of them without its beginning.
    """
    sounds = {key: _first_guess(level - rings, hits, key, grid) for key in sorted({one.hit.key for one in hits})}
    for _ in range(ROUNDS):
        ratio = level / modelled(sounds, hits, rings)
        gains = [_gain(one, sounds, ratio) for one in hits]
        for key, sound in sounds.items():
            excess, weight = np.zeros_like(sound), np.full_like(sound, FLOOR)
            for one in hits:
                if one.hit.key == key:
                    excess[: one.columns] += one.gain * ratio[one.place]
                    weight[: one.columns] += one.gain
            sound *= np.minimum(excess / weight, FASTEST_CHANGE)
            _let_decay(sound, grid)
        for one, gain in zip(hits, gains, strict=True):
            one.gain = gain
    return sounds


def fit_gains(
    level: Floats, rings: Floats, sounds: Mapping[int, Sound], hits: Sequence[Placed], fitted: Sequence[Placed]
) -> None:
    """Fits the gains of those hits among `hits` that are in `fitted` too; the sounds stay as they are."""
    for _ in range(ROUNDS):
        ratio = level / modelled(sounds, hits, rings)
        for one, gain in [(one, _gain(one, sounds, ratio)) for one in fitted]:
            one.gain = gain


def modelled(sounds: Mapping[int, Sound], hits: Sequence[Placed], rings: Floats) -> Floats:
    """The level that the sounds at these hits and what rings add up to, above 0: (columns, bands)."""
    total: Floats = np.maximum(rings, np.float32(FLOOR))
    for one in hits:
        total[one.place] += one.gain * one.of(sounds[one.hit.key])
    return total


def _gain(one: Placed, sounds: Mapping[int, Sound], ratio: Floats) -> float:
    sound = one.of(sounds[one.hit.key])
    return one.gain * float((sound * ratio[one.place]).sum() / max(float(sound.sum()), FLOOR))


def _first_guess(level: Floats, hits: Sequence[Placed], key: int, grid: BandGrid) -> Sound:
    own = [one for one in hits if one.hit.key == key]
    columns = max(grid.columns_in(one.hit.seconds) for one in own)
    heard = np.full((len(own), columns, level.shape[1]), np.nan, np.float32)
    for row, one in zip(heard, own, strict=True):
        row[: one.columns] = level[one.place] / one.gain
    sound = _quantile(heard, QUIET_QUANTILE)
    _let_decay(sound, grid)
    drum = DRUMS[own[0].hit.part]
    return np.maximum(sound * drum.weights(grid.centres_hz), FLOOR).astype(np.float32)


def _quantile(rows: Floats, share: float) -> Floats:
    """The quantile over those rows that are numbers, 0 where none is: (rows, columns, bands) → (columns, bands)."""
    ordered = np.sort(rows, axis=0)  # NaN comes last
    known = np.count_nonzero(~np.isnan(rows[:, :, 0]), axis=0)
    places = np.rint(share * np.maximum(known - 1, 0)).astype(np.intp)
    found: Floats = np.nan_to_num(ordered[places, np.arange(len(places))])
    return found


def _let_decay(sound: Sound, grid: BandGrid) -> None:
    decaying = sound[grid.attack_columns + RISING_COLUMNS - 1 :]
    np.minimum.accumulate(decaying, axis=0, out=decaying)
