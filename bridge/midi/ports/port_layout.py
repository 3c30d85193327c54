"""The MIDI ports to open, their names, and the channel of each stem: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from bridge.config import Settings
from bridge.midi.schedule import CHANNELS
from bridge.protocols import MidiOutput
from bridge.stems import STEMS
from bridge.value import Value

#: Environment variable of the player's process: a layout as JSON, since a process that starts has no other input yet.
VARIABLE = "SAB_PLAYER_PORTS"
#: A channel, counted from 0: General MIDI's drums are on the channel that users call 10.
DRUM_CHANNEL = 9
#: The name of the port shared by all stems, in place of the stem in the template.
ALL_STEMS = "Stems"
#: Status bytes from here on belong to no channel (MIDI 1.0, table I).
SYSTEM = 0xF0


class PortLayout(Value, frozen=True, kw_only=True):
    """The settings by which the ports are opened."""

    backend: str = "auto"
    """One of `config.MIDI_BACKENDS`."""
    one_port: bool = False
    """True: all stems on one port, each on its own channel."""
    names: str = "SAB {stem}"
    """As `Settings.midi_names`."""
    folder: str = ""
    """State folder of the bridge on one OSC port; empty if there is none."""
    is_guest: bool = False
    """Opened for a moment by a command, beside a bridge or before one: takes no bridge's name."""

    @classmethod
    def of(cls, settings: Settings, *, is_guest: bool = False) -> PortLayout:
        return cls(
            backend=settings.midi_backend,
            one_port=settings.midi_ports == "one",
            names=settings.midi_names,
            folder=str(settings.state_dir / str(settings.port)) if settings.port else "",
            is_guest=is_guest,
        )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> PortLayout:
        """The layout that the parent process passed by `environment()`; the default if it passed none."""
        text = environment.get(VARIABLE)
        return msgspec.json.decode(text, type=cls) if text else cls()

    def environment(self) -> dict[str, str]:
        """The environment variable for the process that opens the ports."""
        return {VARIABLE: msgspec.json.encode(self).decode()}

    def name(self, stem: str) -> str:
        """The port that plays a stem: `vocals` → `SAB Vocals`."""
        return self.names.replace("{stem}", ALL_STEMS if self.one_port else stem.capitalize())

    def port_names(self, stems: Sequence[str] = STEMS) -> list[str]:
        """The ports to open for these stems, in their order."""
        return list(dict.fromkeys(map(self.name, stems)))

    def channel(self, stem: str) -> int | None:
        """Counted from 0; None if the stem has its own port, and so all channels.

        Drums are on General MIDI's drum channel; the others count from 0 in the order of `STEMS`, whatever stems a job
        has.
        """
        if not self.one_port:
            return None
        return DRUM_CHANNEL if stem == "drums" else [name for name in STEMS if name != "drums"].index(stem)


class ChannelOutput:
    """One channel of a port that several stems share: every message is sent on this channel."""

    def __init__(self, output: MidiOutput, channel: int) -> None:
        assert channel in CHANNELS
        self._output = output
        self._channel = channel

    @property
    def shared(self) -> MidiOutput:
        """The shared port."""
        return self._output

    @property
    def name(self) -> str:
        return self._output.name

    @property
    def ahead_ns(self) -> int:
        return self._output.ahead_ns

    def send(self, message: Sequence[int], at_ns: int | None = None) -> None:
        if message[0] < SYSTEM:
            message = bytes((message[0] & 0xF0 | self._channel, *message[1:]))
        self._output.send(message, at_ns)

    def take_back(self) -> None:
        self._output.take_back()

    def close(self) -> None:
        self._output.close()
