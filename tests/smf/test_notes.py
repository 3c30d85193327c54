"""Notes read from MIDI files, ours and those of other programs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import NotReadable
from bridge.model import Bend, Chord, Note, TempoPoint
from bridge.smf import notes as notes_module
from bridge.smf.notes import notes_of_file
from bridge.smf.reading import read_midi
from bridge.smf.writing import midi_file
from tests.support.midi_files import midi_file as bare_file

NOTES = (
    Note(onset_seconds=0.5, offset_seconds=1.0, pitch=40, velocity=90),
    Note(
        onset_seconds=1.5, offset_seconds=2.5, pitch=47, velocity=64,
        bends=(Bend(time_seconds=1.5, semitones=0.5), Bend(time_seconds=2.0, semitones=-1.0)),
    ),
)  # fmt: skip
HITS = (Note(onset_seconds=0.0, offset_seconds=0.1, pitch=36, velocity=127),)


def written(path: Path, **how: object) -> Path:
    path.write_bytes(midi_file({"bass": NOTES, "drums": HITS}, seconds=4.0, **how))  # type: ignore[arg-type]
    return path


def test_what_the_bridge_writes_is_read_back(tmp_path: Path) -> None:
    chords = (Chord(start_seconds=0.0, end_seconds=2.0, name="Em"),)
    found = notes_of_file(written(tmp_path / "a.mid", tempo_bpm=100.0, metre=(3, 4), beat=1.0, chords=chords))
    assert list(found.parts) == ["bass", "drums"]
    first, second = found.parts["bass"]
    assert (first.pitch, first.velocity) == (40, 90)
    assert first.onset_seconds == pytest.approx(0.5, abs=0.002)
    assert [bend.semitones for bend in second.bends] == pytest.approx([0.5, -1.0], abs=0.01)
    assert found.parts["drums"][0].pitch == 36
    assert found.music.tempo_bpm == pytest.approx(100.0)
    assert found.music.time_signature == (3, 4)
    assert found.music.first_beat_seconds == pytest.approx(1.2)  # the clip begins on the second beat of a bar
    assert [(chord.name, round(chord.start_seconds, 2)) for chord in found.chords] == [("Em", 0.0)]
    assert found.seconds == pytest.approx(4.0, abs=0.01)


def test_notes_of_a_tempo_map_stand_where_they_sound(tmp_path: Path) -> None:
    points = (
        TempoPoint(seconds=0.0, quarters=0.0, bpm=120.0),
        TempoPoint(seconds=1.0, quarters=2.0, bpm=90.0),
        TempoPoint(seconds=3.0, quarters=5.0, bpm=90.0),
    )
    found = notes_of_file(written(tmp_path / "a.mid", tempo_bpm=100.0, tempo_map=points))
    assert [note.onset_seconds for note in found.parts["bass"]] == pytest.approx([0.5, 1.5], abs=0.002)
    assert [round(point.bpm) for point in found.music.tempo_map] == [120, 90]


def test_bends_of_mpe_are_those_of_their_notes(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    path.write_bytes(midi_file({"bass": NOTES}, seconds=4.0, bends="mpe"))
    first, second = notes_of_file(path).parts["bass"]
    assert first.bends == ()
    assert [bend.semitones for bend in second.bends][:2] == pytest.approx([0.5, -1.0], abs=0.05)


def test_a_note_that_never_ends_ends_with_its_track(tmp_path: Path) -> None:
    (note,) = notes_of_file(bare_file(tmp_path / "a.mid", "00 903c40  8360 b00700")).parts["track 1"]
    assert (note.onset_seconds, note.offset_seconds) == (0.0, 0.5)


def test_more_notes_than_any_music_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes_module, "MAX_NOTES", 1)
    with pytest.raises(NotReadable, match="more notes than any music"):
        notes_of_file(written(tmp_path / "a.mid"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such pipes in folders")
@pytest.mark.parametrize("read", [notes_of_file, read_midi])
def test_a_pipe_is_no_midi_file(tmp_path: Path, read: Callable[[Path], object]) -> None:
    os.mkfifo(tmp_path / "a.mid")
    with pytest.raises(NotReadable, match="cannot be read"):
        read(tmp_path / "a.mid")


@settings(deadline=None)
@given(st.binary(max_size=400), st.booleans())
def test_foreign_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, content: bytes, head: bool
) -> None:
    path = tmp_path_factory.getbasetemp() / "foreign.mid"
    start = b"MThd\0\0\0\6\0\1\0\1\1\xe0MTrk" + len(content).to_bytes(4, "big")
    path.write_bytes(start + content if head else content)
    try:
        found = notes_of_file(path)
    except NotReadable:
        return
    assert all(note.offset_seconds > note.onset_seconds for notes in found.parts.values() for note in notes)
