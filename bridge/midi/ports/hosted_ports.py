"""The player's end of the JACK ports that another process has open: see `jack_process` and docs/decisions/0110.

RtMidi makes a client of each port, whose name a server gives once, so that five of six would be called otherwise. And
Python beside the player's own threads would keep the audio server waiting.
"""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence

from bridge.errors import EngineFailed
from bridge.midi.ports.jack_process import OPEN, SERVER_GONE

MODULE = "bridge.midi.ports.jack_process"
#: For a process to start on a busy machine, and a server that waits for what was killed.
START_SECONDS = 15.0
#: How long its end is awaited: it plays its last messages, and lets go. Longer only where the server stands still.
END_SECONDS = 2.0
_AGAIN = "The bridge tries again every few seconds."


class HostedPorts:
    """Opens a MIDI output for each of `names`, all of one client of exactly that name.

    `on_lost` is called on a thread once the process has ended unasked, with True where that is because the server has
    gone.

    Raises:
        EngineFailed: it cannot open them, and why.
    """

    def __init__(self, client_name: str, names: Sequence[str], on_lost: Callable[[bool], None]) -> None:
        self._on_lost = on_lost
        self._is_closed = False
        command = [sys.executable, "-m", MODULE, client_name, *names]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - ours
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            )
        except OSError as error:
            raise EngineFailed(
                f"The process of JACK's ports does not start: {error.strerror}.", advice=_AGAIN
            ) from error
        assert self._process.stdin is not None and self._process.stdout is not None
        self._pipe = self._process.stdin.fileno()
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        said = self._process.stdout.readline().decode("utf-8", "replace").strip() if ready else "it does not answer"
        if said != OPEN:
            self._process.kill()
            self.close()
            raise EngineFailed(f"There are no ports on JACK: {said or 'their process has ended'}.", advice=_AGAIN)
        os.set_blocking(self._pipe, False)
        threading.Thread(target=self._watch, name="ports", daemon=True).start()

    def send(self, data: bytes) -> None:
        """Raises OSError: the process has gone, or takes nothing."""
        os.write(self._pipe, data)

    def close(self) -> None:
        """Ends it; a second time does nothing."""
        if not self._is_closed:
            self._is_closed = True
            assert self._process.stdin is not None and self._process.stdout is not None
            self._process.stdin.close()
            # Where the server stands still, it plays the notes' ends as soon as it goes on
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.stdout.close()

    def _watch(self) -> None:
        status = self._process.wait()
        if not self._is_closed:
            self._on_lost(status == SERVER_GONE)


class HostedOutput:
    """One of the ports."""

    ahead_ns = 0

    def __init__(self, name: str, number: int, ports: HostedPorts) -> None:
        self.name = name
        self._number = number
        self._ports = ports

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:  # noqa: ARG002 - it plays at once
        """Hands one complete message over; it is played at the start of the next period.

        Raises:
            EngineFailed: the port is gone, or takes no more.
        """
        try:
            self._ports.send(bytes((self._number, len(message), *message)))
        except OSError as error:
            raise EngineFailed(
                f"The MIDI port {self.name} takes no more messages: {error.strerror}.",
                advice="Start the bridge again.",
            ) from error

    def take_back(self) -> None:
        """Nothing waits here."""

    def close(self) -> None:
        self._ports.close()


def open_hosted(
    client_name: str, port_of: Mapping[str, str], on_lost: Callable[[bool], None]
) -> dict[str, HostedOutput]:
    """An output for each stem in `port_of`, which says the name of its port; stems may share one.

    Raises:
        EngineFailed: as for `HostedPorts`.
    """
    names = list(dict.fromkeys(port_of.values()))
    ports = HostedPorts(client_name, names, on_lost)
    outputs = {name: HostedOutput(name, number, ports) for number, name in enumerate(names)}
    return {stem: outputs[name] for stem, name in port_of.items()}
