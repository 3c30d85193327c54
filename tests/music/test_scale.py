from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadArguments
from bridge.model import Bend, Note
from bridge.music.scale import in_scale, parse_scale
from bridge.request import MODES, Scale


def note(pitch: int, onset: float = 0.0, offset: float = 1.0, bends: tuple[Bend, ...] = ()) -> Note:
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=pitch, velocity=90, bends=bends)


@pytest.mark.parametrize(
    ("text", "tonic", "mode"),
    [
        ("C major", 0, "major"),
        ("a Minor", 9, "minor"),
        ("D dorian", 2, "dorian"),
        ("E  minor   pentatonic", 4, "minor pentatonic"),
        ("Bb", 10, "major"),
        ("b♭ blues", 10, "blues"),
        ("B minor", 11, "minor"),
        ("F#m", 6, "minor"),
        ("Cb major", 11, "major"),
        ("G♯ harmonic minor", 8, "harmonic minor"),
    ],
)
def test_the_usual_spellings_are_parsed(text: str, tonic: int, mode: str) -> None:
    assert parse_scale(text) == Scale(tonic=tonic, mode=mode)


@pytest.mark.parametrize("text", ["", "H major", "C majjor", "major", "C## major", "7"])
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(BadArguments):
        parse_scale(text)


def test_the_error_lists_the_scales() -> None:
    with pytest.raises(BadArguments, match="dorian"):
        parse_scale("C doric")


def test_drop_keeps_only_notes_of_the_scale() -> None:
    kept = in_scale([note(pitch) for pitch in range(60, 72)], parse_scale("C major"), "drop")
    assert [found.pitch for found in kept] == [60, 62, 64, 65, 67, 69, 71]


def test_a_note_between_two_tones_goes_down() -> None:
    assert [found.pitch for found in in_scale([note(61)], parse_scale("C major"))] == [60]


def test_a_note_between_two_tones_follows_its_bends() -> None:
    sharp = note(61, bends=(Bend(time_seconds=0.0, semitones=0.3),))
    assert [found.pitch for found in in_scale([sharp], parse_scale("C major"))] == [62]


def test_a_note_snapped_onto_a_sounding_one_cuts_it() -> None:
    snapped = in_scale([note(60, 0.0, 1.0), note(61, 0.5, 1.5)], parse_scale("C major"))
    assert [(found.pitch, found.onset_seconds, found.offset_seconds) for found in snapped] == [
        (60, 0.0, 0.5),
        (60, 0.5, 1.5),
    ]


@given(st.lists(st.integers(0, 127)), st.integers(0, 11), st.sampled_from(sorted(MODES)))
def test_snapped_notes_lie_in_the_scale_and_do_not_move_again(pitches: list[int], tonic: int, mode: str) -> None:
    scale = Scale(tonic=tonic, mode=mode)
    once = in_scale([note(pitch, index, index + 1.0) for index, pitch in enumerate(pitches)], scale)
    assert all(scale.contains(found.pitch) for found in once)
    assert len(once) == len(pitches)
    assert in_scale(once, scale) == once
