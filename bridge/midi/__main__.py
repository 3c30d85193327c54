"""The MIDI player's process, `python -m bridge.midi`, which `bridge.midi.client` starts."""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import sys
from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any

from bridge.errors import EngineFailed
from bridge.midi.player.loop import Player
from bridge.midi.player.messages import Command, PlayerSettings, Report
from bridge.midi.player.unended_notes import FILE_NAME, remove_file
from bridge.midi.ports.hosted_ports import open_hosted
from bridge.midi.ports.jack_identity import GUEST_NAME, claim_name
from bridge.midi.ports.jack_probe import JackProbe
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import CLIENT_NAME, ON_JACK, Ports, open_ports
from bridge.midi.ports.silent import SILENT
from bridge.midi.ports.stall import STALL_MESSAGE, StallWatch
from bridge.midi.realtime.thread_priority import keep_realtime_scheduling, realtime_scheduling
from bridge.midi.sync.ableton_link import open_link
from bridge.midi.sync.clock_port import SYNC_PORT, ClockPort, sync_port
from bridge.midi.sync.jack_transport import jack_period_ns, open_jack_transport
from bridge.midi.sync.sources import SyncSources
from bridge.model import MidiStatus
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.protocols import MidiOutput
from bridge.request import JACK, LINK


def main() -> int:
    """Plays until the main process exits or a signal arrives."""
    log_to_parent()
    with contextlib.ExitStack() as stack:
        stack.enter_context(realtime_scheduling())
        channel = stack.enter_context(ParentChannel[PlayerSettings, Command, Report](PlayerSettings, Command))
        keep_realtime_scheduling()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: channel.inbox.put(None))  # SimpleQueue.put is safe in a handler
        # The thread that receives MIDI clock must not wait 5 ms, the default, for a spinning thread.
        sys.setswitchinterval(0.0002)
        sources = SyncSources({JACK: open_jack_transport, LINK: open_link})
        probe = JackProbe(jack_period_ns)
        settings = channel.first()
        layout = settings.layout
        player = Player(
            lambda: _open_ports(layout, stack, channel.inbox, probe),
            channel.send,
            sources=sources,
            leftovers=settings.leftovers,
        )
        # A garbage collection during playback would delay notes. The player creates no reference cycles.
        gc.freeze()
        gc.disable()
        player.run(channel.inbox)
        if layout.own_folder is not None:
            remove_file(layout.own_folder / FILE_NAME)  # the main process may have exited already
    return 0


def _open_ports(layout: PortLayout, stack: contextlib.ExitStack, inbox: SimpleQueue[Any], probe: JackProbe) -> Ports:
    with contextlib.ExitStack() as opened:
        watch = None
        if layout.backend in ("auto", *ON_JACK):
            if probe.hangs():
                return Ports(MidiStatus(message=STALL_MESSAGE), {})
            try:
                base = GUEST_NAME if layout.is_guest else CLIENT_NAME
                watch = opened.enter_context(claim_name(_end_without_server, base, layout.folder))
            except OSError:  # no server, or RtMidi was built without libjack: the ports work without a watch
                pass
            except EngineFailed as error:
                return Ports(MidiStatus(message=str(error)), {})
        name = CLIENT_NAME if watch is None else watch.name
        ports = open_ports(layout, on_lost=_end_without_server, client_name=name, host=None if watch is None else _host)
        if ports.status.backend not in ON_JACK:
            opened.close()
        elif watch is not None:
            watch.name_ports(output.name for output in ports.outputs.values())
            opened.enter_context(StallWatch(watch.frame, inbox.put))
            ports = ports._replace(connections=watch.connections)
        if ports.outputs and ports.status.backend != SILENT:
            early_ns = _half_a_period_ns() if ports.status.backend == "jack" else 0
            clock_port = ClockPort(inbox, early_ns)
            sync = sync_port(ports.status.backend, ports.outputs.values(), clock_port, client_name=name)
            ports = ports.with_sync(SYNC_PORT if opened.enter_context(sync) else "")
        stack.enter_context(opened.pop_all())
        return ports


def _host(client_name: str, port_of: Mapping[str, str]) -> Mapping[str, MidiOutput]:
    return open_hosted(client_name, port_of, _end_without_ports)


def _end_without_ports(server_has_gone: bool) -> None:
    """Exits when the process that hosts the ports has died; the next player starts it again."""
    _end_without_server(b"the JACK server has gone" if server_has_gone else b"the process of its ports has ended")


def _half_a_period_ns() -> int:
    """Half a JACK period; 0 if the server is too busy to answer, so that clock sync runs that much late."""
    with contextlib.suppress(EngineFailed):
        return jack_period_ns() // 2
    return 0


def _end_without_server(reason: bytes = b"the JACK server has gone") -> None:
    """Exits without closing the ports, which vanished with the server; the next process looks for a back-end again."""
    # The main process reports the last line of stderr, and other threads in libjack would write after ours.
    stderr = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    os.write(stderr, reason + b"\n")
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
