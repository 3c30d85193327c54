"""A real farm on this machine: a scheduler, and workers with their own folders, each a process that can be killed."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from bridge.config import Settings, load_settings
from bridge.farm.client import FarmComputer
from tests.support.loopback import free_port
from tests.support.programs import POLL_SECONDS, START_SECONDS

LOOPBACK = "127.0.0.1"


class Farm:
    """Its processes end with the block. `music` is the folder that all machines share."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str = LOOPBACK,
        before: Mapping[str, Sequence[str]] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """`before`: by a process's name, a command that runs it, such as one that enters a network namespace."""
        self.music = folder / "music"
        self.music.mkdir(parents=True)
        self._folder = folder
        self._before = dict(before or {})
        self._environment = dict(environment or {})
        self._host = host
        self._port = free_port()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._bundle = self._folder_of("bridge") / "farm" / "farm.pem"
        self._run("bridge", "certificates").wait(START_SECONDS)

    def __enter__(self) -> Farm:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Ends all processes in order; they may be started again."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()
        self._processes.clear()

    @property
    def address(self) -> str:
        return f"tls://{self._host}:{self._port}"

    @property
    def settings(self) -> Settings:
        """Those of a bridge that uses the farm, with nothing of the user's."""
        own = self._folder_of("bridge")
        return load_settings({"SAB_STATE_DIR": str(own), "SAB_CACHE_DIR": str(own / "cache"), "SAB_CONFIG": ""}, {})

    def log(self, name: str) -> str:
        """What a process has said."""
        return (self._folder_of(name) / "output.log").read_text(errors="replace")

    def pid(self, name: str) -> int:
        return self._processes[name].pid

    def start_scheduler(self) -> None:
        self._take_bundle("scheduler")
        self._start("scheduler", "scheduler", "--host", self._host, "--port", str(self._port))

    def start_worker(self, name: str, *options: str, host: str = LOOPBACK, shares: bool = True) -> None:
        self._take_bundle(name)
        shared = ("--share", str(self.music)) if shares else ()
        scratch = str(self._folder_of(name) / "scratch")
        place = ("--cluster", self.address, "--name", name, "--host", host, "--scratch", scratch)
        self._start(name, "worker", *place, *shared, *options)

    def kill(self, name: str) -> None:
        """As the system does when memory is short, or somebody who pulls the plug; its children are not told."""
        process = self._processes.pop(name)
        process.kill()
        process.wait()

    def end(self, name: str) -> int:
        """As Ctrl-C or a system that shuts down does; returns the exit status."""
        process = self._processes.pop(name)
        process.terminate()
        return process.wait(START_SECONDS)

    async def open(self, **how: float) -> FarmComputer:
        return await FarmComputer.open(self.address, self.settings, **how)  # type: ignore[arg-type]

    def _take_bundle(self, name: str) -> None:
        own = self._folder_of(name) / "farm"
        own.mkdir(mode=0o700, exist_ok=True)
        (own / "farm.pem").touch(mode=0o600)
        (own / "farm.pem").write_bytes(self._bundle.read_bytes())

    def _start(self, name: str, *words: str) -> None:
        self._processes[name] = self._run(name, *words)

    def _run(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        own = self._folder_of(name)
        environment = {
            **os.environ,
            "SAB_STATE_DIR": str(own),
            "SAB_CACHE_DIR": str(own / "cache"),
            "SAB_CONFIG": "",
            "OMP_NUM_THREADS": "1",
            **self._environment,
        }
        command = [*self._before.get(name, ()), sys.executable, "-m", "bridge", "farm", *words]
        with (own / "output.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment)

    def _folder_of(self, name: str) -> Path:
        own = self._folder / name
        own.mkdir(exist_ok=True)
        return own


async def until(farm: FarmComputer, is_so: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Returns when something is so; the farm is shown if it never is."""
    try:
        await until_so(is_so, seconds)
    except AssertionError:
        raise AssertionError(f"it did not come true; the farm: {farm.state()}") from None


async def until_so(is_so: Callable[[], bool], seconds: float = START_SECONDS) -> None:
    """Returns when something is so; raises AssertionError if it never is."""
    for _ in range(round(seconds / POLL_SECONDS)):
        if is_so():
            return
        await asyncio.sleep(POLL_SECONDS)
    raise AssertionError("it did not come true")
