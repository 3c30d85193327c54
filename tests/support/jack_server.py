"""A real JACK server without a sound card, and an independent client that records the messages it receives.

    with running_jack() as server, MidiReader(server) as reader:
        …  # processes started with server.environment find this server and no other
        reader.connect("Source Audio Bridge:SAB Vocals")
        assert reader.wait(lambda received: len(received) == 8)

As a fixture: `from tests.support.jack_server import jack_server` (fixture `jack_server`), with `@pytest.mark.jack`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

import pytest

SAMPLE_RATE_HZ = 48_000
PERIOD_FRAMES = 256
_POLL_SECONDS = 0.01
#: Less than the tests of timing allow.
LOST_NS = 1_000_000
MAX_SERVERS = 4
#: Above the player's own, and far below what most distributions allow to members of `audio`.
REAL_TIME_PRIORITY = 40


@dataclass(frozen=True)
class JackServer:
    """A server with its own name, so that it does not interfere with concurrent tests or with the user's own server."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def xruns(self) -> int:
        """How often it has logged an xrun. After one, its frames and the wall clock have drifted apart."""
        return self.log.read_text(errors="replace").count("XRun")

    @property
    def environment(self) -> dict[str, str]:
        return {"JACK_DEFAULT_SERVER": self.name}

    def change_period(self, frames: int) -> None:
        """`frames` is a power of two. Its clients are notified."""
        client = _quiet_jack().Client("period", no_start_server=True, servername=self.name)
        client.activate()
        client.blocksize = frames
        client.close()

    def kill(self) -> None:
        """The server crashes."""
        self.process.kill()
        self.process.wait()

    @contextlib.contextmanager
    def stalled(self) -> Iterator[None]:
        """The server hangs, and with it every client that calls it, as when a reader closes."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class ReceivedMessage(NamedTuple):
    """One message, and the frame of JACK's clock at which it was played."""

    frame: int
    data: bytes

    @property
    def seconds(self) -> float:
        return self.frame / SAMPLE_RATE_HZ


def why_no_jack() -> str:
    """What this machine lacks to run a JACK server; empty if it lacks nothing."""
    if shutil.which("jackd") is None:
        return "jackd is not installed (Debian: jackd2)"
    try:
        importlib.import_module("jack")
    except (ImportError, OSError) as error:
        return f"JACK-Client cannot be loaded: {error}"
    return ""


@contextlib.contextmanager
def running_jack(
    period_frames: int = PERIOD_FRAMES, *, synchronous: bool = True, real_time: bool = False
) -> Iterator[JackServer]:
    """Starts a server on the dummy driver; yields it once it accepts clients, and ends it on exit.

    A `synchronous` server waits for its clients: with an asynchronous one, a client that is late in a period loses the
    messages of that period. But a synchronous one waits half a second for each killed client, too. A `real_time` server
    and its clients run at real-time priority, if the system allows it.
    """
    scheduling = ["-R", "-P", str(REAL_TIME_PRIORITY), "-m"] if real_time and _may_be_real_time() else ["-r"]
    options = [*scheduling, "-t", "500", *(["-S"] if synchronous else [])]
    options += ["-d", "dummy", "-r", str(SAMPLE_RATE_HZ), "-p", str(period_frames)]
    with _reserved_name() as name:
        log = Path(tempfile.gettempdir(), f"{name}.log")
        _forget_clients(name)
        process = _start(name, options, log)
        try:
            yield JackServer(name, process, log)
        finally:
            _end(process)
            if process.returncode == -signal.SIGKILL:
                _end(_start(name, options, log))  # a crashed server occupies a slot until its name is used again


@pytest.fixture
def jack_server() -> Iterator[JackServer]:
    """A running server; the test is skipped on a machine that cannot run one."""
    if reason := why_no_jack():
        pytest.skip(reason)
    with running_jack(real_time=True) as server:
        yield server


_Client = TypeVar("_Client", bound="_MidiClient")


class _MidiClient:
    """A client of the server that is active while it is entered."""

    def __init__(self, server: JackServer, name: str) -> None:
        self._client = _quiet_jack().Client(name, no_start_server=True, servername=server.name)
        self._client.set_process_callback(self._process)

    def __enter__(self: _Client) -> _Client:
        self._client.activate()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.deactivate()
        self._client.close()

    def _process(self, frames: int) -> None:
        """Runs in every period, on JACK's thread."""
        raise NotImplementedError


class MidiReader(_MidiClient):
    """An input port that records every message with its frame; uses JACK-Client instead of RtMidi.

    `losses` are the frames near which the server lost time: its frames and the wall clock drifted apart there. It
    notifies of most of them as xruns; the clock shows the others.
    """

    def __init__(self, server: JackServer, name: str = "reader") -> None:
        super().__init__(server, name)
        self.received: list[ReceivedMessage] = []
        self.xruns = 0
        self.losses: list[int] = []
        self._quarter = 0
        self._zeros_ns = (0, 0)
        """The clock at frame 0, by the earliest period of the last quarter of a second and of this one."""
        self._port = self._client.midi_inports.register("in")
        self._client.set_xrun_callback(self._miss)

    @property
    def frame(self) -> int:
        """The first frame of the current period. JACK's own estimate of now continues while the server is late."""
        return int(self._client.last_frame_time)

    def ports(self) -> list[str]:
        """The names of all MIDI outputs of other clients."""
        return [port.name for port in self._client.get_ports(is_midi=True, is_output=True, is_physical=False)]

    def is_connected(self) -> bool:
        """Whether a port is connected to this one; a port that goes while it is looked up is not."""
        try:
            return bool(self._port.connections)
        except importlib.import_module("jack").JackError:
            return False

    def has_port(self, name: str) -> bool:
        """Whether a port has that name or alias."""
        try:
            self._client.get_port_by_name(name)
        except importlib.import_module("jack").JackError:
            return False
        return True

    def connect(self, port: str) -> None:
        """Connects to an output port, by its name or an alias."""
        self._client.connect(port, self._port)

    def is_connected_again(self, port: str) -> bool:
        """Tries to connect, as a patchbay does: a port may exist and not be active yet. True once it is connected."""
        with contextlib.suppress(importlib.import_module("jack").JackError):
            self.connect(port)
        return self.is_connected()

    def wait(self, is_enough: Callable[[list[ReceivedMessage]], bool], deadline_seconds: float = 20.0) -> bool:
        """True as soon as `is_enough` holds for the received messages; False if it does not in time."""
        return poll(lambda: is_enough(self.received), deadline_seconds)

    def _process(self, frames: int) -> None:  # noqa: ARG002 - JACK's signature
        start = self._client.last_frame_time
        self._compare_clocks(start, time.perf_counter_ns())
        for offset, data in self._port.incoming_midi_events():
            self.received.append(ReceivedMessage(start + offset, bytes(data)))

    def _compare_clocks(self, frame: int, now_ns: int) -> None:
        """Callbacks may be late, but not all of a quarter of a second, unless the server lost time."""
        zero_ns = now_ns - frame * 1_000_000_000 // SAMPLE_RATE_HZ
        (before_ns, earliest_ns), quarter = self._zeros_ns, frame * 4 // SAMPLE_RATE_HZ
        if quarter == self._quarter:
            self._zeros_ns = before_ns, min(earliest_ns, zero_ns)
            return
        if before_ns and earliest_ns - before_ns > LOST_NS:
            self.losses.append(frame)
        self._quarter, self._zeros_ns = quarter, (earliest_ns, zero_ns)

    def _miss(self, delayed_us: float) -> None:  # noqa: ARG002 - JACK's signature
        self.xruns += 1
        self.losses.append(self.frame)


class MidiSender(_MidiClient):
    """An output port that plays (second, message) pairs at the exact frame, and controls JACK's transport."""

    def __init__(self, server: JackServer, name: str = "sender") -> None:
        super().__init__(server, name)
        self.start_frame: int | None = None
        """The frame of JACK's clock at second 0 of the messages being sent."""
        self._coming: list[tuple[int, bytes]] = []
        self._next = 0
        self._port = self._client.midi_outports.register("out")

    def connect(self, port: str) -> None:
        """Connects to an input port of that name."""
        self._client.connect(self._port, port)

    def send(self, messages: Iterable[tuple[float, bytes]]) -> None:
        """Starts to send with the next period."""
        self.start_frame, self._next = None, 0
        self._coming = [(round(seconds * SAMPLE_RATE_HZ), data) for seconds, data in messages]

    @property
    def is_done(self) -> bool:
        return self._next == len(self._coming)

    def roll(self) -> None:
        self._client.transport_start()

    def halt(self) -> None:
        self._client.transport_stop()

    def locate(self, seconds: float) -> None:
        self._client.transport_frame = round(seconds * SAMPLE_RATE_HZ)

    @property
    def transport_origin(self) -> int:
        """The frame of JACK's clock at which the rolling transport was at its frame 0."""
        return int(self._client.frame_time) - int(self._client.transport_frame)

    def _process(self, frames: int) -> None:
        self._port.clear_buffer()
        start = self._client.last_frame_time
        if self.start_frame is None:
            self.start_frame = start
        while not self.is_done:
            frame, data = self._coming[self._next]
            offset = self.start_frame + frame - start
            if offset >= frames:
                return
            self._port.write_midi_event(max(0, offset), data)
            self._next += 1


def poll(condition: Callable[[], bool], deadline_seconds: float = 20.0) -> bool:
    """True as soon as `condition` holds; False if it does not in time."""
    end = time.monotonic() + deadline_seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def _may_be_real_time() -> bool:
    """A server that is refused real-time priority runs on without it, but its clients still ask for it, and Ardour
    gives up.
    """
    if sys.platform != "linux":
        return False
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(REAL_TIME_PRIORITY))
    except OSError:
        return False
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    return True


@contextlib.contextmanager
def _reserved_name() -> Iterator[str]:
    """A server name that no other test process is using.

    JACK allows eight servers on a machine, and forgets a killed one only when its name is used again. So there are few
    names, and a lock for each, which is released when its holder dies.
    """
    import fcntl

    for number in range(MAX_SERVERS):
        name = f"sab-test-{number}"
        with open(Path(tempfile.gettempdir(), f"{name}.lock"), "w") as lock:  # noqa: PTH123
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            if _answers(name):  # its test was killed and it runs on: another test could not kill it
                continue
            yield name
            return
    pytest.fail(f"{MAX_SERVERS} JACK servers run already for other tests")


def _start(name: str, options: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        command = [*_dying_with_us(), "jackd", "-n", name, *options]
        process = subprocess.Popen(command, stdout=output, stderr=output)

    def answers() -> bool:
        assert process.poll() is None, log.read_text(errors="replace")
        return _answers(name)

    try:
        assert poll(answers), "jackd does not answer"
    except BaseException:
        _end(process)
        raise
    return process


def _forget_clients(name: str) -> None:
    """Removes the semaphores of clients that outlived an earlier server of this name.

    JACK 1.9.21 with a client of 1.9.22 reuses these semaphores, and then waits for half of its clients, one after
    another, as if they hung: five seconds in which no other client runs.
    """
    for semaphore in Path("/dev/shm").glob(f"jack_sem.*_{name}_*"):
        semaphore.unlink(missing_ok=True)


def _dying_with_us() -> list[str]:
    """Makes the server end with a killed test, if the system can."""
    return ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []


def _answers(name: str) -> bool:
    jack = _quiet_jack()
    try:
        jack.Client("probe", no_start_server=True, servername=name).close()
    except jack.JackOpenError:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()  # it removes its sockets and shared memory
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _quiet_jack() -> Any:
    jack = importlib.import_module("jack")
    jack.set_error_function(lambda _: None)
    jack.set_info_function(lambda _: None)
    return jack
