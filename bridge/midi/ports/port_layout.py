"""The MIDI ports to open, their names, and the channel of each stem: pure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.midi.schedule import CHANNELS
from bridge.protocols import MidiOutput
from bridge.stems import STEM_TABLE, STEMS
from bridge.value import Value

if TYPE_CHECKING:  # the player does not load the settings: its ports open earlier
    from bridge.config import Settings

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
            folder=str(settings.own_folder) if settings.port else "",
            is_guest=is_guest,
        )

    @property
    def own_folder(self) -> Path | None:
        """The state folder, if what the ports leave there is the bridge's own; None for a guest."""
        return Path(self.folder) if self.folder and not self.is_guest else None

    def name(self, stem: str) -> str:
        """The port that plays a stem: `vocals` → `SAB Vocals`."""
        return self.names.replace("{stem}", ALL_STEMS if self.one_port else STEM_TABLE[stem].label)

    def port_names(self, stems: Sequence[str] = STEMS) -> list[str]:
        """The ports to open for these stems, in their order."""
        return list(dict.fromkeys(map(self.name, stems)))

    def channel(self, stem: str) -> int | None:
        """Counted from 0; None if the stem has its own port, and so all channels."""
        return STEM_TABLE[stem].channel if self.one_port else None


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
