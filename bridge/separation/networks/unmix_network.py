"""Open-Unmix models, computed with the package's network and Wiener filter."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import torch

from bridge.separation.models.loading import readable
from bridge.separation.models.openunmix_files import SEPARATOR, check_installed
from bridge.separation.networks.base import translate_errors
from bridge.separation.networks.torch_network import identity_of
from bridge.system.packages import stubbed_module

if TYPE_CHECKING:
    from pathlib import Path

    from bridge.protocols import Control
    from bridge.separation.models.weights import Weights
    from bridge.separation.networks.base import Estimate, Planes

_KIND = "stereo Open-Unmix"

#: STFT parameters of the package's `umxhq` and `umxl`; for other models they are in `separator.json`.
RELEASED = {"sample_rate": 44100, "nfft": 4096, "nhop": 1024, "nb_channels": 2}
#: Iterations of the Wiener filter, and its window in STFT columns: the package's defaults (docs/decisions/0060).
ITERATIONS = 1
WIENER_COLUMNS = 300


class UnmixNetwork:
    """All targets of one model, refined jointly by the Wiener filter."""

    def __init__(self, name: str, model: Any, hop_frames: int, device: str) -> None:
        """Moves `model`, an `openunmix.model.Separator`, to `device` (`cpu`, `cuda`, `mps`), which must exist.

        Raises:
            OutOfMemory, EngineFailed: the model does not fit, or the device failed.
        """
        self._name = name
        self._device = device
        self._identity = ""
        self._segment_frames = (WIENER_COLUMNS - 1) * hop_frames  # about 7 s: one window of the filter
        with translate_errors(name):
            self._model = model.to(torch.device(device)).eval()

    @property
    def sources(self) -> tuple[str, ...]:
        return tuple(self._model.target_models)

    @property
    def sample_rate_hz(self) -> int:
        return int(self._model.sample_rate)

    @property
    def window_frames(self) -> int:
        return self._segment_frames

    @property
    def device(self) -> str:
        return self._device

    def input_frames(self, length: int) -> int:  # noqa: ARG002 - more context improves the estimate of a short window
        return self._segment_frames

    def prepare(self) -> None:
        """Does nothing: the weights are on the device already."""

    def estimate(self, audio: Planes) -> Estimate:
        """See `Network`. The audio is not normalised: the model scales its own input."""
        with translate_errors(self._name), torch.inference_mode():
            outputs = self._model(torch.from_numpy(audio)[None].to(self._device))
            estimate: Estimate = outputs[0].cpu().numpy()
        return estimate

    def identity(self) -> str:
        if not self._identity:
            self._identity = identity_of(self._model)
        return self._identity


def load_unmix(weights: Weights, device: str, control: Control) -> UnmixNetwork:
    """Loads every target of a model into memory, in evaluation mode.

    Raises:
        WeightsUnavailable: the package is missing, or a file is damaged or not an Open-Unmix model.
        OutOfMemory, EngineFailed: as `UnmixNetwork`.
        Cancelled: by `control`.
    """
    check_installed(weights.name)
    with translate_errors(weights.name):
        package = _import_models()
    targets = {}
    for index, (target, path) in enumerate(zip(weights.bag.signatures, weights.files, strict=True)):
        control.checkpoint(index / len(weights.files))
        with readable(path, weights.name, _KIND):
            targets[target] = _load_target(package, path)
    description = weights.files[0].with_name(SEPARATOR)
    with readable(description, weights.name, _KIND):
        parameters = json.loads(description.read_text(encoding="utf-8")) if description.is_file() else RELEASED
        if parameters["nb_channels"] != 2:
            raise TypeError("it is not for stereo")
        hop_frames = int(parameters["nhop"])
        model = package.Separator(
            targets,
            niter=ITERATIONS if len(targets) > 1 else 0,  # the filter needs at least two targets
            sample_rate=parameters["sample_rate"],
            n_fft=int(parameters["nfft"]),
            n_hop=hop_frames,
            nb_channels=2,
            wiener_win_len=WIENER_COLUMNS,
        )
    control.checkpoint(1.0)
    return UnmixNetwork(weights.name, model, hop_frames, device)


def _load_target(package: Any, path: Path) -> Any:
    """Loads one target's network; its layer sizes follow from the shapes of the weights."""
    from demucs.repo import check_checksum

    if "-" in path.stem:
        check_checksum(path, path.stem.rsplit("-", 1)[1])
    state = torch.load(path, "cpu", weights_only=True)
    network = package.OpenUnmix(
        nb_bins=len(state["output_mean"]),
        nb_channels=2,
        hidden_size=len(state["fc1.weight"]),
        nb_layers=sum(re.fullmatch(r"lstm\.weight_ih_l\d+", key) is not None for key in state),
        unidirectional="lstm.weight_ih_l0_reverse" not in state,
        max_bin=len(state["input_mean"]),
    )
    missing = network.load_state_dict(state, strict=False).missing_keys  # released files contain additional keys
    if missing:
        raise KeyError(missing[0])
    return network


def _import_models() -> Any:
    """Imports the package's `model` module with an empty stub for torchaudio, whose functions it never calls here."""
    with stubbed_module("torchaudio"):
        from openunmix import model
    return model
