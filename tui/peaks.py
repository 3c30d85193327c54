"""Peaks of stems that grow: read in small pieces, off the event loop, and each part of a clip only once."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, TypeAlias

from bridge.audio.riff import chunks_of
from bridge.system.files import open_to_read
from bridge.system.off_loop import off_loop
from tui.render.waveform import PARTS
from tui.state import LiveView

#: By stem, the highest magnitude of each part that is known.
Peaks: TypeAlias = Mapping[str, tuple[float, ...]]

#: Of a long part only some pieces are looked at, which show its level well enough.
_PIECES = 16
_PIECE_FRAMES = 64
_SAMPLE_BYTES = 4


class PeakReader:
    """The peaks of one WAV file of 32-bit floats that grows and whose header has its final length."""

    def __init__(self, path: str, channels: int) -> None:
        self._path = Path(path)
        self._frame_bytes = channels * _SAMPLE_BYTES
        self._peaks: tuple[float, ...] = ()

    def read(self, until_frame: int) -> tuple[float, ...]:
        """The peaks of all parts that end before `until_frame`; those known before, where the file has gone."""
        try:
            data = next((chunk for chunk in chunks_of(self._path) if chunk.name == b"data"), None)
            if data is None:
                return self._peaks
            frames = data.stated // self._frame_bytes
            there = min(until_frame, data.size // self._frame_bytes)
            with open_to_read(self._path) as file:
                for part in range(len(self._peaks), PARTS):
                    first, end = part * frames // PARTS, (part + 1) * frames // PARTS
                    if end > there:
                        break
                    self._peaks += (self._peak(file, data.start, first, end),)
        except OSError:  # its job has ended
            pass
        return self._peaks

    def _peak(self, file: BinaryIO, start: int, first: int, end: int) -> float:
        stride = max(_PIECE_FRAMES, (end - first) // _PIECES)
        highest = 0.0
        for frame in range(first, end, stride):
            file.seek(start + frame * self._frame_bytes)
            content = file.read(min(_PIECE_FRAMES, end - frame) * self._frame_bytes)
            samples = array("f", content[: len(content) // _SAMPLE_BYTES * _SAMPLE_BYTES])
            if sys.byteorder == "big":
                samples.byteswap()
            highest = max(highest, max(samples, default=0.0), -min(samples, default=0.0))
        return highest


class JobPeaks:
    """Reads the peaks of the job that is shown; what is wanted meanwhile is read next, and only the last of it."""

    def __init__(self, on_read: Callable[[str, Peaks], object]) -> None:
        self._on_read = on_read
        self._job = ""
        self._readers: dict[str, PeakReader] = {}
        self._wanted: tuple[str, LiveView] | None = None
        self._is_reading = False

    def want(self, job: str, live: LiveView) -> bool:
        """Returns True if `read` has to be called, since it does not run."""
        self._wanted = job, live
        return not self._is_reading

    async def read(self) -> None:
        """Reads until nothing is wanted any more."""
        self._is_reading = True
        try:
            while self._wanted is not None:
                (job, live), self._wanted = self._wanted, None
                if job != self._job:
                    self._job, self._readers = job, {}
                self._on_read(job, await off_loop(lambda live=live: self._read(live)))  # type: ignore[misc]
        finally:
            self._is_reading = False

    def _read(self, live: LiveView) -> Peaks:
        peaks = {}
        for preview in live.previews:
            reader = self._readers.setdefault(preview.path, PeakReader(preview.path, preview.channels))
            peaks[preview.stem] = reader.read(round(live.seconds * preview.sample_rate_hz))
        return peaks
