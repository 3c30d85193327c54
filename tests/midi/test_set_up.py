"""How the notes are to be read – bend range, MPE's zone – is said once for each connection, as far as that is known."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest

from bridge.midi.messages import Command, Finished, Panic, Play
from bridge.midi.output import Connected
from bridge.midi.schedule import schedule
from bridge.model import Bend
from bridge.smf.reading import read_schedule
from bridge.smf.writing import midi_file
from tests.midi.stage import Stage
from tests.test_smf import note

ZONE = (b"\xb0\x65\x00", b"\xb0\x64\x06", b"\xb0\x06\x0f")
WIDER = (b"\xb0\x65\x00", b"\xb0\x64\x00", b"\xb0\x06\x18")
ON, OFF = b"\x91\x3c\x64", b"\x81\x3c\x40"
PORT = "SAB Bass"


def part(*set_up: bytes, stem: str = "bass", seconds: float = 0.5) -> Play:
    pairs = [*((0.0, data) for data in set_up), (0.0, ON), (seconds, OFF)]
    return Play(schedules=(schedule("job", stem, pairs),))


def heard(*script: tuple[float, Command | Connected], tells_connections: bool = True) -> list[bytes]:
    stage = Stage()
    stage.tells_connections = tells_connections
    stage.perform(*script)
    return [bytes(message) for message in stage.outputs["bass"].sent]


def test_it_comes_before_the_music_and_not_again_with_the_next_play() -> None:
    assert heard((0.0, part(*ZONE)), (2.0, part(*ZONE))) == [*ZONE, ON, OFF, ON, OFF]


def test_where_nobody_tells_of_connections_each_play_says_it() -> None:
    assert heard((0.0, part(*ZONE)), (2.0, part(*ZONE)), tells_connections=False) == [*ZONE, ON, OFF] * 2


def test_another_one_is_said() -> None:
    assert heard((0.0, part(*ZONE)), (2.0, part(*WIDER)), (4.0, part(*ZONE))) == [
        *ZONE, ON, OFF, *WIDER, ON, OFF, *ZONE, ON, OFF,
    ]  # fmt: skip


def test_who_connects_in_the_middle_is_told_at_once_and_who_connects_before_with_the_play() -> None:
    new = Connected(PORT)
    assert heard((0.0, part(*ZONE)), (0.3, new)) == [*ZONE, ON, *ZONE, OFF]
    assert heard((0.0, part(*ZONE)), (1.0, new), (2.0, part(*ZONE))) == [*ZONE, ON, OFF, *ZONE, ON, OFF]
    assert heard((0.0, new), (1.0, part(*ZONE))) == [*ZONE, ON, OFF]


def test_a_connection_to_another_port_changes_nothing() -> None:
    assert heard((0.0, part(*ZONE)), (0.3, Connected("SAB Vocals"))) == [*ZONE, ON, OFF]


def test_after_a_panic_it_is_said_again() -> None:
    sent = heard((0.0, part(*ZONE)), (2.0, Panic()), (3.0, part(*ZONE)))
    assert sent[-5:] == [*ZONE, ON, OFF]


def test_a_port_that_breaks_while_it_is_told_fails_the_play_and_nothing_else() -> None:
    stage = Stage()
    stage.tells_connections = True
    stage.outputs["bass"].breaks_after = 1
    stage.perform((0.0, part(*ZONE)), (0.1, part(stem="vocals")))
    outcomes = {report.stem: report.outcome for report in stage.reports if isinstance(report, Finished)}
    assert outcomes == {"bass": "failed", "vocals": "finished"}


@pytest.mark.parametrize("bends", ["single", "mpe"])
def test_all_that_our_files_set_is_said_before_the_first_note(tmp_path: Path, bends: Literal["single", "mpe"]) -> None:
    bent = note(0.0, 0.5, 60, bends=(Bend(time_seconds=0.1, semitones=0.5),))
    (tmp_path / "a.mid").write_bytes(midi_file({"other": [bent]}, seconds=1.0, tempo_bpm=20.0, bends=bends))
    built = schedule("job", "other", [(one.seconds, one.data) for one in read_schedule(tmp_path / "a.mid")])
    assert built.set_up
    assert not any(message.data[0] & 0xF0 == 0xB0 for message in built.messages)
