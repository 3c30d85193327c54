"""The engine `draft`: four stems without weights, by signal processing alone.

Two passes of harmonic-percussive separation. The first uses long windows, in which sustained tones stand out, while a
voice, whose pitch always moves, is blurred into the hits. The second uses short windows to recover the voice from the
hits (after FitzGerald and Gainza, "Single channel vocal separation using median filtering and factorisation
techniques", 2010). Low tones and their overtones are the bass; the other tones are vocals if they are centred and
moving. `other` is the remainder, so the stems sum to the mix.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridge.dsp.stft import Stft
from bridge.protocols import Context
from bridge.separation.draft.harmonic_comb import Comb
from bridge.separation.draft.masks import below, centred, harmonic, magnitude, moving
from bridge.separation.draft.running_median import nearest_filter_width
from bridge.separation.early_parts import early_parts
from bridge.separation.names import DRAFT
from bridge.separation.wanted import check_wanted
from bridge.stems import FOUR_STEMS

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.protocols import Control, Samples, Signal, StemBlock
    from bridge.separation.draft.running_median import Mask

VOCALS, OTHER = "vocals", "other"
#: Written to manifests: must change whenever the output changes.
VERSION = "draft-2"

LONG_WINDOW_SECONDS = 0.093

BASS_BELOW_HZ = 180.0
"""Above the fundamentals of a bass guitar's usual range, below most of a voice."""
BASS_PITCHES_HZ = 32.0, 130.0
"""Range of the fundamentals whose overtones belong to the bass: C1 to C3."""
OVERTONES_BELOW_HZ = 1200.0
LOW_BELOW_HZ = 220.0
"""Below this, narrower filters along frequency distinguish bass notes from bass drum and toms: the notes are narrow in
frequency but may be short in time."""
VOICE_ABOVE_HZ = 200.0
"""Below this, the second pass assigns everything to the drums: the body of a drum rings like a tone."""

#: Widths of the median filters: seconds along time, Hz along frequency.
LOW_TONE, LOW_HIT = 0.35, 75.0
TONE, HIT = 0.49, 440.0
SHORT_TONE, SHORT_HIT = 0.075, 730.0
SUSTAINED_SECONDS = 3.1
"""A note or chord of the accompaniment lasts longer than half of this; a sung pitch hardly ever does."""
SUSTAINED_WEIGHT = 0.5

CENTRE_SHARPNESS = 20.0
CENTRE_BINS, CENTRE_COLUMNS = 3, 9

SECTION_FRAMES = 16 * 48_000
EARLY_FRAMES = 4 * 48_000
"""A part of the first section, if it is to come early."""


class DraftSeparator:
    """A `Separator` without weights. Computes on the CPU, at any sample rate, in sections that join seamlessly.

    Each section is computed with all the context that its frames depend on, on one common window grid.
    """

    @property
    def name(self) -> str:
        return DRAFT

    @property
    def stems(self) -> tuple[str, ...]:
        return FOUR_STEMS

    @property
    def device(self) -> str:
        return "cpu"

    @property
    def sample_rate_hz(self) -> None:
        return None

    def context(self, sample_rate_hz: int) -> Context:
        split = _Split(sample_rate_hz)
        return Context(split.context, split.long.hop)

    def identity(self) -> str:
        return VERSION

    def separate(
        self, mix: Signal, stems: Sequence[str], control: Control, *, early: bool = False
    ) -> Iterator[StemBlock]:
        """See `protocols.Separator`.

        Raises:
            BadArguments: the engine does not have one of `stems`.
            ValueError: `mix` is not stereo.
        """
        if mix.channels != 2:
            raise ValueError("draft takes stereo")
        check_wanted(DRAFT, FOUR_STEMS, stems)
        return self._blocks(mix, tuple(stems), control, early=early)

    def _blocks(self, mix: Signal, stems: tuple[str, ...], control: Control, *, early: bool) -> Iterator[StemBlock]:
        split = _Split(mix.sample_rate_hz)
        for start, stop, first in split.sections(mix.frames if stems else 0, early=early):
            control.checkpoint(start / mix.frames)
            last = min(stop + split.context, mix.frames)
            parts = split(mix.read(first, last), with_vocals=bool({VOCALS, OTHER} & set(stems)))
            yield {stem: np.ascontiguousarray(parts[stem][start - first : stop - first]) for stem in stems}
        control.checkpoint(1.0)


class _Split:
    """The two passes at one sample rate."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self.long = Stft(_power_of_two(LONG_WINDOW_SECONDS * sample_rate_hz))
        self.short = Stft(self.long.size // 4)
        bin_hz = sample_rate_hz / self.long.size
        bins = min(self.long.size // 2 + 1, math.ceil(OVERTONES_BELOW_HZ / bin_hz))
        lowest_hz, highest_hz = BASS_PITCHES_HZ
        self._comb = Comb(bin_hz, bins, lowest_hz=lowest_hz, highest_hz=highest_hz)

    @property
    def context(self) -> int:
        """Frames on either side that a frame depends on, in whole hops: half the longest median plus all windows."""
        return (self._columns(self.long, SUSTAINED_SECONDS) // 2 + CENTRE_COLUMNS) * self.long.hop + 4 * self.long.size

    def sections(self, frames: int, *, early: bool) -> Iterator[tuple[int, int, int]]:
        """Start and stop of each section of a mix, and the frame from which on it is computed.

        Sums of floats depend on their order, and so the last bit of a frame on how its section's windows fall into
        batches. The parts of an early first section have the batches of the whole, and so its bits.
        """
        section, part = (length // self.long.hop * self.long.hop for length in (SECTION_FRAMES, EARLY_FRAMES))
        for start in range(0, frames, section):
            stop = min(start + section, frames)
            if early and start == 0 and stop >= 3 * part:  # else the parts share too much context
                batch = max(self.long.batch_frames, self.short.batch_frames)
                for first, last in early_parts(stop, part):
                    yield first, last, max(0, first - self.context) // batch * batch
            else:
                yield start, stop, max(0, start - self.context)

    def __call__(self, mix: Samples, *, with_vocals: bool = True) -> dict[str, Samples]:
        """float32 (frames, 2) → the four stems, of the same shape, which sum to `mix`.

        Without `with_vocals`, only the drums and the bass, which takes a fifth less time.
        """
        spectrum = self.long.forward(mix)
        level = magnitude(spectrum)
        tones = self._tones(level)
        centre = centred(spectrum, CENTRE_BINS, CENTRE_COLUMNS, CENTRE_SHARPNESS)
        low = self._low(tones * level, centre)
        bass = self.long.inverse(spectrum * (tones * low), len(mix))
        hits = self.long.inverse(spectrum * (1 - tones), len(mix))
        drums, recovered_vocals = self._second_pass(hits, with_vocals=with_vocals)
        if recovered_vocals is None:
            return {"drums": drums, "bass": bass}
        voice = (1 - low) * centre
        voice *= moving(level, self._columns(self.long, SUSTAINED_SECONDS), SUSTAINED_WEIGHT)
        vocals = self.long.inverse(spectrum * (tones * voice), len(mix)) + recovered_vocals
        return {VOCALS: vocals, "drums": drums, "bass": bass, OTHER: mix - (vocals + drums + bass)}

    def _low(self, level: Mask, centre: Mask) -> Mask:
        """The share of the bass in each tone: low tones and their centred overtones."""
        low = np.repeat(below(self._frequencies(self.long), BASS_BELOW_HZ), level.shape[1], axis=1)
        above = slice(self._comb.bins)
        low[above] += (1 - low[above]) * centre[above] * self._comb.overtones(level)
        return low

    def _tones(self, level: Mask) -> Mask:
        """The share of tones in each bin of the long windows; the lowest octaves have their own filter widths."""
        stft = self.long
        tones = harmonic(level, self._columns(stft, TONE), self._bins(stft, HIT))
        rows = min(len(level), math.ceil(4 * LOW_BELOW_HZ / self._rate * stft.size))
        low_tones = harmonic(level[:rows], self._columns(stft, LOW_TONE), self._bins(stft, LOW_HIT))
        share = below(self._frequencies(stft)[:rows], LOW_BELOW_HZ)
        tones[:rows] += share * (low_tones - tones[:rows])
        return tones

    def _second_pass(self, hits: Samples, *, with_vocals: bool) -> tuple[Samples, Samples | None]:
        """Splits the hits of the first pass into drums and, if asked, vocals; the remainder is in neither."""

        stft = self.short
        spectrum = stft.forward(hits)
        tones = harmonic(magnitude(spectrum), self._columns(stft, SHORT_TONE), self._bins(stft, SHORT_HIT))
        tones *= 1 - below(self._frequencies(stft), VOICE_ABOVE_HZ)
        drums = stft.inverse(spectrum * (1 - tones), len(hits))
        if not with_vocals:
            return drums, None
        tones *= centred(spectrum, CENTRE_BINS, CENTRE_COLUMNS, CENTRE_SHARPNESS)
        return drums, stft.inverse(spectrum * tones, len(hits))

    def _frequencies(self, stft: Stft) -> npt.NDArray[np.float64]:
        return np.fft.rfftfreq(stft.size, 1 / self._rate).astype(np.float64)

    def _columns(self, stft: Stft, seconds: float) -> int:
        return nearest_filter_width(seconds * self._rate / stft.hop)

    def _bins(self, stft: Stft, hertz: float) -> int:
        return nearest_filter_width(hertz * stft.size / self._rate)


def _power_of_two(width: float) -> int:
    """The power of two nearest to `width` by ratio, 64 at least."""
    return int(2 ** max(6, round(math.log2(width))))
