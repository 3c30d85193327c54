"""What RtMidi does not do on JACK: good port names, the server's clock, the connections, and notice of its shutdown.

A JACK server gives each client name once, so RtMidi's second port is `Source Audio Bridge-01:SAB Drums`. The alias
`Source Audio Bridge:SAB Drums` works wherever a port is named: in `jack_connect`, in a DAW's saved session, in a
script. And RtMidi sets no shutdown callback: after a shutdown it would fill a ring buffer that nobody reads, then spin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType

from bridge.midi.ports.libjack import SHUTDOWN_CALLBACK, JackClient

# jack/types.h
_MIDI_TYPE = b"8 bit raw midi"
_IS_OUTPUT = 0x02


class JackWatch:
    """A client without ports on the same server as the bridge's other clients, which are all called `name`.

    Its own name, `… watch`, can exist only once: see `jack_identity`. `on_shutdown` is called on a libjack thread when
    the server has gone.

    Raises:
        NameTakenError: a watch of that name exists.
        OSError: no server answers, or this build of RtMidi has no libjack.
    """

    def __init__(self, name: str, on_shutdown: Callable[[], None]) -> None:
        self.name = name
        self._client = JackClient(f"{name} watch", exact=True)
        self._callback = SHUTDOWN_CALLBACK(lambda _: on_shutdown())  # referenced here: libjack holds only its address
        self._client.call("jack_on_shutdown", self._callback, None)
        self._client.call("jack_activate")

    def __enter__(self) -> JackWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._client.close()

    def frame(self) -> int:
        """The first frame of the current period, by the server's clock: it stops when the server stalls."""
        return int(self._client.call("jack_last_frame_time"))

    def ports(self) -> list[str]:
        """The full names of all MIDI outputs of this bridge's clients, including RtMidi's numbered ones (`…-01`)."""
        pattern = f"^{self.name}(-[0-9][0-9])?:"
        return self._client.call_names("jack_get_ports", pattern.encode(), _MIDI_TYPE, _IS_OUTPUT)

    def name_ports(self, names: Iterable[str]) -> None:
        """Gives each of our ports the alias `bridge name:port name`."""
        wanted = set(names)
        for full_name in self.ports():
            client, _, name = full_name.partition(":")
            if name in wanted and client != self.name:
                port = self._client.call("jack_port_by_name", full_name.encode())
                self._client.call_port("jack_port_set_alias", port, f"{self.name}:{name}".encode())

    def connections(self) -> frozenset[tuple[str, str]]:
        """The connections of our ports, as (our short port name, the other program's port). Does not ask the server."""
        return frozenset(
            (full_name.partition(":")[2], destination)
            for full_name in self.ports()
            if (port := self._client.call("jack_port_by_name", full_name.encode()))
            for destination in self._client.call_names("jack_port_get_all_connections", port)
        )
