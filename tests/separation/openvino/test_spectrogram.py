import numpy as np
import pytest
import torch

from bridge.separation.openvino.spectrogram import Spectrogram
from tests.support.small_models import small_model


@pytest.mark.parametrize("frames", [8000, 7999, 8192])
def test_both_directions_equal_the_models_own(frames: int) -> None:
    model = small_model("transformer")
    random = np.random.default_rng(0)
    audio = random.standard_normal((2, frames)).astype(np.float32)
    spectrogram = Spectrogram(model.nfft, frames)
    expected = model._magnitude(model._spec(torch.from_numpy(audio)[None]))[0].numpy()
    np.testing.assert_allclose(spectrogram.forward(audio), expected, atol=2e-6)
    planes = random.standard_normal((4, 4, model.nfft // 2, spectrogram.columns)).astype(np.float32)
    masked = model._mask(None, torch.from_numpy(planes)[None])
    np.testing.assert_allclose(spectrogram.inverse(planes), model._ispec(masked, frames)[0].numpy(), atol=5e-6)
