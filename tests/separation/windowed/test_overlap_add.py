import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bridge.separation.windowed.overlap_add import (
    OverlapAdd,
    crossfade,
    stride_frames,
    window_starts,
    window_with_context,
)


def test_a_short_last_window_is_extended_by_the_audio_before_it() -> None:
    window = window_with_context(900, 1000, input_frames=400, frames=1000)
    assert (window.read_start, window.read_stop) == (750, 1000)
    assert (window.pad_left, window.pad_right, window.trim_left) == (0, 150, 150)


def test_windows_are_zero_padded_beyond_the_mix() -> None:
    window = window_with_context(0, 10, input_frames=101, frames=10)
    assert (window.read_start, window.read_stop) == (0, 10)
    assert (window.pad_left, window.pad_right, window.trim_left) == (45, 46, 45)


def test_crossfade_is_a_triangle_that_reaches_one() -> None:
    np.testing.assert_allclose(crossfade(4), [0.5, 1.0, 1.0, 0.5])
    np.testing.assert_allclose(crossfade(5), [1 / 3, 2 / 3, 1.0, 2 / 3, 1 / 3])


@given(frames=st.integers(1, 3000), segment=st.integers(8, 500), stock=st.booleans())
def test_every_frame_is_covered_with_some_weight(frames: int, segment: int, stock: bool) -> None:
    weight = np.zeros(frames)
    for start in window_starts(frames, segment, stock=stock):
        stop = min(start + segment, frames)
        weight[start:stop] += crossfade(segment)[: stop - start]
    assert (weight > 0).all()


@given(frames=st.integers(1, 3000), segment=st.integers(8, 500))
def test_no_window_lies_inside_the_one_before(frames: int, segment: int) -> None:
    starts = window_starts(frames, segment)
    stock = window_starts(frames, segment, stock=True)
    assert list(starts) == list(stock)[: len(starts)]
    assert starts[-1] + segment >= frames
    assert all(start + segment < frames for start in starts[:-1])


@given(frames=st.integers(1, 3000), segment=st.integers(8, 500))
def test_overlapping_windows_of_a_signal_add_up_to_the_signal(frames: int, segment: int) -> None:
    signal = np.sin(np.arange(frames, dtype=np.float32))[np.newaxis, np.newaxis]
    joined = OverlapAdd(segment)
    taken = []
    starts = window_starts(frames, segment)
    for start in starts:
        joined.add(start, signal[..., start : min(start + segment, frames)])
        taken.append(joined.take(frames if start == starts[-1] else start + stride_frames(segment)))
    np.testing.assert_allclose(np.concatenate(taken, axis=-1), signal, atol=1e-6)
