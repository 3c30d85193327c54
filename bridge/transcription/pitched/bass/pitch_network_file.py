"""Where the network of the package swift-f0 lies, found without importing what runs it."""

from __future__ import annotations

from pathlib import Path

from bridge.system.packages import package_folder

PACKAGE, NETWORK = "swift_f0", "model.onnx"


def pitch_network_file() -> Path | None:
    """The network; None if the package is missing or damaged."""
    folder = package_folder(PACKAGE)
    file = None if folder is None else folder / NETWORK
    return file if file is not None and file.is_file() else None
