"""Node, for the device's script: found, or the test is skipped with the reason."""

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
#: What the device says in one line of its runner.
Line: TypeAlias = dict[str, Any]


def node() -> str:
    """The program; skips the test where there is none."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("Node.js is not installed (on Debian: apt install nodejs); it runs the device's script.")
    return found


class RunningDevice:
    """The built device in its runner, which a test clicks on and reads from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: Queue[Line] = Queue()
        self.said: list[Line] = []
        threading.Thread(target=self._read, daemon=True).start()

    def click(self, name: str, value: float | None = None) -> None:
        self._wish({"click": name} if value is None else {"click": name, "value": value})

    def until(self, name: str, words: str | float, seconds: float = 60) -> str:
        """What the face shows at `name` once it begins with `words`; fails if that does not happen in time."""
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except Empty:
                pytest.fail(f"The device never showed {words!r} at {name}: {self.said}")
            self.said.append(line)
            if line.get("face") == name and (
                line["words"] == words if not isinstance(words, str) else str(line["words"]).startswith(words)
            ):
                return str(line["words"])

    def look(self) -> Line:
        """The set as it is now."""
        self._wish({"look": True})
        while "tracks" not in (line := self._lines.get(timeout=10)):
            self.said.append(line)
        return line

    def _wish(self, wish: Mapping[str, object]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(wish) + "\n")
        self._process.stdin.flush()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def quit(self) -> int:
        self._wish({"quit": True})
        return self._process.wait(20)


@contextmanager
def running(folder: Path, port: int, clip: Mapping[str, object], **live: object) -> Iterator[RunningDevice]:
    """The device that was built into `folder`, in a fake Live with one clip; it must end without a complaint."""
    order = {"device": str(folder / UNFROZEN / DEVICE), "port": port, "clip": clip, **live}
    command = [node(), str(SCRIPTS / "run_device.js"), json.dumps(order)]
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
