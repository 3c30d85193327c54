"""The lateness of the last playbacks, stored on disk for `sab ports` to show."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from bridge.events import Event, MidiEnded
from bridge.model import Lateness
from bridge.protocols import Clock
from bridge.system.files import read_json, write_whole
from bridge.value import Value

log = logging.getLogger(__name__)

FILE_NAME = "lateness.json"
#: Enough for a few songs of six stems.
MAX_ENTRIES = 24


class MeasuredLateness(Value, frozen=True, kw_only=True):
    """The lateness of one stem in one playback."""

    unix_seconds: float
    """When the playback ended."""
    stem: str
    figures: Lateness


class LatenessLog:
    """Writes the last `MAX_ENTRIES` measurements into `folder`; a failure to write is only logged."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def on_event(self, event: Event) -> None:
        """Stores the lateness from the end of a playback; ignores all other events."""
        if isinstance(event, MidiEnded) and event.lateness is not None:
            self._append(
                MeasuredLateness(unix_seconds=self._clock.unix_seconds(), stem=event.stem, figures=event.lateness)
            )

    def _append(self, measured: MeasuredLateness) -> None:
        entries = [*read_lateness(self._folder), measured][-MAX_ENTRIES:]
        try:
            write_whole(self._folder / FILE_NAME, msgspec.json.encode(entries))
        except OSError as error:
            log.warning("lateness cannot be stored in %s: %s", self._folder, error)


def read_lateness(folder: Path) -> list[MeasuredLateness]:
    """The stored measurements, oldest first; empty if the file is missing or unreadable."""
    try:
        return read_json(folder / FILE_NAME, list[MeasuredLateness])
    except (OSError, ValueError):
        return []
