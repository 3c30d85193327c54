"""The JACK functions that the MIDI libraries do not offer: clock, transport, names, connections, shutdown.

By ctypes, from the libjack that RtMidi has loaded: a second copy might find another server.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
from typing import Any

from bridge.midi.ports.rtmidi_ports import quiet_stderr

#: From jack/types.h.
SHUTDOWN_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
NO_START_SERVER = 0x01

_CLIENT, _PORT, _TEXT = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p
#: Function → its result type (None: not used) and its argument types.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_client_open": (_CLIENT, (_TEXT, ctypes.c_int, ctypes.c_void_p)),
    "jack_client_close": (ctypes.c_int, (_CLIENT,)),
    "jack_get_client_name": (_TEXT, (_CLIENT,)),
    "jack_activate": (ctypes.c_int, (_CLIENT,)),
    "jack_on_shutdown": (None, (_CLIENT, SHUTDOWN_CALLBACK, ctypes.c_void_p)),
    "jack_get_buffer_size": (ctypes.c_uint32, (_CLIENT,)),
    "jack_get_sample_rate": (ctypes.c_uint32, (_CLIENT,)),
    "jack_last_frame_time": (ctypes.c_uint32, (_CLIENT,)),
    "jack_frame_time": (ctypes.c_uint32, (_CLIENT,)),
    "jack_time_to_frames": (ctypes.c_uint32, (_CLIENT, ctypes.c_uint64)),
    "jack_transport_query": (ctypes.c_int, (_CLIENT, ctypes.c_void_p)),
    "jack_get_ports": (ctypes.POINTER(_TEXT), (_CLIENT, _TEXT, _TEXT, ctypes.c_ulong)),
    "jack_port_by_name": (_PORT, (_CLIENT, _TEXT)),
    "jack_port_set_alias": (ctypes.c_int, (_PORT, _TEXT)),
    "jack_port_get_all_connections": (ctypes.POINTER(_TEXT), (_CLIENT, _PORT)),
    "jack_free": (None, (ctypes.c_void_p,)),
}


class NameTakenError(OSError):
    """The server already has a client of exactly that name."""


class JackClient:
    """A client without ports. Until it is activated, the server does not wait for it.

    If `name` is taken, the server appends a number (`…-01`), unless the name has to be `exact`.

    Raises:
        NameTakenError: another client has the exact name.
        OSError: no server answers, or this build of RtMidi has no libjack.
    """

    def __init__(self, name: str, *, exact: bool = False) -> None:
        self._jack = _libjack()
        self._client = open_jack_client(self._jack, name, exact=exact)

    def call(self, function: str, *arguments: Any) -> Any:
        """Calls a libjack function whose first argument is the client."""
        return getattr(self._jack, function)(self._client, *arguments)

    def call_port(self, function: str, port: Any, *arguments: Any) -> Any:
        """Calls a libjack function whose first argument is a port."""
        return getattr(self._jack, function)(port, *arguments)

    def call_names(self, function: str, *arguments: Any) -> list[str]:
        """Like `call`, for a function that returns a list of names; frees the list."""
        answer = self.call(function, *arguments)
        if not answer:
            return []
        found = [name.decode("utf-8", "replace") for name in itertools.takewhile(lambda name: name is not None, answer)]
        self._jack.jack_free(answer)
        return found

    def close(self) -> None:
        self._jack.jack_client_close(self._client)


def open_jack_client(jack: Any, name: str, *, exact: bool) -> Any:
    """A client's handle; raises as `JackClient`. The functions used must have their types set on `jack`."""
    with quiet_stderr():
        client = jack.jack_client_open(name.encode(), NO_START_SERVER, None)
    if not client:
        raise OSError("no JACK server answers")
    # With JackUseExactName, jackd 1.9.21 reports a taken name like a missing server.
    if exact and jack.jack_get_client_name(client) != name.encode():
        jack.jack_client_close(client)
        raise NameTakenError(f"JACK has a client {name} already")
    return client


def _libjack() -> Any:
    """RtMidi's extension module, whose handle also resolves the symbols of the libraries it links."""
    try:
        jack = ctypes.CDLL(importlib.import_module("rtmidi._rtmidi").__file__)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(jack, name)
            function.restype, function.argtypes = result, arguments
    except (ImportError, AttributeError) as error:
        raise OSError(f"this build of RtMidi has no libjack: {error}") from error
    return jack
