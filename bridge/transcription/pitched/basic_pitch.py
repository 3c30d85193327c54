"""Runs basic-pitch's network (Bittner et al., ICASSP 2022) with onnxruntime."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from bridge.dsp.arrays import Floats
from bridge.errors import EngineFailed
from bridge.transcription.pitched.network_file import network_file
from bridge.transcription.pitched.posteriors import CONTOUR_BINS, PITCHES

# Events that go to Windows; `bridge.system.privacy` disables the others, which start while it loads.
onnxruntime.disable_telemetry_events()

SAMPLE_RATE_HZ = 22050
#: Samples from one frame to the next.
HOP = 256
#: The network's window in samples, and the frames it returns for one.
WINDOW = 43844
WINDOW_FRAMES = 172
#: Frames dropped on each side of a window, where the network has too little context.
MARGIN_FRAMES = 15
KEPT_FRAMES = WINDOW_FRAMES - 2 * MARGIN_FRAMES
#: The stride between windows is a whole number of frames, so that all frames of the clip lie on one 256-sample grid.
#: basic-pitch itself uses a stride of 36 164 samples instead of 36 352 and ignores the difference (its 142 frames are
#: 86.58 a second), which loses the end of the file.
STRIDE = KEPT_FRAMES * HOP

#: The names of the network's input and outputs.
INPUT = "serving_default_input_2:0"
NOTE, ONSET, CONTOUR = (f"StatefulPartitionedCall:{index}" for index in (1, 2, 0))

ADVICE = "Install the bridge again: the installation brings the network."


class BasicPitch:
    """basic-pitch's network, loaded. Not for use by two threads at once.

    Raises:
        EngineFailed: the network's file is missing or broken.
    """

    name = "basic-pitch"
    sample_rate_hz = SAMPLE_RATE_HZ

    def __init__(self, model: Path | None = None) -> None:
        # Windows side by side are no slower than threads within each, and give the same bits on any machine.
        self._session = open_network(find_model() if model is None else model, threads=1)

    def probabilities(self, samples: Floats, windows: int) -> list[Floats]:
        """Note, onset and contour of consecutive windows, without their margins: (windows · 142, bins) each, 0–1.

        Args:
            samples: those under the windows, `STRIDE` apart: ((windows - 1) · STRIDE + WINDOW,).

        Raises:
            EngineFailed: the network failed.
        """
        batch = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STRIDE][:windows]
        posteriors = [np.zeros((windows, KEPT_FRAMES, bins), np.float32) for bins in (PITCHES, PITCHES, CONTOUR_BINS)]
        # The network normalises its input; digital silence has nothing to normalise. One window at a time: the last
        # bits of a result depend on how many are run together, and a clip that grows must give what the whole gives.
        sounding = np.flatnonzero(batch.any(axis=1)).tolist()
        with ThreadPoolExecutor(available_cores()) as threads:
            for window, outputs in zip(
                sounding, threads.map(self._run, (batch[index] for index in sounding)), strict=True
            ):
                for posterior, output in zip(posteriors, outputs, strict=True):
                    posterior[window] = output[0, MARGIN_FRAMES : MARGIN_FRAMES + KEPT_FRAMES]
        return [posterior.reshape(windows * KEPT_FRAMES, -1) for posterior in posteriors]

    def _run(self, window: Floats) -> list[Floats]:
        """The outputs for one window."""
        try:
            outputs: list[Floats] = self._session.run(
                (NOTE, ONSET, CONTOUR), {INPUT: window[np.newaxis, :, np.newaxis]}
            )
        except Exception as exc:  # onnxruntime's errors share no narrower base
            raise EngineFailed(f"basic-pitch's network failed: {exc}") from exc
        return outputs


def find_model() -> Path:
    """The network's file. Raises EngineFailed if it is missing."""
    path = network_file()
    if path is None:
        raise EngineFailed("basic-pitch's network nmp.onnx is missing.", advice=ADVICE)
    return path


def open_network(model: Path, *, threads: int) -> Any:
    """A session for a network file, with so many threads for each run.

    Raises:
        EngineFailed: it is missing or broken.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's errors share no narrower base
        raise EngineFailed(f"the network {model.name} for notes cannot be loaded: {exc}", advice=ADVICE) from exc


def available_cores() -> int:
    """The cores that this process may use: in a container or under `taskset`, fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
