"""Converted HTDemucs models, computed by OpenVINO on the CPU. Needs neither torch nor the demucs package."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.separation.networks.base import translate_errors
from bridge.separation.networks.openvino_runtime import compiled_for_cpu
from bridge.separation.openvino.artifact import OpenVinoModel
from bridge.separation.openvino.spectrogram import Spectrogram

if TYPE_CHECKING:
    from bridge.separation.networks.base import Estimate, Planes


class OpenVinoNetwork:
    """One converted model, compiled for this CPU on first use."""

    device = "cpu"

    def __init__(self, name: str, converted: OpenVinoModel, model_file: Path) -> None:
        self._name = name
        self._converted = converted
        self._model_file = model_file
        self._spectrogram = Spectrogram(converted.spectrum_size, converted.window_frames)
        self._request: Any = None

    @property
    def sources(self) -> tuple[str, ...]:
        return self._converted.sources

    @property
    def sample_rate_hz(self) -> int:
        return self._converted.sample_rate_hz

    @property
    def window_frames(self) -> int:
        return self._converted.window_frames

    def input_frames(self, length: int) -> int:  # noqa: ARG002 - the graph was traced for one length
        return self._converted.window_frames

    def prepare(self) -> None:
        if self._request is not None:
            return
        with translate_errors(self._name):
            self._request = compiled_for_cpu(self._model_file)

    def estimate(self, audio: Planes) -> Estimate:
        self.prepare()
        with translate_errors(self._name):
            inputs = [self._spectrogram.forward(audio)[None], audio[None]]
            outputs = self._request.infer(inputs, share_inputs=True, share_outputs=True)
            estimate = self._spectrogram.inverse(np.asarray(outputs[0])[0])
            estimate += np.asarray(outputs[1])[0]
        return estimate

    def identity(self) -> str:
        return self._converted.identity
