"""Tests of messages of a part whose notes become known little by little, against those of its file."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Bend, Note
from bridge.request import Bends
from bridge.smf.live_messages import LiveMessages
from bridge.smf.reading import read_midi
from bridge.smf.ticks import NoteTicks, notes_in_ticks
from bridge.smf.writing import midi_file
from tests.support.notes import note, note_lists

Message = tuple[float, bytes]

cuts = st.lists(st.floats(0.001, 12), max_size=8)
tempi = st.floats(20, 400)


def live(
    notes: Sequence[Note], until: Sequence[float], *, stem: str = "vocals", tempo: float = 120.0, bends: Bends = "none"
) -> list[Message]:
    """The messages of a stream of notes that is known up to these seconds, one after another, and then to its end."""
    part, found, before = LiveMessages(stem, tempo, bends), list[Message](), 0.0
    for horizon in sorted(until):
        known = [one for one in notes if one.onset_seconds < horizon and one.offset_seconds >= before]
        found += part.up_to([_so_far(one, horizon) for one in known], horizon)
        before = horizon
    return found + part.up_to([one for one in notes if one.offset_seconds >= before], 1e6, is_last=True)


def _so_far(one: Note, horizon: float) -> Note:
    """What a stream says of a note that sounds at its horizon: it ends later, and its later bends are not known."""
    if one.offset_seconds < horizon:
        return one
    bends = tuple(bend for bend in one.bends if bend.time_seconds < horizon)
    return msgspec.structs.replace(one, offset_seconds=horizon, bends=bends)


def of_file(
    notes: Sequence[Note], *, stem: str = "vocals", tempo: float = 120.0, bends: Bends = "none"
) -> list[Message]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.mid")
        path.write_bytes(midi_file({stem: notes}, seconds=20.0, tempo_bpm=tempo, bends=bends))
        return [(message.seconds, message.data) for message in read_midi(path).messages]


def assert_same(found: Sequence[Message], expected: Sequence[Message]) -> None:
    assert [data.hex() for _, data in found] == [data.hex() for _, data in expected]
    assert [at for at, _ in found] == pytest.approx([at for at, _ in expected], abs=1e-6)


@given(note_lists(overlapping=False), cuts, tempi, st.sampled_from(("vocals", "drums", "other")))
def test_wherever_it_is_cut_its_messages_are_those_of_the_file(
    notes: list[Note], until: list[float], tempo: float, stem: str
) -> None:
    assert_same(live(notes, until, stem=stem, tempo=tempo), of_file(notes, stem=stem, tempo=tempo))


@given(note_lists(overlapping=False), cuts, tempi)
def test_with_mpe_every_note_has_the_channel_that_it_has_in_the_file(
    notes: list[Note], until: list[float], tempo: float
) -> None:
    assert_same(live(notes, until, tempo=tempo, bends="mpe"), of_file(notes, tempo=tempo, bends="mpe"))


#: Chords of up to eighteen, more than there are channels, some of whose notes are held while others come and go.
crowds = st.lists(
    st.tuples(st.integers(0, 7), st.integers(1, 5), st.integers(40, 57)),
    max_size=40,
    unique_by=lambda one: (one[0], one[2]),
).map(lambda crowd: [note(on / 2, on / 2 + length / 2, pitch) for on, length, pitch in sorted(crowd)])


@given(crowds, cuts)
def test_with_mpe_more_notes_than_channels_share_them_as_in_the_file(notes: list[Note], until: list[float]) -> None:
    assert_same(live(notes, until, bends="mpe"), of_file(notes, bends="mpe"))


@pytest.mark.parametrize("bends", ["none", "single", "mpe"])
def test_a_piece_of_a_long_part_takes_no_longer_than_one_of_a_short_part(
    bends: Bends, monkeypatch: pytest.MonkeyPatch
) -> None:
    worked_on: list[int] = []

    def counted(notes: Sequence[Note], quarter: int) -> list[NoteTicks]:
        worked_on.append(len(notes))
        return notes_in_ticks(notes, quarter)

    monkeypatch.setattr("bridge.smf.live_messages.notes_in_ticks", counted)
    notes = [note(second + 0.1, second + 0.9, 60 + second % 7) for second in range(100)]
    live(notes, range(4, 100, 4), bends=bends)
    assert max(worked_on) <= 8


@given(note_lists(overlapping=False), cuts)
def test_messages_come_in_order_and_never_from_before_the_last_horizon(notes: list[Note], until: list[float]) -> None:
    found = live(notes, until, bends="single")
    assert [at for at, _ in found] == sorted(at for at, _ in found)


@given(note_lists(), cuts)
def test_every_note_that_starts_ends_before_its_pitch_starts_again(notes: list[Note], until: list[float]) -> None:
    sounding: set[int] = set()
    for _, data in live(notes, until):
        if data[0] & 0xF0 == 0x90:
            assert data[1] not in sounding
            sounding.add(data[1])
        else:
            sounding.remove(data[1])
    assert not sounding


def bent(*points: tuple[float, float]) -> tuple[Bend, ...]:
    """Bends by second and semitones."""
    return tuple(Bend(time_seconds=at, semitones=semitones) for at, semitones in points)


LINE = [
    note(0.5, 2.0, 60, bends=bent((0.5, 0.1), (1.0, -0.3), (1.5, 0.2))),
    note(2.0, 3.0, 62),
    note(3.5, 6.0, 64, bends=bent((3.5, 0.5), (4.0, 0.4), (5.0, 0.1))),
]


@given(cuts)
def test_the_bends_of_a_line_are_those_of_the_file(until: list[float]) -> None:
    assert_same(live(LINE, until, bends="single"), of_file(LINE, bends="single"))


def test_a_bent_note_that_turns_out_to_sound_with_another_is_straightened() -> None:
    notes = [note(0.0, 4.0, 60, bends=bent((0.0, 0.5), (1.0, 0.25), (3.0, -0.5))), note(2.5, 3.5, 67)]
    wheel = [(round(at, 2), data.hex()) for at, data in live(notes, [2.0], bends="single") if data[0] & 0xF0 == 0xE0]
    assert wheel == [(0.0, "e00050"), (1.0, "e00048"), (2.0, "e00040")]
    assert not [data for _, data in of_file(notes, bends="single") if data[0] & 0xF0 == 0xE0]


def test_the_bend_range_is_set_before_the_first_bend_is_known() -> None:
    plain = [note(1.0, 2.0, 60)]
    settings = [data.hex() for at, data in live(plain, [0.001, 0.5], bends="single") if data[0] == 0xB0]
    expected = [data.hex() for _, data in of_file(LINE, bends="single") if data[0] == 0xB0]
    assert settings == expected
    assert not [data for _, data in live(plain, [0.5]) if data[0] == 0xB0]
