"""Demucs models and bags as a `Separator`: the package's networks, under a window plan that streams."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bridge.errors import BadArguments, EngineFailed, OutOfMemory
from bridge.model import STEMS
from bridge.protocols import Context
from bridge.separation.loudness import BLOCK_FRAMES, Level, measure_level
from bridge.separation.windows import OverlapAdd, stride_frames, surround, window_starts

if TYPE_CHECKING:
    import numpy.typing as npt
    from demucs.apply import BagOfModels

    from bridge.protocols import Control, Samples, Signal, StemBlock


class DemucsSeparator:
    """A loaded bag of Demucs models; a lone model is a bag of one."""

    def __init__(self, name: str, bag: BagOfModels, device: str) -> None:
        """Moves `bag` to `device` (`cpu`, `cuda`, `mps`), which has to exist.

        Raises:
            OutOfMemory, EngineFailed: it does not fit, or the device refused it.
        """
        if bag.audio_channels != 2:
            raise EngineFailed(f"The model {name} is not a stereo model.", advice="Use another model.")
        self._name = name
        self._device = device
        self._identity = ""
        self._totals = [float(sum(row[index] for row in bag.weights)) for index in range(len(bag.sources))]
        with _translated(name):
            self._bag = bag.to(torch.device(device)).eval()

    @property
    def name(self) -> str:
        return self._name

    @property
    def stems(self) -> tuple[str, ...]:
        given = [stem for stem, total in zip(self._bag.sources, self._totals, strict=True) if total]
        return tuple(sorted(given, key=lambda stem: STEMS.index(stem) if stem in STEMS else len(STEMS)))

    @property
    def device(self) -> str:
        return self._device

    @property
    def sample_rate_hz(self) -> int:
        return int(self._bag.samplerate)

    def context(self, sample_rate_hz: int) -> Context:  # noqa: ARG002 - it knows one rate only
        """Every window that a region touches, on the plan of the model with the longest ones."""
        models: Any = self._bag.models
        segment = max(int(model.samplerate * model.segment) for model in models)
        return Context(segment - 1, stride_frames(segment))

    def identity(self) -> str:
        """SHA-256 over names, types, shapes and bytes of all parameters, the first 16 hexadecimal digits."""
        if not self._identity:
            digest = hashlib.sha256()
            for key, tensor in self._bag.state_dict().items():
                digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
                digest.update(tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().data)
            digest.update(repr(self._bag.weights).encode())
            self._identity = digest.hexdigest()[:16]
        return self._identity

    def separate(self, mix: Signal, stems: Sequence[str], control: Control) -> Iterator[StemBlock]:
        """See `protocols.Separator`. The result is that of `demucs.apply.apply_model` with `shifts=0`.

        Raises:
            BadArguments: the model does not give one of `stems`.
            ValueError: `mix` is not stereo at the model's rate.
        """
        if mix.channels != 2 or mix.sample_rate_hz != self.sample_rate_hz:
            raise ValueError(f"{self._name} takes stereo at {self.sample_rate_hz} Hz")
        unknown = [stem for stem in stems if stem not in self.stems]
        if unknown:
            raise BadArguments(
                f"The model {self._name} does not give {', '.join(unknown)}.",
                advice=f"It gives {', '.join(self.stems)}.",
            )
        return self._blocks(mix, tuple(dict.fromkeys(stems)), control)

    def _blocks(self, mix: Signal, stems: tuple[str, ...], control: Control) -> Iterator[StemBlock]:
        control.checkpoint(0.0)
        level = measure_level(mix, control)
        if level.is_silent:
            yield from _silence(mix.frames, stems, control)
            return
        streams = self._streams(mix.frames, stems)
        windows = sum(len(stream.starts) for stream in streams)
        given = 0
        for done in range(windows):
            control.checkpoint(done / windows)
            # The least advanced model goes next, so windows of different lengths keep step and little is held.
            stream = min(streams, key=lambda stream: stream.settled)
            with _translated(self._name):
                stream.advance(mix, level)
            settled = min(stream.settled for stream in streams)
            if settled > given:
                yield self._block(streams, stems, settled, level)
                given = settled
        control.checkpoint(1.0)

    def _streams(self, frames: int, stems: tuple[str, ...]) -> list[_ModelStream]:
        """One stream for each model that has a say in any of `stems`."""
        streams = []
        for model, row in zip(self._bag.models, self._bag.weights, strict=True):
            shares = {
                stem: row[index] / self._totals[index]
                for index, stem in enumerate(self._bag.sources)
                if stem in stems and row[index]
            }
            if shares:
                streams.append(_ModelStream(model, shares, frames, self._device))
        return streams

    def _block(self, streams: list[_ModelStream], stems: tuple[str, ...], stop: int, level: Level) -> StemBlock:
        """What all models together say about the frames up to `stop`, at the level of the mix."""
        sums: dict[str, npt.NDArray[np.float32]] = {}
        for stream in streams:
            for stem, share, estimate in stream.take(stop):
                scaled = estimate * np.float32(share)
                sums[stem] = sums[stem] + scaled if stem in sums else scaled
        scale, offset = np.float32(level.deviation), np.float32(level.mean)
        block: dict[str, Samples] = {stem: np.ascontiguousarray((sums[stem] * scale + offset).T) for stem in stems}
        if not all(np.isfinite(samples).all() for samples in block.values()):
            raise EngineFailed(
                f"The model {self._name} gave values that are not numbers on {self._device}.",
                advice="Try the device cpu; if it fails there too, fetch the model again.",
            )
        return block


class _ModelStream:
    """One model on its way through the mix."""

    def __init__(self, model: Any, shares: dict[str, float], frames: int, device: str) -> None:
        self._model = model
        self._device = device
        self._frames = frames
        self._shares = shares
        self._rows = [list(model.sources).index(stem) for stem in shares]
        self._segment_frames = int(model.samplerate * model.segment)
        self.starts = window_starts(frames, self._segment_frames)
        self._next = 0
        self._joined = OverlapAdd(self._segment_frames)

    @property
    def settled(self) -> int:
        """Frames that no later window of this model can change."""
        return min(self._next * stride_frames(self._segment_frames), self._frames)

    def advance(self, mix: Signal, level: Level) -> None:
        """Runs the model on its next window."""
        start = self.starts[self._next]
        stop = min(start + self._segment_frames, self._frames)
        length = stop - start
        shown = self._model.valid_length(length) if hasattr(self._model, "valid_length") else length
        window = surround(start, stop, shown, self._frames)
        audio = mix.read(window.read_start, window.read_stop)
        audio = (audio - np.float32(level.mean)) / np.float32(level.deviation)
        audio = np.pad(audio, ((window.pad_left, window.pad_right), (0, 0)))
        with torch.inference_mode():
            inputs = torch.from_numpy(np.ascontiguousarray(audio.T))[None].to(self._device)
            with _plain_attention():
                outputs = self._model(inputs)
            estimate = outputs[0, self._rows, :, window.trim_left : window.trim_left + length]
            self._joined.add(start, estimate.cpu().numpy())
        self._next += 1

    def take(self, stop: int) -> Iterator[tuple[str, float, npt.NDArray[np.float32]]]:
        """Stem, the model's share in it, and its estimate up to frame `stop`: float32 (channels, frames)."""
        estimates = self._joined.take(stop)
        return ((stem, share, estimates[row]) for row, (stem, share) in enumerate(self._shares.items()))


def _silence(frames: int, stems: tuple[str, ...], control: Control) -> Iterator[StemBlock]:
    for start in range(0, frames, BLOCK_FRAMES):
        control.checkpoint(start / frames)
        yield {stem: np.zeros((min(BLOCK_FRAMES, frames - start), 2), np.float32) for stem in stems}
    control.checkpoint(1.0)


@contextmanager
def _plain_attention() -> Iterator[None]:
    """Attention without torch's fused kernel, which is up to a quarter slower here on CPUs; results differ by 1e-7."""
    backend = getattr(torch.backends, "mha", None)  # not in torch 2.1
    if backend is None:
        yield
        return
    before = backend.get_fastpath_enabled()
    backend.set_fastpath_enabled(False)
    try:
        yield
    finally:
        backend.set_fastpath_enabled(before)


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turns torch's errors into the bridge's. torch reports lack of memory in words only, except on CUDA."""
    try:
        yield
    except (MemoryError, torch.cuda.OutOfMemoryError) as exc:
        raise OutOfMemory(f"The model {name} ran out of memory.") from exc
    except RuntimeError as exc:
        text = str(exc)
        if any(sign in text for sign in ("out of memory", "not enough memory", "can't allocate memory")):
            raise OutOfMemory(f"The model {name} ran out of memory.") from exc
        raise EngineFailed(f"The model {name} failed: {text.splitlines()[0] if text else type(exc).__name__}") from exc
    except (AssertionError, IndexError, TypeError, ValueError) as exc:
        raise EngineFailed(f"The model {name} failed: {type(exc).__name__} {exc}") from exc
