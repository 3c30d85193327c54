"""Ends the notes that a killed player left sounding, on each connection, however late it is made.

A JACK or ALSA port loses its connections when its client dies. A DAW or a patchbay restores them moments after the port
exists again; messages sent before that are lost.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping

from bridge.errors import EngineFailed
from bridge.midi.player.playback import ActivePlaybacks, Playback
from bridge.midi.ports.rtmidi_ports import Ports
from bridge.midi.timeline import NS_PER_SECOND

#: On JACK: how often to look for new connections, and for how long after the ports were opened.
POLL_NS = NS_PER_SECOND // 4
WATCH_NS = 120 * NS_PER_SECOND
#: How often the endings are sent to each connection: messages sent in a period in which the server has an xrun are
#: lost.
TIMES_PER_CONNECTION = 2
#: On other back-ends, which cannot list connections: when the endings are sent, in seconds after the ports were opened.
SEND_SECONDS = (0, 1, 2, 4, 8, 16)
#: Nothing is sent or polled this shortly before a note.
GUARD_NS = 2_000_000


class LeftoverNotes:
    """Sends `ends`, by stem the messages that end everything that may sound, to each new connection of the stem's port.

    A note that plays again meanwhile is not cut: its ending is deferred to the end of that playback.
    """

    def __init__(self, playbacks: ActivePlaybacks, ends: Mapping[str, tuple[bytes, ...]]) -> None:
        self._playbacks = playbacks
        self._ends = dict(ends)
        self._deferred: dict[str, Counter[bytes]] = {}
        self._times_sent: Counter[tuple[str, str]] = Counter()
        """By connection (our port, the other program's port), how often the endings were sent."""
        self._since_ns = 0
        self.next_ns: int | None = None
        """When `send` is to be called next; None: there is nothing left to send."""

    @property
    def stems(self) -> frozenset[str]:
        """Those on whose ports something may still sound."""
        return frozenset(self._ends) if self.next_ns is not None else frozenset()

    def begin(self, now_ns: int) -> None:
        """Starts, or starts again: the ports, and so all their connections, are new."""
        self._times_sent.clear()
        self._since_ns = now_ns
        self.next_ns = now_ns if self._ends else None

    def send(self, ports: Ports, now_ns: int) -> bool:
        """Sends the endings to connections that still need them, unless a note is due. True after the last time."""
        due_ns = self._playbacks.next_ns
        if due_ns is not None and due_ns - now_ns < GUARD_NS:
            self.next_ns = max(due_ns, now_ns) + 1
            return False
        if ports.connections is None:
            names = {output.name for output in ports.outputs.values()}
            moments = (self._since_ns + seconds * NS_PER_SECOND for seconds in SEND_SECONDS)
            self.next_ns = next((moment_ns for moment_ns in moments if moment_ns > now_ns), None)
        else:
            connections = ports.connections()
            new = {connection for connection in connections if self._times_sent[connection] < TIMES_PER_CONNECTION}
            self._times_sent = Counter(
                {connection: self._times_sent[connection] + (connection in new) for connection in connections}
            )
            names = {port for port, _ in new}
            self.next_ns = now_ns + POLL_NS if now_ns - self._since_ns < WATCH_NS else None
        for stem, ends in self._ends.items():
            if (output := ports.outputs.get(stem)) is not None and output.name in names:
                playing = self._playbacks.matching(stem=stem)
                put_off = [data for data in ends if any(playback.in_flight.is_cut_by(data) for playback in playing)]
                self._deferred[stem] = self._deferred.get(stem, Counter()) | Counter(put_off)
                for data in ends:
                    if data not in put_off:
                        with contextlib.suppress(EngineFailed):  # the next message is tried all the same
                            output.send(data)
        if self.next_ns is None:
            self._ends.clear()
        return self.next_ns is None

    def playback_ended(self, playback: Playback, ports: Ports) -> None:
        """After a playback's last message: sends the endings that were deferred because of it."""
        stem = playback.schedule.stem
        for data in self._deferred.pop(stem, Counter()).elements():
            with contextlib.suppress(EngineFailed):
                ports.outputs[stem].send(data, playback.in_flight.last_ns)
