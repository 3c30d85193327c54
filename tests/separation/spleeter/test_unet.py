from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.errors import EngineFailed
from bridge.separation.spleeter import unet as backends
from bridge.separation.spleeter.layers import read_layers
from bridge.separation.spleeter.torch_unet import TorchUNet
from bridge.separation.spleeter.unet import open_unet
from tests.separation.spleeter.formula import estimate

if TYPE_CHECKING:
    from bridge.separation.spleeter.checkpoints import Arrays
    from bridge.separation.spleeter.unet import UNet


def opened(backend: str, arrays: Arrays, monkeypatch: pytest.MonkeyPatch) -> UNet:
    if backend == "openvino":
        pytest.importorskip("openvino")
    monkeypatch.setattr(backends, "_has_openvino", lambda: backend == "openvino")
    network = open_unet("spleeter", read_layers(arrays, "vocals"), "cpu")
    assert (network.backend, network.device) == (backend, "cpu")
    return network


@pytest.mark.parametrize("backend", ["torch", "openvino"])
@pytest.mark.parametrize("network", ["vocals", "accompaniment"])
def test_a_backend_computes_the_papers_formula(
    backend: str, network: str, checkpoint_arrays: dict[str, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    arrays = checkpoint_arrays[network]
    magnitudes = np.random.default_rng(0).exponential(1, (2, 128, 64)).astype(np.float32)
    expected = estimate(arrays, magnitudes.astype(np.float64))
    found = opened(backend, arrays, monkeypatch).estimate(magnitudes)
    assert found.dtype == np.float32
    assert expected.max() > 0.5
    assert np.abs(found - expected).max() < 1e-4


def test_both_backends_agree_on_a_real_size(
    checkpoint_arrays: dict[str, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    magnitudes = np.random.default_rng(0).exponential(3, (2, 192, 1024)).astype(np.float32)
    arrays = checkpoint_arrays["vocals"]
    found = [opened(backend, arrays, monkeypatch).estimate(magnitudes) for backend in ("torch", "openvino")]
    assert np.abs(found[0] - found[1]).max() < 1e-4


def test_an_estimate_is_the_caller_s_own(checkpoint_arrays: dict[str, Arrays], monkeypatch: pytest.MonkeyPatch) -> None:
    network = opened("openvino", checkpoint_arrays["vocals"], monkeypatch)
    first = network.estimate(np.ones((2, 64, 64), np.float32))
    kept = first.copy()
    network.estimate(np.zeros((2, 64, 64), np.float32))
    np.testing.assert_array_equal(first, kept)


def test_torch_computes_what_openvino_cannot_compile(
    checkpoint_arrays: dict[str, Arrays], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise EngineFailed("no compiler")

    monkeypatch.setattr("bridge.separation.spleeter.openvino_unet.OpenVinoUNet", fail)
    assert isinstance(open_unet("spleeter", read_layers(checkpoint_arrays["vocals"], "vocals"), "cpu"), TorchUNet)
