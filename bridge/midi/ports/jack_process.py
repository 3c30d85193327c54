"""The MIDI ports on JACK in a process of their own, `python -m bridge.midi.ports.jack_process CLIENT PORT …`.

All ports belong to one client, so that their names are alike. Its callback is in Python, and the audio server waits for
it: so nothing else in this process ever takes the interpreter. Messages come through a pipe, and go out at the start of
the next period. Where the pipe ends, however the player ended, what sounds is ended, to all who still listen.
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
from bridge.midi.schedule import Sounding

#: What is written to standard output once the ports are there; anything else is the reason why they are not.
OPEN = "open"
#: The exit status where the server has gone.
SERVER_GONE = 3
#: Three periods of 1024 frames at 44.1 kHz and some: the last messages get out before the ports go.
_DRAIN_SECONDS = 0.1
_READ_BYTES = 4096


class RelayPort(Protocol):
    """The part of a JACK port that is needed."""

    def clear_buffer(self) -> None: ...

    def write_midi_event(self, offset: int, message: bytes) -> None:
        """Raises OSError: there is no room for it in this period."""
        ...


class Relay:
    """From the pipe into the ports. `read` gives what has come, b"" at the end, and raises BlockingIOError for nothing.

    A message is the port's number, its own length, and itself: a byte, a byte, and its bytes.
    """

    def __init__(self, ports: Sequence[RelayPort], read: Callable[[], bytes]) -> None:
        self._ports = ports
        self._read = read
        self._unread = b""
        self._waiting: deque[tuple[int, bytes]] = deque()
        self._sounding = [Sounding() for _ in ports]
        self._has_ended = False
        self.is_over = threading.Event()
        """All has been silenced, and nothing more will come."""

    def process(self, frames: int) -> None:  # noqa: ARG002 - JACK's signature
        """Runs in every period, on JACK's thread."""
        for port in self._ports:
            port.clear_buffer()
        if not self._has_ended:
            with contextlib.suppress(BlockingIOError):
                self._take(self._read())
        while self._waiting:
            number, message = self._waiting[0]
            try:
                self._ports[number].write_midi_event(0, message)
            except OSError:  # the period's buffer is full: the rest goes out with the next
                return
            self._waiting.popleft()
        if self._has_ended:
            self.is_over.set()

    def _take(self, data: bytes) -> None:
        if not data:
            self._has_ended = True
            for number, sounding in enumerate(self._sounding):
                self._waiting.extend((number, message) for message in sounding.release())
            return
        data = self._unread + data
        at = 0
        while len(data) >= at + 2 and len(data) >= (end := at + 2 + data[at + 1]):
            message = data[at + 2 : end]
            self._sounding[data[at]].hear(message)
            self._waiting.append((data[at], message))
            at = end
        self._unread = data[at:]


def main(client_name: str, *names: str) -> int:
    """Plays what comes on standard input until it ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # they come to a group of processes: first the player ends what it plays
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
    relay.is_over.wait()
    time.sleep(_DRAIN_SECONDS)
    client.deactivate()
    client.close()
    return 0


class _Pipe:
    """Standard input, read without a buffer for each time: one of 16 KiB costs a page fault in every period."""

    def __init__(self) -> None:
        os.set_blocking(0, False)
        self._buffer = bytearray(_READ_BYTES)
        self._seen = memoryview(self._buffer)

    def read(self) -> bytes:
        """What has come; b"" at the end. Raises BlockingIOError: nothing has."""
        return bytes(self._seen[: os.readv(0, [self._buffer])])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
