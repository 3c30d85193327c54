"""Finds the package transkun (Yan and Duan, ISMIR 2024), which brings a network for pianos, without importing it."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bridge.errors import EngineFailed
from bridge.system.files import sha256_of
from bridge.system.packages import package_folder
from bridge.wording import adding_extra

PACKAGE, VERSION = "transkun", "2.0.1"
#: SHA-256 of the release's `pretrained/2.0.pt`.
CHECKPOINT = "50a80010effc2a59ffcd068a95cd2b29bd7f23a27a3515bc3ccd209c89a3d44c"
INSTALL = adding_extra("piano")
#: What to say where the package is broken.
ADVICE = f"{INSTALL} Or remove the package {PACKAGE}."


@dataclass(frozen=True)
class PianoPackage:
    """The files of an installed package that is the release that the bridge knows."""

    checkpoint: Path
    """A pickle; its weights are read without running code from it."""
    configuration: Path
    """JSON."""

    @classmethod
    def installed(cls) -> PianoPackage:
        """The installed package.

        Raises:
            EngineFailed: it is not installed, of another version, or incomplete or changed.
        """
        folder = package_folder(PACKAGE)
        if folder is None:
            raise EngineFailed(f"The package {PACKAGE} is not installed.", advice=INSTALL)
        try:
            found = version(PACKAGE)
        except PackageNotFoundError:
            found = "unknown"
        if found != VERSION:
            raise EngineFailed(f"The package {PACKAGE} has version {found}, not {VERSION}.", advice=ADVICE)
        package = cls(folder / "pretrained" / "2.0.pt", folder / "pretrained" / "2.0.conf")
        try:
            if not package.configuration.is_file() or sha256_of(package.checkpoint) != CHECKPOINT:
                raise EngineFailed(f"The network of {PACKAGE} is not that of its release.", advice=ADVICE)
        except OSError as exc:
            raise EngineFailed(f"The network of {PACKAGE} cannot be read: {exc}", advice=ADVICE) from exc
        return package


def has_transkun() -> bool:
    """True if there is a package transkun, whether or not it works."""
    return package_folder(PACKAGE) is not None
