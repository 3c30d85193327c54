"""Cache of models converted for OpenVINO: looked up by their weights, converted in a separate process."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.separation.openvino import artifact
from bridge.separation.openvino.artifact import OpenVinoModel
from bridge.system.files import sha256_of
from bridge.system.own_program import own_program

if TYPE_CHECKING:
    from bridge.protocols import Clock
    from bridge.separation.networks.base import Planes

#: Number of converted models kept; the least recently used one is removed first. A full-size model takes 168 MB.
MAX_ENTRIES = 6
#: A partial folder older than this was left behind by a conversion that was killed: none takes that long.
STALE_SECONDS = 600.0


class OpenVinoCache:
    """A folder of converted models. Several processes may share it: a model appears complete or not at all."""

    def __init__(self, folder: Path, *, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._folder = folder
        self._clock = clock
        self._max_entries = max_entries
        self._openvino = _openvino_version()
        self._digests: dict[tuple[Path, int, int], str] = {}
        self._entries: dict[Path, OpenVinoModel] = {}

    @property
    def is_possible(self) -> bool:
        """True if OpenVINO is installed."""
        return bool(self._openvino)

    def folder_of(self, checkpoint: Path, segment_seconds: float | None) -> Path:
        """The folder for the conversion of `checkpoint`. Raises OSError if the checkpoint cannot be read."""
        status = checkpoint.stat()
        key = (checkpoint, status.st_size, status.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = sha256_of(checkpoint)[:20]
        segment = "" if segment_seconds is None else f"-{segment_seconds:g}s"
        return self._folder / f"{self._digests[key]}{segment}-openvino-{self._openvino}-{artifact.FORMAT}"

    def find(self, checkpoint: Path, segment_seconds: float | None) -> tuple[Path, OpenVinoModel] | None:
        """The folder and description of a converted model, or None. Deletes a damaged entry: it is converted again."""
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
        """Deletes a converted model."""
        self._entries.pop(folder, None)
        shutil.rmtree(folder, ignore_errors=True)

    def start_conversion(
        self, checkpoint: Path, segment_seconds: float | None, window: Planes | None
    ) -> RunningConversion:
        """Starts a conversion at low priority. Raises OSError if the cache cannot be written."""
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
        """Deletes the least recently used models, down to `keep`, and the remains of killed conversions."""
        now = self._clock.unix_seconds()
        entries = sorted((entry.stat().st_mtime, entry) for entry in self._folder.iterdir() if entry.is_dir())
        complete = [entry for _, entry in entries if entry.suffix != ".part"]
        stale = [entry for used, entry in entries if entry.suffix == ".part" and now - used > STALE_SECONDS]
        for entry in (*stale, *complete[: max(0, len(complete) - keep)]):
            self.discard(entry)


class RunningConversion:
    """The process of a running conversion."""

    def __init__(self, arguments: Sequence[str], scratch: Path) -> None:
        self._scratch = scratch
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, with our own paths
            own_program("bridge.separation.openvino.convert", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def wait(self, seconds: float) -> int | None:
        """Waits up to `seconds` for the process to end; returns its exit status, or None if it is still running."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def stop(self) -> None:
        """Kills the process if it is still running and deletes its partial output."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._scratch, ignore_errors=True)


def _openvino_version() -> str:
    try:
        return version("openvino")
    except PackageNotFoundError:
        return ""
