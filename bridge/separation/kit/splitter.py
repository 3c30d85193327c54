"""Splits a drum stem at known hits: soft masks from the stem's own sounds, which sum to 1 in every bin."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.arrays import Floats
from bridge.model import Note
from bridge.separation.kit.drums import DRUMS, Hit, hits_of
from bridge.separation.kit.grid import BandGrid
from bridge.separation.kit.ringing import ringing, ringing_shares
from bridge.separation.kit.sounds import Placed, Sound, fit_gains, hit_on, learnt, modelled
from bridge.stems import KIT

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal, StemBlock

#: Frames split at once; so a stem of any length needs the same memory.
SECTION_SECONDS = 16.0
#: Sections that the sounds are learnt from: those that show most hits of every key.
LEARNT_SECTIONS = 4
#: Hits of one key beyond this many teach nothing more.
ENOUGH_HITS = 12
#: How much sound beyond a section is read too: it tells the gains of its last hits, and what rings at its ends.
AHEAD_SECONDS = 0.5
#: Where no hit sounds, each drum has this share of the stem's level, times its weight in the band: hits that were
#: missed, and room, go where they would most likely belong.
UNHEARD_SHARE = 1e-3
#: In silence the masks are the weights.
LEAST_POWER = 1e-18


def split_kit(audio: Signal, notes: Sequence[Note], control: Control) -> Iterator[StemBlock]:
    """The parts of `bridge.stems.KIT`, in consecutive blocks with the stem's rate and channels.

    They sum to the stem but for rounding (see `closing`); `audio` must be finite. The same stem and notes give the same
    bits.

    Raises:
        Cancelled: by `control`.
    """
    split = _Split(audio, hits_of(notes))
    split.learn(control)
    yield from split.blocks(control)
    control.checkpoint(1.0)


class _Split:
    """One stem on its way into parts; all sections lie on one grid of windows."""

    def __init__(self, audio: Signal, hits: Sequence[Hit]) -> None:
        self._audio = audio
        self._hits = hits
        self._onsets = [hit.onset_seconds for hit in hits]
        self._grid = BandGrid(audio.sample_rate_hz)
        hop = self._grid.stft.hop
        self._section = max(1, round(SECTION_SECONDS * audio.sample_rate_hz / hop)) * hop
        self._ahead = self._grid.columns_in(AHEAD_SECONDS) * hop
        self._tail = self._grid.columns_in(max(drum.seconds for drum in DRUMS.values())) * hop
        self._weights = {part: DRUMS[part].weights(self._grid.centres_hz).astype(np.float32) for part in KIT}
        self._shares = ringing_shares(self._grid, {hit.part for hit in hits})
        self._sounds: Mapping[int, Sound] = {}

    def learn(self, control: Control) -> None:
        """Learns the sounds from some sections: a third of the work."""
        starts = self._telling_sections()
        levels: list[Floats] = []
        hits: list[Placed] = []
        columns = 0
        for number, start in enumerate(starts):
            control.checkpoint(number / len(starts) / 3)
            samples = self._audio.read(start, min(start + self._section + self._tail, self._audio.frames))
            level = self._grid.level(self._grid.stft.forward(samples))
            for one in self._placed(start, len(level)).values():
                if not one.skipped:
                    one.first += columns
                    hits.append(one)
            levels.append(level)
            columns += len(level)
        if hits:
            level, rings = np.concatenate(levels), np.concatenate([ringing(each, self._grid) for each in levels])
            self._sounds = learnt(level, rings, hits, self._grid)

    def blocks(self, control: Control) -> Iterator[StemBlock]:
        """The parts, section by section."""
        stft, frames = self._grid.stft, self._audio.frames
        gains: dict[int, float] = {}
        """By place in `_hits`: of those that sounded in an earlier section."""
        for start in range(0, frames, self._section):
            control.checkpoint((1 + 2 * start / frames) / 3)
            stop = min(start + self._section, frames)
            first = max(0, start - self._ahead)
            spectrum = stft.forward(self._audio.read(first, min(stop + self._ahead, frames)))
            level = self._grid.level(spectrum)
            hits = self._placed(first, len(level))
            for number, gain in gains.items():
                if number in hits:
                    hits[number].gain = gain
            rings = ringing(level, self._grid)
            fit_gains(
                level, rings, self._sounds, [*hits.values()], [hits[number] for number in hits if number not in gains]
            )
            columns = -(-(stop - first) // stft.hop) + self._grid.attack_columns
            gains = {number: one.gain for number, one in hits.items() if one.first < columns}
            parts = {}
            for part, mask in self._masks(level, rings, [*hits.values()]).items():
                masked = spectrum[:, :, :columns] * self._grid.in_bins(mask[:columns])
                parts[part] = np.ascontiguousarray(stft.inverse(masked, stop - first)[start - first :])
            yield parts

    def _placed(self, start: int, columns: int) -> dict[int, Placed]:
        """The hits that sound in that many columns from frame `start` on, by their place in `_hits`."""
        hop, rate = self._grid.stft.hop, self._audio.sample_rate_hz
        # Only these can sound there: an hour has tens of thousands of hits.
        earliest, latest = (start - self._tail - hop) / rate, (start + (columns + 1) * hop) / rate
        near = range(bisect_left(self._onsets, earliest), bisect_right(self._onsets, latest))
        found = {number: hit_on(self._hits[number], self._grid, start // hop, columns) for number in near}
        return {number: one for number, one in found.items() if one is not None}

    def _masks(self, level: Floats, rings: Floats, hits: Sequence[Placed]) -> dict[str, Floats]:
        """The share of each part in every column and band; they sum to 1."""
        power = {}
        for part, weights in self._weights.items():
            of_part = [one for one in hits if one.hit.part == part]
            own = modelled(self._sounds, of_part, rings * self._shares[part])
            power[part] = np.square(own) + np.square(UNHEARD_SHARE * weights * level) + LEAST_POWER * weights
        total = np.sum([*power.values()], axis=0)
        return {part: own / total for part, own in power.items()}

    def _telling_sections(self) -> list[int]:
        """The starts of the sections that show most hits of all keys, in order; every key is in one of them."""
        counts: dict[int, Counter[int]] = {}
        for hit in self._hits:
            start = int(hit.onset_seconds * self._audio.sample_rate_hz) // self._section * self._section
            counts.setdefault(start, Counter())[hit.key] += 1
        keys = {hit.key for hit in self._hits}
        seen: Counter[int] = Counter()
        chosen: list[int] = []

        def worth(start: int) -> float:
            return sum(min(count, max(0, ENOUGH_HITS - seen[key])) for key, count in counts[start].items()) + sum(
                ENOUGH_HITS for key in counts[start] if not seen[key]
            )

        while len(chosen) < len(counts) and (len(chosen) < LEARNT_SECTIONS or keys - seen.keys()):
            best = max((start for start in counts if start not in chosen), key=worth)
            chosen.append(best)
            seen.update(counts[best])
        return sorted(chosen)
