"""The stems of a region equal those of the whole file."""

import numpy as np
import pytest
from demucs.apply import BagOfModels
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.pipeline.channels import separated
from bridge.pipeline.excerpt import excerpt_for
from bridge.protocols import Context, Separator, Signal
from bridge.separation.draft.engine import DraftSeparator
from tests.support.fakes import RecordingControl
from tests.support.separators import SharesSeparator
from tests.support.small_models import separator_of, small_model
from tests.support.sounds import Samples, music


def separate(engine: Separator, sound: Samples, rate: int, start: int = 0, stop: int | None = None) -> Samples:
    """(stems, frames, channels)"""
    signal: Signal = ArraySignal(sound, rate)
    blocks = list(separated(engine, signal, engine.stems, RecordingControl(), start=start, stop=stop))
    return np.stack([np.concatenate([block[stem] for block in blocks]) for stem in engine.stems])


def song(seconds: float, rate: int) -> Samples:
    """Music whose level varies by 30 dB, so that no part has the level of the whole."""
    times = np.arange(round(seconds * rate)) / rate
    swell = 0.03 + np.sin(times * 2) ** 2
    return (music(seconds, rate) * swell[:, None]).astype(np.float32)


def demucs(kind: str) -> Separator:
    return separator_of(BagOfModels([small_model(kind)]))


@pytest.mark.parametrize(
    ("kind", "rate"), [("transformer", 8_000), ("transformer", 44_100), ("hybrid", 44_100), ("waveform", 8_000)]
)
def test_a_demucs_model_gives_the_same_for_a_region_as_in_the_whole_file(kind: str, rate: int) -> None:
    engine, sound = demucs(kind), song(5.0, rate)
    whole = separate(engine, sound, rate)
    for start, stop in ((0, rate // 2), (round(2.7 * rate), round(3.1 * rate)), (round(4.4 * rate), 5 * rate)):
        part = separate(engine, sound, rate, start, stop)
        assert part.shape == (4, stop - start, 2)
        assert np.abs(part - whole[:, start:stop]).max() < 1e-3


def test_draft_gives_the_same_for_a_region_as_in_the_whole_file() -> None:
    engine, sound = DraftSeparator(), song(40.0, 8_000)
    whole = separate(engine, sound, 8_000)
    part = separate(engine, sound, 8_000, 120_001, 150_007)
    assert np.abs(part - whole[:, 120_001:150_007]).max() < 1e-3


@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000, 47_999])
def test_a_region_keeps_its_frames_at_any_engine_rate(rate: int) -> None:
    engine = SharesSeparator(sample_rate_hz=44_100, shares={"vocals": 1.0}, needed_context=Context(5000, 777))
    sound = np.zeros((3 * rate, 1), np.float32)
    at = round(1.9 * rate)
    sound[at] = 1.0
    start, stop = round(1.3 * rate) + 1, round(2.2 * rate)
    (part,) = separate(engine, sound, rate, start, stop)
    assert len(part) == stop - start
    assert int(np.abs(part[:, 0]).argmax()) == at - start


def test_an_engine_processes_no_more_than_the_region_needs() -> None:
    starts: list[int] = []
    engine = SharesSeparator(needed_context=Context(3000, 1000), before_block=starts.append)
    separate(engine, music(10.0), 44_100, 200_500, 210_500)
    assert starts == list(range(0, 13_000, 1000)), "from 198 000 on, a block at a time, and nothing behind 210 500"


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([8_000, 22_050, 44_100, 48_000, 96_000, 47_999]),
    st.integers(0, 10_000_000),
    st.integers(1, 1_000_000),
    st.integers(0, 2_000_000),
    st.integers(0, 400_000),
    st.integers(1, 300_000),
)
def test_an_excerpt_contains_the_region_on_both_grids(
    rate: int, start: int, frames: int, after: int, reach: int, grid: int
) -> None:
    source = ArraySignal(np.broadcast_to(np.zeros((1, 1), np.float32), (start + frames + after, 1)), rate)
    engine = SharesSeparator(sample_rate_hz=44_100, needed_context=Context(reach, grid))
    excerpt = excerpt_for(engine, source, start, start + frames)
    total = -(-source.frames * 44_100 // rate)
    used_stop = excerpt.used_start + excerpt.used_frames
    assert 0 <= excerpt.input_start <= excerpt.used_start < used_stop <= excerpt.input_stop <= total
    assert excerpt.input_start % grid == 0
    assert excerpt.used_start * rate == (start - excerpt.lead) * 44_100
    assert excerpt.lead >= 0
    assert used_stop * rate >= (start + frames) * 44_100 or used_stop == total
    assert excerpt.input_start == 0 or excerpt.input_start - grid < excerpt.used_start - reach
