"""The input port `SAB Sync`, to which a DAW sends MIDI clock, Start, Continue, Stop and Song Position.

Other programs list it among MIDI outputs: on JACK as `Source Audio Bridge sync:SAB Sync`, elsewhere beside the bridge's
other ports. On `jack-exact` that is an alias: the client that plays the notes also receives the clock, and knows each
tick's frame. Programs cannot create ports on Windows, where the user must have created one of that name.
"""

from __future__ import annotations

import contextlib
import importlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from queue import SimpleQueue
from typing import Any

from bridge.midi.ports.jack_exact import ExactOutput
from bridge.midi.ports.port_layout import ChannelOutput
from bridge.midi.ports.rtmidi_ports import BACKENDS, CLIENT_NAME, quiet_stderr
from bridge.midi.sync.sources import SyncMessage
from bridge.protocols import MidiOutput

SYNC_PORT = "SAB Sync"
#: The real-time messages that are used, and Song Position; all others are dropped.
ACCEPTED_STATUSES = frozenset((0xF2, 0xF8, 0xFA, 0xFB, 0xFC))
#: With this many unread messages, the clock is broken, and further messages are dropped.
MAX_PENDING = 500


class ClockPort:
    """Puts incoming messages into an inbox, each with the time of its arrival plus `early_ns`.

    On JACK all messages of a period arrive at its start: on average half a period early.
    """

    def __init__(
        self,
        inbox: SimpleQueue[Any],
        early_ns: int = 0,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._inbox = inbox
        self._early_ns = early_ns
        self._clock_ns = clock_ns

    def on_rtmidi_message(self, event: tuple[Sequence[int], float], _: object = None) -> None:
        """RtMidi's callback, on its own thread."""
        message, _ = event
        self.on_message(self._clock_ns() + self._early_ns, bytes(message))

    def on_message(self, at_ns: int, message: bytes) -> None:
        """For a back-end that reports when a message arrived."""
        if message and message[0] in ACCEPTED_STATUSES and self._inbox.qsize() < MAX_PENDING:
            self._inbox.put(SyncMessage(at_ns, message))


@contextlib.contextmanager
def sync_port(
    backend: str,
    outputs: Iterable[MidiOutput],
    clock_port: ClockPort,
    library: Any = None,
    *,
    client_name: str = CLIENT_NAME,
) -> Iterator[bool]:
    """Opens the port on the back-end of `outputs`; False if it cannot be opened.

    `client_name` is the name of the outputs' client.
    """
    sync_client = f"{client_name} sync"
    for output in outputs:
        exact = output.shared if isinstance(output, ChannelOutput) else output
        if isinstance(exact, ExactOutput):
            yield exact.open_input(SYNC_PORT, f"{sync_client}:{SYNC_PORT}", clock_port.on_message)
            return
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    port = None
    try:
        with quiet_stderr():
            port = rtmidi.MidiIn(getattr(rtmidi, dict(BACKENDS)[backend]), name=sync_client)
            is_open = _open(port)
        # By default RtMidi filters out clock messages.
        port.ignore_types(sysex=True, timing=False, active_sense=True)
        port.set_callback(clock_port.on_rtmidi_message)
    except OSError:
        is_open = False
    try:
        yield is_open
    finally:
        if port is not None:
            port.cancel_callback()
            port.delete()


def _open(port: Any) -> bool:
    try:
        port.open_virtual_port(SYNC_PORT)
    except NotImplementedError:
        matching = [number for number, existing in enumerate(port.get_ports()) if SYNC_PORT in existing]
        if not matching:
            return False
        port.open_port(matching[0])
    return True
