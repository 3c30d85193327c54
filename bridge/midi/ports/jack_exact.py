"""Sample-accurate MIDI ports on JACK: JACK-Client behind the protocol `MidiOutput`.

RtMidi plays a message at the start of the period after it was handed over. Here a message is handed over ahead of its
time, waits, and is written at its frame in its period. All ports belong to one client, so that they have one prefix:
`Source Audio Bridge:SAB Vocals`, `Source Audio Bridge:SAB Drums`, …
"""

from __future__ import annotations

import heapq
import importlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from bridge.errors import EngineFailed
from bridge.midi.ports.frame_map import FrameMap
from bridge.midi.schedule import is_ending
from bridge.midi.timeline import NS_PER_SECOND
from bridge.wording import adding_extra

#: How late the player may be woken on a busy machine without a message missing its frame; two periods are added.
MARGIN_NS = 25_000_000

#: Earlier than every time.
AT_ONCE = 0

INSTALL = f"{adding_extra('exact')} Or set midi_backend to auto."
_TAKEN = "End the program that has that name or these ports; the bridge then opens its ports by itself."


#: Receives the time of a message, on the player's clock in nanoseconds, and its bytes.
MessageCallback: TypeAlias = Callable[[int, bytes], None]


class JackExact:
    """One JACK client of exactly this name, active from the start, with a MIDI output port for each of `names`.

    Never starts a server. `on_lost` is called on a libjack thread when the server has gone. `library` replaces the
    module jack.

    Raises:
        EngineFailed: JACK-Client is not installed or finds no libjack, no server answers, or the name is taken.
    """

    def __init__(
        self,
        client_name: str,
        names: Sequence[str],
        *,
        on_lost: Callable[[], None] | None = None,
        library: Any = None,
        clock_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        jack = _library() if library is None else library
        try:
            self._client = jack.Client(client_name, no_start_server=True)
        except jack.JackError as error:
            raise EngineFailed("No JACK server answers.", advice="Start one, or set midi_backend to auto.") from error
        if self._client.name != client_name:
            self._client.close()
            raise EngineFailed(f"JACK answers, but has a client {client_name} already.", advice=_TAKEN)
        self._error_type: type[Exception] = jack.JackError
        self._clock_ns = clock_ns
        self._on_lost = on_lost
        self._lost = threading.Event()
        self._map = FrameMap(self._client.samplerate)
        self._period_frames: int = self._client.blocksize
        self._ports: dict[str, _Port] = {}
        self._input: Any = None
        self._on_message: MessageCallback = _ignore
        try:
            for name in names:
                self._ports[name] = _Port(self._client.midi_outports.register(name), jack.JackError)
            self._playing = tuple(self._ports.values())
            self._client.set_process_callback(self._process)
            self._client.set_blocksize_callback(self._set_period)
            self._client.set_shutdown_callback(self._shut_down)
            self._client.activate()
        except jack.JackError as error:
            self._client.close()
            raise EngineFailed(f"JACK answers, but gives no MIDI ports: {error}.", advice=_TAKEN) from error

    def output(self, name: str) -> ExactOutput:
        """An output on the port of that name; several may share a port, and each takes back only its own messages."""
        return ExactOutput(name, self, self._ports[name])

    def open_input(self, name: str, full_alias: str, on_message: MessageCallback) -> bool:
        """Opens an input port, too: `on_message` receives each message with the time of its frame, on JACK's thread.

        Input and output share one frame map: a note scheduled for the time of a tick is played on the tick's frame.
        `full_alias` is a second name by which the port can be connected. False if the server refuses the port.
        """
        try:
            port = self._client.midi_inports.register(name)
            port.set_alias(full_alias)
        except self._error_type:
            return False
        self._on_message = on_message
        self._input = port
        return True

    @property
    def ahead_ns(self) -> int:
        """A message's period begins up to one period before it, and its callback runs up to one period before that."""
        return MARGIN_NS + 2 * self._period_frames * NS_PER_SECOND // self._map.rate_hz

    @property
    def is_lost(self) -> bool:
        return self._lost.is_set()

    def close(self) -> None:
        """Closes all ports; a second call does nothing."""
        if not self._lost.is_set():
            self._lost.set()
            self._client.deactivate()
            self._client.close()

    def _process(self, frames: int) -> None:
        """Runs in every period on JACK's thread, so it does as little as possible.

        It needs the interpreter lock, so the player must release it often (`sys.setswitchinterval`).
        """
        start = self._map.on_period(self._client.last_frame_time, self._clock_ns())
        if self._input is not None:
            for offset, message in self._input.incoming_midi_events():
                self._on_message(self._map.time_ns(start + offset), bytes(message))
        for port in self._playing:
            port.play(start, frames, self._map.frame)

    def _set_period(self, frames: int) -> None:
        self._period_frames = frames

    def _shut_down(self, *_: object) -> None:
        self._lost.set()
        if self._on_lost is not None:
            self._on_lost()


class ExactOutput:
    """One stem's output on a port of a `JackExact`."""

    def __init__(self, name: str, client: JackExact, port: _Port) -> None:
        self._name = name
        self._client = client
        self._port = port

    @property
    def name(self) -> str:
        return self._name

    def open_input(self, name: str, full_alias: str, on_message: MessageCallback) -> bool:
        """As `JackExact.open_input`, on the client of this port."""
        return self._client.open_input(name, full_alias, on_message)

    @property
    def ahead_ns(self) -> int:
        return self._client.ahead_ns

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        """Queues a message for its frame; without a time, or too late for it, it is sent with the next period.

        Raises:
            EngineFailed: the server has gone.
        """
        if self._client.is_lost:
            raise EngineFailed(
                f"The MIDI port {self._name} takes no more messages: the JACK server has gone.",
                advice="Start the bridge again.",
            )
        self._port.add(AT_ONCE if at_ns is None else at_ns, bytes(message), self)

    def take_back(self) -> None:
        self._port.take_back(self)

    def close(self) -> None:
        self._client.close()


class _Port:
    """One JACK port and its queue of (time, sequence number, message, owner), the next one first.

    The queue is sorted by time, not by frame: if the server loses time, the frames of future times change, and a note's
    end must not overtake its start.
    """

    def __init__(self, port: Any, error_type: type[Exception]) -> None:
        self._port = port
        self._error_type = error_type
        self._waiting: list[tuple[int, int, bytes, ExactOutput]] = []
        self._count = 0
        # Held for microseconds only, no longer than JACK's thread may wait for the interpreter lock anyway.
        self._lock = threading.Lock()

    def add(self, at_ns: int, message: bytes, owner: ExactOutput) -> None:
        with self._lock:
            self._count += 1
            heapq.heappush(self._waiting, (at_ns, self._count, message, owner))

    def take_back(self, owner: ExactOutput) -> None:
        """Drops the owner's messages that start something; sends those that end something at once, even if redundant.

        The end of a note that never started does no harm, but without it a note that did start might keep sounding.
        """
        with self._lock:
            remaining = []
            for at_ns, count, message, message_owner in self._waiting:
                if message_owner is not owner:
                    remaining.append((at_ns, count, message, message_owner))
                elif at_ns == AT_ONCE or is_ending(message):
                    remaining.append((AT_ONCE, count, message, message_owner))
            self._waiting = remaining
            heapq.heapify(self._waiting)

    def play(self, start: int, frames: int, frame_of: Callable[[int], int]) -> None:
        """Writes the messages of the period that begins at `start`, overdue ones at its first frame.

        `frame_of` maps a time to its frame.
        """
        self._port.clear_buffer()
        if not self._waiting:
            return
        offset = 0
        with self._lock:
            while self._waiting:
                at_ns, _, message, _ = self._waiting[0]
                offset = max(offset, frame_of(at_ns) - start)
                if offset >= frames:
                    return
                try:
                    self._port.write_midi_event(offset, message)
                except self._error_type:  # the period's buffer is full: the rest is sent with the next
                    return
                heapq.heappop(self._waiting)


def open_exact(
    client_name: str, port_of: Mapping[str, str], on_lost: Callable[[], None] | None = None, library: Any = None
) -> dict[str, ExactOutput]:
    """An output for each stem in `port_of`, which maps stems to port names; stems may share a port.

    Raises:
        EngineFailed: as for `JackExact`.
    """
    names = list(dict.fromkeys(port_of.values()))
    client = JackExact(client_name, names, on_lost=on_lost, library=library)
    return {stem: client.output(name) for stem, name in port_of.items()}


def _ignore(at_ns: int, message: bytes) -> None:
    """The callback as long as there is no input port."""


def _library() -> Any:
    try:
        jack = importlib.import_module("jack")
    except ImportError as error:
        raise EngineFailed("midi_backend is jack-exact, but JACK-Client is not installed.", advice=INSTALL) from error
    except OSError as error:  # JACK-Client is installed, libjack is not
        raise EngineFailed(
            f"midi_backend is jack-exact, but {error}.", advice="Install JACK, or set midi_backend to auto."
        ) from error
    jack.set_error_function(lambda _: None)  # a missing server is not an error here
    jack.set_info_function(lambda _: None)
    return jack
