"""A JACK client with MIDI outputs and a callback in Python, by ctypes: its names are those of JACK-Client, an extra.

What runs in the callback is called by `PyDLL`, which keeps the interpreter: those calls take less than a microsecond,
and giving it away and getting it back takes longer. The rest is called by `CDLL`, since it waits for JACK.
"""

from __future__ import annotations

import ctypes
import importlib
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from bridge.midi.ports.libjack import SHUTDOWN_CALLBACK, open_jack_client
from bridge.midi.ports.rtmidi_ports import quiet_stderr

_FRAMES = ctypes.c_uint32
_PERIOD_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, _FRAMES, ctypes.c_void_p)
# jack/types.h
_MIDI_TYPE = b"8 bit raw midi"
_IS_OUTPUT = 0x02


_CLIENT = _PORT = _BUFFER = ctypes.c_void_p
#: What is called: its result (None: none that is read), and its arguments.
_WAITING: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_client_open": (_CLIENT, (ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)),
    "jack_client_close": (ctypes.c_int, (_CLIENT,)),
    "jack_get_client_name": (ctypes.c_char_p, (_CLIENT,)),
    "jack_activate": (ctypes.c_int, (_CLIENT,)),
    "jack_deactivate": (ctypes.c_int, (_CLIENT,)),
    "jack_on_shutdown": (None, (_CLIENT, SHUTDOWN_CALLBACK, ctypes.c_void_p)),
    "jack_set_process_callback": (ctypes.c_int, (_CLIENT, _PERIOD_CALLBACK, ctypes.c_void_p)),
    "jack_port_register": (_PORT, (_CLIENT, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong)),
}
_IN_THE_CALLBACK: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_port_get_buffer": (_BUFFER, (_PORT, _FRAMES)),
    "jack_midi_clear_buffer": (None, (_BUFFER,)),
    "jack_midi_event_write": (ctypes.c_int, (_BUFFER, _FRAMES, ctypes.c_char_p, ctypes.c_size_t)),
}


class Client:
    """One client of exactly that name. Never starts a server.

    Raises:
        NameTakenError: another has exactly that name.
        OSError: no server answers, or there is no libjack.
    """

    def __init__(self, name: str) -> None:
        self._jack, self._quick = _libraries()
        self._client = open_jack_client(self._jack, name, exact=True)
        self.midi_outports = SimpleNamespace(register=self._register)
        self.frames = 0
        """Of the period that runs."""
        self._callbacks: list[Any] = []  # kept: libjack holds only their addresses

    def set_process_callback(self, process: Callable[[int], None]) -> None:
        def run(frames: int, _: object) -> int:
            if not self.frames:
                # ctypes makes a thread known to Python for each call, and forgets it after: from 3.11 on that maps
                # memory, and costs a page fault, in every period. Once more than it is released, it stays known.
                ctypes.pythonapi.PyGILState_Ensure()
            self.frames = frames
            process(frames)
            return 0

        self._set("jack_set_process_callback", _PERIOD_CALLBACK(run))

    def set_shutdown_callback(self, shut_down: Callable[..., None]) -> None:
        self._set("jack_on_shutdown", SHUTDOWN_CALLBACK(lambda _: shut_down()))

    def activate(self) -> None:
        self._do("jack_activate")

    def deactivate(self) -> None:
        self._jack.jack_deactivate(self._client)

    def close(self) -> None:
        self._jack.jack_client_close(self._client)

    def _set(self, function: str, callback: Any) -> None:
        self._callbacks.append(callback)
        getattr(self._jack, function)(self._client, callback, None)

    def _do(self, function: str) -> None:
        with quiet_stderr() as last_line:
            failed = getattr(self._jack, function)(self._client)
        if failed:
            raise OSError(last_line() or function)

    def _register(self, name: str) -> Port:
        with quiet_stderr() as last_line:
            port = self._jack.jack_port_register(self._client, name.encode(), _MIDI_TYPE, _IS_OUTPUT, 0)
        if not port:
            raise OSError(last_line() or f"there is no place for {name}")
        return Port(self, port, self._quick)


class Port:
    """A MIDI output of a `Client`, for its process callback."""

    def __init__(self, client: Client, port: Any, quick: Any) -> None:
        self._client = client
        self._port = port
        self._get_buffer = quick.jack_port_get_buffer
        self._clear = quick.jack_midi_clear_buffer
        self._write = quick.jack_midi_event_write
        self._buffer: Any = None

    def clear_buffer(self) -> None:
        self._buffer = self._get_buffer(self._port, self._client.frames)
        self._clear(self._buffer)

    def write_midi_event(self, offset: int, message: bytes) -> None:
        """After `clear_buffer`. Raises OSError: there is no room for it in this period."""
        if self._write(self._buffer, offset, message, len(message)):
            raise OSError("no room for it in this period")


def _libraries() -> tuple[Any, Any]:
    """The libjack that RtMidi has found, for calls that wait and for those that do not. Raises OSError: it has none."""
    try:
        path = importlib.import_module("rtmidi._rtmidi").__file__  # its handle finds the libraries that it depends on
        jack, quick = ctypes.CDLL(path), ctypes.PyDLL(path)
        for library, functions in ((jack, _WAITING), (quick, _IN_THE_CALLBACK)):
            for name, (result, arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
    except (ImportError, AttributeError) as error:
        raise OSError(f"this build of RtMidi has no libjack: {error}") from error
    return jack, quick
