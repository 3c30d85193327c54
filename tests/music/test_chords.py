"""Chords from notes: which, from when on, and under which names."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Chord, Music, Note
from bridge.music.chords import QUALITIES, block_chords, chord_tones, chord_words, chords_of
from bridge.music.key import TONICS
from bridge.music.spelling import key_fifths, root_name
from tests.support.notes import note, note_lists

#: Half a second a beat.
IN_FOUR = Music(tempo_bpm=120.0, tempo_source="given", key="C major")
BAR = 2.0


def bars(*chords: Sequence[int]) -> list[Note]:
    return [note(place * BAR, (place + 1) * BAR - 0.1, pitch) for place, chord in enumerate(chords) for pitch in chord]


def names(parts: dict[str, list[Note]], music: Music = IN_FOUR, seconds: float = 8.0) -> list[str]:
    return [chord.name for chord in chords_of(parts, music, seconds)]


CADENCE = bars((60, 64, 67), (57, 60, 64), (53, 57, 60), (55, 59, 62))


def test_a_cadence_is_told_bar_by_bar() -> None:
    chords = chords_of({"other": CADENCE}, IN_FOUR, 8.0)
    assert [(chord.name, chord.start_seconds, chord.end_seconds) for chord in chords] == [
        ("C", 0.0, 2.0), ("Am", 2.0, 4.0), ("F", 4.0, 6.0), ("G", 6.0, 8.0),
    ]  # fmt: skip


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_chord_is_known_on_every_root(quality: str) -> None:
    for root in range(12):
        chord = bars([48 + root, *(60 + root + step for step in QUALITIES[quality][1:])])
        (told,) = chords_of({"piano": chord}, IN_FOUR, BAR)
        # An augmented chord is the same on each of its tones.
        assert {(chord_tones(told.name)[0] + step) % 12 for step in chord_tones(told.name)[1]} == {
            (root + step) % 12 for step in QUALITIES[quality]
        }
        assert chord_tones(told.name)[1] == QUALITIES[quality]


def test_the_bass_weighs_for_the_root() -> None:
    chord = bars((60, 64, 67, 69))
    assert names({"other": chord, "bass": bars((33,))}, seconds=BAR) == ["Am7"]
    assert names({"other": chord, "bass": bars((36,))}, seconds=BAR) == ["C"]


def test_drums_and_lines_alone_give_no_chords() -> None:
    arpeggio = [note(step / 2, step / 2 + 0.45, pitch) for step, pitch in enumerate((60, 64, 67, 72) * 4)]
    assert names({"drums": CADENCE}) == names({"other": arpeggio}) == []
    assert names({"other": arpeggio, "bass": bars((36,))}, seconds=BAR) == ["C"]
    assert names({"vocals": CADENCE, "bass": CADENCE, "drums": CADENCE}) == []
    assert names({"other": CADENCE, "drums": bars((36,), (38,), (42,), (46,))}) == ["C", "Am", "F", "G"]


def test_a_melodys_passing_notes_change_no_chord() -> None:
    tune = [note(step / 4, step / 4 + 0.2, pitch) for step, pitch in enumerate((72, 74, 76, 77, 79, 77, 76, 74))]
    assert names({"other": bars((60, 64, 67)), "vocals": tune}, seconds=BAR) == ["C"]


def test_a_chord_lasts_over_a_rest_but_not_over_a_bar_of_silence() -> None:
    struck = [note(start, start + 0.4, pitch) for start in (0.0, 1.0, 6.0, 7.0) for pitch in (60, 64, 67)]
    before, after = chords_of({"other": struck}, IN_FOUR, 8.0)
    assert (before.name, before.start_seconds, after.name, after.end_seconds) == ("C", 0.0, "C", 8.0)
    assert before.end_seconds < 3.0 < 5.0 < after.start_seconds


def test_without_a_tempo_there_are_chords_all_the_same() -> None:
    unknown = Music(tempo_bpm=120.0, tempo_source="default")
    assert names({"other": CADENCE}, unknown) == ["C", "Am", "F", "G"]


def test_chords_begin_with_the_bars_where_the_clip_does_not() -> None:
    music = Music(tempo_bpm=120.0, tempo_source="given", first_beat_seconds=0.7)
    late = [note(0.7, 2.6, pitch) for pitch in (60, 64, 67)] + [note(2.7, 4.6, pitch) for pitch in (62, 65, 69)]
    first, second = chords_of({"other": late}, music, 4.7)
    assert (first.name, second.name) == ("C", "Dm")
    assert second.start_seconds == pytest.approx(2.7)


@settings(deadline=None, max_examples=40)
@given(note_lists(), st.floats(40, 300), st.floats(0.1, 40), st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8)]))
def test_chords_are_in_order_within_the_clip(
    notes: list[Note], tempo: float, seconds: float, metre: tuple[int, int]
) -> None:
    music = Music(tempo_bpm=tempo, tempo_source="estimated", first_beat_seconds=0.4, time_signature=metre)
    chords = chords_of({"other": notes}, music, seconds)
    edges = [edge for chord in chords for edge in (chord.start_seconds, chord.end_seconds)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= seconds + 1e-6 for edge in edges)
    assert all(chord.start_seconds < chord.end_seconds for chord in chords)


def test_black_keys_are_spelled_as_the_key_is() -> None:
    chord = {"other": bars((58, 62, 65))}
    assert names(chord, Music(tempo_bpm=120, tempo_source="given", key="F major"), BAR) == ["Bb"]
    assert names(chord, Music(tempo_bpm=120, tempo_source="given", key="B major"), BAR) == ["A#"]
    assert [root_name(9, key) for key in ("Eb minor", "D# minor")] == ["A", "A"]  # not Bbb
    assert [root_name(8, key) for key in ("A minor", "C minor", "E major", "")] == ["G#", "Ab", "G#", "Ab"]


def test_the_signatures_of_all_keys() -> None:
    signatures = {mode: [key_fifths(f"{tonic} {mode}") for tonic in TONICS[mode]] for mode in ("major", "minor")}
    assert signatures["major"] == [0, -5, 2, -3, 4, -1, 6, 1, -4, 3, -2, 5]
    assert signatures["minor"] == [-3, 4, -1, -6, 1, -4, 3, -2, 5, 0, -5, 2]


def chords_named(*words: str) -> list[Chord]:
    return [Chord(start_seconds=float(place), end_seconds=place + 1.0, name=name) for place, name in enumerate(words)]


def test_a_progression_that_comes_again_is_shown_once() -> None:
    assert chord_words(chords_named("C", "Am", "F", "G", "C", "Am", "F", "G", "C")) == "C Am F G"
    assert chord_words(chords_named("C", "C", "G")) == "C G"
    assert chord_words(chords_named(*"CDEFGABCEG")) == "C D E F G A B C …"
    assert chord_words([]) == ""


def test_block_chords_have_the_root_in_the_bass() -> None:
    notes = block_chords(chords_named("Bb7"))
    assert [one.pitch for one in notes] == [46, 56, 58, 62, 65]
    assert {(one.onset_seconds, one.offset_seconds) for one in notes} == {(0.0, 1.0)}
