"""Which MIDI ports there are to be, what they are called, and on which channel of them a stem is played: pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from bridge.config import Settings
from bridge.midi.schedule import CHANNELS
from bridge.model import STEMS, Value
from bridge.protocols import MidiOutput

#: Of the player's process; holds a layout as JSON, since a process that starts knows nothing else yet.
VARIABLE = "SAB_PLAYER_PORTS"
#: Channels, from 0: General MIDI's drums are on the one that people call 10.
DRUM_CHANNEL = 9
#: What the one port of all stems is called where the template asks for a stem.
ALL_STEMS = "Stems"
#: From here on a status byte belongs to no channel (MIDI 1.0, table I).
SYSTEM = 0xF0


class PortLayout(Value, frozen=True, kw_only=True):
    """The settings that the ports are opened by."""

    backend: str = "auto"
    """One of `config.MIDI_BACKENDS`."""
    one_port: bool = False
    """True: all stems on one port, each on its own channel."""
    names: str = "SAB {stem}"
    """As `Settings.midi_names`."""
    folder: str = ""
    """What belongs to the bridge on one OSC port; empty where none does."""
    is_guest: bool = False
    """Opened for a moment by a command, beside bridges or before them: takes no bridge's name."""

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
        """What `environment()` of the process that started this one said; the default where it said nothing."""
        text = environment.get(VARIABLE)
        return msgspec.json.decode(text, type=cls) if text else cls()

    def environment(self) -> dict[str, str]:
        """For the process that is to open the ports."""
        return {VARIABLE: msgspec.json.encode(self).decode()}

    def name(self, stem: str) -> str:
        """The port that plays a stem: `vocals` → `SAB Vocals`."""
        return self.names.replace("{stem}", ALL_STEMS if self.one_port else stem.capitalize())

    def port_names(self, stems: Sequence[str] = STEMS) -> list[str]:
        """The ports to open for these stems, in their order."""
        return list(dict.fromkeys(map(self.name, stems)))

    def channel(self, stem: str) -> int | None:
        """From 0; None where the stem has a port of its own, and so all channels.

        Drums are where General MIDI has them; the others count from 0 in the order of `STEMS`, whatever a job has.
        """
        if not self.one_port:
            return None
        return DRUM_CHANNEL if stem == "drums" else [name for name in STEMS if name != "drums"].index(stem)


class ChannelOutput:
    """One channel of a port that several stems share: whatever channel a message is for, it goes out on this one."""

    def __init__(self, output: MidiOutput, channel: int) -> None:
        assert channel in CHANNELS
        self._output = output
        self._channel = channel

    @property
    def shared(self) -> MidiOutput:
        """The port itself."""
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
