"""The seams between the parts of the bridge.

Each is small and documented like an API; those of the transcribers stand in `transcribing.py`,
those of a screen for one job in `reading.py` and `hearing.py`. Fakes of most of
them, which record their calls, are in `tests/support/fakes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bridge.connections.values import Connections, WireMessage
from bridge.events import Event, JobEvent, Submitted
from bridge.groups.group import Group
from bridge.model import Job, ModelInfo, Status, Warning
from bridge.protocols.looking import FileLook, Looking
from bridge.protocols.reading import Reader
from bridge.protocols.transcribing import NoteStream, StreamedNotes, Transcriber, Transcribers
from bridge.protocols.workshop import SettingView, Workshop
from bridge.request import JobRequest

if TYPE_CHECKING:  # the main process must not load numpy for annotations
    import numpy as np
    import numpy.typing as npt

    #: float32, shape (frames, channels), full scale at ±1.0.
    Samples: TypeAlias = npt.NDArray[np.float32]
    #: Stem → the same consecutive frames of that stem: float32 (frames, channels), all of the same length.
    StemBlock: TypeAlias = Mapping[str, Samples]

__all__ = [
    "SCREEN",
    "Bridge",
    "Clock",
    "Context",
    "Control",
    "Engines",
    "FileLook",
    "Inspector",
    "JobRunner",
    "JobStore",
    "MidiOutput",
    "NoteStream",
    "Reader",
    "Separator",
    "SettingView",
    "Signal",
    "StreamedNotes",
    "Transcriber",
    "Transcribers",
    "Workshop",
]


class Clock(Protocol):
    """The time; see `bridge.system.clock.SystemClock`."""

    def monotonic_seconds(self) -> float: ...

    def unix_seconds(self) -> float: ...


class Signal(Protocol):
    """Audio with random access, in memory or on disk."""

    @property
    def frames(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def read(self, start: int, stop: int) -> Samples:
        """Frames `start` to `stop` (0 ≤ start ≤ stop ≤ frames): float32 (stop - start, channels), a new array."""
        ...


class Control(Protocol):
    """Progress, warnings and cancellation of a long-running operation."""

    def checkpoint(self, fraction: float) -> None:
        """Reports the fraction done (0–1, never falling) of the current operation.

        Raises:
            Cancelled: the job was cancelled; clean up and let the exception pass.
        """
        ...

    def warn(self, warning: Warning) -> None:
        """Reports a problem that does not stop the work."""
        ...


@dataclass(frozen=True)
class Context:
    """The input around a region that an engine needs to give the same stems as for the whole file."""

    frames: int
    """How many frames before and after a frame its stems depend on."""
    grid_frames: int = 1
    """The input must start at a multiple of this frame count in the file, so that the windows are the same."""


class Separator(Protocol):
    """A loaded separation engine; it stays loaded between jobs."""

    @property
    def name(self) -> str: ...

    @property
    def stems(self) -> tuple[str, ...]:
        """The stems it provides, of `stems.STEMS`."""
        ...

    @property
    def device(self) -> str:
        """The device that it computes on: `cpu`, `cuda`, `mps`."""
        ...

    @property
    def sample_rate_hz(self) -> int | None:
        """The sample rate of its input; None: any."""
        ...

    def context(self, sample_rate_hz: int) -> Context:
        """The context it needs around a region at this sample rate, which must be one that it accepts."""
        ...

    def identity(self) -> str:
        """A hash of the weights, or the version of an algorithm without weights; stored in the manifest."""
        ...

    def separate(
        self, mix: Signal, stems: Sequence[str], control: Control, *, early: bool = False
    ) -> Iterator[StemBlock]:
        """Separates a stereo mix (2 channels).

        Yields consecutive blocks that together hold exactly `mix.frames` frames of each requested stem. It is
        deterministic, calls `control.checkpoint` at least once per window, and does not modify `mix`.

        Args:
            early: the first block is to come as soon as possible, and those after it at the same pace, at the price of
                some seconds' computation. The blocks may be others, the frames are the same, bit for bit.

        Raises:
            EngineFailed, OutOfMemory: the separation failed.
            Cancelled: the job was cancelled.
        """
        ...


class Engines(Protocol):
    """Opens separation engines by name and keeps some of them loaded."""

    def open(self, name: str, *, device: str, control: Control, seconds: float = 0.0) -> Separator:
        """The engine of that name. `auto` chooses one by what is available, and warns if the best one is not.

        Args:
            seconds: how much audio it will separate, which decides whether slow preparations for speed are worth it.

        Raises:
            BadArguments: there is no such engine.
            WeightsUnavailable: the named engine has no weights on this machine, and they cannot be downloaded.
            EngineFailed, OutOfMemory: the engine cannot start.
            Cancelled: the job was cancelled, for instance during a download.
        """
        ...

    def pull(self, name: str, control: Control) -> None:
        """Downloads the weights of `name` ahead of time; does nothing if they are already on this machine.

        Raises:
            BadArguments, WeightsUnavailable, Cancelled: as for `open`.
        """
        ...


class MidiOutput(Protocol):
    """One open MIDI port."""

    @property
    def name(self) -> str: ...

    @property
    def ahead_ns(self) -> int:
        """How long before its deadline a message should be sent; 0: at its deadline."""
        ...

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        """Sends the bytes of one complete MIDI message at `at_ns`; None or a past time: at once.

        Times are those of the player's clock (`time.perf_counter_ns`). They do not fall from one timed message to the
        next until `take_back`. A port whose `ahead_ns` is 0 ignores them.

        Raises:
            EngineFailed: the port is gone, or accepts no more messages.
        """
        ...

    def take_back(self) -> None:
        """Cancels the messages that wait for their time; those that end a note, bend or pedal may be sent at once.

        Messages sent without a time are not cancelled.
        """
        ...

    def close(self) -> None: ...


class JobRunner(Protocol):
    """Runs as many jobs at once as it has told the scheduler; their events go to `Scheduler.on_event`."""

    def run(self, job: str, request: JobRequest) -> None: ...

    def cancel(self, job: str) -> None:
        """Asks a running job to end soon, with the outcome `cancelled`."""
        ...


class Inspector(Protocol):
    """Checks the files of a request before it becomes a job."""

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        """Returns if the request can become a job; decodes nothing, and does not block the event loop.

        Neither the requests of one `sender` nor an unresponsive drive delay the requests of others.

        Raises:
            NotFound, NotReadable, NotAudio, TooLong, OutsideRoots, NotWritable, BadArguments: the job would fail.
        """
        ...

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        """See `Bridge.look`."""
        ...


class JobStore(Protocol):
    """Stores every job as the list of its events."""

    @property
    def outlives_process(self) -> bool:
        """Whether its jobs are still known, and go on, after the process has ended."""
        ...

    async def keep(self, event: Submitted) -> str:
        """Makes a submission durable before anybody is told of it; `append` follows, and lists the job.

        Returns why the job would be lost if the process ended now, in words; empty: it would not.
        """
        ...

    async def written(self) -> None:
        """Waits until what was appended is on the drive; not long, where the drive does not answer."""
        ...

    def append(self, event: JobEvent) -> Job:
        """Records one event; returns the job after it."""
        ...

    def get(self, job: str) -> Job | None:
        """A job, also a removed one."""
        ...

    def jobs(self) -> tuple[Job, ...]:
        """All jobs that are not removed, oldest first."""
        ...

    def history(self, job: str) -> Iterable[JobEvent]:
        """The events of a job that is not over."""
        ...


class Bridge(Looking, Protocol):
    """The bridge as the faces (OSC, screen, command line) use it, on the event loop."""

    async def submit(self, request: JobRequest, sender: str = "", origin: str = "") -> tuple[Job, int]:
        """Checks the files of a request and queues it; returns the job and its position (0: it starts at once).

        The job is on the drive when this returns, and goes on after any end of the process; if it could not be written,
        it has the warning `not_kept`.
        The check takes milliseconds, or some seconds if the drive does not answer. Requests of one `sender` are queued
        in the order in which they were made.

        Args:
            origin: who asks, in words for the list of jobs. Of a job from a screen (`model.SCREEN`), what is known of
                its stems and notes is told while it works.

        Raises:
            NotFound, NotReadable, NotAudio, TooLong, OutsideRoots, NotWritable, QueueFull, BadArguments: nothing was
                queued.
        """
        ...

    async def cancel_all(self, jobs: Sequence[str]) -> None:
        """Cancels jobs once that is on the drive, so that no crash brings them back; unknown ones are left out."""
        ...

    def remove(self, jobs: Sequence[str]) -> None:
        """Takes jobs off the list, from which they stay away; their files stay, and notes of them that play end.

        Unknown ones are left out, and those that are not over.
        """
        ...

    def restore(self, jobs: Sequence[str]) -> None:
        """Puts removed jobs on the list again; those that the history no longer holds are left out."""
        ...

    def cancel(self, job: str) -> None:
        """Cancels a queued or running job; does nothing if the job is over. Raises NotFound if there is no such job."""
        ...

    def cancel_group(self, group: str, sender: str = "") -> None:
        """Cancels all queued and running jobs of a group, and its requests that are being checked.

        `group` is its id, or the name that `sender` gave to a group that is not over. Raises NotFound if there is none.
        """
        ...

    def close_group(self, group: str, sender: str = "") -> Sequence[str]:
        """Cancels a group's requests that are being checked, and waits for no more; otherwise as `cancel_group`.

        Returns its jobs that are not over, in the order in which they are to be cancelled.
        """
        ...

    def group(self, group_id: str) -> Group:
        """Raises NotFound if there is no such group."""
        ...

    def groups(self) -> tuple[Group, ...]:
        """All groups of the known jobs, oldest first."""
        ...

    def job(self, job: str) -> Job:
        """Raises NotFound if there is no such job."""
        ...

    def jobs(self) -> tuple[Job, ...]: ...

    def status(self) -> Status: ...

    @property
    def keeps_jobs(self) -> bool:
        """Whether jobs that are not over go on at the next start; else they are cancelled when the bridge is closed."""
        ...

    async def models(self) -> tuple[ModelInfo, ...]: ...

    @property
    def reader(self) -> Reader:
        """Reads the music of jobs."""
        ...

    @property
    def workshop(self) -> Workshop:
        """Downloads models, and changes the settings."""
        ...

    async def play(self, job: str, stems: Sequence[str] | None = None, sync: str | None = None) -> None:
        """Plays the notes of a finished job (of all its stems, or of some) on the MIDI ports.

        `sync` is one of `request.SYNCS`: `now` plays from the start at once, the others follow a DAW's transport. None:
        as in the job's request, or, for a job of an earlier run, whose DAW may be gone, as in this bridge's settings.

        Raises:
            NotFound: there is no such job, or it has no notes of that stem.
            EngineFailed: there is no MIDI back-end; the message says why.
        """
        ...

    def stop(self, job: str | None = None) -> None:
        """Stops playback of one job, or of all; every sounding note gets its note-off."""
        ...

    def panic(self) -> None:
        """Silences every port, also with all-notes-off messages."""
        ...

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Calls `listener` with every event from now on; returns a function that ends it."""
        ...

    async def connections(self) -> Connections:
        """Who talks to the bridge now, and what the machine does. Nothing of it is computed while nobody asks."""
        ...

    def watch_wire(self, watcher: Callable[[WireMessage], None]) -> Callable[[], None]:
        """Calls `watcher` with every OSC message that comes or goes from now on; returns a function that ends it.

        Of a flood, some hundred a second are told.
        """
        ...
