"""How late the last playbacks were, kept on disk: what `sab ports` shows of a bridge that runs or ran."""

from __future__ import annotations

import logging
from pathlib import Path

import msgspec

from bridge.events import Event, MidiEnded
from bridge.model import Lateness, Value
from bridge.protocols import Clock
from bridge.system.files import read_json, write_whole

log = logging.getLogger(__name__)

FILE_NAME = "lateness.json"
#: A few songs of six stems.
KEPT = 24


class MeasuredLateness(Value, frozen=True, kw_only=True):
    """How late one stem of one playback was."""

    unix_seconds: float
    """When it was over."""
    stem: str
    figures: Lateness


class LatenessLog:
    """Writes the last `KEPT` into `folder`; where it cannot, the log says so and notes play all the same."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    def hear(self, event: Event) -> None:
        """Keeps what the end of a playback says; other events say nothing of it."""
        if isinstance(event, MidiEnded) and event.lateness is not None:
            self._keep(
                MeasuredLateness(unix_seconds=self._clock.unix_seconds(), stem=event.stem, figures=event.lateness)
            )

    def _keep(self, measured: MeasuredLateness) -> None:
        kept = [*read_lateness(self._folder), measured][-KEPT:]
        try:
            write_whole(self._folder / FILE_NAME, msgspec.json.encode(kept))
        except OSError as error:
            log.warning("no lateness can be kept in %s: %s", self._folder, error)


def read_lateness(folder: Path) -> list[MeasuredLateness]:
    """The last playbacks, oldest first; none where nothing can be read."""
    try:
        return read_json(folder / FILE_NAME, list[MeasuredLateness])
    except (OSError, ValueError):
        return []
