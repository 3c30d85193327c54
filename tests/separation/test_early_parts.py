"""Tests of the first section in parts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.separation.early_parts import early_parts


@given(st.integers(0, 1000), st.integers(1, 100))
def test_the_parts_cover_the_section_and_the_last_is_shorter_than_two(stop: int, part: int) -> None:
    parts = list(early_parts(stop, part))
    assert [frame for first, last in parts for frame in range(first, last)] == list(range(stop))
    assert all(last - first == part for first, last in parts[:-1])
    assert all(0 < last - first < 2 * part for first, last in parts)
