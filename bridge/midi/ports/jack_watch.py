"""What the MIDI libraries do not do on JACK: good names, the server's clock, who listens, and word of its end.

A JACK server gives each client name once, so RtMidi's second port is `Source Audio Bridge-01:SAB Drums`. Its alias
`Source Audio Bridge:SAB Drums` stands for it wherever a port is named: in `jack_connect`, in a DAW's saved session, in
a script. And RtMidi asks for no shutdown callback: without one, it would fill a ring that nobody reads, then spin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType

from bridge.midi.ports.libjack import SHUTDOWN_CALLBACK, JackClient

# jack/types.h
_MIDI_TYPE = b"8 bit raw midi"
_IS_OUTPUT = 0x02


class JackWatch:
    """A client without ports, on the same server as the bridge's other clients, which all are called `name`.

    Its own name says so, and only one can have it: see `jack_identity`. `on_shutdown` is called on a thread of
    libjack's, once the server has gone.

    Raises:
        NameTakenError: there is a watch of that name.
        OSError: no server answers, or this build of RtMidi has no libjack.
    """

    def __init__(self, name: str, on_shutdown: Callable[[], None]) -> None:
        self.name = name
        self._client = JackClient(f"{name} watch", exact=True)
        self._callback = SHUTDOWN_CALLBACK(lambda _: on_shutdown())  # kept: libjack holds only its address
        self._client.ask("jack_on_shutdown", self._callback, None)
        self._client.ask("jack_activate")

    def __enter__(self) -> JackWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def frame(self) -> int:
        """The first frame of the period that runs, as the server counts: it stands still where the server does."""
        return int(self._client.ask("jack_last_frame_time"))

    def ports(self) -> list[str]:
        """The full names of all MIDI outputs of this name's clients, also of those that RtMidi's needs beside it."""
        pattern = f"^{self.name}(-[0-9][0-9])?:"
        return self._client.names("jack_get_ports", pattern.encode(), _MIDI_TYPE, _IS_OUTPUT)

    def name_ports(self, names: Iterable[str]) -> None:
        """Lets each of our ports also be called by the bridge's name and its own."""
        wanted = set(names)
        for full_name in self.ports():
            client, _, name = full_name.partition(":")
            if name in wanted and client != self.name:
                port = self._client.ask("jack_port_by_name", full_name.encode())
                self._client.ask_port("jack_port_set_alias", port, f"{self.name}:{name}".encode())

    def listeners(self) -> frozenset[tuple[str, str]]:
        """Which of our ports, by its own name, is connected to which port of another program. Asks no server."""
        return frozenset(
            (full_name.partition(":")[2], listener)
            for full_name in self.ports()
            if (port := self._client.ask("jack_port_by_name", full_name.encode()))
            for listener in self._client.names("jack_port_get_all_connections", port)
        )
