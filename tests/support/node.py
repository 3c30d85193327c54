"""Runs the device's script in Node; without Node, the test is skipped."""

from __future__ import annotations

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue
from typing import Any, TypeAlias

import pytest

from max_for_live.generator.build import DEVICE, UNFROZEN

SCRIPTS = Path(__file__).parents[1] / "max_for_live" / "js"
#: One line of JSON from the device's runner.
Line: TypeAlias = dict[str, Any]


def node() -> str:
    """The path of Node; skips the test if it is not installed."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node.js is not installed (on Debian: apt install nodejs); it runs the device's script.")
    return found


class RunningDevice:
    """The built device in its runner: a test sends clicks and reads the face."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: Queue[Line] = Queue()
        self.received: list[Line] = []
        threading.Thread(target=self._read, daemon=True).start()

    def click(self, name: str, value: float | None = None) -> None:
        self._send({"click": name} if value is None else {"click": name, "value": value})

    def until(self, name: str, words: str | float, seconds: float = 60) -> str:
        """Waits until the text at `name` on the face starts with `words`, and returns it; fails after the timeout."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except Empty:
                pytest.fail(f"The device never showed {words!r} at {name}: {self.received}")
            self.received.append(line)
            if line.get("face") == name and (
                line["words"] == words if not isinstance(words, str) else str(line["words"]).startswith(words)
            ):
                return str(line["words"])

    def faces(self, name: str) -> list[object]:
        """All that was shown at `name` on the face so far, in order."""
        return [line["words"] for line in self.received if line.get("face") == name]

    def look(self) -> Line:
        """The current state of the Live Set."""
        self._send({"look": True})
        while "tracks" not in (line := self._lines.get(timeout=10)):
            self.received.append(line)
        return line

    def _send(self, command: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def quit(self) -> int:
        self._send({"quit": True})
        return self._process.wait(20)


@contextmanager
def running(folder: Path, port: int, clip: Mapping[str, object], **live: object) -> Iterator[RunningDevice]:
    """Runs the device built into `folder`, in a fake Live with one clip; it must end without errors."""
    arguments = {"device": str(folder / UNFROZEN / DEVICE), "port": port, "clip": clip, **live}
    command = [node(), str(SCRIPTS / "run_device.js"), json.dumps(arguments)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            device = RunningDevice(process)
            yield device
            assert device.quit() == 0
            assert process.stderr is not None
            assert process.stderr.read() == ""
        finally:
            process.kill()
