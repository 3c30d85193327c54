"""What a killed player left sounding is ended, however late its listeners come back, and nothing that plays is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.midi.player.leftover_notes import LISTEN_NS, LOOK_NS, SAID_SECONDS, TIMES
from bridge.midi.player.loop import LEAD_NS
from bridge.midi.player.messages import Play, Silence, Silenced, Stop
from bridge.midi.player.unended_notes import FILE_NAME, UnendedNotes, ending_messages
from bridge.midi.schedule import SILENCE, TimedBytes, may_leave, schedule
from tests.support.stage import SECOND, Stage, hanging

ON, OFF = bytes.fromhex("903c5a"), bytes.fromhex("803c40")
BENT, CENTRE = bytes.fromhex("e00050"), bytes.fromhex("e00040")
ENDS = Silence(ends={"vocals": (OFF, CENTRE)})
LEAD = LEAD_NS / SECOND


def test_what_may_be_left_is_ended_as_often_as_it_may_sound_at_once() -> None:
    # note 60 twice at once, then once more alone; bend and pedal, which are let go of again; note 64 on channel 2
    sent = "903c5a 903c5a e00050 b0407f 803c40 803c40 903c5a 803c40 e00040 b04000 914064 814000"
    left = may_leave(TimedBytes(float(at), bytes.fromhex(data)) for at, data in enumerate(sent.split()))
    assert [data.hex() for data in left] == ["803c40", "803c40", "814040", "b04000", "e00040"]
    assert may_leave(()) == ()


def test_where_nobody_can_be_asked_who_listens_it_is_said_several_times_and_then_no_more() -> None:
    stage = Stage()
    stage.perform((0.0, ENDS), (100.0, Stop()))
    assert stage.outputs["vocals"].sent == [tuple(OFF), tuple(CENTRE)] * len(SAID_SECONDS)
    assert stage.seconds("vocals")[::2] == pytest.approx(SAID_SECONDS, abs=0.001)
    assert stage.outputs["bass"].sent == []
    assert stage.reports[-1] == Silenced()


def test_each_new_listener_is_told_twice_and_nobody_else() -> None:
    stage = Stage()
    vocals, bass = ("SAB Vocals", "daw:in 1"), ("SAB Bass", "daw:in 2")
    stage.connections = [(3.1, {vocals, bass}), (5.0, {bass}), (7.0, {vocals, bass}), (500.0, set()), (501.0, {vocals})]
    stage.perform((0.0, ENDS), (600.0, Stop()))
    assert stage.outputs["vocals"].sent == [tuple(OFF), tuple(CENTRE)] * 2 * TIMES
    first, _, second, _, again, *_ = stage.seconds("vocals")
    assert second == pytest.approx(first + LOOK_NS / SECOND, abs=0.001)
    assert 3.1 <= first <= 3.1 + LOOK_NS / SECOND + 0.001
    assert 7.0 <= again <= 7.0 + LOOK_NS / SECOND + 0.001
    assert Silenced() in stage.reports and LISTEN_NS < 500 * SECOND


def test_it_waits_for_ports() -> None:
    stage = Stage()
    stage.answers_from = 2
    stage.perform((0.0, ENDS), (100.0, Stop()))
    assert stage.outputs["vocals"].sent[:2] == [tuple(OFF), tuple(CENTRE)]


def test_a_note_that_plays_again_is_not_cut_and_is_ended_once_more_after_its_end() -> None:
    stage = Stage()
    stage.connections = [(2.5, {("SAB Vocals", "daw:in")})]
    music = schedule("job", "vocals", [(0.0, ON), (3.0, OFF), (3.0, BENT), (4.0, CENTRE)])
    stage.perform((0.0, ENDS), (1.0, Play(schedules=(music,))), (9.0, Stop()))
    sent = list(zip(stage.seconds("vocals"), stage.outputs["vocals"].sent, strict=True))
    assert [data for _, data in sent] == [tuple(data) for data in (ON, CENTRE, CENTRE, OFF, BENT, CENTRE, OFF)]
    assert sent[3][0] == pytest.approx(1.0 + LEAD + 3.0, abs=0.001)


def test_a_look_at_who_listens_makes_no_note_late() -> None:
    stage = Stage()
    stage.connections = [(0.0, set())]
    stage.look_ns = 1_000_000
    music = schedule("job", "vocals", [(at / 100, data) for at in range(300) for data in (ON, OFF)])
    stage.perform((0.0, ENDS), (0.5, Play(schedules=(music,))), (9.0, Stop()))
    due = [0.5 + LEAD + at / 100 for at in range(300) for _ in (ON, OFF)]
    assert stage.seconds("vocals") == pytest.approx(due, abs=0.0002)


def test_what_played_is_kept_for_the_next_player_and_the_next_bridge_and_a_clean_end_leaves_nothing(
    tmp_path: Path,
) -> None:
    drone = schedule("job", "bass", [(0.0, ON), (9.0, OFF)])
    unended = UnendedNotes(tmp_path / "9720")
    unended.load()
    assert unended.left == {}
    playing = unended.begins(ending_messages((drone,)))
    unended.write(playing)
    after_a_crash = UnendedNotes(tmp_path / "9720")
    after_a_crash.load()
    assert after_a_crash.left == {"bass": (OFF,)}
    after_a_crash.told()
    assert list((tmp_path / "9720").iterdir()) == [] and after_a_crash.left == {}
    unended.write(playing)
    unended.lost()
    assert unended.left == {"bass": (OFF,)}
    unended.begins(ending_messages((drone,)))
    unended.ended("job", "bass")
    assert (tmp_path / "9720" / FILE_NAME).exists()  # what the first one left has not been told
    unended.told()
    assert not (tmp_path / "9720" / FILE_NAME).exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"bass": ["kDxa"]}',
        b'{"bass": ["gDw="]}',
        b'{"kazoo": []}',
        b'{"bass": ["gDz/"]}',
    ],
)
def test_a_damaged_note_of_what_sounded_silences_everything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    unended = UnendedNotes(tmp_path)
    unended.load()
    assert unended.left["bass"] == SILENCE and len(unended.left) == 6
    assert hanging([ON, *SILENCE]) == ["note 60 on channel 0"]  # no Note Off is among them: controllers end it


def test_a_folder_that_cannot_be_written_is_no_reason_not_to_play(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unended = UnendedNotes(tmp_path / "file")
    unended.write(unended.begins(ending_messages((schedule("job", "bass", [(0.0, ON)]),))))
    unended.close()
