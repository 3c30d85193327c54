import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.resample import StreamResampler, mono, resampled
from bridge.audio.signal import ArraySignal
from tests.support.sounds import Samples, music

RATES = [8_000, 22_050, 44_100, 48_000, 96_000, 192_000]


@pytest.mark.parametrize("rate", RATES)
def test_an_impulse_keeps_its_sample_in_a_round_trip(rate: int) -> None:
    frames, at = rate, rate // 3
    sound = np.zeros((frames, 2), np.float32)
    sound[at] = 1.0
    converted = resampled(ArraySignal(sound, rate), 44_100)
    back = StreamResampler(44_100, rate, 2, frames)
    blocks = _blocks(converted.read(0, converted.frames), 5000)
    out = np.concatenate([back.convert(block, last=last) for block, last in blocks])
    assert out.shape == sound.shape
    assert int(np.abs(out[:, 0]).argmax()) == at


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 20_000), st.sampled_from(RATES), st.integers(1, 7000))
def test_a_round_trip_keeps_the_length(frames: int, rate: int, block: int) -> None:
    converted = resampled(ArraySignal(np.ones((frames, 1), np.float32), rate), 44_100)
    back = StreamResampler(44_100, rate, 1, frames)
    blocks = _blocks(converted.read(0, converted.frames), block)
    assert sum(len(back.convert(part, last=last)) for part, last in blocks) == frames


def test_the_same_rate_is_the_same_signal() -> None:
    signal = ArraySignal(music(0.1), 44_100)
    assert resampled(signal, 44_100) is signal


def test_mono_is_the_mean_of_all_channels() -> None:
    sound = music(0.1, channels=4)
    assert np.allclose(mono(ArraySignal(sound, 44_100)).read(0, len(sound))[:, 0], sound.mean(axis=1), atol=1e-7)


def _blocks(samples: np.ndarray, size: int) -> list[tuple[np.ndarray, bool]]:
    starts = list(range(0, max(1, len(samples)), size))
    return [(samples[start : start + size], start == starts[-1]) for start in starts]


@pytest.mark.parametrize(("rate", "other"), [(48_000, 44_100), (44_100, 192_000), (192_000, 44_100), (44_100, 8_000)])
def test_an_excerpt_equals_that_part_of_the_whole(rate: int, other: int) -> None:
    sound = np.random.default_rng(0).standard_normal((rate, 2)).astype(np.float32) * np.float32(0.3)
    signal = resampled(ArraySignal(sound, rate), other)
    whole = soxr.resample(sound, rate, other, quality="VHQ")
    assert signal.frames == len(whole) == other
    assert np.array_equal(signal.read(0, other), whole)
    for start, stop in ((0, 1), (other // 3, other // 2), (other - 777, other), (5, 5)):
        assert np.abs(signal.read(start, stop) - whole[start:stop]).max(initial=0.0) < 1e-6


def test_only_the_needed_frames_are_read() -> None:
    class RecordingSignal(ArraySignal):
        longest = 0

        def read(self, start: int, stop: int) -> Samples:
            self.longest = max(self.longest, stop - start)
            return super().read(start, stop)

    signal = RecordingSignal(np.zeros((48_000 * 60, 1), np.float32), 48_000)
    resampled(mono(signal), 44_100).read(1_000_000, 1_044_100)
    assert signal.longest < 50_000
