"""The MIDI ports: python-rtmidi behind the `MidiOutput` seam.

An RtMidi output holds one virtual port and is a client of its own, so six ports are six clients that ask for the
same name. What a musician sees:

    CoreMIDI    SAB Vocals, SAB Drums, …                        (the client's name is not shown)
    ALSA        Source Audio Bridge:SAB Vocals, …               (each under its own client number)
    JACK        Source Audio Bridge:SAB Vocals, Source Audio Bridge-01:SAB Drums, … -05:SAB Piano
    WinMM       the loopMIDI ports of these names, since Windows lets no program make ports

A JACK server allows a client name once and counts on; the ports are opened in the order of `STEMS`, so the numbers
are the same at every start, and `jack_watch` makes `Source Audio Bridge:SAB Drums` and the others good names too.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from bridge.errors import EngineFailed
from bridge.model import STEMS, MidiStatus, Port
from bridge.protocols import MidiOutput

CLIENT_NAME = "Source Audio Bridge"

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
    "win32": "Install loopMIDI and create ports with these names: {names}.",
}


class Ports(NamedTuple):
    """The open ports by stem, and what to tell the user about them."""

    status: MidiStatus
    outputs: Mapping[str, MidiOutput]

    def with_sync(self, name: str) -> Ports:
        """The same, with the name of the port that hears MIDI clock."""
        return self._replace(status=msgspec.structs.replace(self.status, sync_port=name))


class RtMidiOutput:
    """One open port of python-rtmidi."""

    def __init__(self, name: str, port: Any) -> None:
        self._name = name
        self._port = port

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
        self._port.delete()


def port_name(stem: str) -> str:
    """`vocals` → `SAB Vocals`."""
    return f"SAB {stem.capitalize()}"


def open_ports(stems: Sequence[str] = STEMS, library: Any = None) -> Ports:
    """Opens a port for each stem on the first back-end that answers; on none, says why and what to do.

    Never starts a JACK server. `library` stands in for the module rtmidi.
    """
    try:
        rtmidi = importlib.import_module("rtmidi") if library is None else library
    except ImportError as error:  # on Linux its wheel needs the system's libasound
        return _no_ports(f"python-rtmidi cannot be loaded: {error}.", stems)
    for backend, api in _compiled(rtmidi):
        try:
            with quiet_stderr():
                outputs = _open_on(rtmidi, api, stems)
        except OSError:
            continue
        if outputs:
            return Ports(_status(backend, outputs, stems), outputs)
    return _no_ports("No MIDI back-end answers.", stems)


def answering_backends(library: Any = None) -> dict[str, bool]:
    """Each back-end that this build of python-rtmidi knows, and whether it answers here."""
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    return {backend: _answers(rtmidi, api) for backend, api in _compiled(rtmidi)}


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


def _open_on(rtmidi: Any, api: int, stems: Sequence[str]) -> dict[str, MidiOutput]:
    """The ports that can be had on one back-end; all or nothing where it makes virtual ones."""
    outputs: dict[str, MidiOutput] = {}
    try:
        for stem in stems:
            if (opened := _open_one(rtmidi, api, port_name(stem))) is not None:
                outputs[stem] = opened
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
            matching = [number for number, existing in enumerate(port.get_ports()) if name in existing]
            if not matching:
                port.delete()
                return None
            port.open_port(matching[0])
    except OSError:
        port.delete()
        raise
    return RtMidiOutput(name, port)


def _status(backend: str, outputs: Mapping[str, MidiOutput], stems: Sequence[str]) -> MidiStatus:
    missing = ", ".join(port_name(stem) for stem in stems if stem not in outputs)
    return MidiStatus(
        backend=backend,
        ports=tuple(Port(stem=stem, name=output.name) for stem, output in outputs.items()),
        message=f"There is no port {missing}. {_advice(missing)}" if missing else "",
    )


def _no_ports(reason: str, stems: Sequence[str]) -> Ports:
    names = ", ".join(port_name(stem) for stem in stems)
    return Ports(MidiStatus(message=f"{reason} {_advice(names)}"), {})


def _advice(names: str) -> str:
    return _ADVICE.get(sys.platform, _ADVICE["linux"]).format(names=names)
