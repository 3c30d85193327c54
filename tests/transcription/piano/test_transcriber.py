from __future__ import annotations

import pytest

from bridge.errors import BadArguments
from bridge.model import Note
from bridge.request import NoteSettings
from bridge.transcription.piano.transcriber import PianoAnalysis, PianoTranscriber, piano_notes

#: Onset, offset and pitch of a tune over a bass; each ends a little before the next begins.
PLAYED = ((0.5, 2.4, 48), (0.5, 0.93, 72), (1.0, 1.43, 74), (1.5, 1.52, 76), (2.0, 2.4, 77))


def played(fall_db: float) -> PianoAnalysis:
    notes = tuple(Note(onset_seconds=a, offset_seconds=b, pitch=pitch, velocity=80) for a, b, pitch in PLAYED)
    return PianoAnalysis(notes, (fall_db,) * len(notes))


def ends(notes: list[Note]) -> dict[int, float]:
    return {note.pitch: note.offset_seconds for note in notes}


def test_damped_notes_keep_their_offsets() -> None:
    assert ends(piano_notes(played(12.0), "piano", NoteSettings())) == {pitch: end for _, end, pitch in PLAYED}


def test_ringing_notes_reach_the_next_of_their_voice() -> None:
    found = ends(piano_notes(played(2.0), "piano", NoteSettings()))
    assert found == {48: 2.4, 72: 1.0, 74: 1.5, 76: 1.52, 77: 2.4}


def test_settings_apply_after_the_analysis() -> None:
    settings = NoteSettings(lowest_pitch=60, highest_pitch=76, shortest_seconds=0.1)
    assert [note.pitch for note in piano_notes(played(12.0), "piano", settings)] == [72, 74]


def test_one_line_is_the_highest_of_each_chord_and_never_overlaps() -> None:
    line = piano_notes(played(12.0), "piano", NoteSettings(monophonic=True))
    assert [note.pitch for note in line] == [72, 74, 76, 77]


def test_settings_that_leave_no_pitch_are_refused() -> None:
    with pytest.raises(BadArguments):
        piano_notes(played(12.0), "piano", NoteSettings(lowest_pitch=80, highest_pitch=70))


def test_no_notes_stay_none() -> None:
    assert piano_notes(PianoAnalysis((), ()), "piano", NoteSettings()) == []


def test_an_analysis_survives_the_cache_and_other_bytes_are_refused() -> None:
    transcriber = PianoTranscriber.__new__(PianoTranscriber)  # packing needs no network
    packed = transcriber.pack(played(3.0))
    assert transcriber.unpack(packed) == played(3.0)
    for content in (b"", packed[:-4], transcriber.pack(PianoAnalysis(played(3.0).notes, (1.0,)))):
        with pytest.raises(ValueError):  # noqa: PT011 - the decoder's message differs
            transcriber.unpack(content)
