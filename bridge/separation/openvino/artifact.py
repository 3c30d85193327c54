"""The folder of a model converted for OpenVINO: its two files and their description."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bridge.system.files import read_json, sha256_of
from bridge.value import Value

#: Incremented when conversions made by older versions of the bridge become unusable.
FORMAT = 1
DESCRIPTION = "model.json"
GRAPH = "model.xml"
WEIGHTS = "model.bin"


class OpenVinoModel(Value, frozen=True, kw_only=True):
    """Description of a converted model, and how far its output differs from torch's."""

    sources: tuple[str, ...]
    sample_rate_hz: int
    window_frames: int
    spectrum_size: int
    """Window length of the spectrogram in frames; its hop is a quarter of that."""
    identity: str
    """Hash of the weights, equal to that of the torch network."""
    difference: float
    """The largest absolute difference from torch's output on a test window with standard deviation 1."""
    sha256: dict[str, str]
    """File name → SHA-256."""


def read_artifact(folder: Path) -> OpenVinoModel | None:
    """Reads the converted model in `folder`; None if it is missing or damaged."""
    try:
        converted = read_json(folder / DESCRIPTION, OpenVinoModel)
        intact = all(sha256_of(folder / name) == digest for name, digest in converted.sha256.items())
    except (OSError, ValueError):
        return None
    return converted if intact and {GRAPH, WEIGHTS} == set(converted.sha256) else None


def write_artifact(folder: Path, converted: OpenVinoModel) -> None:
    """Writes the description into `folder`."""
    (folder / DESCRIPTION).write_bytes(msgspec.json.encode(converted))
