"""The MIDI ports: python-rtmidi behind the protocol `MidiOutput`.

The names that users see:

    CoreMIDI    SAB Vocals, SAB Drums, …                        (the client's name is not shown)
    ALSA        Source Audio Bridge:SAB Vocals, …               (each under its own client number)
    JACK        Source Audio Bridge:SAB Vocals, Source Audio Bridge:SAB Drums, …
    WinMM       the loopMIDI ports of these names, since programs cannot create ports on Windows

With one port for all stems it is SAB Stems. On JACK one client, in another process, owns all ports: see `hosted_ports`.

If that process cannot open them, RtMidi does. Its outputs have one virtual port each and are clients of their own, so
six ports are six clients that ask for the same name, which a JACK server gives once: `Source Audio Bridge-01:SAB
Drums`, … `-05:SAB Piano`. They are opened in the order of `STEMS`, so the numbers are the same at every start, and
`jack_watch` adds the good names as aliases. Beside a second bridge all have another prefix: see `jack_identity`.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
import tempfile
import time
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import msgspec

from bridge.errors import EngineFailed
from bridge.midi.ports.port_layout import ChannelOutput, PortLayout
from bridge.midi.ports.silent import SILENT, SilentOutput
from bridge.model import MidiStatus, Port
from bridge.protocols import MidiOutput
from bridge.stems import STEMS
from bridge.wording import BACKEND_WORDS, adding_extra

CLIENT_NAME = "Source Audio Bridge"
EXACT = "jack-exact"
ON_JACK = ("jack", EXACT)
DEFAULT = PortLayout()
#: A little more than two JACK periods of 1024 frames at 44.1 kHz. Closing a client changes the server's graph, of which
#: it notifies all others a period later; libjack then walks through a client's ports on a thread of its own, without a
#: lock, and crashes (SIGSEGV, or SIGABRT in AssertPort) if one is closed meanwhile. So the next port is closed after
#: that.
SETTLE_SECONDS = 0.05

#: Our names of RtMidi's interfaces, in the order in which they are tried.
BACKENDS: tuple[tuple[str, str], ...] = (
    ("jack", "API_UNIX_JACK"),
    ("alsa", "API_LINUX_ALSA"),
    ("coremidi", "API_MACOSX_CORE"),
    ("winmm", "API_WINDOWS_MM"),
)

_REFUSED_ADVICE = (
    "End the program that has a port of that name, or set midi_names to other names; "
    "the bridge then opens its ports by itself."
)
_MAX_STDERR_BYTES = 10_000

_ADVICE = {
    "linux": "Start a JACK server, or load ALSA's sequencer with `sudo modprobe snd-seq`.",
    "darwin": "Restart Core MIDI (`killall coreaudiod MIDIServer`), or log in again.",
    "win32": (
        "Programs cannot create MIDI ports on Windows. Create these with loopMIDI: {names}. "
        'Or set midi_ports to "one" and midi_names to an existing port, such as "Default App Loopback (A)".'
    ),
}
#: On some systems python-rtmidi is not part of the installation, since it would have to be compiled.
NOT_INSTALLED = (
    "python-rtmidi, which opens them, is not installed: Python 3.13 has no ready-made build of it. Use Python 3.10 to "
    f"3.12, or compile it. {adding_extra('ports')}"
)

PortOpener: TypeAlias = Callable[[str, Mapping[str, str]], Mapping[str, MidiOutput]]


class Ports(NamedTuple):
    """The open ports by stem, and their status for the user."""

    status: MidiStatus
    outputs: Mapping[str, MidiOutput]
    connections: Callable[[], frozenset[tuple[str, str]]] | None = None
    """Lists the connections as (our port, the other program's port), by name; None if the back-end cannot."""

    def with_sync(self, name: str) -> Ports:
        """A copy with the name of the port that receives MIDI clock."""
        return self._replace(status=msgspec.structs.replace(self.status, sync_port=name))


class RtMidiOutput:
    """One open port of python-rtmidi. After closing it, `close` waits `settle_seconds` before another may close."""

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

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:  # noqa: ARG002 - RtMidi sends at once
        """Hands one complete message to the back-end.

        On JACK it is played at the start of the next period. If a JACK server hangs, this call spins once RtMidi's
        buffer of 16 KiB is full, and nothing else in the process runs meanwhile: the parent notices the missing
        heartbeat.

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
        """Does nothing: messages do not wait here."""

    def close(self) -> None:
        """Several stems may share the port: the first call closes it."""
        if self._is_open:
            self._is_open = False
            self._port.delete()
            time.sleep(self._settle_seconds)


def open_ports(
    layout: PortLayout = DEFAULT,
    stems: Sequence[str] = STEMS,
    library: Any = None,
    on_lost: Callable[[], None] | None = None,
    *,
    client_name: str = CLIENT_NAME,
    host: PortOpener | None = None,
) -> Ports:
    """Opens the ports of `layout` on the first back-end that works; otherwise the status says why and what to do.

    Never starts a JACK server. `library` replaces the module rtmidi. `on_lost` is called when the server has gone, on
    back-ends that report it: `jack-exact`. `client_name` is the name that other programs see. `host` opens the ports on
    the running JACK server, as `open_hosted` does; RtMidi opens them if it cannot.
    """
    if layout.backend == EXACT:
        return _open_exact(layout, stems, client_name, on_lost)
    if layout.backend == SILENT:
        return _ports(SILENT, layout, {stem: SilentOutput(layout.name(stem)) for stem in stems}, stems)
    try:
        rtmidi = importlib.import_module("rtmidi") if library is None else library
    except ModuleNotFoundError:
        return Ports(MidiStatus(message=NOT_INSTALLED), {})
    except ImportError as error:  # on Linux its wheel needs the system's libasound
        return _no_ports(f"python-rtmidi cannot be loaded: {error}.", layout, stems)
    refusals = []
    if host is not None and layout.backend in ("auto", "jack"):
        try:
            return _ports("jack", layout, host(client_name, {stem: layout.name(stem) for stem in stems}), stems)
        except EngineFailed as error:
            refusals.append(str(error))
    for backend, api in _compiled(rtmidi):
        if layout.backend not in ("auto", backend):
            continue
        try:
            opened = _open_on(rtmidi, api, client_name, layout.port_names(stems))
        except OSError:
            continue
        except EngineFailed as error:
            refusals.append(str(error))
            continue
        if opened:
            outputs = {stem: opened[layout.name(stem)] for stem in stems if layout.name(stem) in opened}
            return _ports(backend, layout, outputs, stems)
    if refusals:
        return Ports(MidiStatus(message=" ".join(refusals)), {})
    if layout.backend != "auto":
        return _no_ports(f"{layout.backend}, which midi_backend asks for, does not answer.", layout, stems)
    return _no_ports("No MIDI back-end answers.", layout, stems)


def answering_backends(library: Any = None, *, hanging: Container[str] = ()) -> dict[str, bool]:
    """Each back-end that python-rtmidi was built with, and whether it answers here; hanging ones do not."""
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    return {backend: backend not in hanging and _answers(rtmidi, api) for backend, api in _compiled(rtmidi)}


def full_names(
    backend: str, names: Iterable[str], library: Any = None, client_name: str = CLIENT_NAME
) -> dict[str, str]:
    """Other programs' names for our open ports: `SAB Vocals` → `Source Audio Bridge:SAB Vocals 128:0`.

    On JACK they follow from `client_name`. Empty if the back-end lists no ports.
    """
    if backend in ("jack", EXACT):
        return {name: f"{client_name}:{name}" for name in names}
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    api = dict(_compiled(rtmidi)).get(backend)
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
def quiet_stderr() -> Iterator[Callable[[], str]]:
    """Keeps what C libraries write to descriptor 2 off the terminal: a missing JACK server is not an error here.

    Yields a function that returns the last line written; it works only after the block.
    """
    saved = os.dup(2)
    with tempfile.TemporaryFile() as written:
        lines: list[bytes] = []
        try:
            os.dup2(written.fileno(), 2)
            yield lambda: lines[-1].decode("utf-8", "replace").strip() if lines else ""
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            written.seek(0)
            lines += [line for line in written.read(_MAX_STDERR_BYTES).splitlines() if line.strip()]


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


def _open_exact(
    layout: PortLayout, stems: Sequence[str], client_name: str, on_lost: Callable[[], None] | None
) -> Ports:
    from bridge.midi.ports.jack_exact import open_exact  # JACK-Client is an extra

    try:
        outputs = open_exact(client_name, {stem: layout.name(stem) for stem in stems}, on_lost)
    except EngineFailed as error:
        return Ports(MidiStatus(message=str(error)), {})
    return _ports(EXACT, layout, outputs, stems)


def _open_on(rtmidi: Any, api: int, client_name: str, names: Iterable[str]) -> dict[str, RtMidiOutput]:
    """The ports that one back-end gives, by name; all or none if it creates virtual ports.

    Raises:
        OSError: the back-end does not answer.
        EngineFailed: it answers, but refuses a port, and why.
    """
    outputs: dict[str, RtMidiOutput] = {}
    try:
        for name in names:
            if (opened := _open_one(rtmidi, api, client_name, name)) is not None:
                outputs[name] = opened
    except (OSError, EngineFailed):
        for output in outputs.values():
            output.close()
        raise
    return outputs


def _open_one(rtmidi: Any, api: int, client_name: str, name: str) -> RtMidiOutput | None:
    # The name goes to the constructor: JACK, Core MIDI and WinMM refuse set_client_name.
    with quiet_stderr():
        port = rtmidi.MidiOut(api, name=client_name)
    try:
        try:
            with quiet_stderr() as last_line:
                port.open_virtual_port(name)
        except NotImplementedError:  # Windows: the user must have created it
            existing = port.get_ports()
            found = _matching(name, existing)
            if found is None:
                port.delete()
                return None
            port.open_port(existing.index(found))
    except OSError as error:
        with quiet_stderr():
            port.delete()
        backend = next(backend for backend, _api in _compiled(rtmidi) if _api == api)
        raise EngineFailed(
            f"{BACKEND_WORDS[backend]} answers, but gives no port {name}: {last_line() or error}.",
            advice=_REFUSED_ADVICE,
        ) from error
    return RtMidiOutput(name, port, SETTLE_SECONDS if api == rtmidi.API_UNIX_JACK else 0.0)


def _matching(name: str, existing: Sequence[str]) -> str | None:
    """The full name of our port: ALSA and JACK put the client before it, ALSA and WinMM a number after it."""
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
    by_stem: dict[str, MidiOutput] = {
        stem: output if (channel := channels[stem]) is None else ChannelOutput(output, channel)
        for stem, output in outputs.items()
    }
    return Ports(status, by_stem)


def _missing(layout: PortLayout, outputs: Mapping[str, MidiOutput], stems: Sequence[str]) -> str:
    return ", ".join(layout.port_names([stem for stem in stems if stem not in outputs]))


def _no_ports(reason: str, layout: PortLayout, stems: Sequence[str]) -> Ports:
    return Ports(MidiStatus(message=f"{reason} {_advice(', '.join(layout.port_names(stems)))}"), {})


def _advice(names: str) -> str:
    return _ADVICE.get(sys.platform, _ADVICE["linux"]).format(names=names)
