"""The MIDI player's process, `python -m bridge.midi`: started by `bridge.midi.client`, never by hand."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from queue import SimpleQueue
from typing import Any, cast

from bridge.midi.jack_probe import JackProbe
from bridge.midi.jack_transport import jack_period_ns, open_jack_transport
from bridge.midi.jack_watch import JackWatch
from bridge.midi.layout import PortLayout
from bridge.midi.link import open_link
from bridge.midi.messages import Command, Report
from bridge.midi.output import EXACT, Ports, open_ports
from bridge.midi.player import Player
from bridge.midi.promptness import keep_promptness, promptness
from bridge.midi.silent import SILENT
from bridge.midi.sources import JACK, LINK, Sources
from bridge.midi.stall import STANDS_STILL, StallWatch
from bridge.midi.sync_input import SYNC_PORT, SyncInput, sync_port
from bridge.model import MidiStatus
from bridge.processes.parent import ParentChannel

ON_JACK = ("jack", EXACT)


def main() -> int:
    """Plays until the main process goes, or a signal asks it to end."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(promptness())
        channel = stack.enter_context(ParentChannel[Command, Report](cast("type[Command]", Command)))
        keep_promptness()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: channel.inbox.put(None))  # SimpleQueue.put is safe in a handler
        # The thread that hears MIDI clock must not wait 5 ms, the default, for one that spins.
        sys.setswitchinterval(0.0002)
        sources = Sources({JACK: open_jack_transport, LINK: open_link})
        probe = JackProbe(jack_period_ns)
        player = Player(lambda: _open_ports(stack, channel.inbox, probe), channel.send, sources=sources)
        # A collection in the middle of a phrase is a late note. What the player makes has no cycles.
        gc.freeze()
        gc.disable()
        player.run(channel.inbox)
    return 0


def _open_ports(stack: contextlib.ExitStack, inbox: SimpleQueue[Any], probe: JackProbe) -> Ports:
    layout = PortLayout.from_environment(os.environ)
    if layout.backend in ("auto", *ON_JACK) and probe.hangs():
        return Ports(MidiStatus(message=STANDS_STILL), {})
    ports = open_ports(layout, on_lost=_end_without_server)
    if ports.status.backend in ON_JACK:
        with contextlib.suppress(OSError):  # the ports play without it too
            watch = stack.enter_context(JackWatch(_end_without_server))
            watch.name_ports(*(output.name for output in ports.outputs.values()))
            stack.enter_context(StallWatch(watch.frame, inbox.put))
    if ports.outputs and ports.status.backend != SILENT:
        early_ns = jack_period_ns() // 2 if ports.status.backend == "jack" else 0
        is_open = stack.enter_context(
            sync_port(ports.status.backend, ports.outputs.values(), SyncInput(inbox, early_ns))
        )
        ports = ports.with_sync(SYNC_PORT if is_open else "")
    return ports


def _end_without_server() -> None:
    """The ports went with the server, so there is nothing to silence; a new process finds what there is then."""
    # The last line is what the musician is told, and other clients' threads in libjack have something to say, too.
    told = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.write(told, b"the JACK server has gone\n")
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
