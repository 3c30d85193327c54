"""Chooses the compute device."""

from __future__ import annotations

import ctypes
import platform
import sys
from importlib.metadata import PackageNotFoundError, version

from bridge.errors import BadArguments, EngineFailed
from bridge.options.table import DEVICE


def check_device(name: str) -> None:
    """Raises BadArguments if `name` is not a device name. Imports nothing heavy."""
    if name not in DEVICE.names:
        raise BadArguments(f"There is no device {name}.", advice=f"Choose one of {', '.join(DEVICE.names)}.")


def choose_device(name: str) -> str:
    """Resolves `auto` to the fastest device of this machine: `cuda`, `mps` or `cpu`. Returns other names unchanged.

    Raises:
        BadArguments: `name` is not a device name.
        EngineFailed: this machine does not have the device.
    """
    check_device(name)
    if name == "cpu" or (name == "auto" and not _may_have_gpu()):
        return "cpu"
    import torch

    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    here = [device for device, is_available in available.items() if is_available]
    if name == "auto":
        return here[0] if here else "cpu"
    if name not in here:
        raise EngineFailed(
            f"This machine has no {name} device that torch can use.",
            advice="Use the device auto or cpu, or install a torch build and a driver for it.",
        )
    return name


def _may_have_gpu() -> bool:
    """False only if torch cannot have a GPU. Importing torch to ask it takes seconds, so this check comes first."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    try:
        build = version("torch").partition("+")[2]
    except PackageNotFoundError:
        return False
    if build == "cpu":
        return False
    if build.startswith("rocm"):
        return True
    try:
        ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return False
    return True
