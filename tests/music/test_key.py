from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Note
from bridge.music.key import TONICS, Mode, estimate_key
from bridge.music.scale import parse_scale

#: Unambiguous cadences: I IV V I, and i iv V i.
CADENCES: dict[Mode, tuple[tuple[int, ...], ...]] = {
    "major": ((0, 4, 7), (5, 9, 12), (7, 11, 14), (0, 4, 7)),
    "minor": ((0, 3, 7), (5, 8, 12), (7, 11, 14), (0, 3, 7)),
}


def cadence(tonic: int, mode: Mode) -> list[Note]:
    return [
        Note(onset_seconds=float(index), offset_seconds=index + 1.0, pitch=48 + tonic + degree, velocity=90)
        for index, chord in enumerate(CADENCES[mode])
        for degree in chord
    ]


@pytest.mark.parametrize("mode", ["major", "minor"])
@pytest.mark.parametrize("tonic", range(12))
def test_the_key_of_a_cadence_is_found(tonic: int, mode: Mode) -> None:
    found = estimate_key(cadence(tonic, mode))
    assert found is not None
    assert (found.tonic, found.mode) == (TONICS[mode][tonic], mode)
    assert found.margin > 0.02


def test_twelve_equal_tones_have_no_margin() -> None:
    found = estimate_key(
        Note(onset_seconds=pitch, offset_seconds=pitch + 1.0, pitch=pitch, velocity=90) for pitch in range(60, 72)
    )
    assert found is not None
    assert found.margin == 0.0


@pytest.mark.parametrize("pitches", [[], [60], [60, 67, 72, 48]])
def test_too_few_tones_have_no_key(pitches: list[int]) -> None:
    notes = [Note(onset_seconds=0.0, offset_seconds=1.0, pitch=pitch, velocity=90) for pitch in pitches]
    assert estimate_key(notes) is None


def test_a_held_tone_does_not_outweigh_the_music() -> None:
    drone = Note(onset_seconds=0.0, offset_seconds=600.0, pitch=49, velocity=90)
    found = estimate_key([*cadence(0, "major"), drone])
    assert found is not None and found.name == "C major"


@given(st.lists(st.tuples(st.integers(0, 127), st.floats(0.01, 10)), min_size=1, max_size=30), st.integers(1, 11))
def test_a_transposed_piece_has_the_transposed_key(played: list[tuple[int, float]], by: int) -> None:
    pitches = {pitch % 12 for pitch, _ in played}
    found = estimate_key(
        Note(onset_seconds=0.0, offset_seconds=length, pitch=48 + pitch % 12, velocity=90) for pitch, length in played
    )
    moved = estimate_key(
        Note(onset_seconds=0.0, offset_seconds=length, pitch=48 + (pitch + by) % 12, velocity=90)
        for pitch, length in played
    )
    if len(pitches) < 3:
        assert found is None and moved is None
        return
    assert found is not None and moved is not None
    assert moved.margin == pytest.approx(found.margin, abs=0.0011)
    if found.margin > 0.002:
        assert parse_scale(moved.name).tonic == (parse_scale(found.name).tonic + by) % 12
        assert moved.mode == found.mode
