from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.midi.ports.frame_map import DRIFT_NS, FrameMap
from tests.support.stage import SECOND

RATE = 48_000
PERIOD = 256
PERIOD_NS = PERIOD * SECOND // RATE


def run(frames: FrameMap, periods: int, *, first: int = 0, zero_ns: int = 0, late_ns: int = 0) -> int:
    """Registers periods that are all seen late by `late_ns`; returns the frame after them."""
    for number in range(periods):
        start = first + number * PERIOD
        frames.on_period(start % (1 << 32), zero_ns + start * SECOND // RATE + late_ns)
    return first + periods * PERIOD


def test_before_the_first_period_every_time_is_past() -> None:
    assert FrameMap(RATE).frame(5 * SECOND) == 0


def test_a_time_maps_to_the_nearest_frame() -> None:
    frames = FrameMap(RATE)
    run(frames, 10, zero_ns=SECOND)
    assert frames.frame(2 * SECOND) == RATE
    assert frames.frame(2 * SECOND + 10_416) == RATE  # half a frame is 10 416.6 ns
    assert frames.frame(2 * SECOND + 10_417) == RATE + 1
    assert frames.frame(0) == 0


@given(st.lists(st.integers(0, 5_000_000), min_size=20, max_size=60).filter(lambda late: min(late) < 1000))
def test_periods_that_are_seen_late_do_not_move_it(late_ns: list[int]) -> None:
    frames = FrameMap(RATE)
    for number, late in enumerate(late_ns):
        frames.on_period(number * PERIOD, number * PERIOD_NS + late)
    # the nominal period of whole nanoseconds is shorter than the true one by less than 1 ns
    assert abs(frames.frame(10 * SECOND) - 10 * RATE) <= 1


def test_the_line_does_not_move_during_a_phrase() -> None:
    frames = FrameMap(RATE)
    now = run(frames, 10, late_ns=1_000_000)
    first = frames.frame(SECOND)
    run(frames, 3000, first=now)  # now periods show that all earlier ones were 1 ms late
    assert frames.frame(2 * SECOND) == first + RATE
    assert frames.frame(5 * SECOND) == first + 4 * RATE + 48  # after a rest the line moves


def test_clock_drift_is_corrected_before_messages_miss_their_period() -> None:
    frames = FrameMap(RATE)
    now = run(frames, 10)
    before = frames.frame(SECOND)
    run(frames, 3000, first=now, zero_ns=2 * DRIFT_NS)
    assert frames.frame(SECOND + 1000) - before == -2 * DRIFT_NS * RATE // SECOND


def test_lost_time_of_the_server_is_detected_within_half_a_second() -> None:
    frames = FrameMap(RATE)
    now = run(frames, 100)
    run(frames, RATE // PERIOD // 2, first=now, zero_ns=SECOND)  # it was stalled for a second
    assert frames.frame(5 * SECOND) == 4 * RATE


def test_the_frame_count_continues_where_jacks_wraps() -> None:
    frames = FrameMap(RATE)
    first = (1 << 32) - 5 * PERIOD
    assert frames.on_period(first, 0) == first
    for number in range(1, 10):
        assert frames.on_period((first + number * PERIOD) % (1 << 32), number * PERIOD_NS) == first + number * PERIOD
    assert frames.frame(SECOND) == first + RATE


@given(
    zero_ns=st.integers(0, 10**15),
    late_ns=st.integers(0, PERIOD_NS),
    rate_hz=st.sampled_from((44_100, 48_000, 96_000, 192_000)),
    offset=st.integers(0, PERIOD - 1),
)
def test_the_time_of_a_frame_maps_back_to_that_frame(zero_ns: int, late_ns: int, rate_hz: int, offset: int) -> None:
    frames = FrameMap(rate_hz)
    for number in range(20):
        frames.on_period(number * PERIOD, zero_ns + number * PERIOD * SECOND // rate_hz + late_ns)
    frame = 19 * PERIOD + offset
    assert frames.frame(frames.time_ns(frame)) == frame
