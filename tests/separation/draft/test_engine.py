from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.dsp.stft import Stft
from bridge.errors import BadArguments, Cancelled
from bridge.separation.draft import engine
from bridge.separation.draft.engine import DraftSeparator
from bridge.separation.draft.harmonic_comb import Comb
from bridge.separation.draft.running_median import (
    ALONG_FREQUENCY,
    ALONG_TIME,
    FILTER_WIDTHS,
    nearest_filter_width,
    running_median,
    running_sum,
)
from tests.support.fakes import RecordingControl

if TYPE_CHECKING:
    from bridge.protocols import Samples

STEMS = ("vocals", "drums", "bass", "other")
RATE_HZ = 44100


def separated(mix: Samples, rate_hz: int = RATE_HZ) -> dict[str, Samples]:
    separator = DraftSeparator()
    blocks = list(separator.separate(ArraySignal(mix, rate_hz), STEMS, RecordingControl()))
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in STEMS}


def band(seconds: float, rate_hz: int = RATE_HZ) -> dict[str, Samples]:
    """A bass note, clicks, a wide sustained chord and a centred, gliding voice."""
    time = np.arange(round(seconds * rate_hz)) / rate_hz
    random = np.random.default_rng(0)
    clicks = random.standard_normal(len(time)) * np.exp(-((time * 2) % 1) * 40)
    glide = np.cumsum(600 + 250 * np.sin(2 * np.pi * 1.5 * time)) / rate_hz
    left, right = np.sin(2 * np.pi * 880 * time), np.sin(2 * np.pi * 1320 * time)
    parts = {
        "bass": np.stack([np.sin(2 * np.pi * 82.4 * time)] * 2, 1) * 0.3,
        "drums": np.stack([clicks, clicks], 1) * 0.3,
        "vocals": np.stack([np.sin(2 * np.pi * glide)] * 2, 1) * 0.2,
        "other": np.stack([left, right], 1) * 0.15,
    }
    return {stem: samples.astype(np.float32) for stem, samples in parts.items()}


def mixed(parts: dict[str, Samples]) -> Samples:
    mix: Samples = np.sum(list(parts.values()), axis=0, dtype=np.float32)
    return mix


def distortion_db(true: Samples, estimate: Samples) -> float:
    """Signal-to-distortion ratio: 10 log10(sum s² / sum (s - ŝ)²)."""
    return float(10 * np.log10(np.square(true).sum() / np.square(true - estimate).sum()))


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 48000, 96000, 192000])
def test_every_source_is_mostly_in_its_stem_at_any_rate(rate_hz: int) -> None:
    parts = band(4, rate_hz)
    mix = mixed(parts)
    stems = separated(mix, rate_hz)
    for stem in STEMS:
        assert distortion_db(parts[stem], stems[stem]) > distortion_db(parts[stem], mix) + 5, stem
        assert distortion_db(parts[stem], stems[stem]) > 3, stem


def test_a_mono_mix_is_separated_too() -> None:
    parts = {stem: np.repeat(samples.mean(axis=1, keepdims=True), 2, axis=1) for stem, samples in band(4).items()}
    stems = separated(mixed(parts))
    for stem in STEMS:
        assert distortion_db(parts[stem], stems[stem]) > 3, stem
        np.testing.assert_array_equal(stems[stem][:, 0], stems[stem][:, 1])


@pytest.mark.parametrize("frames", [1, 2, 441, 1023, 4097, 50_000])
@pytest.mark.parametrize("rate_hz", [8000, 44100])
def test_stems_sum_to_the_mix_and_have_its_length(frames: int, rate_hz: int) -> None:
    mix = (np.random.default_rng(1).uniform(-1, 1, (frames, 2))).astype(np.float32)
    stems = separated(mix, rate_hz)
    for stem in STEMS:
        assert stems[stem].shape == mix.shape
        assert stems[stem].dtype == np.float32
    assert np.abs(sum(stems.values()) - mix).max() < 1e-6  # -120 dBFS


def test_sections_join_seamlessly(monkeypatch: pytest.MonkeyPatch) -> None:
    rate_hz = 8000
    mix = mixed(band(20, rate_hz))
    whole = separated(mix, rate_hz)
    monkeypatch.setattr(engine, "SECTION_FRAMES", 5 * rate_hz)
    blocks = list(DraftSeparator().separate(ArraySignal(mix, rate_hz), STEMS, RecordingControl()))
    assert len(blocks) > 3
    for stem in STEMS:
        np.testing.assert_allclose(np.concatenate([block[stem] for block in blocks]), whole[stem], atol=1e-5)


@pytest.mark.parametrize(("rate_hz", "frames"), [(44100, 600_001), (48_000, 777_777)])
def test_early_blocks_are_alike_and_change_no_bit(rate_hz: int, frames: int) -> None:
    signal = ArraySignal(mixed(band(frames / rate_hz, rate_hz))[:frames], rate_hz)
    blocks, early = (
        list(DraftSeparator().separate(signal, STEMS, RecordingControl(), early=early)) for early in (False, True)
    )
    lengths = [len(block["bass"]) for block in early]
    assert lengths[0] <= engine.EARLY_FRAMES < len(blocks[0]["bass"])
    assert max(lengths[: len(lengths) - len(blocks) + 1]) < 2 * lengths[0]
    for stem in STEMS:
        expected, given = (np.concatenate([block[stem] for block in each]) for each in (blocks, early))
        assert given.tobytes() == expected.tobytes()


def test_early_blocks_of_a_short_clip_would_come_no_sooner() -> None:
    signal = ArraySignal(np.zeros((2 * engine.EARLY_FRAMES, 2), np.float32), RATE_HZ)
    assert len(list(DraftSeparator().separate(signal, ["bass"], RecordingControl(), early=True))) == 1


def test_the_result_is_deterministic_and_the_mix_unchanged() -> None:
    mix = mixed(band(2))
    before = mix.copy()
    first, second = separated(mix), separated(mix)
    np.testing.assert_array_equal(mix, before)
    for stem in STEMS:
        assert first[stem].tobytes() == second[stem].tobytes()


def test_silence_stays_silent() -> None:
    stems = separated(np.zeros((30_000, 2), np.float32))
    assert not any(samples.any() for samples in stems.values())


def test_only_the_wanted_stems_are_given() -> None:
    signal = ArraySignal(mixed(band(1)), RATE_HZ)
    (block,) = DraftSeparator().separate(signal, ["bass"], RecordingControl())
    assert set(block) == {"bass"}
    assert list(DraftSeparator().separate(signal, [], RecordingControl())) == []


def test_other_stems_are_refused_by_name() -> None:
    with pytest.raises(BadArguments, match=r"piano.*vocals, drums"):
        DraftSeparator().separate(ArraySignal(np.zeros((9, 2), np.float32), RATE_HZ), ["piano"], RecordingControl())


def test_progress_rises_to_one_and_cancelling_acts_between_sections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "SECTION_FRAMES", 8000)
    signal = ArraySignal(np.zeros((40_000, 2), np.float32), 8000)
    control = RecordingControl()
    list(DraftSeparator().separate(signal, STEMS, control))
    assert control.fractions == sorted(set(control.fractions))
    assert (control.fractions[0], control.fractions[-1]) == (0.0, 1.0)
    with pytest.raises(Cancelled):
        list(DraftSeparator().separate(signal, STEMS, RecordingControl(cancel_at=2)))


@given(frames=st.integers(1, 700), size=st.sampled_from([64, 128, 256]))
@settings(max_examples=50)
def test_the_inverse_stft_restores_the_signal(frames: int, size: int) -> None:
    samples = np.random.default_rng(frames).uniform(-1, 1, (frames, 2)).astype(np.float32)
    stft = Stft(size)
    np.testing.assert_allclose(stft.inverse(stft.forward(samples), frames), samples, atol=1e-6)


@pytest.mark.parametrize("rate_hz", [44100, 48000])
def test_a_bass_keeps_its_overtones_and_its_short_notes(rate_hz: int) -> None:
    time = np.arange(4 * rate_hz) / rate_hz
    gate = ((time * 4) % 1 < 0.9) * np.minimum(1, ((time * 4) % 1) * 20)  # eighths at 120 bpm
    note = sum(np.sin(2 * np.pi * 65.4 * number * time) / number for number in range(1, 9))
    bass = (0.3 * gate * note).astype(np.float32)[:, np.newaxis].repeat(2, axis=1)
    assert distortion_db(bass, separated(bass, rate_hz)["bass"]) > 10


def test_a_comb_assigns_a_pitch_only_its_overtones() -> None:
    comb = Comb(10.0, 120, lowest_hz=32.0, highest_hz=130.0)
    level = np.zeros((120, 3), np.float32)
    level[[6, 12, 18]] = [[1.0], [0.5], [0.33]]  # 60 Hz as a sawtooth
    level[33] = 0.5  # no harmonic of it
    level[24] = 1.0  # louder than a sawtooth's fourth
    share = comb.overtones(level)
    assert (share[[12, 18]] > 0.8).all()
    assert (share[24] < 0.15).all()
    assert (share[33] < 0.01).all()
    assert not comb.overtones(np.zeros((120, 3), np.float32)).any()


@pytest.mark.parametrize("axis", [ALONG_FREQUENCY, ALONG_TIME])
@pytest.mark.parametrize("width", [3, 5, 7])
def test_a_small_running_median_is_the_median(width: int, axis: int) -> None:
    level = np.random.default_rng(3).random((40, 50)).astype(np.float32)
    padded = np.pad(level, [(width // 2,) * 2 if each == axis else (0, 0) for each in (0, 1)], mode="symmetric")
    windows = np.lib.stride_tricks.sliding_window_view(padded, width, axis=axis)
    np.testing.assert_array_equal(running_median(level, width, axis), np.median(windows, axis=2))


@given(width=st.sampled_from(sorted(FILTER_WIDTHS)[1:9]), start=st.integers(0, 60), length=st.integers(0, 90))
def test_a_running_median_finds_a_clear_majority_without_gaps(width: int, start: int, length: int) -> None:
    level = np.zeros((1, 300), np.float32)
    level[0, 100 + start : 100 + start + length] = 1
    half = width // 2
    share = np.convolve(level[0], np.ones(width), "valid") / width
    smooth = running_median(level, width, ALONG_TIME)[0, half : 300 - half]
    assert (smooth[share > 2 / 3] == 1).all()
    assert (smooth[share < 1 / 3] == 0).all()


@given(width=st.sampled_from(sorted(FILTER_WIDTHS)[:9]), columns=st.integers(1, 60))
def test_running_statistics_of_a_constant_are_constant_at_any_length(width: int, columns: int) -> None:
    level = np.full((3, columns), 2, np.float32)
    np.testing.assert_array_equal(running_median(level, width, ALONG_TIME), level)
    np.testing.assert_array_equal(running_sum(level, width, ALONG_TIME), level * width)


@pytest.mark.parametrize(("width", "nearest"), [(0.2, 1), (1.0, 1), (6.9, 7), (11.0, 9), (21.0, 25), (133.5, 135)])
def test_the_nearest_filter_width_is_nearest_by_ratio(width: float, nearest: int) -> None:
    assert nearest_filter_width(width) == nearest


def test_import_is_light() -> None:
    program = (
        "import sys; import bridge.separation.draft.engine;"
        "print([name for name in ('torch', 'librosa', 'demucs', 'numba', 'scipy') if name in sys.modules])"
    )
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "[]"
