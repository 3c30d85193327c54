"""What RtMidi does not ask of JACK, asked of the same libjack: the clock, the transport, names, and word of its end.

By ctypes, so that no second libjack is needed: JACK-Client, which would be one, belongs to an optional extra.
"""

from __future__ import annotations

import ctypes
import importlib
from typing import Any

from bridge.midi.output import CLIENT_NAME, quiet_stderr

#: Of jack/types.h.
SHUTDOWN_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_NO_START_SERVER = 0x01

_CLIENT, _PORT, _TEXT = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p
#: What is called: its result (None: none that is read), and its arguments.
_FUNCTIONS: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_client_open": (_CLIENT, (_TEXT, ctypes.c_int, ctypes.c_void_p)),
    "jack_client_close": (ctypes.c_int, (_CLIENT,)),
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
    "jack_free": (None, (ctypes.c_void_p,)),
}


class JackClient:
    """A client without ports. Until it is activated, the server does not wait for it.

    Raises:
        OSError: no server answers, or this build of RtMidi has no libjack.
    """

    def __init__(self, purpose: str) -> None:
        self._jack = _libjack()
        with quiet_stderr():
            self._client = self._jack.jack_client_open(f"{CLIENT_NAME} {purpose}".encode(), _NO_START_SERVER, None)
        if not self._client:
            raise OSError("no JACK server answers")

    def ask(self, function: str, *arguments: Any) -> Any:
        """Calls a libjack function whose first argument is the client."""
        return getattr(self._jack, function)(self._client, *arguments)

    def ask_port(self, function: str, port: Any, *arguments: Any) -> Any:
        """Calls one whose first argument is a port."""
        return getattr(self._jack, function)(port, *arguments)

    def free(self, memory: Any) -> None:
        """Gives back what libjack has allocated for an answer."""
        self._jack.jack_free(memory)

    def close(self) -> None:
        self._jack.jack_client_close(self._client)


def _libjack() -> Any:
    """Its extension's handle finds the libraries that it depends on."""
    try:
        jack = ctypes.CDLL(importlib.import_module("rtmidi._rtmidi").__file__)
        for name, (result, arguments) in _FUNCTIONS.items():
            function = getattr(jack, name)
            function.restype, function.argtypes = result, arguments
    except (ImportError, AttributeError) as error:
        raise OSError(f"this build of RtMidi has no libjack: {error}") from error
    return jack
