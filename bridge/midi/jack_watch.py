"""What RtMidi does not do on JACK: good names for all ports, the server's clock, and word of its end.

A JACK server gives each client name once, so RtMidi's second port is `Source Audio Bridge-01:SAB Drums`. Its alias
`Source Audio Bridge:SAB Drums` stands for it wherever a port is named: in `jack_connect`, in a DAW's saved session, in
a script. And RtMidi asks for no shutdown callback: without one, it would fill a ring that nobody reads, then spin.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import TracebackType

from bridge.midi.libjack import SHUTDOWN_CALLBACK, JackClient
from bridge.midi.output import CLIENT_NAME

# jack/types.h
_MIDI_TYPE = b"8 bit raw midi"
_IS_OUTPUT = 0x02


class JackWatch:
    """A client without ports, on the same server as RtMidi's.

    `on_shutdown` is called on a thread of libjack's, once the server has gone.

    Raises:
        OSError: no server answers, or this build of RtMidi has no libjack.
    """

    def __init__(self, on_shutdown: Callable[[], None]) -> None:
        self._client = JackClient("watch")
        self._callback = SHUTDOWN_CALLBACK(lambda _: on_shutdown())  # kept: libjack holds only its address
        self._client.ask("jack_on_shutdown", self._callback, None)
        self._client.ask("jack_activate")

    def __enter__(self) -> JackWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def frame(self) -> int:
        """The first frame of the period that runs, as the server counts: it stands still where the server does."""
        return int(self._client.ask("jack_last_frame_time"))

    def name_ports(self, *names: str) -> None:
        """Lets each of our ports also be called `Source Audio Bridge:` and its own name."""
        for full_name in self._ports():
            client, _, name = full_name.partition(":")
            if name in names and client.startswith(f"{CLIENT_NAME}-"):
                port = self._client.ask("jack_port_by_name", full_name.encode())
                self._client.ask_port("jack_port_set_alias", port, f"{CLIENT_NAME}:{name}".encode())

    def _ports(self) -> list[str]:
        names = self._client.ask("jack_get_ports", f"^{CLIENT_NAME}".encode(), _MIDI_TYPE, _IS_OUTPUT)
        if not names:
            return []
        found = [name.decode() for name in itertools.takewhile(lambda name: name is not None, names)]
        self._client.free(names)
        return found
