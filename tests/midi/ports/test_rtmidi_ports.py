from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest

from bridge.errors import EngineFailed
from bridge.midi.ports.port_layout import PortLayout
from bridge.midi.ports.rtmidi_ports import BACKENDS, answering_backends, full_names, open_ports, quiet_stderr
from bridge.midi.ports.silent import SILENT
from bridge.model import Port
from bridge.stems import STEMS

NAMES = ["SAB Vocals", "SAB Drums", "SAB Bass", "SAB Other", "SAB Guitar", "SAB Piano"]


@dataclass
class FakeRtMidi:
    """The module rtmidi: which interfaces are built in, which answer, and what becomes of the ports."""

    built_in: Sequence[str]
    answering: Sequence[str]
    existing: Sequence[str] = ()
    """Ports of other programs; not empty: virtual ports are refused, as on Windows."""
    refuses: str = ""
    """The name of a port that cannot be opened."""
    log: list[tuple[object, ...]] = field(default_factory=list)

    def __getattr__(self, name: str) -> int:
        return [api for _, api in BACKENDS].index(name)

    def get_compiled_api(self) -> list[int]:
        return [getattr(self, dict(BACKENDS)[backend]) for backend in self.built_in]

    def MidiOut(self, api: int, name: str) -> Any:  # noqa: N802 - its name in rtmidi
        if BACKENDS[api][0] not in self.answering:
            os.write(2, b"jack server is not running or cannot be started\n")
            raise OSError("initialize: error creating client object")
        return SimpleNamespace(
            open_virtual_port=self._open_virtual,
            get_ports=lambda: list(self.existing),
            open_port=lambda number: self.log.append(("open", self.existing[number])),
            send_message=self._send,
            delete=lambda: self.log.append(("delete", name)),
        )

    def MidiIn(self, api: int, name: str) -> Any:  # noqa: N802 - its name in rtmidi
        del name
        if BACKENDS[api][0] not in self.answering:
            raise OSError("initialize: error creating client object")
        return SimpleNamespace(get_ports=lambda: list(self.existing), delete=lambda: None)

    def _open_virtual(self, name: str) -> None:
        if self.existing:
            raise NotImplementedError("Virtual ports are not supported by the Windows MultiMedia API.")
        if name == self.refuses:
            os.write(2, f"{name} already exists\n".encode())
            raise OSError("error creating port")
        self.log.append(("virtual", name))

    def _send(self, message: Sequence[int]) -> None:
        if self.refuses:
            raise OSError("error sending message")
        self.log.append(("send", *message))


@pytest.mark.parametrize(
    ("built_in", "answering", "chosen"),
    [
        (("alsa", "jack"), ("alsa", "jack"), "jack"),
        (("alsa", "jack"), ("alsa",), "alsa"),
        (("coremidi",), ("coremidi",), "coremidi"),
    ],
)
def test_jack_is_preferred_if_a_server_answers(built_in: Sequence[str], answering: Sequence[str], chosen: str) -> None:
    library = FakeRtMidi(built_in, answering)
    ports = open_ports(library=library)
    assert ports.status.backend == chosen
    assert ports.status.ports == tuple(Port(stem=stem, name=name) for stem, name in zip(STEMS, NAMES, strict=True))
    assert ports.status.message == ""
    assert library.log == [("virtual", name) for name in NAMES]


def test_messages_are_sent_unchanged_and_a_closed_port_is_deleted() -> None:
    library = FakeRtMidi(("jack",), ("jack",))
    output = open_ports(stems=("bass",), library=library).outputs["bass"]
    output.send(bytes((0x90, 40, 100)))
    output.close()
    assert library.log[1:] == [("send", 0x90, 40, 100), ("delete", "Source Audio Bridge")]


def test_without_a_back_end_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    ports = open_ports(library=FakeRtMidi(("alsa", "jack"), ()))
    assert ports.outputs == {}
    assert (ports.status.backend, ports.status.ports) == ("none", ())
    assert "JACK" in ports.status.message and "modprobe snd-seq" in ports.status.message


def test_a_back_end_that_opens_only_some_virtual_ports_is_closed_again() -> None:
    library = FakeRtMidi(("jack",), ("jack",), refuses="SAB Bass")
    status = open_ports(library=library).status
    assert status.backend == "none"
    assert status.message.startswith("JACK answers, but gives no port SAB Bass: SAB Bass already exists.")
    assert "midi_names" in status.message and "Start a JACK server" not in status.message
    assert library.log[:2] == [("virtual", "SAB Vocals"), ("virtual", "SAB Drums")]
    assert [entry[0] for entry in library.log[2:]] == ["delete"] * 3


def test_on_windows_the_ports_that_loopmidi_made_are_found_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    library = FakeRtMidi(("winmm",), ("winmm",), existing=("GS Wavetable 0", "SAB Drums 1", "SAB Bass 2"))
    ports = open_ports(stems=("vocals", "drums", "bass"), library=library)
    assert ports.status.ports == (Port(stem="drums", name="SAB Drums"), Port(stem="bass", name="SAB Bass"))
    assert ("open", "SAB Drums 1") in library.log and ("open", "SAB Bass 2") in library.log
    assert "SAB Vocals" in ports.status.message and "loopMIDI" in ports.status.message
    assert "SAB Drums" not in ports.status.message


def test_on_windows_without_any_of_them_there_is_no_back_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    status = open_ports(library=FakeRtMidi(("winmm",), ("winmm",), existing=("GS Wavetable 0",))).status
    assert status.backend == "none"
    assert "loopMIDI" in status.message and all(name in status.message for name in NAMES)


def test_a_port_that_takes_no_message_raises_an_error_with_its_name() -> None:
    library = FakeRtMidi(("jack",), ("jack",))
    output = open_ports(stems=("bass",), library=library).outputs["bass"]
    library.refuses = "everything"
    with pytest.raises(EngineFailed, match="SAB Bass"):
        output.send((0x80, 40, 64))


def test_a_missing_server_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    open_ports(library=FakeRtMidi(("alsa", "jack"), ()))
    assert capfd.readouterr().err == ""


def test_quiet_stderr_restores_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    with quiet_stderr():
        os.write(2, b"noise\n")
    os.write(2, b"news\n")
    assert capfd.readouterr().err == "news\n"


def test_each_back_end_is_asked_whether_it_answers() -> None:
    assert answering_backends(FakeRtMidi(("alsa", "jack"), ("alsa",))) == {"jack": False, "alsa": True}


def test_only_the_back_end_that_is_asked_for_is_tried() -> None:
    assert (
        open_ports(PortLayout(backend="alsa"), library=FakeRtMidi(("alsa", "jack"), ("alsa", "jack"))).status.backend
        == "alsa"
    )
    status = open_ports(PortLayout(backend="alsa"), library=FakeRtMidi(("alsa", "jack"), ("jack",))).status
    assert status.backend == "none"
    assert "alsa, which midi_backend asks for, does not answer" in status.message


def test_one_port_for_all_stems_is_opened_once_and_deleted_once() -> None:
    library = FakeRtMidi(("jack",), ("jack",))
    ports = open_ports(PortLayout(one_port=True), library=library)
    assert ports.status.ports[:2] == (
        Port(stem="vocals", name="SAB Stems", channel=1),
        Port(stem="drums", name="SAB Stems", channel=10),
    )
    ports.outputs["drums"].send((0x90, 36, 100))
    for output in ports.outputs.values():
        output.close()
    assert library.log == [("virtual", "SAB Stems"), ("send", 0x99, 36, 100), ("delete", "Source Audio Bridge")]


def test_on_windows_all_stems_can_go_to_a_loopback_that_is_there() -> None:
    loopback = "Default App Loopback (A)"
    library = FakeRtMidi(
        ("winmm",), ("winmm",), existing=("GS Wavetable 0", f"{loopback} 1", "Default App Loopback (B) 2")
    )
    ports = open_ports(PortLayout(one_port=True, names=loopback), library=library)
    assert {port.name for port in ports.status.ports} == {loopback}
    assert ("open", f"{loopback} 1") in library.log and ports.status.message == ""


def test_a_full_match_of_a_port_name_is_preferred_to_a_partial_one() -> None:
    existing = ("My SAB Bass 0", "SAB Bass 2 1", "SAB Bass 2")
    library = FakeRtMidi(("winmm",), ("winmm",), existing=existing)
    open_ports(stems=("bass",), library=library)
    assert ("open", "SAB Bass 2") in library.log


def test_full_names_are_those_that_other_programs_see() -> None:
    existing = ("Midi Through:Midi Through Port-0 14:0", "Source Audio Bridge:SAB Bass 128:0")
    library = FakeRtMidi(("alsa",), ("alsa",), existing=existing)
    assert full_names("alsa", ("SAB Bass", "SAB Drums"), library) == {"SAB Bass": existing[1]}
    assert full_names("coremidi", ("SAB Bass",), library) == {}
    assert full_names("jack", ("SAB Bass",), library, "Source Audio Bridge 2") == {
        "SAB Bass": "Source Audio Bridge 2:SAB Bass"
    }
    assert full_names("alsa", ("SAB Bass",), FakeRtMidi(("alsa",), ())) == {}


def test_silent_ports_accept_everything() -> None:
    ports = open_ports(PortLayout(backend=SILENT), library=FakeRtMidi((), ()))
    assert (ports.status.backend, list(ports.outputs)) == (SILENT, list(STEMS))
    for output in ports.outputs.values():
        output.send((0x90, 60, 100), 5)
        output.take_back()
        output.close()
