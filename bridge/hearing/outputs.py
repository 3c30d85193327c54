"""The machine's own output, through miniaudio (docs/decisions/0215)."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias

from bridge.errors import EngineFailed
from bridge.wording import adding_extra

if TYPE_CHECKING:
    from bridge.protocols import Samples

log = logging.getLogger(__name__)

#: Gives the next frames, float32 (frames, 2); called on the output's thread.
Take: TypeAlias = "Callable[[int], Samples]"

#: A period that the interpreter keeps even while it computes, and how many of them the device holds.
PERIOD_SECONDS, PERIODS = 0.02, 3
PROGRAM = "Source Audio Bridge"
ADVICE = "Check that an output is connected and switched on. docs/hearing.md says which the bridge looks for."


class Backend(NamedTuple):
    """A way to the output."""

    name: str
    """As the setting `hear_on` has it."""
    label: str
    library: str
    """Its name in miniaudio."""
    systems: tuple[str, ...]
    """Of `sys.platform`."""


#: In the order in which they are tried. On JACK the interface belongs to the server, so others would find it taken.
BACKENDS = (
    Backend("jack", "JACK", "JACK", ("linux",)),
    Backend("pulseaudio", "PulseAudio", "PULSEAUDIO", ("linux",)),
    Backend("alsa", "ALSA", "ALSA", ("linux",)),
    Backend("coreaudio", "Core Audio", "COREAUDIO", ("darwin",)),
    Backend("wasapi", "WASAPI", "WASAPI", ("win32",)),
)
SILENT = Backend("silent", "no output", "NULL", ())


class Output(Protocol):
    """An output that is open; it takes sound from `start` to `close`."""

    @property
    def name(self) -> str: ...

    @property
    def rate_hz(self) -> int: ...

    @property
    def delay_seconds(self) -> float:
        """From when it takes a frame to when that sounds."""
        ...

    def start(self) -> None:
        """Raises EngineFailed."""
        ...

    def close(self) -> None:
        """May never return if its server hangs."""
        ...


class MiniaudioOutput:
    """Implements `Output` with the default device of one back-end."""

    def __init__(self, library: Any, backend: Backend, take: Take) -> None:
        self._library = library
        self._device = library.PlaybackDevice(
            output_format=library.SampleFormat.FLOAT32,
            nchannels=2,
            sample_rate=0,  # the device's own
            buffersize_msec=round(PERIOD_SECONDS * 1000),
            callback_periods=PERIODS,
            backends=[library.Backend[backend.library]],
            app_name=PROGRAM,
        )
        self._take = take
        self.name = backend.label
        self.rate_hz = int(self._device._device.sampleRate)
        # A JACK client computes each of the server's periods just before it sounds.
        self.delay_seconds = 0.0 if backend.name == "jack" else PERIOD_SECONDS * (PERIODS - 1)

    def start(self) -> None:
        """See `Output.start`."""
        frames = self._frames()
        next(frames)
        try:
            self._device.start(frames)
        except self._library.MiniaudioError as error:
            raise EngineFailed(f"The output {self.name} does not start: {_reason(error)}.", advice=ADVICE) from error

    def close(self) -> None:
        """See `Output.close`."""
        self._device.close()

    def _frames(self) -> Generator[Samples | bytes, int, None]:
        count = yield b""
        while True:
            count = yield self._take(count)


def open_output(hear_on: str, take: Take) -> Output:
    """Opens the output that the setting `hear_on` names; `auto`: the first that can be opened.

    Raises:
        EngineFailed: there is none, or miniaudio is not installed.
    """
    try:
        library = importlib.import_module("miniaudio")
    except ImportError as error:
        raise EngineFailed(
            "Nothing can be heard, because miniaudio is not installed.", advice=adding_extra("hear")
        ) from error
    wanted = [backend for backend in (*BACKENDS, SILENT) if hear_on == backend.name]
    if hear_on == "auto":
        wanted = [backend for backend in BACKENDS if sys.platform in backend.systems]
    for backend in wanted:
        try:
            return MiniaudioOutput(library, backend, take)
        except library.MiniaudioError as error:
            log.info("%s: %s", backend.label, _reason(error))
    tried = ", ".join(backend.label for backend in wanted) or sys.platform
    raise EngineFailed(f"This machine has no output that opens; tried was {tried}.", advice=ADVICE)


def _reason(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
