"""Bars and beats of a clip."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.model import Music, TempoPoint
from bridge.music.bars import Beats


def music(bpm: float = 120.0, first: float = 0.0, signature: tuple[int, int] = (4, 4)) -> Music:
    return Music(tempo_bpm=bpm, tempo_source="given", first_beat_seconds=first, time_signature=signature)


def test_the_first_bar_is_the_first_that_begins_in_the_clip() -> None:
    beats = list(Beats(music(first=3.0)).between(-1.0, 3.1))  # bars of 2 s begin at -1, 1 and 3
    assert [(round(beat.seconds, 6), beat.bar) for beat in beats if beat.begins_bar] == [(-1.0, 0), (1.0, 1), (3.0, 2)]


def test_a_bar_at_the_very_start_is_bar_one() -> None:
    assert next(Beats(music(first=1e-7)).between(-1e-3, 1.0)).bar == 1


@pytest.mark.parametrize(
    ("signature", "seconds", "place"),
    [
        ((4, 4), 0.0, (1, 1, 1)),
        ((4, 4), 2.75, (2, 2, 3)),
        ((6, 8), 0.75, (1, 2, 1)),  # two beats of a dotted quarter
        ((7, 8), 1.5, (1, 7, 1)),
        ((4, 4), -0.5, (0, 4, 1)),
    ],
)
def test_a_place_is_told_as_a_daw_tells_it(
    signature: tuple[int, int], seconds: float, place: tuple[int, int, int]
) -> None:
    assert Beats(music(signature=signature)).place(seconds) == place


@given(
    st.floats(30, 300), st.floats(0, 20), st.sampled_from([(4, 4), (3, 4), (6, 8), (7, 8), (12, 8)]), st.floats(0, 60)
)
def test_beats_rise_and_each_bar_has_as_many(
    bpm: float, first: float, signature: tuple[int, int], start: float
) -> None:
    beats = list(Beats(music(bpm, first, signature)).between(start, start + 20))
    assert all(start - 1e-6 <= beat.seconds < start + 20 for beat in beats)
    assert all(a.seconds < b.seconds for a, b in pairwise(beats))
    assert all(b.number == 1 if b.bar > a.bar else b.number == a.number + 1 for a, b in pairwise(beats))


anything = st.floats() | st.sampled_from((0.0, -1e-300, 1e-300, 1e308, 6e7))
points = st.builds(TempoPoint, seconds=anything, quarters=anything, bpm=anything)


@given(
    st.builds(
        Music,
        tempo_bpm=anything,
        tempo_source=st.just("given"),
        first_beat_seconds=anything,
        time_signature=st.tuples(st.integers(), st.integers() | st.just(2**255)),
        tempo_map=st.lists(points, max_size=3).map(tuple),
    )
)
def test_whatever_a_file_says_its_beats_come_to_an_end(music: Music) -> None:
    beats = Beats(music)
    assert len(list(beats.between(0.0, 10.0))) < 20_000
    assert len(beats.place(1.0)) == 3
