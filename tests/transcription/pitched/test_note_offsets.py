from __future__ import annotations

from bridge.transcription.pitched.offsets.note_offsets import with_voice_ends
from bridge.transcription.pitched.segments import NoteSegment

RATE_HZ = 100.0
#: A tune of quarters over a bass: (first frame, pitch).
TUNE = ((20, 72), (60, 74), (100, 76), (140, 77))
BASS = (20, 48)


def segments(length: int) -> list[NoteSegment]:
    return [NoteSegment(start, start + length, pitch, 0.8) for start, pitch in (BASS, *TUNE)]


def ends(network: list[NoteSegment], released: list[NoteSegment]) -> dict[int, int]:
    return {segment.pitch: segment.stop for segment in with_voice_ends(network, released, RATE_HZ)}


def test_where_no_release_is_seen_a_note_ends_with_the_next_of_its_voice() -> None:
    ringing = segments(150)
    assert ends(ringing, ringing) == {48: 170, 72: 60, 74: 100, 76: 140, 77: 290}


def test_where_most_releases_are_seen_each_note_keeps_its_own() -> None:
    released = segments(60)
    assert ends(segments(150), released) == {segment.pitch: segment.stop for segment in released}


def test_a_note_that_ends_long_before_the_next_stays_short() -> None:
    short = segments(20)
    assert ends(short, short) == {segment.pitch: segment.stop for segment in short}


def test_a_short_gap_before_the_next_note_is_closed() -> None:
    almost = segments(36)
    assert ends(almost, almost) == {48: 56, 72: 60, 74: 100, 76: 140, 77: 176}


def test_the_notes_of_a_strummed_chord_do_not_end_each_other() -> None:
    chord = [NoteSegment(start, start + 100, pitch, 0.8) for start, pitch in ((20, 60), (22, 64), (24, 67))]
    assert with_voice_ends(chord, chord, RATE_HZ) == chord


def test_segments_keep_their_order_whatever_it_is() -> None:
    ringing = segments(150)[::-1]
    assert [segment.pitch for segment in with_voice_ends(ringing, ringing, RATE_HZ)] == [77, 76, 74, 72, 48]


def test_no_segments_stay_none() -> None:
    assert with_voice_ends([], [], RATE_HZ) == []
