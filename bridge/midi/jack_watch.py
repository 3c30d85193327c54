"""What RtMidi does not do on JACK: good names for all ports, the server's clock, and word of its end.

A JACK server gives each client name once, so RtMidi's second port is `Source Audio Bridge-01:SAB Drums`. Its alias
`Source Audio Bridge:SAB Drums` stands for it wherever a port is named: in `jack_connect`, in a DAW's saved session, in
a script. And RtMidi asks for no shutdown callback: without one, it would fill a ring that nobody reads, then spin.
"""

from __future__ import annotations

import ctypes
import importlib
import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any

from bridge.midi.output import CLIENT_NAME, quiet_stderr

# jack/types.h
_NO_START_SERVER = 0x01
_MIDI_TYPE = b"8 bit raw midi"
_IS_OUTPUT = 0x02
_SHUTDOWN_CALLBACK = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class JackWatch:
    """A client without ports, on the same server as RtMidi's.

    `on_shutdown` is called on a thread of libjack's, once the server has gone.

    Raises:
        OSError: no server answers, or this build of RtMidi has no libjack.
    """

    def __init__(self, on_shutdown: Callable[[], None]) -> None:
        self._jack = _libjack()
        with quiet_stderr():
            self._client = self._jack.jack_client_open(f"{CLIENT_NAME} watch".encode(), _NO_START_SERVER, None)
        if not self._client:
            raise OSError("no JACK server answers")
        self._callback = _SHUTDOWN_CALLBACK(lambda _: on_shutdown())  # kept: libjack holds only its address
        self._jack.jack_on_shutdown(self._client, self._callback, None)
        self._jack.jack_activate(self._client)

    def __enter__(self) -> JackWatch:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._jack.jack_client_close(self._client)

    def frame(self) -> int:
        """The first frame of the period that runs, as the server counts: it stands still where the server does."""
        return int(self._jack.jack_last_frame_time(self._client))

    def name_ports(self, *names: str) -> None:
        """Lets each of our ports also be called `Source Audio Bridge:` and its own name."""
        for full_name in self._ports():
            client, _, name = full_name.partition(":")
            if name in names and client.startswith(f"{CLIENT_NAME}-"):
                port = self._jack.jack_port_by_name(self._client, full_name.encode())
                self._jack.jack_port_set_alias(port, f"{CLIENT_NAME}:{name}".encode())

    def _ports(self) -> list[str]:
        names = self._jack.jack_get_ports(self._client, f"^{CLIENT_NAME}".encode(), _MIDI_TYPE, _IS_OUTPUT)
        if not names:
            return []
        found = [name.decode() for name in itertools.takewhile(lambda name: name is not None, names)]
        self._jack.jack_free(names)
        return found


def _libjack() -> Any:
    """The libjack that RtMidi itself was linked with: its extension's handle finds the libraries it depends on."""
    try:
        jack = ctypes.CDLL(importlib.import_module("rtmidi._rtmidi").__file__)
        jack.jack_client_open.restype = ctypes.c_void_p
        jack.jack_client_open.argtypes = (ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)
        jack.jack_client_close.argtypes = (ctypes.c_void_p,)
        jack.jack_activate.argtypes = (ctypes.c_void_p,)
        jack.jack_on_shutdown.argtypes = (ctypes.c_void_p, _SHUTDOWN_CALLBACK, ctypes.c_void_p)
        jack.jack_last_frame_time.restype = ctypes.c_uint32
        jack.jack_last_frame_time.argtypes = (ctypes.c_void_p,)
        jack.jack_get_ports.restype = ctypes.POINTER(ctypes.c_char_p)
        jack.jack_get_ports.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong)
        jack.jack_port_by_name.restype = ctypes.c_void_p
        jack.jack_port_by_name.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        jack.jack_port_set_alias.argtypes = (ctypes.c_void_p, ctypes.c_char_p)
        jack.jack_free.argtypes = (ctypes.c_void_p,)
    except AttributeError as error:
        raise OSError(f"this build of RtMidi has no libjack: {error}") from error
    return jack
