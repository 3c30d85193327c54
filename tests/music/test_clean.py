"""The clean reading: what is left out, where notes lie, how long they last."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Bend, Music, Note
from bridge.music.clean import clean_parts, hands_border, written_parts
from bridge.request import Quantise
from tests.support.notes import note, note_lists

#: Half a second a quarter: 24 positions.
MUSIC = Music(tempo_bpm=120.0, tempo_source="given")
UNKNOWN = Music(tempo_bpm=120.0, tempo_source="default")


def written(
    notes: list[Note], stem: str = "vocals", *, quantise: Quantise | None = None, music: Music = MUSIC
) -> list[tuple[int, int, int]]:
    _, parts = written_parts({stem: notes}, music, 8.0, quantise, lambda stem: stem in ("vocals", "bass"))
    return [(one.start, one.end, one.pitch) for one in parts[stem]]


def sure(one: Note, confidence: float, velocity: int = 100) -> Note:
    return msgspec.structs.replace(one, confidence=confidence, velocity=velocity)


def test_unsteady_notes_lie_on_the_grid_and_last_until_the_next() -> None:
    notes = [note(0.01, 0.4, 60), note(0.48, 0.8, 62), note(1.02, 1.45, 64), note(1.51, 1.9, 65)]
    assert written(notes) == [(0, 24, 60), (24, 48, 62), (48, 72, 64), (72, 96, 65)]


def test_a_long_pause_is_a_rest() -> None:
    assert written([note(0.0, 0.5, 60), note(2.0, 2.5, 62), note(4.0, 4.4, 60)]) == [
        (0, 24, 60), (96, 120, 62), (192, 216, 60),
    ]  # fmt: skip


def test_a_glide_is_the_beginning_of_its_note() -> None:
    assert written([note(0.0, 0.06, 59), note(0.07, 0.9, 60), note(1.0, 1.9, 62)]) == [(0, 48, 60), (48, 96, 62)]


def test_ghosts_among_chords_are_left_out_but_a_lone_note_stays() -> None:
    chord = [note(0.0, 1.9, pitch) for pitch in (60, 64, 67)]
    faint, soft = sure(note(0.5, 1.0, 79), 0.35), sure(note(1.0, 1.5, 76), 0.42, velocity=60)
    lone = sure(note(3.0, 3.5, 72), 0.35)
    assert {pitch for _, _, pitch in written([*chord, faint, soft, lone], "piano")} == {60, 64, 67, 72}


def test_one_voice_stays_one_voice() -> None:
    notes = [note(0.0, 0.7, 60), note(0.5, 1.2, 62), note(0.51, 0.6, 74, velocity=50), note(1.0, 1.5, 64)]
    assert written(notes) == [(0, 24, 60), (24, 48, 62), (48, 72, 64)]


def test_a_line_has_no_hands_that_hold_its_notes() -> None:
    notes = [note(0.0, 0.26, 52), note(0.25, 0.5, 65), note(0.5, 0.76, 50), note(0.75, 1.0, 67), note(1.0, 1.5, 52)]
    assert written(notes, "guitar") == [(0, 12, 52), (12, 24, 65), (24, 36, 50), (36, 48, 67), (48, 72, 52)]


def test_the_notes_of_a_chord_start_together_and_a_held_note_is_held() -> None:
    notes = [note(0.0, 1.95, 48), note(0.01, 0.45, 64), note(0.02, 0.46, 67), note(0.5, 0.95, 65), note(1.0, 1.9, 64)]
    assert written(notes, "piano") == [(0, 96, 48), (0, 24, 64), (0, 24, 67), (24, 48, 65), (48, 96, 64)]


def test_triplets_are_found_and_sixteenths_too() -> None:
    straight = [note(step / 8, step / 8 + 0.1, 60 + step % 3) for step in range(8)]
    triplets = [note(1 + step / 6, 1 + step / 6 + 0.12, 60 + step % 3) for step in range(6)]
    assert [start for start, _, _ in written([*straight, *triplets])] == [
        *range(0, 48, 6), *range(48, 96, 8),
    ]  # fmt: skip


def test_swung_eighths_are_written_even_and_sound_swung() -> None:
    swung = [note(beat / 2 + late, beat / 2 + late + 0.15, 60 + beat % 5) for beat in range(12) for late in (0.0, 0.33)]
    grid, parts = written_parts({"piano": swung}, MUSIC, 6.0)
    assert [one.start for one in parts["piano"]] == [*range(0, 288, 12)]
    assert grid.swing == pytest.approx(0.66)
    (clean,) = clean_parts({"piano": swung}, MUSIC, 6.0).values()
    assert [one.onset_seconds for one in clean] == pytest.approx([one.onset_seconds for one in swung])


def test_triplets_are_no_swing() -> None:
    triplets = [note(step / 6, step / 6 + 0.12, 60 + step % 4) for step in range(36)]
    grid, parts = written_parts({"piano": triplets}, MUSIC, 6.0)
    assert grid.swing == 0.5
    assert [one.start for one in parts["piano"]] == [*range(0, 288, 8)]


def test_a_late_singer_is_not_written_in_sixteenths_because_of_the_hi_hat() -> None:
    fast = Music(tempo_bpm=160.0, tempo_source="given")
    hat = [note(step * 0.09375, step * 0.09375 + 0.05, 42) for step in range(16)]
    sung = [note(beat * 0.375 + 0.05, beat * 0.375 + 0.3, 60 + beat % 2) for beat in range(4)]
    _, parts = written_parts({"drums": hat, "vocals": sung}, fast, 1.5)
    assert [one.start for one in parts["vocals"]] == [0, 24, 48, 72]
    assert [one.start for one in parts["drums"]] == [*range(0, 96, 6)]


def test_the_given_grid_wins() -> None:
    notes = [note(0.0, 0.1, 60), note(0.125, 0.2, 62), note(0.26, 0.45, 64)]
    assert [start for start, _, _ in written(notes, "piano")] == [0, 6, 12]
    assert {start % 24 for start, _, _ in written(notes, "piano", quantise=Quantise(grid="1/4"))} == {0}


def test_without_a_tempo_onsets_stay_and_bends_go() -> None:
    bend = Bend(time_seconds=0.2, semitones=0.5)
    (first, second) = clean_parts(
        {"vocals": [note(0.137, 0.6, 60, bends=(bend,)), note(0.67, 0.9, 62)]}, UNKNOWN, 2.0
    )["vocals"]  # fmt: skip
    assert (first.onset_seconds, first.offset_seconds, first.bends) == (0.137, 0.67, ())
    assert second.onset_seconds == 0.67


def test_without_a_tempo_a_very_short_note_lasts_until_the_next_too() -> None:
    short, after = clean_parts({"vocals": [note(0.5, 0.53, 60), note(0.62, 0.9, 67)]}, UNKNOWN, 8.0)["vocals"]
    assert short.offset_seconds == after.onset_seconds


def test_bars_are_counted_from_the_first_beat() -> None:
    music = Music(tempo_bpm=120.0, tempo_source="given", first_beat_seconds=0.5)
    assert [start for start, _, _ in written([note(0.01, 0.4, 60), note(0.51, 0.9, 62)], music=music)] == [-24, 0]
    (pickup, _) = clean_parts({"vocals": [note(0.01, 0.4, 60), note(0.51, 0.9, 62)]}, music, 2.0)["vocals"]
    assert pickup.onset_seconds == 0.0


@pytest.mark.parametrize("metre", [(3, 4), (6, 8), (7, 8), (12, 8)])
def test_notes_on_the_grid_stay_there_in_every_metre(metre: tuple[int, int]) -> None:
    music = Music(tempo_bpm=100.0, tempo_source="given", time_signature=metre)
    notes = [note(step * 0.3, step * 0.3 + 0.25, 60 + step % 2) for step in range(20)]
    assert [start for start, _, _ in written(notes, music=music)] == [*range(0, 240, 12)]


def test_hands_part_where_few_notes_are() -> None:
    assert 56 < hands_border([48, 52, 55, 64, 67, 72, 52, 64]) <= 62
    assert 60 < hands_border([60, 60, 48, 55, 67, 72]) <= 67 or hands_border([60, 60, 48, 55, 67, 72]) <= 57


def test_drums_keep_hits_that_come_to_lie_together() -> None:
    slow = Music(tempo_bpm=40.0, tempo_source="given")
    assert written([note(0.0, 0.05, 36), note(0.125, 0.17, 38)], "drums", music=slow) == [(0, 24, 36), (0, 24, 38)]


hits = st.lists(
    st.builds(lambda at, key: note(at, at + 0.05, key), st.floats(0, 20), st.sampled_from([36, 38, 42])), max_size=30
)


@settings(deadline=None, max_examples=60)
@given(hits, st.floats(40, 300), st.floats(0, 1), st.sampled_from([None, "1/8", "1/16t"]))
def test_drums_keep_their_order(hit: list[Note], tempo: float, first: float, grid: str | None) -> None:
    music = Music(tempo_bpm=tempo, tempo_source="given", first_beat_seconds=first)
    quantise = None if grid is None else Quantise(grid=grid)
    found, parts = written_parts({"drums": hit}, music, 20.0, quantise)
    played = sorted(hit, key=lambda one: one.onset_seconds)
    places = [found.nearest(one.onset_seconds) for one in played]
    assert places == sorted(places)
    assert {one.pitch for one in parts["drums"]} == {one.pitch for one in hit}


@settings(deadline=None, max_examples=60)
@given(note_lists(), st.floats(40, 300), st.sampled_from([(4, 4), (6, 8), (7, 8)]), st.sampled_from([None, "1/4t"]))
def test_clean_notes_lie_within_the_clip_and_each_pitch_sounds_once(
    notes: list[Note], tempo: float, metre: tuple[int, int], grid: str | None
) -> None:
    seconds = max([one.offset_seconds for one in notes], default=1.0)
    music = Music(tempo_bpm=tempo, tempo_source="given", time_signature=metre)
    quantise = None if grid is None else Quantise(grid=grid)
    (clean,) = clean_parts({"piano": notes}, music, seconds, quantise).values()
    free: dict[int, float] = {}
    for one in clean:
        assert 0 <= one.onset_seconds < one.offset_seconds
        assert one.onset_seconds < seconds
        assert one.onset_seconds >= free.get(one.pitch, 0.0) - 1e-9
        free[one.pitch] = one.offset_seconds
