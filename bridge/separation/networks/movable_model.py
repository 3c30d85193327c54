"""A torch model that frees memory, and then moves to the CPU, when its graphics processor has too little memory."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

import torch

from bridge.errors import OutOfMemory
from bridge.separation.networks.base import translate_errors

_Outcome = TypeVar("_Outcome")

log = logging.getLogger(__name__)


class MovableModel:
    """A module in evaluation mode on a device. Once it has moved to the CPU, it stays there."""

    def __init__(self, name: str, module: torch.nn.Module, device: str) -> None:
        """Moves `module` to `device` (`cpu`, `cuda`, `mps`), which must exist.

        Raises:
            OutOfMemory, EngineFailed: the model fits on no device, or the device failed.
        """
        self._name = name
        self._device = device
        self._module = module.eval()
        self.run(self._move_to_device)

    @property
    def device(self) -> str:
        """The current device: the requested one, or `cpu` after that one ran out of memory."""
        return self._device

    def run(self, step: Callable[[], _Outcome]) -> _Outcome:
        """Runs `step`. If a graphics processor runs out of memory, frees memory and retries, then retries on the CPU.

        Raises:
            OutOfMemory, EngineFailed: as `step`.
        """
        if self._device != "cpu":
            for free_memory in (self._release_memory, self._move_to_cpu):
                # The error must be gone before memory is freed: its traceback keeps the failed attempt's tensors alive.
                with suppress(OutOfMemory):
                    return step()
                free_memory()
        return step()

    def _move_to_device(self) -> None:
        with translate_errors(self._name):
            self._module.to(torch.device(self._device))

    def _release_memory(self) -> None:
        with translate_errors(self._name):
            _release_memory(self._device)

    def _move_to_cpu(self) -> None:
        """Moves the weights to the CPU and frees the graphics processor's memory."""
        log.warning("%s: not enough memory on %s, computing on the processor from here on", self._name, self._device)
        previous, self._device = self._device, "cpu"
        self._move_to_device()
        with translate_errors(self._name):
            _release_memory(previous)


def _release_memory(device: str) -> None:
    """Returns torch's unused cached memory to the graphics processor."""
    gc.collect()
    (torch.mps if device == "mps" else torch.cuda).empty_cache()
