"""The MIDI player's process, `python -m bridge.midi`: started by `bridge.midi.client`, never by hand."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any, cast

from bridge.midi.jack_transport import jack_period_ns, open_jack_transport
from bridge.midi.jack_watch import JackWatch
from bridge.midi.link import open_link
from bridge.midi.messages import Command, Report
from bridge.midi.output import Ports, open_ports
from bridge.midi.player import Player
from bridge.midi.sources import JACK, LINK, Sources
from bridge.midi.sync_input import SYNC_PORT, SyncInput, sync_port
from bridge.processes.parent import ParentChannel


def main() -> int:
    """Plays until the main process goes, or a signal asks it to end."""
    with ParentChannel[Command, Report](cast("type[Command]", Command)) as channel, contextlib.ExitStack() as stack:
        stack.enter_context(_fine_timer())
        _ask_for_real_time()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: channel.inbox.put(None))  # SimpleQueue.put is safe in a handler
        # The thread that hears MIDI clock must not wait 5 ms, the default, for one that spins.
        sys.setswitchinterval(0.0002)
        sources = Sources({JACK: open_jack_transport, LINK: open_link})
        player = Player(lambda: _open_ports(stack, channel.inbox), channel.send, sources=sources)
        # A collection in the middle of a phrase is a late note. What the player makes has no cycles.
        gc.freeze()
        gc.disable()
        player.run(channel.inbox)
    return 0


def _open_ports(stack: contextlib.ExitStack, inbox: SimpleQueue[Any]) -> Ports:
    ports = open_ports()
    if ports.status.backend == "jack":
        with contextlib.suppress(OSError):  # the ports play without it too
            watch = stack.enter_context(JackWatch(_end_without_server))
            watch.name_ports(*(output.name for output in ports.outputs.values()))
    if ports.outputs:
        early_ns = jack_period_ns() // 2 if ports.status.backend == "jack" else 0
        is_open = stack.enter_context(sync_port(ports.status.backend, SyncInput(inbox, early_ns)))
        ports = ports.with_sync(SYNC_PORT if is_open else "")
    return ports


def _end_without_server() -> None:
    """The ports went with the server, so there is nothing to silence; a new process finds what there is then."""
    os.write(2, b"the JACK server has gone\n")
    os._exit(1)


def _ask_for_real_time() -> None:
    """Lets no ordinary process delay a note, where Linux allows it: as it does to members of most `audio` groups.

    The lowest real-time priority: the audio server and its clients keep theirs above it. The threads that RtMidi
    starts do not inherit it.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_RR | os.SCHED_RESET_ON_FORK, os.sched_param(1))


@contextlib.contextmanager
def _fine_timer() -> Iterator[None]:
    """On Windows a wait is otherwise rounded up to the next of 64 ticks a second."""
    if sys.platform == "win32":
        import ctypes

        multimedia = ctypes.WinDLL("winmm")
        multimedia.timeBeginPeriod(1)
        try:
            yield
        finally:
            multimedia.timeEndPeriod(1)
    else:
        yield


if __name__ == "__main__":
    sys.exit(main())
