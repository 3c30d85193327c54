"""What a player that was killed has left sounding: the next one ends it, for each listener, however late that comes.

The connections of a JACK or ALSA port go with a client that dies. A DAW or a patchbay makes them again when the port
is there again, moments later; what is sent before that, nobody hears.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Mapping

from bridge.errors import EngineFailed
from bridge.midi.player.playback import Agenda, Playback
from bridge.midi.ports.rtmidi_ports import Ports
from bridge.midi.timeline import NS_PER_SECOND

#: On JACK: how often new connections are looked for, and for how long after the ports were opened.
LOOK_NS = NS_PER_SECOND // 4
LISTEN_NS = 120 * NS_PER_SECOND
#: How often each listener there is told: what is sent in a period in which the server loses time is never heard.
TIMES = 2
#: Elsewhere nobody can be asked who listens: in which seconds after the ports were opened it is said.
SAID_SECONDS = (0, 1, 2, 4, 8, 16)
#: Nothing is looked for so shortly before a note.
QUIET_NS = 2_000_000


class LeftoverNotes:
    """Ends by stem, told to each new listener of the stem's port. A note that plays again meanwhile is not cut: what
    would end it waits for the end of that playback."""

    def __init__(self, agenda: Agenda) -> None:
        self._agenda = agenda
        self._ends: dict[str, tuple[bytes, ...]] = {}
        self._put_off: dict[str, Counter[bytes]] = {}
        self._told: Counter[tuple[str, str]] = Counter()
        """How often each listener has been told: a port and who is connected to it."""
        self._since_ns = 0
        self.next_ns: int | None = None
        """When `tell` is to be called next; None: there is nothing to tell."""

    def add(self, ends: Mapping[str, tuple[bytes, ...]], now_ns: int) -> None:
        """By stem, what ends all that may sound; told from now on."""
        self._ends.update(ends)
        self.begin(now_ns)

    def begin(self, now_ns: int) -> None:
        """The ports are new, and so are all who listen to them."""
        self._told.clear()
        self._since_ns = now_ns
        self.next_ns = now_ns if self._ends else None

    def tell(self, ports: Ports, now_ns: int) -> bool:
        """Tells those who have not been told, unless a note is due. True where this was the last time."""
        due_ns = self._agenda.next_ns
        if due_ns is not None and due_ns - now_ns < QUIET_NS:
            self.next_ns = max(due_ns, now_ns) + 1
            return False
        if ports.listeners is None:
            names = {output.name for output in ports.outputs.values()}
            later = (self._since_ns + seconds * NS_PER_SECOND for seconds in SAID_SECONDS)
            self.next_ns = next((moment_ns for moment_ns in later if moment_ns > now_ns), None)
        else:
            listeners = ports.listeners()
            new = {listener for listener in listeners if self._told[listener] < TIMES}
            self._told = Counter({listener: self._told[listener] + (listener in new) for listener in listeners})
            names = {port for port, _ in new}
            self.next_ns = now_ns + LOOK_NS if now_ns - self._since_ns < LISTEN_NS else None
        for stem, ends in self._ends.items():
            if (output := ports.outputs.get(stem)) is not None and output.name in names:
                playing = self._agenda.playing(stem=stem)
                put_off = [data for data in ends if any(playback.holds(data) for playback in playing)]
                self._put_off[stem] = self._put_off.get(stem, Counter()) | Counter(put_off)
                for data in ends:
                    if data not in put_off:
                        with contextlib.suppress(EngineFailed):  # the next one is tried all the same
                            output.send(data)
        if self.next_ns is None:
            self._ends.clear()
        return self.next_ns is None

    def ended(self, playback: Playback, ports: Ports) -> None:
        """After the last message of a playback: says what it would have been cut by."""
        stem = playback.schedule.stem
        for data in self._put_off.pop(stem, Counter()).elements():
            with contextlib.suppress(EngineFailed):
                ports.outputs[stem].send(data, playback.last_ns)
