"""Where basic-pitch's network lies."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path


def network_file() -> Path | None:
    """The network in the installed package basic-pitch, which is not imported (that takes 4 s, with librosa)."""
    spec = find_spec("basic_pitch")
    files = [
        Path(folder) / "saved_models" / "icassp_2022" / "nmp.onnx"
        for folder in (spec.submodule_search_locations or () if spec else ())
    ]
    return next((file for file in files if file.is_file()), None)
