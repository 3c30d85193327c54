"""The port `SAB Sync`, on which a DAW tells how its music goes: MIDI clock, Start, Continue, Stop, Song Position.

Other programs see it where they look for MIDI outputs: on JACK as `Source Audio Bridge sync:SAB Sync`, elsewhere beside
the bridge's other ports. On `jack-exact` that is an alias: the client of the notes hears, and knows each tick's frame.
Windows lets no program make ports; there somebody else has to have made one of that name.
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
#: Real-time messages that concern us, and Song Position: nothing else is let through.
WANTED = frozenset((0xF2, 0xF8, 0xFA, 0xFB, 0xFC))
#: With so much unread, a clock has gone mad, and what it says is dropped.
MAX_UNREAD = 500


class ClockPort:
    """Puts what it hears into an inbox. Its messages carry the time at which they came, `early_ns` added to it.

    On JACK all messages of a period come at its start: on average half a period early.
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

    def hear(self, event: tuple[Sequence[int], float], _: object = None) -> None:
        """RtMidi's callback, on a thread of its own."""
        message, _ = event
        self.hear_at(self._clock_ns() + self._early_ns, bytes(message))

    def hear_at(self, at_ns: int, message: bytes) -> None:
        """For a back-end that knows when a message came."""
        if message and message[0] in WANTED and self._inbox.qsize() < MAX_UNREAD:
            self._inbox.put(SyncMessage(at_ns, message))


@contextlib.contextmanager
def sync_port(
    backend: str, outputs: Iterable[MidiOutput], hear: ClockPort, library: Any = None, *, client_name: str = CLIENT_NAME
) -> Iterator[bool]:
    """Opens the port on the back-end that `outputs` are on; False where there is none to be had.

    `client_name` is what the outputs' client is called.
    """
    sync_client = f"{client_name} sync"
    for output in outputs:
        exact = output.shared if isinstance(output, ChannelOutput) else output
        if isinstance(exact, ExactOutput):
            yield exact.listen(SYNC_PORT, f"{sync_client}:{SYNC_PORT}", hear.hear_at)
            return
    rtmidi = importlib.import_module("rtmidi") if library is None else library
    port = None
    try:
        with quiet_stderr():
            port = rtmidi.MidiIn(getattr(rtmidi, dict(BACKENDS)[backend]), name=sync_client)
            is_open = _open(port)
        # Clock is what RtMidi leaves out unless told otherwise.
        port.ignore_types(sysex=True, timing=False, active_sense=True)
        port.set_callback(hear.hear)
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
