"""What the sliders make of a request."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.options.request import with_options
from tests.support.music import MUSIC
from tests.support.requests import request_for
from tui.screens.job.sliders import SLIDERS, Slider

REQUEST = request_for("/clip.wav")
BY_OPTION = {slider.option: slider for slider in SLIDERS}
EACH = pytest.mark.parametrize("slider", SLIDERS, ids=lambda slider: slider.label)


@EACH
def test_a_slider_begins_with_the_default_and_comes_back_to_it(slider: Slider) -> None:
    moved = slider.moved(REQUEST, 1, MUSIC)
    assert moved != REQUEST
    assert slider.words(moved) != slider.words(REQUEST)
    assert slider.moved(moved, -1, MUSIC) == REQUEST


@EACH
def test_it_stays_at_its_ends(slider: Slider) -> None:
    last = slider.moved(REQUEST, 1000, MUSIC)
    first = slider.moved(REQUEST, -1000, MUSIC)
    assert (slider.fraction(first, MUSIC), slider.fraction(last, MUSIC)) == (0.0, 1.0)
    assert slider.moved(last, 1, MUSIC) == last
    assert slider.at(REQUEST, 1.5, MUSIC) == last


@given(st.lists(st.tuples(st.sampled_from(SLIDERS), st.integers(-3, 3)), max_size=12))
def test_any_moves_are_taken_by_the_options(moves: list[tuple[Slider, int]]) -> None:
    request = REQUEST
    for slider, steps in moves:
        request = slider.moved(request, steps, MUSIC)
    assert all(0 <= slider.fraction(request, None) <= 1 for slider in SLIDERS)


@pytest.mark.parametrize(
    ("option", "value", "words", "after"),
    [
        ("shortest", 90, "90 ms", "100 ms"),
        ("shortest", 95, "95 ms", "100 ms"),
        ("shortest", 1999, "1999 ms", "1999 ms"),
        ("sensitivity", 33, "33 %", "35 %"),
        ("quantise", "1/16", "1/16", "1/32"),
        ("scale", "E dorian", "E dorian", "E dorian"),
        ("reading", "clean", "clean", "clean"),
        ("voices", "one", "one", "many"),
    ],
)
def test_a_value_from_elsewhere_keeps_its_place(option: str, value: object, words: str, after: str) -> None:
    request = with_options(REQUEST, {option: value})
    slider = BY_OPTION[option]
    assert slider.words(request) == words
    assert slider.words(slider.moved(request, 1, None)) == after


def test_the_key_of_the_notes_is_the_first_scale() -> None:
    slider = BY_OPTION["scale"]
    assert [slider.words(slider.moved(REQUEST, steps, MUSIC)) for steps in range(3)] == ["none", "auto", "F minor"]
