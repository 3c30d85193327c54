from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import load_settings
from bridge.errors import BadArguments
from bridge.midi.player.messages import PlayerSettings
from bridge.midi.ports.port_layout import ChannelOutput, PortLayout
from bridge.stems import STEMS
from tests.support.fakes import RecordingOutput


def test_by_default_each_stem_has_a_port_and_all_its_channels() -> None:
    layout = PortLayout.of(load_settings({}))
    assert layout.port_names() == ["SAB Vocals", "SAB Drums", "SAB Bass", "SAB Other", "SAB Guitar", "SAB Piano"]
    assert {layout.channel(stem) for stem in STEMS} == {None}


def test_one_port_has_the_drums_on_channel_10_and_the_others_counted_from_1() -> None:
    layout = PortLayout.of(load_settings({"SAB_MIDI_PORTS": "one"}))
    assert layout.port_names() == ["SAB Stems"]
    channels = {stem: channel + 1 for stem in STEMS if (channel := layout.channel(stem)) is not None}
    assert channels == {"vocals": 1, "drums": 10, "bass": 2, "other": 3, "guitar": 4, "piano": 5}


def test_names_come_from_the_settings() -> None:
    layout = PortLayout.of(load_settings({"SAB_MIDI_NAMES": "{stem} from the bridge"}))
    assert layout.name("bass") == "Bass from the bridge"
    loopback = {"SAB_MIDI_PORTS": "one", "SAB_MIDI_NAMES": "Default App Loopback (A)"}
    assert PortLayout.of(load_settings(loopback)).port_names() == ["Default App Loopback (A)"]


@pytest.mark.parametrize(
    "environment",
    [
        {"SAB_MIDI_NAMES": "all alike"},
        {"SAB_MIDI_NAMES": "{stem} {stem}"},
        {"SAB_MIDI_NAMES": "{song} {stem}"},
        {"SAB_MIDI_NAMES": "SAB:{stem}"},
        {"SAB_MIDI_NAMES": " {stem}"},
        {"SAB_MIDI_NAMES": "SAB\n{stem}"},
        {"SAB_MIDI_NAMES": "a name that is much too long {stem}"},
        {"SAB_MIDI_PORTS": "two"},
        {"SAB_MIDI_BACKEND": "oss"},
        {"SAB_MIDI_OFFSETS_MS": "vocals=1001"},
        {"SAB_MIDI_OFFSETS_MS": "vocals=nan"},
        {"SAB_MIDI_OFFSETS_MS": "voice=1"},
        {"SAB_MIDI_OFFSETS_MS": "vocals"},
    ],
    ids=str,
)
def test_settings_that_make_no_ports_are_refused(environment: dict[str, str]) -> None:
    with pytest.raises(BadArguments, match="midi_"):
        load_settings(environment)


def test_offsets_are_read_from_the_environment() -> None:
    settings = load_settings({"SAB_MIDI_OFFSETS_MS": "vocals=2.5, drums=-10"})
    assert settings.midi_offsets_ms == {"vocals": 2.5, "drums": -10.0}


@given(st.builds(PortLayout, backend=st.text(), one_port=st.booleans(), names=st.text()))
def test_a_layout_reaches_the_process_that_opens_the_ports(layout: PortLayout) -> None:
    sent = msgspec.msgpack.encode(PlayerSettings(layout=layout))
    assert msgspec.msgpack.decode(sent, type=PlayerSettings).layout == layout


def test_only_a_bridge_on_a_port_has_a_folder_of_its_own() -> None:
    settings = load_settings({"SAB_STATE_DIR": "/s", "SAB_PORT": "9720"})
    assert PortLayout.of(settings).own_folder == Path("/s/9720")
    assert PortLayout.of(settings, is_guest=True).own_folder is None
    assert PortLayout().own_folder is None


def test_a_channel_output_changes_the_channel_of_every_channel_message() -> None:
    port = RecordingOutput("SAB Stems", ahead_ns=5)
    output = ChannelOutput(port, 9)
    for message in (b"\x90\x24\x64", b"\xe3\x00\x40", b"\x8f\x24\x40", b"\xc1\x05", b"\xf8"):
        output.send(message)
    output.take_back()
    # 99: note on, channel 10;  e9: bend;  89: note off;  c9: program;  f8: a clock tick has no channel
    assert port.sent == [(0x99, 0x24, 0x64), (0xE9, 0x00, 0x40), (0x89, 0x24, 0x40), (0xC9, 0x05), (0xF8,)]
    assert (output.name, output.ahead_ns, port.taken_back) == ("SAB Stems", 5, 1)
    output.close()
    assert port.closed
