from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest

from bridge.model import Note
from bridge.request import NoteSettings
from bridge.transcription.pitched.decoder import decode_notes, line_margin
from bridge.transcription.pitched.one_line import together
from bridge.transcription.pitched.profiles import profile_for
from tests.transcription.pitched.test_decoder import add_note, empty

TUNE = (60, 64, 62, 67, 65, 69, 67, 72)


def notes(*voices: Sequence[int], seconds: float = 0.5) -> list[Note]:
    """Voices that play together, a note every half second."""
    found = [
        Note(onset_seconds=place / 2, offset_seconds=place / 2 + seconds, pitch=pitch, velocity=90)
        for voice in voices
        for place, pitch in enumerate(voice)
    ]
    return sorted(found, key=lambda note: (note.onset_seconds, note.pitch))


def raised(tune: Iterable[int], semitones: int) -> list[int]:
    return [pitch + semitones for pitch in tune]


def test_a_tune_is_a_line_and_chords_are_none() -> None:
    assert together([]).is_line
    assert together(notes(TUNE)).margin == 1
    assert not together(notes(TUNE, raised(TUNE, 4))).is_line


def test_some_octaves_are_ghosts_and_many_are_played() -> None:
    assert together(notes(TUNE, raised(TUNE[:3], 12))).is_line
    assert not together(notes(TUNE, raised(TUNE, 12))).is_line


def test_a_note_that_rings_into_the_next_is_no_chord() -> None:
    assert together(notes(TUNE, seconds=0.6)).margin == 1


def test_a_song_in_which_a_lead_and_chords_alternate_is_no_line() -> None:
    lead = notes(TUNE * 15)
    last = lead[-1].offset_seconds
    chord = [Note(onset_seconds=last, offset_seconds=last + 6, pitch=pitch, velocity=90) for pitch in (60, 64, 67)]
    found = together([*lead, *chord])
    assert found.chords < 0.1
    assert not found.is_line


@pytest.mark.parametrize("stem", ["other", "guitar", "mix"])
def test_ghosts_of_a_lone_line_are_left_out(stem: str) -> None:
    posteriors = empty(400)
    for place, pitch in enumerate(TUNE):
        add_note(posteriors, pitch, 20 + 40 * place, 55 + 40 * place)
    add_note(posteriors, 76, 20, 40, note=0.6)
    add_note(posteriors, 74, 105, 130, note=0.6)
    assert len(decode_notes(posteriors, profile_for(stem))) == len(TUNE)
    assert len(decode_notes(posteriors, profile_for(stem, NoteSettings(monophonic=False)))) > len(TUNE)
    margin = line_margin(posteriors, profile_for(stem))
    assert margin is not None
    assert 0 < margin < 1


def test_chords_stay_chords_unless_the_user_wants_one_line() -> None:
    posteriors = empty(400)
    for place, pitch in enumerate(TUNE):
        for interval in (0, 4, 7):
            add_note(posteriors, pitch + interval, 20 + 40 * place, 55 + 40 * place)
    chords = profile_for("other")
    assert len(decode_notes(posteriors, chords)) == 3 * len(TUNE)
    assert (line_margin(posteriors, chords) or 0) < 0
    wanted = profile_for("other", NoteSettings(monophonic=True))
    assert len(decode_notes(posteriors, wanted)) == len(TUNE)
    assert line_margin(posteriors, wanted) is None


@pytest.mark.parametrize("stem", ["piano", "vocals", "bass"])
def test_of_other_stems_it_is_known_how_many_voices_they_have(stem: str) -> None:
    assert line_margin(empty(50), profile_for(stem)) is None


def test_a_scoop_belongs_to_the_note_that_it_leads_into() -> None:
    posteriors = add_note(add_note(empty(200), 59, 50, 54), 60, 54, 120)
    assert [note.pitch for note in decode_notes(posteriors, profile_for("vocals"))] == [60]
    turn = add_note(add_note(empty(200), 61, 50, 54), 60, 54, 120)  # from above it is a grace note
    assert [note.pitch for note in decode_notes(turn, profile_for("vocals"))] == [61, 60]


@pytest.mark.parametrize(("dip_steps", "count"), [(0, 1), (40, 2)], ids=["held", "repeated"])
def test_a_repetition_is_a_dip_in_the_level(dip_steps: int, count: int) -> None:
    posteriors = add_note(empty(200), 60, 40, 140)
    posteriors.onset[90, 39] = 165
    posteriors.level[84:90, 39] -= dip_steps
    assert len(decode_notes(posteriors, profile_for("other"))) == count


def test_a_piano_that_is_struck_again_needs_no_dip() -> None:
    posteriors = add_note(empty(200), 60, 40, 140)
    posteriors.onset[90, 39] = 190
    assert len(decode_notes(posteriors, profile_for("piano"))) == 2
