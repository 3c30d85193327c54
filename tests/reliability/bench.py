"""One bridge under test: `sab serve` in its own process, and a client that follows its jobs.

Everything goes the ways that are open to anybody: OSC, files and signals.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from bridge.errors import BridgeError
from bridge.osc.addresses import Message
from bridge.osc.client import OscClient, open_client
from tests.reliability.place import Place
from tests.reliability.processes import MARK, descriptors, marked, send
from tests.support.loopback import free_port

#: A start must not last longer, whatever lies in the state folder.
START_SECONDS = 30.0
END_SECONDS = 15.0


@dataclass
class Followed:
    """What the client has heard of a job."""

    stage: str = ""
    outcome: str = ""
    files: dict[Path, float] = field(default_factory=dict)
    """The files that the bridge told of → their seconds."""
    code: str = ""
    """Why it failed."""


class DoesNotStart(Exception):  # noqa: N818 - a fact about the bridge, not an error of the harness
    """The bridge has ended, or was silent for too long, instead of listening."""


class Bench:
    """A place and the bridge that works there."""

    def __init__(
        self,
        place: Place,
        *options: str,
        environment: Mapping[str, str] | None = None,
        before_start: Callable[[], None] | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        """`options` of `sab serve`; `before_start` runs in the new process, to set its limits."""
        self.place = place
        self.host = host
        self.port = port or free_port()
        self.jobs: dict[str, Followed] = {}
        self.starts = 0
        self.log = place.folder / "home" / f"server-{host}-{self.port}.log"
        self._options = options
        self._mark = secrets.token_hex(8)
        self._environment = _environment(place, self._mark, environment or {})
        self._before_start = before_start
        self._process: asyncio.subprocess.Process | None = None
        self._stack = contextlib.AsyncExitStack()
        self._client: OscClient | None = None
        self._asking = asyncio.Lock()
        self._heard = asyncio.Event()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self.log.touch()

    @property
    def client(self) -> OscClient:
        assert self._client is not None
        return self._client

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    def pid_of(self, module: str) -> int | None:
        """The process id of the child that runs a module, such as `bridge.worker`; None: there is none now."""
        return next((pid for pid, name in self.processes().items() if name == module), None)

    def processes(self) -> dict[int, str]:
        return marked(self._mark)

    def descriptors(self) -> int:
        return descriptors(self.pid)

    async def start(self, *options: str) -> float:
        """Starts the bridge; returns the seconds until it listens.

        Raises:
            DoesNotStart: it does not.
        """
        began = time.monotonic()
        command = ["-m", "bridge", "serve", "--host", self.host, "--port", str(self.port), "--engine", "draft"]
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, *command, *self._options, *options,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=log,
                env=self._environment, cwd=self.place.folder / "home", preexec_fn=self._before_start,
            )  # fmt: skip
        assert self._process.stdout is not None
        try:
            line = await asyncio.wait_for(self._process.stdout.readline(), START_SECONDS)
        except asyncio.TimeoutError:
            await self.kill()
            raise DoesNotStart(f"silent for {START_SECONDS:g} s") from None
        if urlsplit(line.decode().removeprefix("listening on ").strip()).scheme != "osc.udp":
            await self._process.wait()
            raise DoesNotStart(f"{(self.log.read_text(errors='replace').strip().splitlines() or ['no reason'])[-1]}")
        seconds = time.monotonic() - began
        self.starts += 1
        await self.connect()
        return seconds

    async def connect(self) -> None:
        """Connects a new client that hears of every job."""
        await self._stack.aclose()
        self._client = await self._stack.enter_async_context(open_client(self.host, self.port))
        following = asyncio.create_task(self._follow(self._client))
        self._stack.callback(following.cancel)
        await self.ask("/sab/subscribe", 1, 3600, within=10.0)

    async def ask(self, address: str, *arguments: str | float, within: float | None = None) -> list[Message]:
        """As `OscClient.ask`, one after another."""
        async with self._asking:
            return await self.client.ask(address, *arguments, answer_seconds=within)

    async def submit(self, clip: Path, *options: str | float) -> str:
        """Queues a job; returns its id. Raises BridgeError where it is refused."""
        (accepted,) = await self.ask("/sab/submit", str(clip), *options)
        job = str(accepted.arguments[1])
        self.jobs.setdefault(job, Followed())
        return job

    async def query(self, job: str) -> Followed:
        """Asks for a job and its files. Raises BridgeError where it is unknown."""
        followed = self.jobs.setdefault(job, Followed())
        for message in await self.ask("/sab/query", job):
            self._note(message)
            if message.address == "/sab/job" and message.arguments[1] in ("done", "failed", "cancelled"):
                followed.outcome = str(message.arguments[1])
        return followed

    async def hears(self, condition: Callable[[], bool], within: float) -> bool:
        """Whether `condition` holds in time; it is looked at whenever the bridge tells something."""
        end = time.monotonic() + within
        while not condition():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self._heard.clear()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._heard.wait(), min(left, 0.5))
        return True

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """Ends the server's process with a signal; returns its exit status. Its children notice by themselves."""
        assert self._process is not None
        send(self.pid, number)
        try:
            return await asyncio.wait_for(self._process.wait(), END_SECONDS)
        except asyncio.TimeoutError:
            send(self.pid, signal.SIGKILL)
            await self._process.wait()
            return -1

    async def gone(self, within: float = 8.0) -> list[str]:
        """The processes that are left after the server has ended, and are killed now."""
        end = time.monotonic() + within
        while (left := self.processes()) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(0.02)  # nobody tells of the end of a process that is not our child
        for pid in left:
            send(pid, signal.SIGKILL)
        return list(left.values())

    async def close(self) -> None:
        """Lets go of everything, however the bridge is."""
        with contextlib.suppress(Exception):
            await self._stack.aclose()
        if self.is_running:
            await self.kill()
        await self.gone(0.0)

    async def _follow(self, client: OscClient) -> None:
        while True:
            try:
                self._note(await client.next_push())
            except BridgeError:  # the port is closed: the bridge was killed
                await asyncio.sleep(0.02)
            self._heard.set()

    def _note(self, message: Message) -> None:
        match message.address, message.arguments:
            case "/sab/progress", (str(job), str(stage), *_):
                self.jobs.setdefault(job, Followed()).stage = stage
            case "/sab/result", (str(job), _, _, str(path), float(seconds), *_):
                self.jobs.setdefault(job, Followed()).files[Path(path)] = seconds
            case "/sab/finished", (str(job), str(outcome), *_):
                self.jobs.setdefault(job, Followed()).outcome = outcome
            case "/sab/fail", (_, str(code), _, str(job)) if job in self.jobs:
                self.jobs[job].code = code


def _environment(place: Place, mark: str, more: Mapping[str, str]) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SAB_")}
    homes = {f"XDG_{kind}_HOME": str(place.folder / "home" / kind.lower()) for kind in ("CONFIG", "CACHE", "DATA")}
    ours = {"SAB_STATE_DIR": str(place.state), "SAB_CACHE_DIR": str(place.cache), "SAB_CACHE_MAX_GB": "0"}
    no_audio_server = {"JACK_DEFAULT_SERVER": "nowhere", "SAB_NO_MIDI": "1"}
    return {**clean, **homes, **ours, **no_audio_server, MARK: mark, "PYTHONFAULTHANDLER": "1", **more}
