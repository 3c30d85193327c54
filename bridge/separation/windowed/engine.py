"""A `Separator` that runs a bag of networks (Demucs or Open-Unmix) over overlapping windows and streams the result."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from bridge.errors import EngineFailed
from bridge.protocols import Context
from bridge.separation.networks.fallback import common_device, out_of_memory_warning
from bridge.separation.wanted import check_wanted
from bridge.separation.windowed.normalisation import BLOCK_FRAMES, Level, measure_level
from bridge.separation.windowed.overlap_add import OverlapAdd, stride_frames, window_starts, window_with_context
from bridge.stems import STEMS

if TYPE_CHECKING:
    import numpy.typing as npt

    from bridge.protocols import Control, Samples, Signal, StemBlock
    from bridge.separation.networks.base import Estimate, Network

#: A window whose peak is below this counts as silent: half a quantisation step of 24 bits.
SILENT_PEAK = 2.0**-24


class WindowedSeparator:
    """A loaded bag of networks; a single model is a bag of one."""

    def __init__(
        self,
        name: str,
        networks: Sequence[Network],
        weights: Sequence[Sequence[float]] | None = None,
        *,
        stock_plan: bool = False,
        normalises: bool = True,
    ) -> None:
        """Takes networks with the same sources, sample rate and device.

        Args:
            weights: one row per network, one column per source; None: equal weights.
            stock_plan: compute every window that demucs computes, including redundant and silent ones; for comparisons.
            normalises: scale the mix to mean 0 and standard deviation 1, as demucs does.
        """
        self._name = name
        self._networks = tuple(networks)
        self._sources = self._networks[0].sources
        self._weights = [[1.0] * len(self._sources) for _ in networks] if weights is None else weights
        self._totals = [float(sum(row[index] for row in self._weights)) for index in range(len(self._sources))]
        self._stock_plan = stock_plan
        self._normalises = normalises

    @property
    def name(self) -> str:
        return self._name

    @property
    def stems(self) -> tuple[str, ...]:
        available = [stem for stem, total in zip(self._sources, self._totals, strict=True) if total]
        return tuple(sorted(available, key=lambda stem: STEMS.index(stem) if stem in STEMS else len(STEMS)))

    @property
    def device(self) -> str:
        return common_device(self._networks)

    @property
    def sample_rate_hz(self) -> int:
        return self._networks[0].sample_rate_hz

    def context(self, sample_rate_hz: int) -> Context:  # noqa: ARG002 - the rate is fixed
        """The context that covers every window overlapping a region, for the network with the longest windows."""
        segment = max(network.window_frames for network in self._networks)
        return Context(segment - 1, stride_frames(segment))

    def identity(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 over the networks' identities and the bag's weights."""
        named = repr(([network.identity() for network in self._networks], [list(row) for row in self._weights]))
        return hashlib.sha256(named.encode()).hexdigest()[:16]

    def separate(
        self,
        mix: Signal,
        stems: Sequence[str],
        control: Control,
        *,
        early: bool = False,  # noqa: ARG002 - no block is shorter than a window
    ) -> Iterator[StemBlock]:
        """See `protocols.Separator`.

        The result is that of `demucs.apply.apply_model` with `shifts=0`, with two exceptions: the tail that demucs'
        redundant last window would change, and silent windows, whose stems are silent.

        Raises:
            BadArguments: the model does not have one of `stems`.
            ValueError: `mix` is not stereo at the model's rate.
        """
        if mix.channels != 2 or mix.sample_rate_hz != self.sample_rate_hz:
            raise ValueError(f"{self._name} takes stereo at {self.sample_rate_hz} Hz")
        check_wanted(self._name, self.stems, stems)
        return self._blocks(mix, tuple(dict.fromkeys(stems)), control)

    def _blocks(self, mix: Signal, stems: tuple[str, ...], control: Control) -> Iterator[StemBlock]:
        control.checkpoint(0.0)
        level = measure_level(mix, control)
        if level.is_silent:
            yield from _silence(mix.frames, stems, control)
            return
        if not self._normalises:
            level = Level(0.0, 1.0, is_silent=False)
        streams = self._streams(mix.frames, stems)
        windows = sum(len(stream.starts) for stream in streams)
        device = self.device
        emitted = 0
        for done in range(windows):
            control.checkpoint(done / windows)
            # The least advanced network runs next: networks with different windows stay in step and buffers stay small.
            stream = min(streams, key=lambda stream: stream.final_frames)
            stream.advance(mix, level)
            if self.device != device:
                control.warn(out_of_memory_warning(self._name, device))
                device = self.device
            final_frames = min(stream.final_frames for stream in streams)
            if final_frames > emitted:
                yield self._block(streams, stems, final_frames)
                emitted = final_frames
        control.checkpoint(1.0)

    def _streams(self, frames: int, stems: tuple[str, ...]) -> list[_NetworkStream]:
        """One stream for each network with a non-zero weight in any of `stems`."""
        streams = []
        for network, row in zip(self._networks, self._weights, strict=True):
            shares = {
                stem: row[index] / self._totals[index]
                for index, stem in enumerate(self._sources)
                if stem in stems and row[index]
            }
            if shares:
                streams.append(_NetworkStream(network, shares, frames, stock_plan=self._stock_plan))
        return streams

    def _block(self, streams: list[_NetworkStream], stems: tuple[str, ...], stop: int) -> StemBlock:
        """The weighted sum of all networks' estimates up to frame `stop`."""
        sums: dict[str, npt.NDArray[np.float32]] = {}
        for stream in streams:
            for stem, share, estimate in stream.take(stop):
                scaled = estimate * np.float32(share)
                sums[stem] = sums[stem] + scaled if stem in sums else scaled
        block: dict[str, Samples] = {stem: np.ascontiguousarray(sums[stem].T) for stem in stems}
        if not all(np.isfinite(samples).all() for samples in block.values()):
            raise EngineFailed(
                f"The model {self._name} produced values that are not numbers on {self.device}.",
                advice="Try the device cpu; if it fails there too, download the model again.",
            )
        return block


class _NetworkStream:
    """One network's progress through the windows of the mix."""

    def __init__(self, network: Network, shares: dict[str, float], frames: int, *, stock_plan: bool) -> None:
        self._network = network
        self._frames = frames
        self._shares = shares
        self._rows = [network.sources.index(stem) for stem in shares]
        self._segment_frames = network.window_frames
        self._stock_plan = stock_plan
        self.starts = window_starts(frames, self._segment_frames, stock=stock_plan)
        self._next = 0
        self._overlap_add = OverlapAdd(self._segment_frames)

    @property
    def final_frames(self) -> int:
        """The number of frames that no later window of this network can change."""
        if self._next == len(self.starts):
            return self._frames
        return self._next * stride_frames(self._segment_frames)

    def advance(self, mix: Signal, level: Level) -> None:
        """Runs the network on its next window. A silent window is not computed."""
        start = self.starts[self._next]
        stop = min(start + self._segment_frames, self._frames)
        window = window_with_context(start, stop, self._network.input_frames(stop - start), self._frames)
        audio = mix.read(window.read_start, window.read_stop)
        if np.abs(audio).max() <= SILENT_PEAK and not self._stock_plan:
            estimate = np.zeros((len(self._rows), 2, stop - start), np.float32)
        else:
            planes = ((audio - np.float32(level.mean)) / np.float32(level.deviation)).T
            planes = np.pad(planes, ((0, 0), (window.pad_left, window.pad_right)))
            whole = self._network.estimate(np.ascontiguousarray(planes))
            estimate = whole[self._rows, :, window.trim_left : window.trim_left + stop - start]
            estimate = estimate * np.float32(level.deviation) + np.float32(level.mean)
        self._overlap_add.add(start, estimate)
        self._next += 1

    def take(self, stop: int) -> Iterator[tuple[str, float, Estimate]]:
        """Per stem: name, the network's share, and its estimate up to frame `stop`, float32 (channels, frames)."""
        estimates = self._overlap_add.take(stop)
        return ((stem, share, estimates[row]) for row, (stem, share) in enumerate(self._shares.items()))


def _silence(frames: int, stems: tuple[str, ...], control: Control) -> Iterator[StemBlock]:
    for start in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(start / frames)
        yield {stem: np.zeros((min(BLOCK_FRAMES, frames - start), 2), np.float32) for stem in stems}
    control.checkpoint(1.0)
