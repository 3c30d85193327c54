"""The MIDI player's process, `python -m bridge.midi`: started by `bridge.midi.client`, never by hand."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from typing import cast

from bridge.midi.jack_watch import JackWatch
from bridge.midi.layout import PortLayout
from bridge.midi.messages import Command, Report
from bridge.midi.output import Ports, open_ports
from bridge.midi.player import Player
from bridge.midi.promptness import keep_promptness, promptness
from bridge.processes.parent import ParentChannel


def main() -> int:
    """Plays until the main process goes, or a signal asks it to end."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(promptness())
        channel = stack.enter_context(ParentChannel[Command, Report](cast("type[Command]", Command)))
        keep_promptness()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: channel.inbox.put(None))  # SimpleQueue.put is safe in a handler
        player = Player(lambda: _open_ports(stack), channel.send)
        # A collection in the middle of a phrase is a late note. What the player makes has no cycles.
        gc.freeze()
        gc.disable()
        player.run(channel.inbox)
    return 0


def _open_ports(stack: contextlib.ExitStack) -> Ports:
    ports = open_ports(PortLayout.from_environment(os.environ), on_lost=_end_without_server)
    if ports.status.backend == "jack":
        with contextlib.suppress(OSError):  # the ports play without it too
            watch = stack.enter_context(JackWatch(_end_without_server))
            watch.name_ports(*(output.name for output in ports.outputs.values()))
    return ports


def _end_without_server() -> None:
    """The ports went with the server, so there is nothing to silence; a new process finds what there is then."""
    os.write(2, b"the JACK server has gone\n")
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
