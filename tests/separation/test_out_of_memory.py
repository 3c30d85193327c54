"""Out of memory: a retry, then the CPU, then the error `out_of_memory`. No graphics processor is needed."""

from __future__ import annotations

import weakref
from collections.abc import Container
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels

from bridge.audio.signal import ArraySignal
from bridge.errors import EngineFailed, OutOfMemory
from bridge.separation.backends import Backends
from bridge.separation.networks.fallback import FallbackNetwork
from bridge.separation.networks.torch_network import TorchNetwork, torch_networks
from bridge.separation.openvino.cache import OpenVinoCache, RunningConversion
from bridge.separation.registry import EngineRegistry
from bridge.separation.windowed.engine import WindowedSeparator
from tests.support.fakes import FakeClock, RecordingControl
from tests.support.small_models import (
    RATE_HZ,
    joined,
    locations_in,
    noise,
    save_htdemucs,
    save_model,
    separator_of,
    small_model,
)

if TYPE_CHECKING:
    from bridge.protocols import Control, Samples, Separator
    from bridge.separation.networks.base import Estimate, Planes
    from tests.support.small_models import ModelFolders

#: Five windows of the small models.
MIX = noise(27_000)
CUDA = torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 420.00 MiB. GPU 0 has a total capacity of …")
DRIVER = RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be asynchronously reported")
MPS = RuntimeError("MPS backend out of memory (MPS allocated: 8.89 GB, max allowed: 9.07 GB). Tried to allocate 6 MB")


class FakeGraphics:
    """A graphics processor that leaves tensors on the CPU; moving a window to it can run out of memory."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, device: str = "cuda", error: Exception = CUDA) -> None:
        self.device = device
        self.full_at: Container[int] = ()
        """The windows that run out of memory, counted from 1; each attempt counts."""
        self.holds_weights = True
        self.windows = 0
        self.emptied = 0
        to = torch.Tensor.to

        def to_device(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> torch.Tensor:
            if not args or str(args[0]) != device:
                return to(tensor, *args, **kwargs)
            if torch.is_inference_mode_enabled():
                self.windows += 1
                if self.windows in self.full_at:
                    raise error
            elif not self.holds_weights:
                raise error
            return tensor

        monkeypatch.setattr(torch.Tensor, "to", to_device)
        monkeypatch.setattr(f"torch.{device}.empty_cache", self._empty_cache)
        monkeypatch.setattr("torch.cuda.is_available", lambda: device == "cuda")

    def _empty_cache(self) -> None:
        self.emptied += 1

    def separator(self, bag: BagOfModels) -> WindowedSeparator:
        return WindowedSeparator("m", torch_networks("m", bag, self.device), bag.weights)


@pytest.fixture
def graphics(monkeypatch: pytest.MonkeyPatch) -> FakeGraphics:
    return FakeGraphics(monkeypatch)


def waveform() -> BagOfModels:
    return BagOfModels([small_model("waveform")])


def specialists() -> BagOfModels:
    return BagOfModels([small_model("waveform", seed) for seed in range(4)], np.eye(4).tolist())


def separated(separator: Separator, control: Control) -> dict[str, Samples]:
    return joined(list(separator.separate(ArraySignal(MIX, RATE_HZ), separator.stems, control)), separator)


def assert_same(stems: dict[str, Samples], expected: dict[str, Samples]) -> None:
    assert stems.keys() == expected.keys()
    for stem in expected:
        np.testing.assert_array_equal(stems[stem], expected[stem])


@pytest.mark.parametrize(("device", "error"), [("cuda", CUDA), ("cuda", DRIVER), ("mps", MPS)])
@pytest.mark.parametrize("kind", ["transformer", "waveform"])
def test_the_cpu_does_the_rest_with_the_same_result(
    monkeypatch: pytest.MonkeyPatch, kind: str, device: str, error: Exception
) -> None:
    undisturbed = separator_of(BagOfModels([small_model(kind)]))
    expected = separated(undisturbed, RecordingControl())
    graphics = FakeGraphics(monkeypatch, device, error)
    separator, control = graphics.separator(BagOfModels([small_model(kind)])), RecordingControl()
    assert separator.device == device
    graphics.full_at = range(3, 99)
    assert_same(separated(separator, control), expected)
    (warning,) = control.warnings
    assert warning.code == "out_of_memory"
    assert device in warning.message
    assert "the processor does the rest" in warning.message
    assert separator.device == "cpu"
    assert separator.identity() == undisturbed.identity()
    assert graphics.windows == 4  # two, and two attempts at the third
    assert graphics.emptied == 2
    assert control.fractions == sorted(control.fractions)


def test_a_second_run_of_the_job_stays_on_the_cpu_without_another_warning(graphics: FakeGraphics) -> None:
    separator, control = graphics.separator(waveform()), RecordingControl()
    graphics.full_at = range(3, 99)
    first = separated(separator, control)
    assert_same(separated(separator, control), first)
    assert len(control.warnings) == 1
    assert graphics.windows == 4


def test_the_device_stays_if_freed_memory_is_enough(graphics: FakeGraphics) -> None:
    separator, control = graphics.separator(waveform()), RecordingControl()
    graphics.full_at = {2, 5}
    assert_same(separated(separator, control), separated(separator_of(waveform()), RecordingControl()))
    assert control.warnings == []
    assert separator.device == "cuda"
    assert graphics.windows == 7
    assert graphics.emptied == 2


@pytest.mark.usefixtures("graphics")
def test_the_tensors_of_a_failed_attempt_are_released_before_the_cache_is_emptied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bag = waveform()
    network = torch_networks("m", bag, "cuda")[0]
    references: list[weakref.ref[torch.Tensor]] = []
    alive_when_emptied: list[int] = []

    def fail(*_: Any) -> None:
        if network.device == "cuda":
            activations = torch.zeros(1000)
            references.append(weakref.ref(activations))
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")

    bag.models[0].register_forward_hook(fail)
    monkeypatch.setattr(
        "torch.cuda.empty_cache",
        lambda: alive_when_emptied.append(sum(reference() is not None for reference in references)),
    )
    network.estimate(np.ascontiguousarray(noise(RATE_HZ).T))
    assert len(references) == 2
    assert alive_when_emptied == [0, 0]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:114] DefaultCPUAllocator: not enough memory: you tried to allocate"
        ),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes. Error code 12"),
    ],
)
def test_the_job_fails_if_the_cpu_has_too_little_memory_too(graphics: FakeGraphics, error: Exception) -> None:
    bag, control = waveform(), RecordingControl()
    separator = graphics.separator(bag)
    graphics.full_at = range(3, 99)

    def fail(*_: Any) -> None:
        if separator.device == "cpu":
            raise error

    bag.models[0].register_forward_hook(fail)
    with pytest.raises(OutOfMemory) as caught:
        separated(separator, control)
    assert caught.value.code == "out_of_memory"
    assert control.warnings == []


def test_other_failures_are_not_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    graphics = FakeGraphics(monkeypatch, error=RuntimeError("CUDA error: an illegal memory access was encountered"))
    separator = graphics.separator(waveform())
    graphics.full_at = {2}
    with pytest.raises(EngineFailed):
        separated(separator, RecordingControl())
    assert (graphics.windows, graphics.emptied, separator.device) == (2, 0, "cuda")


def test_only_the_models_of_a_bag_that_do_not_fit_move(graphics: FakeGraphics) -> None:
    bag, control = specialists(), RecordingControl()
    networks = torch_networks("m", bag, "cuda")
    separator = WindowedSeparator("m", networks, bag.weights)
    graphics.full_at = {6, 7, 8, 9}  # the second model's second window, and then the third's
    assert_same(separated(separator, control), separated(separator_of(specialists()), RecordingControl()))
    assert [network.device for network in networks] == ["cuda", "cpu", "cpu", "cuda"]
    assert separator.device == "cpu"
    assert [warning.code for warning in control.warnings] == ["out_of_memory"]


def test_weights_that_do_not_fit_stay_on_the_cpu(graphics: FakeGraphics) -> None:
    graphics.holds_weights = False
    network = TorchNetwork("m", small_model("waveform"), "cuda")
    assert network.device == "cpu"
    assert np.isfinite(network.estimate(np.ascontiguousarray(noise(RATE_HZ).T))).all()
    assert graphics.windows == 0


def engines(locations: ModelFolders) -> EngineRegistry:
    return EngineRegistry(locations.families, clock=FakeClock(), backends=Backends())


def test_the_next_job_tries_the_graphics_processor_again(graphics: FakeGraphics, tmp_path: Path) -> None:
    save_htdemucs(tmp_path / "models")
    opener, jobs = engines(locations_in(tmp_path)), [RecordingControl() for _ in range(3)]
    first = opener.open("htdemucs", "cuda", jobs[0])
    graphics.full_at = range(3, 99)
    expected = separated(first, jobs[0])
    graphics.full_at = ()
    second = opener.open("htdemucs", "cuda", jobs[1])
    assert second.device == "cuda"
    assert_same(separated(second, jobs[1]), expected)
    assert second.identity() == first.identity()
    assert opener.open("htdemucs", "cuda", jobs[2]) is second
    assert [len(job.warnings) for job in jobs] == [1, 0, 0]


def test_a_bag_that_has_moved_in_part_is_reloaded(graphics: FakeGraphics, tmp_path: Path) -> None:
    models = tmp_path / "models"
    for seed, signature in enumerate(("first", "second")):
        save_model(models, signature, small_model("waveform", seed))
    (models / "both.yaml").write_text("models: ['first', 'second']\n", encoding="utf-8")
    opener, control = engines(locations_in(tmp_path)), RecordingControl()
    graphics.full_at = {2, 3}
    separated(opener.open("both", "cuda", control), control)
    assert len(control.warnings) == 1
    assert opener.open("both", "cuda", control).device == "cuda"


class NoConversions(OpenVinoCache):
    """A machine on which models can be converted, but must not be."""

    is_possible = True

    def start_conversion(self, *_: object) -> RunningConversion:
        raise AssertionError("a model of the graphics processor was converted for the CPU")


def test_a_displaced_model_is_not_converted_in_idle_time(graphics: FakeGraphics, tmp_path: Path) -> None:
    save_htdemucs(tmp_path / "models")
    weights = locations_in(tmp_path).find("htdemucs")
    assert weights is not None
    backends, control = Backends(NoConversions(tmp_path / "cache", clock=FakeClock())), RecordingControl()
    loaded = backends.load(weights, "cuda", control)
    graphics.full_at = range(1, 99)
    separated(loaded.separator, control)
    assert loaded.separator.device == "cpu"
    assert not backends.convert(loaded, control)


def test_weights_that_do_not_fit_give_one_warning(graphics: FakeGraphics, tmp_path: Path) -> None:
    save_htdemucs(tmp_path / "models")
    opener, control = engines(locations_in(tmp_path)), RecordingControl()
    graphics.holds_weights = False
    separator = opener.open("htdemucs", "cuda", control)
    assert separator.device == "cpu"
    separated(separator, control)
    assert [warning.code for warning in control.warnings] == ["out_of_memory"]
    graphics.holds_weights = True
    assert opener.open("htdemucs", "cuda", control).device == "cuda"


class FailingNetwork(TorchNetwork):
    """Fails on each window."""

    def __init__(self, error: Exception) -> None:
        super().__init__("m", small_model("waveform"), "cpu")
        self._error = error

    def estimate(self, audio: Planes) -> Estimate:  # noqa: ARG002
        raise self._error


@pytest.mark.parametrize(("error", "failures"), [(OutOfMemory("Too large."), 0), (EngineFailed("Broken."), 1)])
def test_a_conversion_is_kept_when_memory_runs_out(error: Exception, failures: int) -> None:
    calls: list[str] = []
    fallback = TorchNetwork("m", small_model("waveform"), "cpu")
    network = FallbackNetwork(FailingNetwork(error), lambda: fallback, lambda: calls.append("failed"))
    window = np.ascontiguousarray(noise(RATE_HZ).T)
    np.testing.assert_array_equal(network.estimate(window), fallback.estimate(window))
    assert len(calls) == failures
