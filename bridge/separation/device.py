"""Which processor computes."""

from __future__ import annotations

from bridge.errors import BadArguments, EngineFailed

DEVICES = ("auto", "cpu", "cuda", "mps")


def check_device(name: str) -> None:
    """Raises BadArguments where `name` is no device at all; loads nothing."""
    if name not in DEVICES:
        raise BadArguments(f"There is no device {name}.", advice=f"Choose one of {', '.join(DEVICES)}.")


def choose_device(name: str) -> str:
    """`name`, or for `auto` the fastest that this machine has: `cuda`, `mps` or `cpu`.

    Raises:
        BadArguments: there is no device of that name.
        EngineFailed: this machine does not have it.
    """
    check_device(name)
    if name == "cpu":
        return name
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
