"""The child's side: the channel to the main process, and the detection of its exit."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from types import TracebackType
from typing import Any, BinaryIO, Generic, TypeVar, cast

import msgspec

from bridge.processes.frames import HEADER, HEARTBEAT, HEARTBEAT_SECONDS, frame, payload_length

First = TypeVar("First")
Command = TypeVar("Command")
Report = TypeVar("Report")


class ParentChannel(Generic[First, Command, Report]):
    """Receives commands and sends reports over the process's standard input and output.

    It takes both file descriptors for itself, because C++ libraries print to descriptor 1: from here on everything else
    that is printed goes to standard error. `first` waits for the first message, the settings. Commands then arrive in
    `inbox`, in order; None, always the last, means that the main process has gone. `on_command` receives each one
    first, on the reading thread, and returns True if it has handled it: a cancellation must not queue behind the job
    that it cancels. `on_gone` is called on that thread when the main process has gone, to abort the running work.
    `first_type` is the type of the first message; `commands` is the type form of Command, usually a union of tagged
    structs.
    """

    def __init__(
        self,
        first_type: type[First],
        commands: Any,
        on_command: Callable[[Command], bool] | None = None,
        on_gone: Callable[[], None] | None = None,
    ) -> None:
        self.inbox: SimpleQueue[Command | None] = SimpleQueue()
        self._decode_first = msgspec.msgpack.Decoder(first_type).decode
        self._decode: Callable[[bytes], Command] = msgspec.msgpack.Decoder(commands).decode
        self._encode = msgspec.msgpack.Encoder().encode
        self._on_command = on_command
        self._on_gone = on_gone
        self._sending = threading.Lock()
        self._closed = threading.Event()
        self._incoming, self._outgoing = _claim_standard_streams()

    def __enter__(self) -> ParentChannel[First, Command, Report]:
        threading.Thread(target=self._read, name="commands", daemon=True).start()
        threading.Thread(target=self._send_heartbeats, name="heartbeat", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()

    def first(self) -> First:
        """Waits for the first message; to be called once, before `inbox` is used.

        Raises:
            SystemExit: the main process has gone without sending one.
        """
        first = self.inbox.get()
        if first is None:
            raise SystemExit(0)
        return cast("First", first)

    def send(self, report: Report) -> None:
        """Sends one report, from any thread; drops it silently if the main process has gone."""
        self._write(frame(self._encode(report)))

    def _write(self, data: bytes) -> None:
        with self._sending, contextlib.suppress(BrokenPipeError, OSError, ValueError):
            self._outgoing.write(data)
            self._outgoing.flush()

    def _read(self) -> None:
        try:
            for number, payload in enumerate(self._payloads()):
                if number == 0:
                    self.inbox.put(cast("Command", self._decode_first(payload)))
                    continue
                command = self._decode(payload)
                if self._on_command is None or not self._on_command(command):
                    self.inbox.put(command)
        finally:  # also if the stream is corrupt: a child without commands must exit
            self.inbox.put(None)
            if self._on_gone is not None:
                self._on_gone()

    def _payloads(self) -> Iterator[bytes]:
        while len(header := self._incoming.read(HEADER.size)) == HEADER.size:
            yield self._incoming.read(payload_length(header))

    def _send_heartbeats(self) -> None:
        while not self._closed.wait(HEARTBEAT_SECONDS):
            self._write(HEARTBEAT)


def _claim_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin, sys.stdout = open(0, closefd=False), sys.stderr  # noqa: SIM115 - lives as long as the process
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(incoming, os.O_BINARY)
        msvcrt.setmode(outgoing, os.O_BINARY)
    return os.fdopen(incoming, "rb"), os.fdopen(outgoing, "wb")
