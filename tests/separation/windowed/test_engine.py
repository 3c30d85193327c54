from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels

from bridge.audio.signal import ArraySignal
from bridge.errors import BadArguments, Cancelled, EngineFailed, OutOfMemory
from bridge.separation.windowed.overlap_add import stride_frames, window_starts
from tests.support.fakes import RecordingControl
from tests.support.small_models import RATE_HZ, by_demucs, joined, noise, separator_of, small_model

if TYPE_CHECKING:
    from bridge.protocols import Samples


def transformer() -> BagOfModels:
    return BagOfModels([small_model("transformer")])


def hybrid() -> BagOfModels:
    return BagOfModels([small_model("hybrid")])


def waveform() -> BagOfModels:
    return BagOfModels([small_model("waveform")])


def weighted_bag() -> BagOfModels:
    """Three kinds of model with different window lengths and different weights per stem."""
    models = [small_model("transformer"), small_model("hybrid", 1), small_model("waveform", 2, segment=2)]
    return BagOfModels(models, [[1, 0, 0, 1], [0, 1, 0.5, 1], [1, 1, 0, 0]])


def specialists() -> BagOfModels:
    """One model for each stem, as htdemucs_ft."""
    return BagOfModels([small_model("waveform", seed) for seed in range(4)], np.eye(4).tolist())


class ReadSignal(ArraySignal):
    """Records the length of the longest read."""

    def __init__(self, samples: Samples) -> None:
        super().__init__(samples, RATE_HZ)
        self.longest = 0

    def read(self, start: int, stop: int) -> Samples:
        assert 0 <= start <= stop <= self.frames
        self.longest = max(self.longest, stop - start)
        return super().read(start, stop)


LENGTHS = [
    pytest.param(2, id="two frames"),
    pytest.param(441, id="441 frames"),
    pytest.param(5000, id="less than a window"),
    pytest.param(7500, id="a window that demucs computes twice"),
    pytest.param(8000, id="one window"),
    pytest.param(12000, id="two strides"),
    pytest.param(20011, id="a prime number"),
]


@pytest.mark.parametrize("build", [transformer, hybrid, waveform, weighted_bag])
@pytest.mark.parametrize("frames", LENGTHS)
def test_the_stock_plan_equals_demucs(build: Callable[[], BagOfModels], frames: int) -> None:
    bag, mix = build(), noise(frames)
    expected = by_demucs(bag, mix)
    separator = separator_of(bag, stock_plan=True)
    stems = joined(list(separator.separate(ArraySignal(mix, RATE_HZ), separator.stems, RecordingControl())), separator)
    for stem in expected:
        np.testing.assert_allclose(stems[stem], expected[stem], atol=1e-5)
        assert np.abs(expected[stem]).max() > 1e-3


@pytest.mark.parametrize("build", [transformer, waveform])
@pytest.mark.parametrize("frames", [441, 7500, 8000, 20011])
def test_our_plan_differs_only_in_demucs_redundant_window(build: Callable[[], BagOfModels], frames: int) -> None:
    bag, mix = build(), noise(frames)
    expected = by_demucs(bag, mix)
    separator = separator_of(bag)
    stems = joined(list(separator.separate(ArraySignal(mix, RATE_HZ), separator.stems, RecordingControl())), separator)
    superfluous = sorted(set(window_starts(frames, RATE_HZ, stock=True)) - set(window_starts(frames, RATE_HZ)))
    same = superfluous[0] if superfluous else frames
    assert same >= min(frames, stride_frames(RATE_HZ))
    for stem in expected:
        np.testing.assert_allclose(stems[stem][:same], expected[stem][:same], atol=1e-5)


def test_a_clip_of_one_window_takes_one_window() -> None:
    bag = transformer()
    windows: list[int] = []
    bag.models[0].register_forward_hook(lambda *_: windows.append(1))
    for _ in separator_of(bag).separate(ArraySignal(noise(7500), RATE_HZ), ["bass"], RecordingControl()):
        pass
    assert len(windows) == 1


@pytest.mark.parametrize("build", [transformer, hybrid, waveform])
def test_silent_windows_are_not_computed_and_stay_silent(build: Callable[[], BagOfModels]) -> None:
    bag, mix = build(), noise(60_000)
    mix[10_000:50_000] = 0
    windows: list[int] = []
    bag.models[0].register_forward_hook(lambda *_: windows.append(1))
    separator = separator_of(bag)
    stems = joined(list(separator.separate(ArraySignal(mix, RATE_HZ), separator.stems, RecordingControl())), separator)
    assert 4 <= len(windows) <= 6  # of ten
    assert all(not stem[18_000:42_000].any() for stem in stems.values())
    assert all(stem[:8000].any() for stem in stems.values())


@pytest.mark.parametrize("frames", [1, 2, 441, 5999, 6000, 6001, 8000, 13999])
def test_blocks_contain_exactly_the_frames_of_the_mix(frames: int) -> None:
    separator = separator_of(waveform())
    blocks = list(separator.separate(ArraySignal(noise(frames), RATE_HZ), ["bass", "drums"], RecordingControl()))
    assert sum(len(block["bass"]) for block in blocks) == frames
    for block in blocks:
        assert set(block) == {"bass", "drums"}
        assert block["bass"].shape == block["drums"].shape == (len(block["bass"]), 2)
        assert block["bass"].dtype == np.float32
        assert np.isfinite(block["bass"]).all()


def test_the_first_block_arrives_before_the_whole_mix_is_separated() -> None:
    separator = separator_of(waveform())
    control = RecordingControl()
    first = next(iter(separator.separate(ArraySignal(noise(80_000), RATE_HZ), ["bass"], control)))
    assert len(first["bass"]) == 6000
    assert control.fractions[-1] < 0.1


def test_the_mix_is_unchanged_and_the_result_is_deterministic() -> None:
    mix = noise(9000)
    before = mix.copy()
    separator = separator_of(transformer())
    runs = [
        joined(list(separator.separate(ArraySignal(mix, RATE_HZ), separator.stems, RecordingControl())), separator)
        for _ in range(2)
    ]
    np.testing.assert_array_equal(mix, before)
    for stem in separator.stems:
        assert runs[0][stem].tobytes() == runs[1][stem].tobytes()


@pytest.mark.parametrize("build", [transformer, hybrid, waveform])
def test_silence_stays_silent(build: Callable[[], BagOfModels]) -> None:
    separator = separator_of(build())
    control = RecordingControl()
    blocks = list(separator.separate(ArraySignal(np.zeros((9000, 2), np.float32), RATE_HZ), ["vocals"], control))
    assert sum(len(block["vocals"]) for block in blocks) == 9000
    assert all(not block["vocals"].any() for block in blocks)
    assert control.fractions[-1] == 1.0


def test_a_mix_whose_channels_cancel_gives_finite_stems() -> None:
    mix = noise(9000)
    mix[:, 1] = -mix[:, 0]
    separator = separator_of(transformer())
    for block in separator.separate(ArraySignal(mix, RATE_HZ), separator.stems, RecordingControl()):
        assert all(np.isfinite(samples).all() for samples in block.values())


def test_progress_never_falls_and_reaches_one() -> None:
    control = RecordingControl()
    list(separator_of(weighted_bag()).separate(ArraySignal(noise(20_000), RATE_HZ), ["bass"], control))
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[0] == 0.0
    assert control.fractions[-1] == 1.0
    assert len(set(control.fractions)) > 3


def test_only_models_with_weight_in_the_requested_stems_run() -> None:
    bag = specialists()
    ran = [0] * 4

    def count(index: int) -> Callable[..., None]:
        def hook(*_: object) -> None:
            ran[index] += 1

        return hook

    for index, model in enumerate(bag.models):
        model.register_forward_hook(count(index))
    list(separator_of(bag).separate(ArraySignal(noise(5000), RATE_HZ), ["bass"], RecordingControl()))
    assert ran == [0, 1, 0, 0]


def test_cancelling_takes_effect_before_the_next_window() -> None:
    bag = waveform()
    windows: list[int] = []
    bag.models[0].register_forward_hook(lambda *_: windows.append(1))
    control = RecordingControl(cancel_at=4)
    with pytest.raises(Cancelled):
        list(separator_of(bag).separate(ArraySignal(noise(80_000), RATE_HZ), ["bass"], control))
    assert len(windows) == 2  # after two checkpoints for the start and the level, and two for windows


def test_a_long_mix_is_read_in_windows() -> None:
    separator = separator_of(waveform())
    mix = ReadSignal(noise(1_200_000, level=0.1))
    blocks = separator.separate(mix, ["bass"], RecordingControl())
    next(iter(blocks))
    assert mix.longest <= 1 << 20


def test_unknown_stems_are_refused_by_name() -> None:
    separator = separator_of(waveform())
    with pytest.raises(BadArguments, match="guitar"):
        separator.separate(ArraySignal(noise(10), RATE_HZ), ["guitar"], RecordingControl())


def test_another_sample_rate_is_refused() -> None:
    separator = separator_of(waveform())
    with pytest.raises(ValueError, match="8000"):
        separator.separate(ArraySignal(noise(10), 44100), ["bass"], RecordingControl())


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.cuda.OutOfMemoryError("CUDA out of memory"), OutOfMemory),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory"), OutOfMemory),
        (MemoryError(), OutOfMemory),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied\nmore"), EngineFailed),
    ],
)
def test_torch_errors_become_bridge_errors(error: Exception, expected: type[Exception]) -> None:
    bag = waveform()

    def fail(*_: Any) -> None:
        raise error

    bag.models[0].register_forward_hook(fail)
    with pytest.raises(expected) as caught:
        list(separator_of(bag).separate(ArraySignal(noise(10), RATE_HZ), ["bass"], RecordingControl()))
    assert caught.value.__cause__ is error
    assert "\n" not in str(caught.value)


def test_non_finite_stems_are_an_error() -> None:
    bag = waveform()
    bag.models[0].register_forward_hook(lambda _model, _inputs, output: output * float("nan"))
    with pytest.raises(EngineFailed, match="not numbers"):
        list(separator_of(bag).separate(ArraySignal(noise(10), RATE_HZ), ["bass"], RecordingControl()))


def test_identity_depends_on_the_weights() -> None:
    same = [separator_of(BagOfModels([small_model("waveform", 0)])).identity() for _ in range(2)]
    other = separator_of(BagOfModels([small_model("waveform", 1)])).identity()
    assert same[0] == same[1] != other
    assert len(other) == 16


def test_stems_are_in_the_usual_order() -> None:
    assert separator_of(waveform()).stems == ("vocals", "drums", "bass", "other")
