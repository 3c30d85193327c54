"""The engine `spleeter`: vocals, and everything else as `other`, by two trained U-Nets.

Spleeter itself cuts the song into windows of 512 columns, whose edges the networks see. Here each section is computed
with all the input that its frames depend on, on one common grid of columns, so that no result depends on where a
section begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridge.control import PartControl
from bridge.dsp.stft import Stft
from bridge.errors import EngineFailed
from bridge.protocols import Context
from bridge.separation.early_parts import early_parts
from bridge.separation.names import SPLEETER
from bridge.separation.networks.fallback import common_device, out_of_memory_warning
from bridge.separation.spleeter.layers import GRID
from bridge.separation.spleeter.level import gain_for
from bridge.separation.spleeter.masks import vocal_share
from bridge.separation.wanted import check_wanted

if TYPE_CHECKING:
    from bridge.protocols import Control, Samples, Signal, StemBlock
    from bridge.separation.spleeter.unet import Magnitudes, UNet

#: Written to manifests: must change whenever the output changes.
VERSION = "spleeter-2stems-1"
STEMS_OF_SPLEETER = ("vocals", "other")
RATE_HZ = 44100
#: STFT with which the networks were trained (Hann window), and the bins that they know: below 11 kHz.
WINDOW_FRAMES, HOP_FRAMES = 4096, 1024
KNOWN_BINS = 1024
#: Columns on either side that an estimate depends on: 63 · 4 from the strides of 2, 3 from the last convolution; and
#: those that cover a frame.
REACH_COLUMNS = 63 * 4 + 3 + WINDOW_FRAMES // HOP_FRAMES
#: Sections begin at multiples of this.
GRID_FRAMES = GRID * HOP_FRAMES
#: The context before a section, in whole steps of the grid.
LEAD_FRAMES = -(-REACH_COLUMNS // GRID) * GRID_FRAMES
#: Length of a section: 24 s. Longer ones share their context better, and need more memory.
SECTION_FRAMES = 16 * GRID_FRAMES
#: A part of the first section, if it is to come early; 7.4 s, so that `draft` has the context of its own.
EARLY_FRAMES = 5 * GRID_FRAMES


class SpleeterSeparator:
    """A `Separator` of two stems, which sum to the mix."""

    def __init__(self, vocals: UNet, accompaniment: UNet) -> None:
        self._networks = (vocals, accompaniment)
        self._stft = Stft(WINDOW_FRAMES, "hann")

    @property
    def name(self) -> str:
        return SPLEETER

    @property
    def stems(self) -> tuple[str, ...]:
        return STEMS_OF_SPLEETER

    @property
    def device(self) -> str:
        return common_device(self._networks)

    @property
    def sample_rate_hz(self) -> int:
        return RATE_HZ

    def context(self, sample_rate_hz: int) -> Context:  # noqa: ARG002 - the rate is fixed
        # The input may start up to a step of the grid late, and must not be shorter than the lead even then.
        return Context(LEAD_FRAMES + GRID_FRAMES - 1, GRID_FRAMES)

    def identity(self) -> str:
        return VERSION

    def separate(
        self, mix: Signal, stems: Sequence[str], control: Control, *, early: bool = False
    ) -> Iterator[StemBlock]:
        """See `protocols.Separator`.

        Raises:
            BadArguments: the engine does not have one of `stems`.
            ValueError: `mix` is not stereo at 44.1 kHz.
        """
        if mix.channels != 2 or mix.sample_rate_hz != RATE_HZ:
            raise ValueError(f"{SPLEETER} takes stereo at {RATE_HZ} Hz")
        check_wanted(SPLEETER, STEMS_OF_SPLEETER, stems)
        return self._blocks(mix, tuple(stems), control, early=early)

    def _blocks(self, mix: Signal, stems: tuple[str, ...], control: Control, *, early: bool) -> Iterator[StemBlock]:
        control.checkpoint(0.0)
        gain = gain_for(mix, control)
        for start, stop in _sections(mix.frames if stems else 0, early=early):
            first, last = max(0, start - LEAD_FRAMES), min(stop + LEAD_FRAMES, mix.frames)
            excerpt = mix.read(first, last)
            device = self.device
            vocals = self._vocals(excerpt, gain, PartControl(control, start / mix.frames, stop / mix.frames))
            if self.device != device:
                control.warn(out_of_memory_warning(SPLEETER, device))
            inside = slice(start - first, stop - first)
            parts = {"vocals": vocals[inside], "other": excerpt[inside] - vocals[inside]}
            yield {stem: np.ascontiguousarray(parts[stem]) for stem in stems}
        control.checkpoint(1.0)

    def _vocals(self, excerpt: Samples, gain: float, control: Control) -> Samples:
        """float32 (frames, 2) → the vocals in it, of the same shape."""
        if not gain or not excerpt.any():
            return np.zeros_like(excerpt)
        spectrum = self._stft.forward(excerpt)
        magnitudes = _padded(np.abs(spectrum[:, :KNOWN_BINS]).transpose(0, 2, 1) * np.float32(gain))
        estimates: list[Magnitudes] = []
        for network in self._networks:
            control.checkpoint(len(estimates) / len(self._networks))
            estimates.append(network.estimate(magnitudes)[:, : spectrum.shape[2]])
        control.checkpoint(1.0)
        share = vocal_share(estimates[0], estimates[1], spectrum.shape[1])
        if not np.isfinite(share).all():
            raise EngineFailed(
                f"The engine {SPLEETER} produced values that are not numbers on {self.device}.",
                advice="Try the device cpu or another engine. If the samples are far above full scale, lower them.",
            )
        control.checkpoint(1.0)
        return self._stft.inverse(spectrum * share, len(excerpt))


def _sections(frames: int, *, early: bool) -> Iterator[tuple[int, int]]:
    """Start and stop of each section; an early first one is in parts."""
    for start in range(0, frames, SECTION_FRAMES):
        stop = min(start + SECTION_FRAMES, frames)
        if early and start == 0:
            yield from early_parts(stop, EARLY_FRAMES)
        else:
            yield start, stop


def _padded(magnitudes: Magnitudes) -> Magnitudes:
    """With zeros up to the next whole step of the grid."""
    missing = -magnitudes.shape[1] % GRID
    return np.ascontiguousarray(np.pad(magnitudes, ((0, 0), (0, missing), (0, 0))))
