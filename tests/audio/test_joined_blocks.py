"""Small blocks of a decoder are joined, and nothing is decoded that nobody needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.decoding.header import BLOCK_FRAMES
from bridge.audio.decoding.joined_blocks import joined_blocks

if TYPE_CHECKING:
    from bridge.protocols import Samples


def decoded(sizes: list[int], taken: list[int]) -> Iterator[tuple[int, Samples]]:
    position = 0
    for size in sizes:
        taken.append(position)
        yield position, np.arange(position, position + size, dtype=np.float32)[:, np.newaxis]
        position += size


@given(
    sizes=st.lists(st.sampled_from([0, 1, 1152, BLOCK_FRAMES // 3, BLOCK_FRAMES, 2 * BLOCK_FRAMES]), max_size=12),
    enough=st.integers(0, 6 * BLOCK_FRAMES),
)
@settings(max_examples=100, deadline=None)
def test_blocks_are_joined_up_to_where_enough_is_decoded(sizes: list[int], enough: int) -> None:
    taken: list[int] = []
    end, is_enough = 0, False
    for position, block in joined_blocks(decoded(sizes, taken), enough):
        assert position == end
        end += len(block)
        np.testing.assert_array_equal(block[:, 0], np.arange(position, end))
        if not is_enough and end >= enough:
            is_enough = True
            assert taken[-1] <= enough  # the block that reaches it is the last that was decoded
        elif not is_enough:
            assert len(block) >= BLOCK_FRAMES or end == sum(sizes)
    assert end == sum(sizes)
