"""The notes that a killed player left sounding are ended, however late connections are restored, and nothing is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.midi.player.leftover_notes import POLL_NS, SEND_SECONDS, TIMES_PER_CONNECTION, WATCH_NS
from bridge.midi.player.loop import LEAD_NS
from bridge.midi.player.messages import Play, Silenced, Stop
from bridge.midi.player.unended_notes import FILE_NAME, UnendedNotes, endings_by_stem
from bridge.midi.schedule import SILENCE, TimedBytes, endings_of, schedule
from tests.support.stage import SECOND, PlayerHarness, hanging

ON, OFF = bytes.fromhex("903c5a"), bytes.fromhex("803c40")
BENT, CENTRE = bytes.fromhex("e00050"), bytes.fromhex("e00040")
ENDS = {"vocals": (OFF, CENTRE)}
LEAD = LEAD_NS / SECOND


def test_each_note_is_ended_as_often_as_it_may_sound_simultaneously() -> None:
    # note 60 twice at once, then once more alone; bend and pedal, which are let go of again; note 64 on channel 2
    sent = "903c5a 903c5a e00050 b0407f 803c40 803c40 903c5a 803c40 e00040 b04000 914064 814000"
    left = endings_of(TimedBytes(float(at), bytes.fromhex(data)) for at, data in enumerate(sent.split()))
    assert [data.hex() for data in left] == ["803c40", "803c40", "814040", "b04000", "e00040"]
    assert endings_of(()) == ()


def test_without_a_list_of_connections_the_endings_are_sent_at_fixed_times() -> None:
    harness = PlayerHarness(leftovers=ENDS)
    harness.run((100.0, Stop()))
    assert harness.outputs["vocals"].sent == [tuple(OFF), tuple(CENTRE)] * len(SEND_SECONDS)
    assert harness.seconds("vocals")[::2] == pytest.approx(SEND_SECONDS, abs=0.001)
    assert harness.outputs["bass"].sent == []
    assert harness.reports[-1] == Silenced()


def test_the_endings_are_sent_twice_to_each_new_connection_only() -> None:
    harness = PlayerHarness(leftovers=ENDS)
    vocals, bass = ("SAB Vocals", "daw:in 1"), ("SAB Bass", "daw:in 2")
    harness.connections = [
        (3.1, {vocals, bass}),
        (5.0, {bass}),
        (7.0, {vocals, bass}),
        (500.0, set()),
        (501.0, {vocals}),
    ]
    harness.run((600.0, Stop()))
    assert harness.outputs["vocals"].sent == [tuple(OFF), tuple(CENTRE)] * 2 * TIMES_PER_CONNECTION
    first, _, second, _, again, *_ = harness.seconds("vocals")
    assert second == pytest.approx(first + POLL_NS / SECOND, abs=0.001)
    assert 3.1 <= first <= 3.1 + POLL_NS / SECOND + 0.001
    assert 7.0 <= again <= 7.0 + POLL_NS / SECOND + 0.001
    assert Silenced() in harness.reports and WATCH_NS < 500 * SECOND


def test_the_endings_wait_until_the_ports_are_open() -> None:
    harness = PlayerHarness(leftovers=ENDS)
    harness.answers_from = 2
    harness.run((100.0, Stop()))
    assert harness.outputs["vocals"].sent[:2] == [tuple(OFF), tuple(CENTRE)]


def test_a_note_that_plays_again_is_not_cut_and_is_ended_once_more_after_its_end() -> None:
    harness = PlayerHarness(leftovers=ENDS)
    harness.connections = [(2.5, {("SAB Vocals", "daw:in")})]
    music = schedule("job", "vocals", [(0.0, ON), (3.0, OFF), (3.0, BENT), (4.0, CENTRE)])
    harness.run((1.0, Play(schedules=(music,))), (9.0, Stop()))
    sent = list(zip(harness.seconds("vocals"), harness.outputs["vocals"].sent, strict=True))
    assert [data for _, data in sent] == [tuple(data) for data in (ON, CENTRE, CENTRE, OFF, BENT, CENTRE, OFF)]
    assert sent[3][0] == pytest.approx(1.0 + LEAD + 3.0, abs=0.001)


def test_listing_the_connections_delays_no_note() -> None:
    harness = PlayerHarness(leftovers=ENDS)
    harness.connections = [(0.0, set())]
    harness.look_ns = 1_000_000
    music = schedule("job", "vocals", [(at / 100, data) for at in range(300) for data in (ON, OFF)])
    harness.run((0.5, Play(schedules=(music,))), (9.0, Stop()))
    due = [0.5 + LEAD + at / 100 for at in range(300) for _ in (ON, OFF)]
    assert harness.seconds("vocals") == pytest.approx(due, abs=0.0002)


def test_unended_notes_are_stored_for_the_next_player_and_the_next_bridge(
    tmp_path: Path,
) -> None:
    drone = schedule("job", "bass", [(0.0, ON), (9.0, OFF)])
    unended = UnendedNotes(tmp_path / "9720")
    unended.load()
    assert unended.leftovers == {}
    playing = unended.add(endings_by_stem((drone,)))
    unended.write(playing)
    after_a_crash = UnendedNotes(tmp_path / "9720")
    after_a_crash.load()
    assert after_a_crash.leftovers == {"bass": (OFF,)}
    after_a_crash.clear_leftovers()
    assert list((tmp_path / "9720").iterdir()) == [] and after_a_crash.leftovers == {}
    unended.write(playing)
    unended.player_died()
    assert unended.leftovers == {"bass": (OFF,)}
    unended.add(endings_by_stem((drone,)))
    unended.ended("job", "bass")
    assert (tmp_path / "9720" / FILE_NAME).exists()  # the leftovers of the first player have not been ended
    unended.clear_leftovers()
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
def test_a_damaged_file_of_unended_notes_silences_everything(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE_NAME).write_bytes(content)
    unended = UnendedNotes(tmp_path)
    unended.load()
    assert unended.leftovers["bass"] == SILENCE and len(unended.leftovers) == 6
    assert hanging([ON, *SILENCE]) == ["note 60 on channel 0"]  # no Note Off is among them: controllers end it


def test_an_unwritable_folder_raises_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    unended = UnendedNotes(tmp_path / "file")
    unended.write(unended.add(endings_by_stem((schedule("job", "bass", [(0.0, ON)]),))))
    unended.close()
