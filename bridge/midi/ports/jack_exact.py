"""The MIDI ports on JACK, to the sample: JACK-Client behind the `MidiOutput` seam.

RtMidi plays a message at the start of the period after its hand-over. Here it is handed over ahead of its time, waits,
and is written at its frame in its period. All ports belong to one client, so that their names are alike:
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
from bridge.midi.schedule import ends_something
from bridge.midi.timeline import NS_PER_SECOND

#: What the player may be woken late on a busy machine without a message missing its frame; two periods come on top.
MARGIN_NS = 25_000_000

#: Before every time.
AT_ONCE = 0

INSTALL = "Install it with `pip install 'source-audio-bridge[exact]'`, or set midi_backend to auto."
_TAKEN = "End what has that name or these ports; they come by themselves then."


#: Told when a message came, on the player's clock in nanoseconds, and its bytes.
Hear: TypeAlias = Callable[[int, bytes], None]


class JackExact:
    """One JACK client of exactly that name, active from the start, with a MIDI output port for each of `names`.

    Never starts a server. `on_lost` is called on a thread of libjack's once the server has gone. `library` stands in
    for the module jack.

    Raises:
        EngineFailed: JACK-Client is not installed or finds no libjack, no server answers, or it has the name already.
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
        self._refusal: type[Exception] = jack.JackError
        self._clock_ns = clock_ns
        self._on_lost = on_lost
        self._lost = threading.Event()
        self._map = FrameMap(self._client.samplerate)
        self._period_frames: int = self._client.blocksize
        self._ports: dict[str, _Port] = {}
        self._heard: Any = None
        self._hear: Hear = _nobody
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
        """A way to the port of that name; several to one port may be asked for, and take back only what is theirs."""
        return ExactOutput(name, self, self._ports[name])

    def listen(self, name: str, full_alias: str, hear: Hear) -> bool:
        """Opens a port that hears, too: `hear` is told each message and when its frame is, on JACK's thread.

        What it hears and what is sent lie on one line of frames: a note for the moment of a tick sounds on its frame.
        `full_alias` is another name by which the port can be connected. False where the server gives no port.
        """
        try:
            port = self._client.midi_inports.register(name)
            port.set_alias(full_alias)
        except self._refusal:
            return False
        self._hear = hear
        self._heard = port
        return True

    @property
    def ahead_ns(self) -> int:
        """A message's period begins at most one period before it, and its callback runs some time in the one before."""
        return MARGIN_NS + 2 * self._period_frames * NS_PER_SECOND // self._map.rate_hz

    @property
    def is_lost(self) -> bool:
        return self._lost.is_set()

    def close(self) -> None:
        """Closes all ports; a second time does nothing."""
        if not self._lost.is_set():
            self._lost.set()
            self._client.deactivate()
            self._client.close()

    def _process(self, frames: int) -> None:
        """Runs in every period, on JACK's thread: as little as can be done.

        It needs the interpreter, so that the player must give it away often (`sys.setswitchinterval`).
        """
        start = self._map.hear(self._client.last_frame_time, self._clock_ns())
        if self._heard is not None:
            for offset, message in self._heard.incoming_midi_events():
                self._hear(self._map.time_ns(start + offset), bytes(message))
        for port in self._playing:
            port.play(start, frames, self._map.frame)

    def _set_period(self, frames: int) -> None:
        self._period_frames = frames

    def _shut_down(self, *_: object) -> None:
        self._lost.set()
        if self._on_lost is not None:
            self._on_lost()


class ExactOutput:
    """One stem's way to a port of a `JackExact`."""

    def __init__(self, name: str, client: JackExact, port: _Port) -> None:
        self._name = name
        self._client = client
        self._port = port

    @property
    def name(self) -> str:
        return self._name

    def listen(self, name: str, full_alias: str, hear: Hear) -> bool:
        """As `JackExact.listen`, on the client of this port."""
        return self._client.listen(name, full_alias, hear)

    @property
    def ahead_ns(self) -> int:
        return self._client.ahead_ns

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        """Lets a message wait for its frame; one without a time, or too late for it, goes out with the next period.

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
        self._port.forget(self)

    def close(self) -> None:
        self._client.close()


class _Port:
    """One JACK port and what waits for it: (time, order of coming, message, whose it is), the next one first.

    They wait by their times, not by their frames: where the server loses time, frames of times to come change, and a
    note's end must not overtake its beginning.
    """

    def __init__(self, port: Any, refusal: type[Exception]) -> None:
        self._port = port
        self._refusal = refusal
        self._waiting: list[tuple[int, int, bytes, ExactOutput]] = []
        self._count = 0
        # Held for microseconds only: JACK's thread would have to wait for the interpreter just as well.
        self._lock = threading.Lock()

    def add(self, at_ns: int, message: bytes, owner: ExactOutput) -> None:
        with self._lock:
            self._count += 1
            heapq.heappush(self._waiting, (at_ns, self._count, message, owner))

    def forget(self, owner: ExactOutput) -> None:
        """What would begin something is gone; what ends something goes out at once, whoever may still need it.

        Even the end of a note that never began does no harm, and without it one that did might sound on.
        """
        with self._lock:
            kept = []
            for at_ns, count, message, whose in self._waiting:
                if whose is not owner:
                    kept.append((at_ns, count, message, whose))
                elif at_ns == AT_ONCE or ends_something(message):
                    kept.append((AT_ONCE, count, message, whose))
            self._waiting = kept
            heapq.heapify(self._waiting)

    def play(self, start: int, frames: int, frame_of: Callable[[int], int]) -> None:
        """Writes what falls into the period that begins at `start`, and what is overdue at its first frame.

        `frame_of` tells the frame of a time.
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
                except self._refusal:  # the period's buffer is full: the rest goes out with the next
                    return
                heapq.heappop(self._waiting)


def open_exact(
    client_name: str, port_of: Mapping[str, str], on_lost: Callable[[], None] | None = None, library: Any = None
) -> dict[str, ExactOutput]:
    """An output for each stem in `port_of`, which says the name of its port; stems may share one.

    Raises:
        EngineFailed: as for `JackExact`.
    """
    names = list(dict.fromkeys(port_of.values()))
    client = JackExact(client_name, names, on_lost=on_lost, library=library)
    return {stem: client.output(name) for stem, name in port_of.items()}


def _nobody(at_ns: int, message: bytes) -> None:
    """Until there is a port that hears."""


def _library() -> Any:
    try:
        jack = importlib.import_module("jack")
    except ImportError as error:
        raise EngineFailed("midi_backend is jack-exact, but JACK-Client is not installed.", advice=INSTALL) from error
    except OSError as error:  # JACK-Client is here, libjack is not
        raise EngineFailed(
            f"midi_backend is jack-exact, but {error}.", advice="Install JACK, or set midi_backend to auto."
        ) from error
    jack.set_error_function(lambda _: None)  # a server that is not there is no news
    jack.set_info_function(lambda _: None)
    return jack
