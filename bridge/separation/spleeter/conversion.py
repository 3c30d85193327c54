"""Spleeter's checkpoints as safetensors: converted once, and from then on mapped into memory instead of unpickled."""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.separation.spleeter.checkpoints import CHECKPOINTS, read_checkpoint
from bridge.system.files import write_whole

if TYPE_CHECKING:
    from bridge.separation.spleeter.checkpoints import Arrays

log = logging.getLogger(__name__)

#: SHA-256 of each released network's arrays, as `_checksum` counts it. A conversion of anything else is not used.
ARRAYS_SHA256 = {
    "vocals": "0762c2fd76c55a2bc34b4cd8cf695bb27e9efc6720c43d0c9b61ee436323e14d",
    "accompaniment": "ea943c53240e8ecd7b49d61f4520e01f62e7906fca8a4c8d5f8085c6d329df66",
}


def load_arrays(checkpoint: Path, network: str, folder: Path | None) -> Arrays:
    """The arrays of a network, from its conversion in `folder`; converts the checkpoint if there is no intact one.

    Args:
        folder: None: nothing is converted.

    Raises:
        WeightsUnavailable: as `read_checkpoint`.
    """
    converted = folder and folder / f"spleeter-{network}-{CHECKPOINTS[network][1][:12]}.safetensors"
    if converted is None:
        return read_checkpoint(checkpoint, network)
    arrays = _read(converted, network)
    if arrays is None:
        arrays = read_checkpoint(checkpoint, network)
        _write(converted, arrays)
    return arrays


def _read(path: Path, network: str) -> Arrays | None:
    """The converted arrays; None if the file is missing, damaged or of another network."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            arrays = {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (OSError, SafetensorError, ValueError):
        return None
    return arrays if _checksum(arrays.items()) == ARRAYS_SHA256[network] else None


def _write(path: Path, arrays: Arrays) -> None:
    """A folder that cannot be written costs time, not the job."""
    import numpy as np
    from safetensors.numpy import save

    ordered = {name: np.ascontiguousarray(arrays[name]) for name in sorted(arrays)}
    try:
        if path.is_dir():  # it can never have been a conversion
            shutil.rmtree(path)
        write_whole(path, save(ordered))
    except OSError as exc:
        log.warning("%s is not kept: %s", path.name, exc)


def _checksum(arrays: Iterable[tuple[str, object]]) -> str:
    import numpy as np

    digest = hashlib.sha256()
    for name, array in arrays:
        values = np.ascontiguousarray(array)
        digest.update(f"{name} {values.dtype} {values.shape}".encode())
        digest.update(values.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()
