"""Models of the demucs package, computed by torch on any device it knows."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from bridge.errors import EngineFailed
from bridge.separation.network import told_as_bridge_errors

if TYPE_CHECKING:
    from demucs.apply import BagOfModels

    from bridge.separation.network import Estimate, Planes


class TorchNetwork:
    """One model in torch's eager mode."""

    def __init__(self, name: str, model: Any, device: str) -> None:
        """Moves `model` to `device` (`cpu`, `cuda`, `mps`), which has to exist.

        Raises:
            OutOfMemory, EngineFailed: it does not fit, or the device refused it.
        """
        if model.audio_channels != 2:
            raise EngineFailed(f"The model {name} is not a stereo model.", advice="Use another model.")
        self._name = name
        self._device = device
        self._identity = ""
        self.first_window: Planes | None = None
        """The first audio that it was shown, for trying another back-end on."""
        with told_as_bridge_errors(name):
            self._model = model.to(torch.device(device)).eval()

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self._model.sources)

    @property
    def sample_rate_hz(self) -> int:
        return int(self._model.samplerate)

    @property
    def segment_frames(self) -> int:
        return int(self._model.samplerate * self._model.segment)

    @property
    def device(self) -> str:
        return self._device

    def shown_frames(self, length: int) -> int:
        return int(self._model.valid_length(length)) if hasattr(self._model, "valid_length") else length

    @property
    def is_convertible(self) -> bool:
        """True where OpenVINO could compute it."""
        return is_convertible(self._model)

    def prepare(self) -> None:
        """Nothing is left to do: the weights are where they are needed."""

    def estimate(self, audio: Planes) -> Estimate:
        if self.first_window is None:
            self.first_window = audio
        with told_as_bridge_errors(self._name), torch.inference_mode(), _plain_attention():
            outputs = self._model(torch.from_numpy(audio)[None].to(self._device))
            estimate: Estimate = outputs[0].cpu().numpy()
        return estimate

    def identity(self) -> str:
        if not self._identity:
            self._identity = identity_of(self._model)
        return self._identity


def torch_networks(name: str, bag: BagOfModels, device: str) -> list[TorchNetwork]:
    """The models of a loaded bag on `device`.

    Raises:
        OutOfMemory, EngineFailed: as `TorchNetwork`.
    """
    return [TorchNetwork(name, model, device) for model in bag.models]


def is_convertible(model: Any) -> bool:
    """True for the models whose spectrograms the bridge can compute: HTDemucs with complex numbers as channels."""
    from demucs.htdemucs import HTDemucs

    return type(model) is HTDemucs and bool(model.cac and model.use_train_segment and model.audio_channels == 2)


def identity_of(model: Any) -> str:
    """SHA-256 over names, types, shapes and bytes of all parameters, the first 16 hexadecimal digits."""
    digest = hashlib.sha256()
    for key, tensor in model.state_dict().items():
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(np.ascontiguousarray(tensor.detach().cpu().numpy()).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:16]


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
