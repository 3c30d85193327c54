"""The process that owns the MIDI ports on JACK, `python -m bridge.midi.ports.jack_process CLIENT PORT …`.

All ports belong to one client, so that they have one prefix. Its callback is in Python, and the audio server waits for
it: so nothing else in this process ever holds the interpreter lock. Messages arrive through a pipe and are sent at the
start of the next period. When the pipe closes, however the player ended, all sounding notes are ended.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from bridge.midi.ports.jack_client import Client
from bridge.midi.schedule import MidiState

#: Written to standard output once the ports are open; any other text is the reason why they are not.
OPEN = "open"
#: The exit status if the server has gone.
SERVER_GONE = 3
#: A little more than three periods of 1024 frames at 44.1 kHz: the last messages are played before the ports close.
_DRAIN_SECONDS = 0.1
_READ_BYTES = 4096


class RelayPort(Protocol):
    """The part of a JACK port that is used here."""

    def clear_buffer(self) -> None: ...

    def write_midi_event(self, offset: int, message: bytes) -> None:
        """Raises OSError: the buffer of this period is full."""
        ...


class Relay:
    """Moves messages from the pipe to the ports.

    `read` returns new data, b"" at the end, and raises BlockingIOError if there is none. On the pipe, a message is one
    byte for the port's number, one byte for the message's length, and the message.
    """

    def __init__(self, ports: Sequence[RelayPort], read: Callable[[], bytes]) -> None:
        self._ports = ports
        self._read = read
        self._unread = b""
        self._pending: deque[tuple[int, bytes]] = deque()
        self._sounding = [MidiState() for _ in ports]
        self._has_ended = False
        self.finished = threading.Event()
        """Set when everything has been silenced and the pipe is closed."""

    def process(self, frames: int) -> None:  # noqa: ARG002 - JACK's signature
        """Runs in every period, on JACK's thread."""
        for port in self._ports:
            port.clear_buffer()
        if not self._has_ended:
            with contextlib.suppress(BlockingIOError):
                self._parse(self._read())
        while self._pending:
            number, message = self._pending[0]
            try:
                self._ports[number].write_midi_event(0, message)
            except OSError:  # the period's buffer is full: the rest is sent with the next
                return
            self._pending.popleft()
        if self._has_ended:
            self.finished.set()

    def _parse(self, data: bytes) -> None:
        if not data:
            self._has_ended = True
            for number, sounding in enumerate(self._sounding):
                self._pending.extend((number, message) for message in sounding.release())
            return
        data = self._unread + data
        at = 0
        while len(data) >= at + 2 and len(data) >= (end := at + 2 + data[at + 1]):
            message = data[at + 2 : end]
            self._sounding[data[at]].observe(message)
            self._pending.append((data[at], message))
            at = end
        self._unread = data[at:]


def main(client_name: str, *names: str) -> int:
    """Plays the messages from standard input until it closes."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(
            number, signal.SIG_IGN
        )  # signals reach the whole process group, but the player must first end its notes
    try:
        client = Client(client_name)
        ports = [client.midi_outports.register(name) for name in names]
        relay = Relay(ports, _Pipe().read)
        client.set_process_callback(relay.process)
        client.set_shutdown_callback(lambda: os._exit(SERVER_GONE))
        gc.freeze()
        gc.disable()
        client.activate()
    except OSError as error:
        print(error, flush=True)  # noqa: T201 - the player reads it
        return 1
    print(OPEN, flush=True)  # noqa: T201
    relay.finished.wait()
    time.sleep(_DRAIN_SECONDS)
    client.deactivate()
    client.close()
    return 0


class _Pipe:
    """Standard input with a reused buffer: allocating 16 KiB for each read costs a page fault in every period."""

    def __init__(self) -> None:
        os.set_blocking(0, False)
        self._buffer = bytearray(_READ_BYTES)
        self._view = memoryview(self._buffer)

    def read(self) -> bytes:
        """New data; b"" at the end. Raises BlockingIOError: there is none."""
        return bytes(self._view[: os.readv(0, [self._buffer])])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
