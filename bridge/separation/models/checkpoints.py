"""Loads one Demucs checkpoint, without running code from the file wherever possible.

Safetensors contain no code, but they name a class, which must be one of the package's models. A `.th` file is a pickle,
which may run code, so torch's restricted unpickler is tried first. If that refuses the file (training settings stored
as objects, weights packed by diffq), it is unpickled in full only where the package lists the file, or the user has
said beforehand that such files are to be trusted (`trust_pickles`): who sends a message cannot say so.
"""

from __future__ import annotations

import pickle
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bridge.errors import WeightsUnavailable
from bridge.model import Warning
from bridge.separation.models.demucs_bags import Released

if TYPE_CHECKING:
    from bridge.protocols import Control


def load_checkpoint(path: Path, control: Control, *, trust_pickles: bool = False) -> Any:
    """The model in `path`, on the CPU.

    Raises:
        WeightsUnavailable: loading it could run code that it brings along, and `trust_pickles` is False.
        demucs.repo.ModelLoadingError: the checksum differs from the one in the file name.
        Exception: any error of the readers on a damaged or foreign file.
    """
    if path.suffix == ".safetensors":
        return _load_safetensors(path)
    from demucs.repo import check_checksum
    from demucs.states import load_model

    if "-" in path.stem:
        check_checksum(path, path.stem.rsplit("-", 1)[1])
    return load_model(_unpickle(path, control, trust_pickles=trust_pickles))  # type: ignore[no-untyped-call]  # demucs has types here and there


def _load_safetensors(path: Path) -> Any:
    from demucs.hf import load_safetensors_model
    from safetensors import safe_open

    with safe_open(str(path), framework="pt") as file:
        klass = (file.metadata() or {})["klass"]
    if klass not in {f"{model.__module__}.{model.__qualname__}" for model in _models()}:
        raise TypeError(f"it wants to be a {klass}")
    return load_safetensors_model(path)


def _unpickle(path: Path, control: Control, *, trust_pickles: bool) -> Any:
    import torch

    try:
        with _allowed([*_models(), Fraction]):
            return torch.load(path, "cpu", weights_only=True)
    except pickle.UnpicklingError:
        if not _is_released(path):
            problem = f"{path} holds more than weights, so loading it may run code that it brings along."
            if not trust_pickles:
                raise WeightsUnavailable(
                    problem,
                    advice="Get it as .safetensors; or, if you trust where it comes from, set trust_pickles = true.",
                ) from None
            control.warn(Warning(code="pickled_weights", message=f"{problem} You have set trust_pickles."))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns about old file formats
        return torch.load(path, "cpu", weights_only=False)


def _models() -> list[type]:
    from demucs.demucs import Demucs
    from demucs.hdemucs import HDemucs
    from demucs.htdemucs import HTDemucs

    return [Demucs, HDemucs, HTDemucs]


@contextmanager
def _allowed(classes: list[type]) -> Iterator[None]:
    import torch

    safe_globals = getattr(torch.serialization, "safe_globals", None)
    if safe_globals is None:  # torch 2.4 and earlier allow only tensors
        yield
        return
    with safe_globals(classes):
        yield


def _is_released(path: Path) -> bool:
    """True if the package lists the file name. The caller has already verified its checksum."""
    return any(url.rsplit("/", 1)[-1] == path.name for url in Released.installed().urls.values())
