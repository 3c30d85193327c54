"""A JACK client with MIDI outputs and a Python callback, by ctypes; its names are those of the extra JACK-Client.

Functions that are called in the callback are loaded by `PyDLL`, which holds the interpreter lock: they take less than a
microsecond, and releasing the lock and taking it again takes longer. All other functions are loaded by `CDLL`, because
they wait for JACK.
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
#: Function → its result type (None: not used) and its argument types.
_BLOCKING: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_client_open": (_CLIENT, (ctypes.c_char_p, ctypes.c_int, ctypes.c_void_p)),
    "jack_client_close": (ctypes.c_int, (_CLIENT,)),
    "jack_get_client_name": (ctypes.c_char_p, (_CLIENT,)),
    "jack_activate": (ctypes.c_int, (_CLIENT,)),
    "jack_deactivate": (ctypes.c_int, (_CLIENT,)),
    "jack_on_shutdown": (None, (_CLIENT, SHUTDOWN_CALLBACK, ctypes.c_void_p)),
    "jack_set_process_callback": (ctypes.c_int, (_CLIENT, _PERIOD_CALLBACK, ctypes.c_void_p)),
    "jack_port_register": (_PORT, (_CLIENT, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_ulong, ctypes.c_ulong)),
}
_NON_BLOCKING: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "jack_port_get_buffer": (_BUFFER, (_PORT, _FRAMES)),
    "jack_midi_clear_buffer": (None, (_BUFFER,)),
    "jack_midi_event_write": (ctypes.c_int, (_BUFFER, _FRAMES, ctypes.c_char_p, ctypes.c_size_t)),
}


class Client:
    """A client of exactly this name. Never starts a server.

    Raises:
        NameTakenError: another client has this name.
        OSError: no server answers, or there is no libjack.
    """

    def __init__(self, name: str) -> None:
        self._jack, self._non_blocking = _libraries()
        self._client = open_jack_client(self._jack, name, exact=True)
        self.midi_outports = SimpleNamespace(register=self._register)
        self.frames = 0
        """Length of the current period."""
        self._callbacks: list[Any] = []  # referenced here: libjack holds only their addresses

    def set_process_callback(self, process: Callable[[int], None]) -> None:
        def run(frames: int, _: object) -> int:
            if not self.frames:
                # ctypes creates a Python thread state for each call and deletes it afterwards: from 3.11 on that maps
                # memory and costs a page fault in every period. One unbalanced Ensure keeps the thread state alive.
                ctypes.pythonapi.PyGILState_Ensure()
            self.frames = frames
            process(frames)
            return 0

        self._set("jack_set_process_callback", _PERIOD_CALLBACK(run))

    def set_shutdown_callback(self, shut_down: Callable[..., None]) -> None:
        self._set("jack_on_shutdown", SHUTDOWN_CALLBACK(lambda _: shut_down()))

    def activate(self) -> None:
        self._call("jack_activate")

    def deactivate(self) -> None:
        self._jack.jack_deactivate(self._client)

    def close(self) -> None:
        self._jack.jack_client_close(self._client)

    def _set(self, function: str, callback: Any) -> None:
        self._callbacks.append(callback)
        getattr(self._jack, function)(self._client, callback, None)

    def _call(self, function: str) -> None:
        with quiet_stderr() as last_line:
            failed = getattr(self._jack, function)(self._client)
        if failed:
            raise OSError(last_line() or function)

    def _register(self, name: str) -> Port:
        with quiet_stderr() as last_line:
            port = self._jack.jack_port_register(self._client, name.encode(), _MIDI_TYPE, _IS_OUTPUT, 0)
        if not port:
            raise OSError(last_line() or f"it refuses the port {name}")
        return Port(self, port, self._non_blocking)


class Port:
    """A MIDI output of a `Client`, for its process callback."""

    def __init__(self, client: Client, port: Any, non_blocking: Any) -> None:
        self._client = client
        self._port = port
        self._get_buffer = non_blocking.jack_port_get_buffer
        self._clear = non_blocking.jack_midi_clear_buffer
        self._write = non_blocking.jack_midi_event_write
        self._buffer: Any = None

    def clear_buffer(self) -> None:
        self._buffer = self._get_buffer(self._port, self._client.frames)
        self._clear(self._buffer)

    def write_midi_event(self, offset: int, message: bytes) -> None:
        """Call `clear_buffer` first. Raises OSError: the buffer of this period is full."""
        if self._write(self._buffer, offset, message, len(message)):
            raise OSError("the buffer of this period is full")


def _libraries() -> tuple[Any, Any]:
    """RtMidi's libjack, for blocking and for non-blocking calls. Raises OSError: RtMidi was built without it."""
    try:
        path = importlib.import_module(
            "rtmidi._rtmidi"
        ).__file__  # its handle also resolves symbols of the libraries it links
        jack, non_blocking = ctypes.CDLL(path), ctypes.PyDLL(path)
        for library, functions in ((jack, _BLOCKING), (non_blocking, _NON_BLOCKING)):
            for name, (result, arguments) in functions.items():
                function = getattr(library, name)
                function.restype, function.argtypes = result, arguments
    except (ImportError, AttributeError) as error:
        raise OSError(f"this build of RtMidi has no libjack: {error}") from error
    return jack, non_blocking
