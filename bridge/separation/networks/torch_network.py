"""Models of the demucs package, computed by torch on any device it knows."""

from __future__ import annotations

import gc
import hashlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch

from bridge.errors import EngineFailed, OutOfMemory
from bridge.separation.networks.base import translate_errors

if TYPE_CHECKING:
    from demucs.apply import BagOfModels

    from bridge.separation.networks.base import Estimate, Planes

_Outcome = TypeVar("_Outcome")

log = logging.getLogger(__name__)


class TorchNetwork:
    """One model in torch's eager mode.

    Where a graphics processor has too little memory for it, it moves to the processor, and stays there.
    """

    def __init__(self, name: str, model: Any, device: str) -> None:
        """Moves `model` to `device` (`cpu`, `cuda`, `mps`), which has to exist.

        Raises:
            OutOfMemory, EngineFailed: it does not fit anywhere, or the device refused it.
        """
        if model.audio_channels != 2:
            raise EngineFailed(f"The model {name} is not a stereo model.", advice="Use another model.")
        self._name = name
        self._device = device
        self._identity = ""
        self.first_window: Planes | None = None
        """The first audio that it was shown, for trying another back-end on."""
        self._model = model.eval()
        self._retry_when_out_of_memory(self._move_to_device)

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
        """Where it computes now: what it was made for, or `cpu` after memory was short there."""
        return self._device

    def input_frames(self, length: int) -> int:
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
        return self._retry_when_out_of_memory(lambda: self._compute(audio))

    def identity(self) -> str:
        if not self._identity:
            self._identity = identity_of(self._model)
        return self._identity

    def _compute(self, audio: Planes) -> Estimate:
        with translate_errors(self._name), torch.inference_mode(), _without_fused_attention():
            outputs = self._model(torch.from_numpy(audio)[None].to(self._device))
            estimate: Estimate = outputs[0].cpu().numpy()
        return estimate

    def _move_to_device(self) -> None:
        with translate_errors(self._name):
            self._model.to(torch.device(self._device))

    def _retry_when_out_of_memory(self, step: Callable[[], _Outcome]) -> _Outcome:
        """Does `step` on a graphics processor; where memory is short, once more there, and then on the processor.

        Raises:
            OutOfMemory, EngineFailed: as `step`.
        """
        if self._device != "cpu":
            for make_room in (self._release_memory, self._move_to_cpu):
                # What has failed is let go before room is made: its traceback holds the tensors of that attempt.
                with suppress(OutOfMemory):
                    return step()
                make_room()
        return step()

    def _release_memory(self) -> None:
        with translate_errors(self._name):
            _release_memory(self._device)

    def _move_to_cpu(self) -> None:
        """Moves the weights to the processor, and leaves the graphics processor's memory to others."""
        log.warning("%s: not enough memory on %s, computing on the processor from here on", self._name, self._device)
        left, self._device = self._device, "cpu"
        self._move_to_device()
        with translate_errors(self._name):
            _release_memory(left)


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


def _release_memory(device: str) -> None:
    """Gives back what torch holds of a graphics processor's memory without using it."""
    gc.collect()
    (torch.mps if device == "mps" else torch.cuda).empty_cache()


@contextmanager
def _without_fused_attention() -> Iterator[None]:
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
