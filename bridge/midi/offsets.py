"""How much earlier or later each stem's notes are played: from the settings, otherwise from a calibration."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bridge.config import Settings, check_offsets
from bridge.errors import NotWritable
from bridge.system.files import read_json, write_whole

FILE_NAME = "midi-offsets.json"


def offsets_file(settings: Settings) -> Path:
    """The file of calibrated offsets, shared by the bridges on all OSC ports."""
    return settings.state_dir / FILE_NAME


def read_calibrated_offsets(path: Path) -> dict[str, float]:
    """Milliseconds by stem; empty if the file is missing or is not one of ours."""
    try:
        found = read_json(path, dict[str, float])
        check_offsets(found)
    except (OSError, ValueError):
        return {}
    return found


def offsets_ms(settings: Settings) -> dict[str, float]:
    """The effective offsets by stem, the settings before the calibration; a stem that is missing has none."""
    return {**read_calibrated_offsets(offsets_file(settings)), **settings.midi_offsets_ms}


def offsets_seconds(settings: Settings) -> dict[str, float]:
    """The same in seconds, for the player."""
    return {stem: offset_ms / 1000 for stem, offset_ms in offsets_ms(settings).items()}


def write_calibrated_offsets(path: Path, offsets: Mapping[str, float]) -> None:
    """Replaces all calibrated offsets by these; removes the file if there are none.

    Raises:
        NotWritable: the file cannot be written.
    """
    try:
        if offsets:
            write_whole(path, msgspec.json.format(msgspec.json.encode(dict(sorted(offsets.items())))) + b"\n")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritable(f"{path} cannot be written ({error.strerror}).", advice="Set SAB_STATE_DIR.") from error
