"""The MIDI ports: python-rtmidi behind the `MidiOutput` seam.

An RtMidi output holds one virtual port and is a client of its own, so six ports are six clients that ask for the
same name. What a musician sees:

    CoreMIDI    SAB Vocals, SAB Drums, …                        (the client's name is not shown)
    ALSA        Source Audio Bridge:SAB Vocals, …               (each under its own client number)
    JACK        Source Audio Bridge:SAB Vocals, Source Audio Bridge-01:SAB Drums, … -05:SAB Piano
    WinMM       the loopMIDI ports of these names, since Windows lets no program make ports

With one port for all stems it is SAB Stems. `jack_exact` opens its ports in a way of its own.

A JACK server allows a client name once and counts on; the ports are opened in the order of `STEMS`, so the numbers
are the same at every start, and `jack_watch` makes `Source Audio Bridge:SAB Drums` and the others good names too.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from bridge.errors import EngineFailed
from bridge.midi.layout import ChannelOutput, PortLayout
from bridge.midi.silent import SILENT, SilentOutput
from bridge.model import STEMS, MidiStatus, Port
from bridge.protocols import MidiOutput

CLIENT_NAME = "Source Audio Bridge"
EXACT = "jack-exact"
DEFAULT = PortLayout()
#: Two JACK periods of 1024 frames at 44.1 kHz and some. A closed client changes the server's graph, which it tells all
#: others a period later; libjack then walks through a client's ports on a thread of its own, without a lock, and falls
#: (SIGSEGV, or SIGABRT in AssertPort) where one is being closed meanwhile. So the next is closed after that.
SETTLE_SECONDS = 0.05

#: Our names of RtMidi's interfaces, in the order in which they are tried.
BACKENDS: tuple[tuple[str, str], ...] = (
    ("jack", "API_UNIX_JACK"),
    ("alsa", "API_LINUX_ALSA"),
    ("coremidi", "API_MACOSX_CORE"),
    ("winmm", "API_WINDOWS_MM"),
)

_ADVICE = {
    "linux": "Start a JACK server, or load ALSA's sequencer with `sudo modprobe snd-seq`.",
    "darwin": "Restart Core MIDI (`killall coreaudiod MIDIServer`), or log in again.",
    "win32": (
        "Windows lets no program make ports: make these with loopMIDI: {names}. "
        'Or set midi_ports to "one" and midi_names to a port that is there, as "Default App Loopback (A)".'
    ),
}


class Ports(NamedTuple):
    """The open ports by stem, and what to tell the user about them."""

    status: MidiStatus
    outputs: Mapping[str, MidiOutput]

    def with_sync(self, name: str) -> Ports:
        """The same, with the name of the port that hears MIDI clock."""
        return self._replace(status=msgspec.structs.replace(self.status, sync_port=name))


class RtMidiOutput:
    """One open port of python-rtmidi. `settle_seconds` is what its closing waits before something else may close."""

    def __init__(self, name: str, port: Any, settle_seconds: float = 0.0) -> None:
        self._name = name
        self._port = port
        self._settle_seconds = settle_seconds
        self._is_open = True

    @property
    def name(self) -> str:
        return self._name

    @property
    def ahead_ns(self) -> int:
        return 0

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:  # noqa: ARG002 - RtMidi knows only now
        """Hands one complete message to the back-end.

        On JACK it is played at the start of the next period. A JACK server that hangs makes this call spin once
        16 KiB wait for it, and nothing else in the process runs meanwhile: the missing heartbeat tells the parent.

        Raises:
            EngineFailed: the port is gone.
        """
        try:
            self._port.send_message(message)
        except OSError as error:  # RtMidiError is one
            raise EngineFailed(
                f"The MIDI port {self._name} takes no more messages: {error}.", advice="Start the bridge again."
            ) from error

    def take_back(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        """Several stems may share the port: the first to close it does."""
        if self._is_open:
            self._is_open = False
            self._port.delete()
            time.sleep(self._settle_seconds)


def open_ports(
    layout: PortLayout = DEFAULT,
    stems: Sequence[str] = STEMS,
    library: Any = None,
    on_lost: Callable[[], None] | None = None,
) -> Ports:
    """Opens the ports of `layout` on the first back-end that answers; on none, says why and what to do.

    Never starts a JACK server. `library` stands in for the module rtmidi. `on_lost` is called once the server has gone,
    where the back-end tells: `jack-exact` does.
    """
    if layout.backend == EXACT:
        return _open_exact(layout, stems, on_lost)
    if layout.backend == SILENT:
        return _ports(SILENT, layout, {stem: SilentOutput(layout.name(stem)) for stem in stems}, stems)
    try:
        rtmidi = importlib.import_module("rtmidi") if library is None else library
    except ImportError as error:  # on Linux its wheel needs the system's libasound
        return _no_ports(f"python-rtmidi cannot be loaded: {error}.", layout, stems)
    for backend, api in _compiled(rtmidi):
        if layout.backend not in ("auto", backend):
            continue
        try:
            with quiet_stderr():
                opened = _open_on(rtmidi, api, layout.port_names(stems))
        except OSError:
            continue
        if opened:
            outputs = {stem: opened[layout.name(stem)] for stem in stems if layout.name(stem) in opened}
            return _ports(backend, layout, outputs, stems)
    if layout.backend != "auto":
        return _no_ports(f"{layout.backend}, which midi_backend asks for, does not answer.", layout, stems)
    return _no_ports("No MIDI back-end answers.", layout, stems)


def answering_backends(library: Any = None, *, hanging: Container[str] = ()) -> dict[str, bool]:
    """Each back-end that this build of python-rtmidi knows, and whether it answers here; those that hang do not."""
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    return {backend: backend not in hanging and _answers(rtmidi, api) for backend, api in _compiled(rtmidi)}


def full_names(backend: str, names: Iterable[str], library: Any = None) -> dict[str, str]:
    """What other programs call our open ports: `SAB Vocals` → `Source Audio Bridge:SAB Vocals 128:0`.

    Empty where the back-end lists nothing.
    """
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    apis = dict(_compiled(rtmidi))
    api = apis.get("jack" if backend == EXACT else backend)
    if api is None:
        return {}
    try:
        with quiet_stderr():
            listener = rtmidi.MidiIn(api, name=f"{CLIENT_NAME} list")
    except OSError:
        return {}
    try:
        listed = listener.get_ports()
    finally:
        listener.delete()
    return {name: found for name in names if (found := _matching(name, listed)) is not None}


@contextlib.contextmanager
def quiet_stderr() -> Iterator[None]:
    """Keeps what C libraries write to descriptor 2 from the terminal: a JACK server that is not there is no news."""
    saved = os.dup(2)
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nothing)


def _compiled(rtmidi: Any) -> list[tuple[str, int]]:
    built_in = rtmidi.get_compiled_api()
    return [(backend, api) for backend, name in BACKENDS if (api := getattr(rtmidi, name)) in built_in]


def _answers(rtmidi: Any, api: int) -> bool:
    try:
        with quiet_stderr():
            rtmidi.MidiOut(api, name=CLIENT_NAME).delete()
    except OSError:
        return False
    return True


def _open_exact(layout: PortLayout, stems: Sequence[str], on_lost: Callable[[], None] | None) -> Ports:
    from bridge.midi.jack_exact import open_exact  # JACK-Client is an extra

    try:
        outputs = open_exact(CLIENT_NAME, {stem: layout.name(stem) for stem in stems}, on_lost)
    except EngineFailed as error:
        return Ports(MidiStatus(message=str(error)), {})
    return _ports(EXACT, layout, outputs, stems)


def _open_on(rtmidi: Any, api: int, names: Iterable[str]) -> dict[str, RtMidiOutput]:
    """The ports that can be had on one back-end, by name; all or nothing where it makes virtual ones."""
    outputs: dict[str, RtMidiOutput] = {}
    try:
        for name in names:
            if (opened := _open_one(rtmidi, api, name)) is not None:
                outputs[name] = opened
    except OSError:
        for output in outputs.values():
            output.close()
        raise
    return outputs


def _open_one(rtmidi: Any, api: int, name: str) -> RtMidiOutput | None:
    # The name goes to the constructor: JACK, Core MIDI and WinMM refuse set_client_name.
    port = rtmidi.MidiOut(api, name=CLIENT_NAME)
    try:
        try:
            port.open_virtual_port(name)
        except NotImplementedError:  # Windows: somebody else has to have made it
            existing = port.get_ports()
            found = _matching(name, existing)
            if found is None:
                port.delete()
                return None
            port.open_port(existing.index(found))
    except OSError:
        port.delete()
        raise
    return RtMidiOutput(name, port, SETTLE_SECONDS if api == rtmidi.API_UNIX_JACK else 0.0)


def _matching(name: str, existing: Sequence[str]) -> str | None:
    """The full name of our port: ALSA, JACK put the client before it, ALSA and WinMM a number after it."""
    exact = re.compile(rf"(.*:)?{re.escape(name)}( [\d:]+)?")
    return next((full for full in existing if exact.fullmatch(full)), None) or next(
        (full for full in existing if name in full), None
    )


def _ports(backend: str, layout: PortLayout, outputs: Mapping[str, MidiOutput], stems: Sequence[str]) -> Ports:
    channels = {stem: layout.channel(stem) for stem in outputs}
    status = MidiStatus(
        backend=backend,
        ports=tuple(
            Port(stem=stem, name=output.name, channel=None if (channel := channels[stem]) is None else channel + 1)
            for stem, output in outputs.items()
        ),
        message=f"There is no port {missing}. {_advice(missing)}"
        if (missing := _missing(layout, outputs, stems))
        else "",
    )
    voices = {
        stem: output if (channel := channels[stem]) is None else ChannelOutput(output, channel)
        for stem, output in outputs.items()
    }
    return Ports(status, voices)


def _missing(layout: PortLayout, outputs: Mapping[str, MidiOutput], stems: Sequence[str]) -> str:
    return ", ".join(layout.port_names([stem for stem in stems if stem not in outputs]))


def _no_ports(reason: str, layout: PortLayout, stems: Sequence[str]) -> Ports:
    return Ports(MidiStatus(message=f"{reason} {_advice(', '.join(layout.port_names(stems)))}"), {})


def _advice(names: str) -> str:
    return _ADVICE.get(sys.platform, _ADVICE["linux"]).format(names=names)
