"""The player's process and the test's ends of its pipes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

import msgspec

from bridge.events import MidiMoved
from bridge.midi.player.messages import Command, PlayerSettings, Report
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import DEFAULT
from bridge.processes.frames import HEADER, frame, payload_length
from tests.support.jack_server import JackServer


class PlayerProcess:
    """`python -m bridge.midi` and the test's ends of its pipes."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self._decode = msgspec.msgpack.Decoder(cast("type[Report]", Report)).decode

    @property
    def _stdin(self) -> BinaryIO:
        return cast("BinaryIO", self.process.stdin)

    def send(self, command: PlayerSettings | Command) -> None:
        self._stdin.write(frame(msgspec.msgpack.encode(command)))
        self._stdin.flush()

    def close_pipe(self) -> None:
        """As when the main process dies: the pipe closes without a command."""
        self._stdin.close()

    def report(self) -> Report:
        """The next report, without heartbeats and positions."""
        stdout = cast("BinaryIO", self.process.stdout)
        while True:
            if size := payload_length(stdout.read(HEADER.size)):
                report = self._decode(stdout.read(size))
                if not isinstance(report, MidiMoved):
                    return report

    def reports_until(self, kind: type[Report]) -> list[Report]:
        reports = [self.report()]
        while not isinstance(reports[-1], kind):
            reports.append(self.report())
        return reports


@contextmanager
def player_on(server: JackServer, layout: PortLayout = DEFAULT) -> Iterator[PlayerProcess]:
    command = [sys.executable, "-m", "bridge.midi"]
    environment = {**os.environ, **server.environment}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as process:
        player = PlayerProcess(process)
        player.send(PlayerSettings(layout=layout))
        try:
            yield player
            player.close_pipe()
            process.wait(10)
        finally:
            process.kill()
