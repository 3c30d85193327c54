from __future__ import annotations

import random

import pytest

from bridge.midi.sync.delay_locked_loop import TICKS_PER_QUARTER, DelayLockedLoop

MS = 1_000_000


def ticks(*tempi: tuple[float, int]) -> list[float]:
    """The true times, in ns, of a number of ticks at each tempo in turn."""
    times = [5e9]
    for bpm, count in tempi:
        times += [times[-1] + (index + 1) * 60e9 / bpm / TICKS_PER_QUARTER for index in range(count)]
    return times


def followed(times: list[float], jitter_ms: float = 0.0, seed: int = 1) -> list[float]:
    """The error of the predicted next tick in ms, after each tick."""
    rng = random.Random(seed)
    loop = DelayLockedLoop(20 * MS)
    errors = []
    for index, time in enumerate(times[:-1]):
        loop.tick(round(time + rng.uniform(-jitter_ms, jitter_ms) * MS))
        errors.append((loop.tick_ns + loop.period_ns - times[index + 1]) / MS)
    return errors


@pytest.mark.parametrize("bpm", [20, 60, 90, 123.4, 240, 400])
def test_a_steady_clock_is_known_from_its_second_tick(bpm: float) -> None:
    assert max(map(abs, followed(ticks((bpm, 200)))[1:])) < 0.001


@pytest.mark.parametrize("seed", range(10))
def test_a_jitter_of_a_millisecond_is_halved(seed: int) -> None:
    errors = followed(ticks((120, 600)), jitter_ms=1.0, seed=seed)[24:]
    assert (sum(ms * ms for ms in errors) / len(errors)) ** 0.5 < 0.4  # of 0.58
    assert max(map(abs, errors)) < 1.5


@pytest.mark.parametrize("seed", range(10))
def test_a_new_tempo_is_known_from_its_second_tick(seed: int) -> None:
    errors = followed(ticks((90, 200), (140, 200)), jitter_ms=1.0, seed=seed)
    assert max(map(abs, errors[201:])) < 3.0
    assert max(map(abs, errors[230:])) < 1.5


@pytest.mark.parametrize("seed", range(10))
def test_a_ramp_is_followed(seed: int) -> None:
    ramp = [(90 + 50 * index / 384, 1) for index in range(384)]  # 90 to 140 within four bars
    errors = followed(ticks((90, 48), *ramp, (140, 48)), jitter_ms=1.0, seed=seed)
    assert max(map(abs, errors[24:])) < 2.5


@pytest.mark.parametrize("seed", range(5))
def test_a_jitter_of_a_whole_jack_period_is_filtered_more_strongly(seed: int) -> None:
    errors = followed(ticks((120, 1200)), jitter_ms=2.7, seed=seed)[100:]
    assert (sum(ms * ms for ms in errors) / len(errors)) ** 0.5 < 0.8  # of 1.56


def test_a_single_late_tick_has_no_effect_after_a_beat() -> None:
    times = ticks((120, 200))
    hindered = [time + (15 * MS if index == 100 else 0) for index, time in enumerate(times)]
    loop = DelayLockedLoop(20 * MS)
    for time in hindered[:-1]:
        loop.tick(round(time))
    assert abs(loop.tick_ns + loop.period_ns - times[-1]) < 0.1 * MS


@pytest.mark.parametrize("gap_ns", [0, 1, 100, 10**6])
def test_a_flood_of_ticks_leaves_the_tempo_in_range(gap_ns: int) -> None:
    loop = DelayLockedLoop(20 * MS)
    for index in range(10_000):
        loop.tick(10**9 + index * gap_ns)
    assert 10 <= loop.bpm <= 1000.01


def test_after_a_pause_it_continues_at_the_earlier_tempo() -> None:
    loop = DelayLockedLoop(20 * MS)
    for time in ticks((90, 100)):
        loop.tick(round(time))
    loop.tick(10**12)
    assert loop.tick_ns == 10**12
    assert loop.bpm == pytest.approx(90)


def test_if_the_second_tick_after_a_pause_confirms_the_tempo_jitter_does_not_change_it() -> None:
    rng = random.Random(1)
    loop = DelayLockedLoop(20 * MS)
    for time in ticks((90, 100)):
        loop.tick(round(time + rng.uniform(-MS, MS)))
    before = loop.bpm
    loop.tick(10**12)
    loop.tick(10**12 + round(60e9 / 90 / TICKS_PER_QUARTER) - MS)
    assert loop.bpm == pytest.approx(before, abs=0.2)


def test_another_tempo_after_a_pause_is_known_from_the_second_tick_on() -> None:
    loop = DelayLockedLoop(20 * MS)
    for time in ticks((120, 100)):
        loop.tick(round(time))
    for time in ticks((125, 1)):
        loop.tick(round(time) + 10**12)
    assert loop.bpm == pytest.approx(125)
