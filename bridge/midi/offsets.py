"""By how much each stem's notes are played early or late: what the settings say, else what was calibrated."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from bridge.config import Settings, check_offsets
from bridge.errors import NotWritable
from bridge.system.files import read_json, write_whole

FILE_NAME = "midi-offsets.json"


def offsets_file(settings: Settings) -> Path:
    """Where calibrated offsets are kept, for bridges on all OSC ports alike."""
    return settings.state_dir / FILE_NAME


def calibrated(path: Path) -> dict[str, float]:
    """Milliseconds by stem; none where the file is not there or is not one of ours."""
    try:
        found = read_json(path, dict[str, float])
        check_offsets(found)
    except (OSError, ValueError):
        return {}
    return found


def offsets_ms(settings: Settings) -> dict[str, float]:
    """The offsets in force, by stem; a stem that is not there has none."""
    return {**calibrated(offsets_file(settings)), **settings.midi_offsets_ms}


def offsets_seconds(settings: Settings) -> dict[str, float]:
    """The same in seconds, as the player takes them."""
    return {stem: offset_ms / 1000 for stem, offset_ms in offsets_ms(settings).items()}


def store(path: Path, offsets: Mapping[str, float]) -> None:
    """Keeps these offsets and no others; none at all: removes the file.

    Raises:
        NotWritable: they cannot be kept there.
    """
    try:
        if offsets:
            write_whole(path, msgspec.json.format(msgspec.json.encode(dict(sorted(offsets.items())))) + b"\n")
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise NotWritable(f"{path} cannot be written ({error.strerror}).", advice="Set SAB_STATE_DIR.") from error
