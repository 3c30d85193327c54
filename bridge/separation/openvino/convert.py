"""`python -m bridge.separation.openvino.convert`: converts one HTDemucs checkpoint for OpenVINO and tests the result.

Conversion takes seconds and cannot be interrupted, so it runs in a separate process that its parent can kill at any
time. The result is renamed to its final path once it is complete.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch

from bridge.control import NullControl
from bridge.separation.families.loaders import load_demucs
from bridge.separation.models.demucs_bags import Bag
from bridge.separation.models.loading import load_bag
from bridge.separation.models.weights import Weights
from bridge.separation.networks.torch_network import TorchNetwork, identity_of, is_convertible
from bridge.separation.openvino.artifact import GRAPH, WEIGHTS, OpenVinoModel, write_artifact
from bridge.separation.openvino.network import OpenVinoNetwork
from bridge.system.files import sha256_of

#: Exit status for a model of an unsupported kind; retrying is pointless.
NOT_CONVERTIBLE = 3


class _Core(torch.nn.Module):
    """The network without its spectrogram transforms, run by the model's own `forward`.

    The transforms are replaced because they use complex numbers, which the converter does not support, and because
    they are faster outside the graph.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, spectrum: torch.Tensor, audio: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """float32 (1, channels × 2, bins, columns), (1, channels, frames) → (1, sources, …) of each."""
        estimated: list[torch.Tensor] = []

        def capture(_: torch.Tensor, masked: torch.Tensor) -> torch.Tensor:
            estimated.append(masked)
            return masked

        self.model._spec = lambda _: spectrum
        self.model._magnitude = lambda spectrum: spectrum
        self.model._mask = capture
        self.model._ispec = lambda *_: torch.zeros(())
        estimate = self.model(audio)
        return estimated[0], estimate


def convert(model: Any, folder: Path, window: np.ndarray[Any, np.dtype[np.float32]] | None = None) -> OpenVinoModel:
    """Writes the converted `model` into the existing `folder` and compares its output with torch's on one window.

    Args:
        window: float32 (2, segment frames) with mean 0 and standard deviation 1; None: noise.
    """
    import openvino

    frames = int(model.samplerate * model.segment)
    audio = window if window is not None else _noise(frames)
    expected = TorchNetwork("model", model, "cpu").estimate(audio)
    identity = identity_of(model)
    inputs = torch.from_numpy(audio)[None]
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns about Python conditions, which are constant here
        example = (model._magnitude(model._spec(inputs)), inputs)
        torch.backends.mha.set_fastpath_enabled(False)  # the converter does not support the fused kernel
        traced = torch.jit.trace(_Core(model), example, check_trace=False)  # type: ignore[no-untyped-call]
        graph = openvino.convert_model(traced, example_input=example, input=[list(tensor.shape) for tensor in example])
    openvino.save_model(graph, folder / GRAPH, compress_to_fp16=False)
    converted = OpenVinoModel(
        sources=tuple(model.sources),
        sample_rate_hz=int(model.samplerate),
        window_frames=frames,
        spectrum_size=int(model.nfft),
        identity=identity,
        difference=0.0,
        sha256={name: sha256_of(folder / name) for name in (GRAPH, WEIGHTS)},
    )
    estimate = OpenVinoNetwork("model", converted, folder / GRAPH).estimate(audio)
    return msgspec.structs.replace(converted, difference=float(np.abs(estimate - expected).max()))


def _noise(frames: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.random.default_rng(0).standard_normal((2, frames)).astype(np.float32)


def main() -> int:
    """Converts one checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("folder", type=Path, help="the folder for the result")
    parser.add_argument(
        "scratch", type=Path, help="an empty folder on the same disk, renamed to the result folder at the end"
    )
    parser.add_argument("--segment", type=float, help="window length in seconds; default: the model's own")
    parser.add_argument("--window", type=Path, help="a .npy file with a window for the comparison with torch")
    chosen = parser.parse_args()
    with suppress(AttributeError, OSError):
        os.nice(10)
    bag = load_bag(
        Weights("model", Bag(("model",), None, chosen.segment), (chosen.checkpoint,), load_demucs), NullControl()
    )
    model = bag.models[0]
    if not is_convertible(model):
        return NOT_CONVERTIBLE
    window = None
    if chosen.window is not None:
        window = np.load(chosen.window)
        chosen.window.unlink()
    write_artifact(chosen.scratch, convert(model, chosen.scratch, window))
    shutil.rmtree(chosen.folder, ignore_errors=True)
    chosen.scratch.replace(chosen.folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
