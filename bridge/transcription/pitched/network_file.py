"""Which release of basic-pitch's network the bridge uses, and where it lies.

The build of the package puts it there (`hatch_build.py`, docs/decisions/0004), and reads this file without importing
the bridge: it must need nothing but the standard library.
"""

from __future__ import annotations

from pathlib import Path

#: The distribution that the network comes from, and the SHA-256 of its wheel.
RELEASE = "0.4.0"
DISTRIBUTION = f"basic-pitch=={RELEASE}"
DISTRIBUTION_SHA256 = "738adb503aae7fdfc7d1e1511aa0ce35052315f260a19531ef4c356708425db0"
#: The wheel's files, and what they are called in `FOLDER`; the licence asks to come along with the network.
NETWORK = "nmp.onnx"
FILES = {
    "basic_pitch/saved_models/icassp_2022/nmp.onnx": NETWORK,
    f"basic_pitch-{RELEASE}.dist-info/LICENSE": "LICENSE",
    f"basic_pitch-{RELEASE}.dist-info/NOTICE": "NOTICE",
}
FOLDER = Path(__file__).parent / "network"


def network_file() -> Path | None:
    """The network; None if this installation is damaged."""
    file = FOLDER / NETWORK
    return file if file.is_file() else None
