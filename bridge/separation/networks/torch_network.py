"""Demucs models, computed by torch on any of its devices."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bridge.errors import EngineFailed
from bridge.separation.networks.base import translate_errors
from bridge.separation.networks.movable_model import MovableModel

if TYPE_CHECKING:
    from demucs.apply import BagOfModels

    from bridge.separation.networks.base import Estimate, Planes


class TorchNetwork:
    """One model in torch's eager mode.

    If a graphics processor runs out of memory, the model moves to the CPU and stays there.
    """

    def __init__(self, name: str, model: Any, device: str) -> None:
        """Moves `model` to `device` (`cpu`, `cuda`, `mps`), which must exist.

        Raises:
            OutOfMemory, EngineFailed: the model fits on no device, or the device failed.
        """
        if model.audio_channels != 2:
            raise EngineFailed(f"The model {name} is not a stereo model.", advice="Use another model.")
        self._name = name
        self._identity = ""
        self.first_window: Planes | None = None
        """The first window it computed, used to test a converted model."""
        self._model = model
        self._movable = MovableModel(name, model, device)

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self._model.sources)

    @property
    def sample_rate_hz(self) -> int:
        return int(self._model.samplerate)

    @property
    def window_frames(self) -> int:
        return int(self._model.samplerate * self._model.segment)

    @property
    def device(self) -> str:
        """The current device: the requested one, or `cpu` after that one ran out of memory."""
        return self._movable.device

    def input_frames(self, length: int) -> int:
        return int(self._model.valid_length(length)) if hasattr(self._model, "valid_length") else length

    @property
    def is_convertible(self) -> bool:
        """True if the model can be converted for OpenVINO."""
        return is_convertible(self._model)

    def prepare(self) -> None:
        """Does nothing: the weights are on the device already."""

    def estimate(self, audio: Planes) -> Estimate:
        if self.first_window is None:
            self.first_window = audio
        return self._movable.run(lambda: self._compute(audio))

    def identity(self) -> str:
        if not self._identity:
            self._identity = identity_of(self._model)
        return self._identity

    def _compute(self, audio: Planes) -> Estimate:
        with translate_errors(self._name), torch.inference_mode(), _without_fused_attention():
            outputs = self._model(torch.from_numpy(audio)[None].to(self.device))
            estimate: Estimate = outputs[0].cpu().numpy()
        return estimate


def torch_networks(name: str, bag: BagOfModels, device: str) -> list[TorchNetwork]:
    """The models of a loaded bag on `device`.

    Raises:
        OutOfMemory, EngineFailed: as `TorchNetwork`.
    """
    return [TorchNetwork(name, model, device) for model in bag.models]


def is_convertible(model: Any) -> bool:
    """True for the models whose spectrograms the bridge can compute: HTDemucs with `cac` (complex as channels)."""
    from demucs.htdemucs import HTDemucs

    return type(model) is HTDemucs and bool(model.cac and model.use_train_segment and model.audio_channels == 2)


def identity_of(model: Any) -> str:
    """The first 16 hexadecimal digits of the SHA-256 over names, types, shapes and bytes of all parameters."""
    digest = hashlib.sha256()
    for key, tensor in model.state_dict().items():
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:16]


@contextmanager
def _without_fused_attention() -> Iterator[None]:
    """Disables torch's fused attention kernel, up to 25 % slower for these models on CPUs. Results differ by 1e-7."""
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
