"""The seams: what a part may expect of another without knowing it.

Each seam is small and documented here like an API; fakes that record what they were asked are in
`tests/support/fakes.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, TypeAlias

from bridge.events import Event, JobEvent
from bridge.model import Job, JobRequest, ModelInfo, Note, Status, Warning

if TYPE_CHECKING:  # the main process never loads numpy for an annotation's sake
    import numpy as np
    import numpy.typing as npt

    from bridge.note_settings import NoteSettings

    #: float32, shape (frames, channels), full scale at ±1.0.
    Samples: TypeAlias = npt.NDArray[np.float32]
    #: One consecutive run of frames of every stem: float32 (frames, channels) each, all of the same length.
    StemBlock: TypeAlias = Mapping[str, Samples]


class Clock(Protocol):
    """See `bridge.system.clock.SystemClock`."""

    def monotonic_seconds(self) -> float: ...

    def unix_seconds(self) -> float: ...


class Signal(Protocol):
    """Audio that can be read from any frame, without saying whether it lies in memory or on disk."""

    @property
    def frames(self) -> int: ...

    @property
    def channels(self) -> int: ...

    @property
    def sample_rate_hz(self) -> int: ...

    def read(self, start: int, stop: int) -> Samples:
        """Frames `start` to `stop` (0 ≤ start ≤ stop ≤ frames): float32 (stop - start, channels), a fresh array."""
        ...


class Control(Protocol):
    """How long work talks to whoever asked for it."""

    def checkpoint(self, fraction: float) -> None:
        """Reports the share done (0–1, never falling) of the present piece of work.

        Raises:
            Cancelled: the job was cancelled; clean up and let it pass.
        """
        ...

    def warn(self, warning: Warning) -> None:
        """Tells the user something that does not stop the work."""
        ...


@dataclass(frozen=True)
class Context:
    """What an engine has to hear around a region to make of it what it would make of it in the whole file."""

    frames: int
    """How far around a frame its stems depend on the mix."""
    grid_frames: int = 1
    """The mix must begin at a multiple of this, counted in the whole file, so that the same windows are seen."""


class Separator(Protocol):
    """A loaded separation engine, ready to work; kept warm between jobs."""

    @property
    def name(self) -> str: ...

    @property
    def stems(self) -> tuple[str, ...]:
        """The stems it gives, of `model.STEMS`."""
        ...

    @property
    def device(self) -> str:
        """Where it computes: `cpu`, `cuda`, `mps`."""
        ...

    @property
    def sample_rate_hz(self) -> int | None:
        """The rate it must be fed at; None: any."""
        ...

    def context(self, sample_rate_hz: int) -> Context:
        """What it has to hear around a region of a mix at that rate, which is one that it can be fed at."""
        ...

    def identity(self) -> str:
        """A hash of the weights, or the version of an algorithm without any: what a manifest records."""
        ...

    def separate(self, mix: Signal, stems: Sequence[str], control: Control) -> Iterator[StemBlock]:
        """Takes a stereo mix (2 channels) apart.

        Yields consecutive blocks that together hold exactly `mix.frames` frames of each of the stems asked for.
        Deterministic; calls `control.checkpoint` at least once for every window of work. The same input gives the
        same output, and `mix` is never written to.

        Raises:
            EngineFailed, OutOfMemory: it could not do its work.
            Cancelled: `control` said so.
        """
        ...


class Transcriber(Protocol):
    """Turns the sound of one stem into notes, in two steps: listening, which is work, and reading, which takes ms.

    What was heard can be kept and read again, with other settings, as often as somebody likes.
    """

    @property
    def name(self) -> str: ...

    @property
    def sample_rate_hz(self) -> int:
        """The rate it must be fed at."""
        ...

    def identity(self) -> str:
        """What it listens with, and how it writes down what it heard: the same identity, the same bytes."""
        ...

    def listen(self, audio: Signal, stem: str, control: Control) -> bytes:
        """What it hears in `audio` (1 channel), in a form of its own that `read` understands.

        Raises:
            EngineFailed: it could not do its work.
            Cancelled: `control` said so.
        """
        ...

    def read(self, heard: bytes, stem: str, settings: NoteSettings) -> list[Note]:
        """The notes in what was heard, sorted by onset then pitch; empty where nothing sounds.

        Onsets lie in [0, duration), offsets in (onset, duration]; nothing of the file's end is lost.

        Raises:
            BadArguments: the settings leave no pitch.
            ValueError: `listen` did not write this.
        """
        ...


class Engines(Protocol):
    """Opens separation engines by name and keeps what is worth keeping warm."""

    def open(self, name: str, *, device: str, control: Control, seconds: float = 0.0) -> Separator:
        """The engine of that name; `auto` decides by what is here, and warns where it had to settle for less.

        Args:
            seconds: how much audio waits for it: whether preparations pay that make it faster.

        Raises:
            BadArguments: there is no such engine.
            WeightsUnavailable: an engine that was asked for by name has no weights here and none can be had.
            EngineFailed, OutOfMemory: it is here but cannot start.
            Cancelled: `control` said so, for instance during a download.
        """
        ...

    def pull(self, name: str, control: Control) -> None:
        """Fetches the weights of `name` ahead of time; does nothing where they are here.

        Raises:
            BadArguments, WeightsUnavailable, Cancelled: as for `open`.
        """
        ...


class Transcribers(Protocol):
    """Knows which transcriber suits which stem and keeps them warm."""

    def for_stem(self, stem: str) -> Transcriber:
        """The transcriber for a stem of `model.STEMS` or for `mix`.

        Raises:
            BadArguments: there is no such stem.
            EngineFailed: its model is missing or broken.
        """
        ...


class MidiOutput(Protocol):
    """One open MIDI port."""

    @property
    def name(self) -> str: ...

    @property
    def ahead_ns(self) -> int:
        """How long before its deadline a message wants to be handed over; 0: at its deadline."""
        ...

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        """Hands over the bytes of one complete MIDI message, to go out at `at_ns`; None, or a time past: at once.

        Times are those of the player's clock (`time.perf_counter_ns`), and never fall from one message with a time to
        the next until `take_back`. A port whose `ahead_ns` is 0 takes no notice of them.

        Raises:
            EngineFailed: the port is gone, or takes no more.
        """
        ...

    def take_back(self) -> None:
        """Forgets what waits for its time; what ends a note, a bend or the pedal may go out at once instead.

        What was handed over without a time goes out all the same.
        """
        ...

    def close(self) -> None: ...


class JobRunner(Protocol):
    """Does one job at a time; its events go back to the scheduler (see `Scheduler.happened`)."""

    def run(self, job: str, request: JobRequest) -> None: ...

    def cancel(self, job: str) -> None:
        """Makes the running job end soon, with the outcome `cancelled`."""
        ...


class Inspector(Protocol):
    """Looks at the files of a request before it becomes a job."""

    async def inspect(self, request: JobRequest, sender: str = "") -> None:
        """Returns, soon, where nothing speaks against it; decodes nothing, and does not hold up the event loop.

        What one `sender` asks for, or a drive that does not answer, holds up no other.

        Raises:
            NotFound, NotReadable, NotAudio, TooLong, OutsideRoots, NotWritable, BadArguments: the job would fail by it.
        """
        ...


class JobStore(Protocol):
    """Remembers every job as the list of its events."""

    def append(self, event: JobEvent) -> Job:
        """Records one event; returns the job after it."""
        ...

    def get(self, job: str) -> Job | None: ...

    def jobs(self) -> tuple[Job, ...]:
        """All jobs, oldest first."""
        ...

    def history(self, job: str) -> Iterable[JobEvent]: ...


class Bridge(Protocol):
    """What the faces (OSC, terminal, command line) may ask for. All of it is called on the event loop."""

    async def submit(self, request: JobRequest, sender: str = "") -> tuple[Job, int]:
        """Queues a job whose files look as if it could be done; returns it with its place (0: it starts at once).

        The files are looked at meanwhile, which takes milliseconds, or some seconds where their drive hangs. Requests
        of one `sender` enter the queue in the order in which they were made.

        Raises:
            NotFound, NotReadable, NotAudio, TooLong, OutsideRoots, NotWritable, QueueFull, BadArguments: nothing was
                queued.
        """
        ...

    def cancel(self, job: str) -> None:
        """Cancels a queued or running job; one that is over stays as it is.

        Raises:
            NotFound: there is no such job.
        """
        ...

    def job(self, job: str) -> Job:
        """Raises NotFound where there is no such job."""
        ...

    def jobs(self) -> tuple[Job, ...]: ...

    def status(self) -> Status: ...

    async def models(self) -> tuple[ModelInfo, ...]: ...

    async def play(self, job: str, stems: Sequence[str] | None = None, sync: str | None = None) -> None:
        """Streams the notes of a finished job (of all its stems, or of some) to the MIDI ports.

        `sync` is one of `options.SYNCS`: `now`, from the start, or a source of time that tells when the notes play;
        None: as the job's request says; for a job of an earlier run, whose DAW may be gone, as this bridge is set.

        Raises:
            NotFound: no such job, or it has no notes of that stem.
            EngineFailed: there is no MIDI back-end, and why.
        """
        ...

    def stop(self, job: str | None = None) -> None:
        """Ends playback of one job, or of all; every sounding note gets its note-off."""
        ...

    def panic(self) -> None:
        """Silences everything on every port, with all-notes-off controllers too."""
        ...

    def subscribe(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Calls `listener` with every event from now on; returns what ends it."""
        ...
