"""The player's side of the JACK ports that another process owns: see `jack_process` and docs/decisions/0110.

RtMidi makes each port a client of its own. A server gives each client name only once, so five of six would get another
name. And a JACK callback in Python inside the player would make the audio server wait for the player's own threads.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence

from bridge.errors import EngineFailed
from bridge.midi.ports.jack_process import OPEN, SERVER_GONE
from bridge.system.own_program import own_program

MODULE = "bridge.midi.ports.jack_process"
#: For a process to start on a busy machine, and for a server that waits for clients that were killed.
START_SECONDS = 15.0
#: How long to wait for the process to exit: it plays its last messages and closes the ports. Longer only if the server
#: is stalled.
END_SECONDS = 2.0
_ADVICE = "The bridge tries again every few seconds."


class HostedPorts:
    """Opens a MIDI output for each of `names`, all owned by one client of exactly that name.

    `on_lost` is called on a thread when the process has ended unexpectedly, with True if the server has gone.

    Raises:
        EngineFailed: the ports cannot be opened, and why.
    """

    def __init__(self, client_name: str, names: Sequence[str], on_lost: Callable[[bool], None]) -> None:
        self._on_lost = on_lost
        self._is_closed = False
        command = own_program(MODULE, client_name, *names)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise EngineFailed(
                f"The process for the JACK ports does not start: {error.strerror}.", advice=_ADVICE
            ) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._pipe = self._process.stdin.fileno()
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        answer = (
            self._process.stdout.readline().decode("utf-8", "replace").strip()
            if ready
            else "their process does not answer"
        )
        if answer != OPEN:
            self._process.kill()
            self.close()
            raise EngineFailed(
                f"The ports on JACK cannot be opened: {answer or 'their process has ended'}.", advice=_ADVICE
            )
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._watch, name="ports", daemon=True).start()

    def send(self, data: bytes) -> None:
        """Raises OSError: the process has ended, or its pipe is full."""
        os.write(self._pipe, data)

    def close(self) -> None:
        """Ends the process; a second call does nothing."""
        if not self._is_closed:
            self._is_closed = True
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            # If the server is stalled, the process plays the note-offs once it recovers
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.stdout.close()

    def _watch(self) -> None:
        status = self._process.wait()
        if not self._is_closed:
            self._on_lost(status == SERVER_GONE)


class HostedOutput:
    """One of the hosted ports."""

    ahead_ns = 0

    def __init__(self, name: str, number: int, ports: HostedPorts) -> None:
        self.name = name
        self._number = number
        self._ports = ports

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:  # noqa: ARG002 - it has no schedule
        """Hands over one complete message, which is played at the start of the next period.

        Raises:
            EngineFailed: the port is gone, or its pipe is full.
        """
        try:
            self._ports.send(bytes((self._number, len(message), *message)))
        except OSError as error:
            raise EngineFailed(
                f"The MIDI port {self.name} takes no more messages: {error.strerror}.",
                advice="Start the bridge again.",
            ) from error

    def take_back(self) -> None:
        """Does nothing: messages do not wait here."""

    def close(self) -> None:
        self._ports.close()


def open_hosted(
    client_name: str, port_of: Mapping[str, str], on_lost: Callable[[bool], None]
) -> dict[str, HostedOutput]:
    """An output for each stem in `port_of`, which maps stems to port names; stems may share a port.

    Raises:
        EngineFailed: as for `HostedPorts`.
    """
    names = list(dict.fromkeys(port_of.values()))
    ports = HostedPorts(client_name, names, on_lost)
    outputs = {name: HostedOutput(name, number, ports) for number, name in enumerate(names)}
    return {stem: outputs[name] for stem, name in port_of.items()}
