"""The engine on the released networks: seams, regions, levels, and the sum of its stems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import BadArguments, Cancelled, EngineFailed
from bridge.pipeline.channels import separated
from bridge.separation.spleeter import engine
from bridge.separation.spleeter.engine import SpleeterSeparator
from bridge.separation.spleeter.level import TARGET_DBFS, gain_for
from bridge.separation.spleeter.masks import vocal_share
from tests.support.fakes import RecordingControl

if TYPE_CHECKING:
    from bridge.protocols import Samples, Separator
    from bridge.separation.spleeter.unet import Magnitudes

RATE_HZ = 44100


def music(seconds: float, seed: int = 0) -> Samples:
    """A gliding harmonic lead in the centre over noise bursts and a wide chord: both networks find something in it."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    pitch = 220 * 2 ** (np.round(3 * np.sin(1.3 * time)) / 12 + 0.02 * np.sin(2 * np.pi * 5.5 * time))
    phase = 2 * np.pi * np.cumsum(pitch) / RATE_HZ
    lead = sum(np.sin(number * phase) / number for number in range(1, 24)) * (np.sin(2 * np.pi * 0.7 * time) > -0.5)
    hits = random.standard_normal(len(time)) * np.exp(-((time * 2) % 1) * 30)
    chord = [np.sin(2 * np.pi * 330 * time), np.sin(2 * np.pi * 415 * time)]
    mix = np.stack([0.12 * lead + 0.2 * hits + 0.1 * side for side in chord], axis=1)
    return mix.astype(np.float32)


def stems_of(separator: Separator, mix: Samples, control: RecordingControl | None = None) -> dict[str, Samples]:
    blocks = list(separator.separate(ArraySignal(mix, RATE_HZ), separator.stems, control or RecordingControl()))
    return {stem: np.concatenate([block[stem] for block in blocks]) for stem in separator.stems}


def decibels(difference: Samples, reference: Samples) -> float:
    return float(20 * np.log10(np.abs(difference).max() / np.abs(reference).max() + 1e-12))


def test_seams_between_sections_are_60_db_down(spleeter: Separator, monkeypatch: pytest.MonkeyPatch) -> None:
    mix = music(26)
    whole = stems_of(spleeter, mix)
    monkeypatch.setattr(engine, "SECTION_FRAMES", 4 * engine.GRID_FRAMES)
    control = RecordingControl()
    cut = stems_of(spleeter, mix, control)
    assert np.abs(whole["vocals"]).max() > 0.01
    for stem in spleeter.stems:
        assert decibels(cut[stem] - whole[stem], mix) < -90
    assert control.fractions == sorted(control.fractions)


@pytest.mark.parametrize(
    ("engine_name", "start", "stop"),
    [("spleeter", 0, 90_000), ("spleeter", 1_050_000, 1_146_600), ("good", 900_001, 1_000_000)],
)
def test_a_region_has_the_stems_of_the_whole(
    engine_name: str, start: int, stop: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    separator = request.getfixturevalue(engine_name)
    monkeypatch.setattr(engine, "gain_for", lambda *_: 1.0)  # else the level of another excerpt
    source = ArraySignal(music(26), RATE_HZ)
    stems = ("vocals", "other")
    whole = [block["vocals"] for block in separated(separator, source, stems, RecordingControl())]
    region = [
        block["vocals"] for block in separated(separator, source, stems, RecordingControl(), start=start, stop=stop)
    ]
    expected = np.concatenate(whole)[start:stop]
    assert decibels(np.concatenate(region) - expected, source.samples) < -90


def test_early_blocks_are_alike_and_change_no_bit(good: Separator) -> None:
    source = ArraySignal(music(15), RATE_HZ)
    blocks, early = (
        list(separated(good, source, good.stems, RecordingControl(), early=early)) for early in (False, True)
    )
    lengths = [len(block["vocals"]) for block in early]
    assert max(lengths) < 2 * lengths[0] < len(blocks[0]["vocals"])
    for stem in good.stems:
        expected, given = (np.concatenate([block[stem] for block in each]) for each in (blocks, early))
        assert given.tobytes() == expected.tobytes()


@pytest.mark.parametrize("engine_name", ["spleeter", "good"])
@pytest.mark.parametrize("frames", [1, 2, 1023, 4097, 100_000])
def test_stems_sum_to_the_mix(engine_name: str, frames: int, request: pytest.FixtureRequest) -> None:
    mix = music(3)[-frames:]
    stems = stems_of(request.getfixturevalue(engine_name), mix)
    for samples in stems.values():
        assert samples.shape == mix.shape
        assert samples.dtype == np.float32
    assert np.abs(sum(stems.values()) - mix).max() < 1e-6


@pytest.mark.parametrize("engine_name", ["spleeter", "good"])
def test_the_result_is_deterministic_and_the_mix_unchanged(engine_name: str, request: pytest.FixtureRequest) -> None:
    separator, mix = request.getfixturevalue(engine_name), music(4)
    before = mix.copy()
    first, second = stems_of(separator, mix), stems_of(separator, mix)
    np.testing.assert_array_equal(mix, before)
    assert all(first[stem].tobytes() == second[stem].tobytes() for stem in separator.stems)


def test_a_quiet_clip_is_separated_like_a_loud_one(spleeter: Separator) -> None:
    mix = music(5)
    loud, quiet = stems_of(spleeter, mix), stems_of(spleeter, mix * np.float32(1 / 64))
    assert decibels(64 * quiet["vocals"] - loud["vocals"], mix) < -90


def test_pauses_do_not_change_the_gain() -> None:
    def gain(mix: Samples) -> float:
        return gain_for(ArraySignal(mix, RATE_HZ), RecordingControl())

    mix = music(8)
    loud_and_pause = np.concatenate([mix, mix * np.float32(1 / 300), np.zeros_like(mix)])
    assert gain(loud_and_pause) == pytest.approx(gain(mix), rel=0.02)
    assert gain(mix * np.float32(1 / 8)) == pytest.approx(8 * gain(mix), rel=1e-4)
    noise = np.random.default_rng(0).standard_normal((RATE_HZ, 2)).astype(np.float32)
    assert gain(noise) == pytest.approx(10 ** (TARGET_DBFS / 20), rel=0.02)
    assert gain(np.zeros((1000, 2), np.float32)) == 0


@pytest.mark.parametrize("engine_name", ["spleeter", "good"])
def test_silence_stays_silent(engine_name: str, request: pytest.FixtureRequest) -> None:
    stems = stems_of(request.getfixturevalue(engine_name), np.zeros((50_000, 2), np.float32))
    assert not any(samples.any() for samples in stems.values())


@pytest.mark.parametrize(("engine_name", "stem"), [("spleeter", "drums"), ("good", "piano")])
def test_other_stems_are_refused_by_name(engine_name: str, stem: str, request: pytest.FixtureRequest) -> None:
    mix = ArraySignal(np.zeros((9, 2), np.float32), RATE_HZ)
    with pytest.raises(BadArguments, match=f"{engine_name} has no stem {stem}"):
        request.getfixturevalue(engine_name).separate(mix, [stem], RecordingControl())


@pytest.mark.parametrize("engine_name", ["spleeter", "good"])
def test_cancelling_acts_between_networks(engine_name: str, request: pytest.FixtureRequest) -> None:
    separator, mix = request.getfixturevalue(engine_name), ArraySignal(music(3), RATE_HZ)
    control = RecordingControl()
    list(separator.separate(mix, separator.stems, control))
    assert control.fractions == sorted(control.fractions)
    assert (control.fractions[0], control.fractions[-1]) == (0.0, 1.0)
    for step in range(len(control.fractions) - 1):
        with pytest.raises(Cancelled):
            list(separator.separate(mix, separator.stems, RecordingControl(cancel_at=step)))


class FakeUNet:
    """Estimates a constant."""

    device = "cpu"
    backend: Literal["torch"] = "torch"

    def __init__(self, value: float) -> None:
        self._value = value

    def estimate(self, magnitudes: Magnitudes) -> Magnitudes:
        return np.full_like(magnitudes, self._value)


def test_numbers_that_are_none_fail_the_job() -> None:
    broken = SpleeterSeparator(FakeUNet(np.nan), FakeUNet(1.0))
    with pytest.raises(EngineFailed, match="not numbers"):
        stems_of(broken, music(1))


def test_the_share_continues_above_the_known_bins() -> None:
    random = np.random.default_rng(0)
    vocals, rest = (random.exponential(1, (2, 3, 16)).astype(np.float32) for _ in range(2))
    vocals[:, 1, 8:] = 0
    rest[:, 2, 8:] = 0
    share = vocal_share(vocals, rest, 40)
    assert share.shape == (2, 40, 3)
    np.testing.assert_allclose(
        share[0, 3], vocals[0, :, 3] ** 2 / (vocals[0, :, 3] ** 2 + rest[0, :, 3] ** 2), rtol=1e-5
    )
    assert share.min() >= 0
    assert share.max() <= 1
    assert not share[:, 16:, 1].any()
    np.testing.assert_allclose(share[:, 16:, 2], 1, rtol=1e-5)
    assert np.ptp(share[:, 16:], axis=1).max() == 0
