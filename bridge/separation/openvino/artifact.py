"""A model that was converted for OpenVINO: a folder with its two files, and the description beside them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from bridge.system.files import read_json, sha256_of
from bridge.value import Value

#: Raised when a conversion made by an older version of the bridge can no longer be used.
FORMAT = 1
DESCRIPTION = "model.json"
GRAPH = "model.xml"
WEIGHTS = "model.bin"


class OpenVinoModel(Value, frozen=True, kw_only=True):
    """What the graph computes, and how well it agrees with torch."""

    sources: tuple[str, ...]
    sample_rate_hz: int
    segment_frames: int
    spectrum_size: int
    """Length of the spectrogram's windows; its hop is a quarter of that."""
    identity: str
    """That of the weights, as torch's network tells it."""
    difference: float
    """The largest deviation from torch on the window that it was tried on, whose deviation is 1."""
    sha256: dict[str, str]
    """Of each of the files."""


def read_artifact(folder: Path) -> OpenVinoModel | None:
    """The conversion in `folder`; None where it is missing or not as it was written."""
    try:
        converted = read_json(folder / DESCRIPTION, OpenVinoModel)
        intact = all(sha256_of(folder / name) == digest for name, digest in converted.sha256.items())
    except (OSError, ValueError):
        return None
    return converted if intact and {GRAPH, WEIGHTS} == set(converted.sha256) else None


def write_artifact(folder: Path, converted: OpenVinoModel) -> None:
    """Describes the files in `folder`."""
    (folder / DESCRIPTION).write_bytes(msgspec.json.encode(converted))
