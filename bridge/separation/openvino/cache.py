"""The models that were converted for OpenVINO on this machine: found by their weights, made in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.separation.openvino import artifact
from bridge.separation.openvino.artifact import OpenVinoModel
from bridge.system.files import sha256_of

if TYPE_CHECKING:
    from bridge.protocols import Clock
    from bridge.separation.networks.base import Planes

#: Models kept; the one that was unused for longest goes first. A full-size one has 168 MB.
MAX_ENTRIES = 6
#: A partial folder that is older than any conversion takes was left behind by one that was ended.
STALE_SECONDS = 600.0


class OpenVinoCache:
    """A folder of conversions. Several processes may share it: a conversion appears whole or not at all."""

    def __init__(self, folder: Path, *, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._folder = folder
        self._clock = clock
        self._max_entries = max_entries
        self._openvino = _openvino_version()
        self._digests: dict[tuple[Path, int, int], str] = {}
        self._entries: dict[Path, OpenVinoModel] = {}

    @property
    def is_possible(self) -> bool:
        """True where OpenVINO is installed."""
        return bool(self._openvino)

    def folder_of(self, checkpoint: Path, segment_seconds: float | None) -> Path:
        """Where the conversion of that checkpoint belongs. Raises OSError where it cannot be read."""
        status = checkpoint.stat()
        key = (checkpoint, status.st_size, status.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = sha256_of(checkpoint)[:20]
        segment = "" if segment_seconds is None else f"-{segment_seconds:g}s"
        return self._folder / f"{self._digests[key]}{segment}-openvino-{self._openvino}-{artifact.FORMAT}"

    def find(self, checkpoint: Path, segment_seconds: float | None) -> tuple[Path, OpenVinoModel] | None:
        """The folder and description of a conversion; a damaged one is removed, to be made anew."""
        if not self.is_possible:
            return None
        try:
            folder = self.folder_of(checkpoint, segment_seconds)
        except OSError:
            return None
        if folder not in self._entries:
            found = artifact.read_artifact(folder)
            if found is None:
                shutil.rmtree(folder, ignore_errors=True)
                return None
            self._entries[folder] = found
        with suppress(OSError):
            os.utime(folder)
        return folder, self._entries[folder]

    def discard(self, folder: Path) -> None:
        """Removes a conversion that cannot be used after all."""
        self._entries.pop(folder, None)
        shutil.rmtree(folder, ignore_errors=True)

    def start_conversion(
        self, checkpoint: Path, segment_seconds: float | None, window: Planes | None
    ) -> RunningConversion:
        """Starts to convert, at low priority. Raises OSError where it cannot."""
        folder = self.folder_of(checkpoint, segment_seconds)
        self._folder.mkdir(parents=True, exist_ok=True)
        self.prune(self._max_entries - 1)
        scratch = Path(tempfile.mkdtemp(prefix="convert-", suffix=".part", dir=self._folder))
        options: list[str] = []
        if segment_seconds is not None:
            options += ["--segment", str(segment_seconds)]
        if window is not None:
            import numpy as np

            np.save(scratch / "window.npy", window)
            options += ["--window", str(scratch / "window.npy")]
        return RunningConversion([str(checkpoint), str(folder), str(scratch), *options], scratch)

    def prune(self, keep: int) -> None:
        """Removes what was unused for longest, down to `keep`, and what ended conversions have left behind."""
        now = self._clock.unix_seconds()
        entries = sorted((entry.stat().st_mtime, entry) for entry in self._folder.iterdir() if entry.is_dir())
        complete = [entry for _, entry in entries if entry.suffix != ".part"]
        stale = [entry for used, entry in entries if entry.suffix == ".part" and now - used > STALE_SECONDS]
        for entry in (*stale, *complete[: max(0, len(complete) - keep)]):
            self.discard(entry)


class RunningConversion:
    """One that is going on."""

    def __init__(self, arguments: Sequence[str], scratch: Path) -> None:
        self._scratch = scratch
        self._process = subprocess.Popen(  # noqa: S603 - this very interpreter, with paths of our own
            [sys.executable, "-m", "bridge.separation.openvino.convert", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self, seconds: float) -> int | None:
        """Its exit status as soon as it has ended, None where that takes longer."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Ends it where it has not ended; nothing unfinished is left behind."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _openvino_version() -> str:
    try:
        return version("openvino")
    except PackageNotFoundError:
        return ""
