"""Runs basic-pitch's network (Bittner et al., ICASSP 2022) with onnxruntime."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from bridge.dsp.arrays import Bytes, Floats
from bridge.dsp.padded_read import samples_between
from bridge.errors import EngineFailed
from bridge.transcription.pitched.network_file import network_file
from bridge.transcription.pitched.posteriors import CONTOUR_BINS, PITCHES, Posteriors, as_bytes
from bridge.transcription.pitched.semitone_levels import REACH, semitone_levels

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

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
WINDOWS_AT_ONCE = 8

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
        self._session = open_network(find_model() if model is None else model)

    def posteriors(self, audio: Signal, control: Control) -> Posteriors:
        """The network's posteriors for `audio` (1 channel, 22 050 Hz), read a few windows at a time.

        Raises:
            EngineFailed: the network failed.
            Cancelled: from `control`.
        """
        if audio.channels != 1 or audio.sample_rate_hz != SAMPLE_RATE_HZ:
            raise ValueError(f"basic-pitch takes 1 channel at {SAMPLE_RATE_HZ} Hz")
        frames = -(-audio.frames // HOP)
        windows = -(-frames // KEPT_FRAMES)
        note = np.zeros((frames, PITCHES), np.uint8)
        onset = np.zeros((frames, PITCHES), np.uint8)
        contour = np.zeros((frames, CONTOUR_BINS), np.uint8)
        level = np.zeros((frames, PITCHES), np.uint8)
        power = np.zeros(frames, np.float32)
        for first in range(0, windows, WINDOWS_AT_ONCE):
            control.checkpoint(first / windows)
            count = min(WINDOWS_AT_ONCE, windows - first)
            samples = _padded_samples(audio, first, count)
            kept = slice(first * KEPT_FRAMES, min((first + count) * KEPT_FRAMES, frames))
            length = kept.stop - kept.start
            power[kept] = _power(samples, count)[:length]
            level[kept] = semitone_levels(samples[MARGIN_FRAMES * HOP - REACH :], length, HOP, SAMPLE_RATE_HZ)
            for posterior, output in zip((note, onset, contour), self._run(samples, count), strict=True):
                posterior[kept] = as_bytes(output[:length])
        control.checkpoint(1.0)
        return Posteriors(note, onset, contour, level, power, SAMPLE_RATE_HZ / HOP, audio.frames / SAMPLE_RATE_HZ)

    def probabilities(self, audio: Signal, control: Control) -> tuple[Bytes, Bytes, Bytes]:
        """Note, onset and contour, as in `Posteriors`, of whole windows: at least as many frames as `audio` has.

        Raises:
            EngineFailed: the network failed.
            Cancelled: from `control`.
        """
        windows = -(-audio.frames // STRIDE)
        bins = (PITCHES, PITCHES, CONTOUR_BINS)
        note, onset, contour = (np.zeros((windows * KEPT_FRAMES, count), np.uint8) for count in bins)
        for first in range(0, windows, WINDOWS_AT_ONCE):
            control.checkpoint(first / windows)
            count = min(WINDOWS_AT_ONCE, windows - first)
            kept = slice(first * KEPT_FRAMES, (first + count) * KEPT_FRAMES)
            outputs = self._run(_padded_samples(audio, first, count), count)
            for posterior, output in zip((note, onset, contour), outputs, strict=True):
                posterior[kept] = as_bytes(output)
        control.checkpoint(1.0)
        return note, onset, contour

    def _run(self, samples: Floats, windows: int) -> list[Floats]:
        """Note, onset and contour of consecutive windows, without their margins: (windows · 142, bins) each."""
        batch = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::STRIDE][:windows]
        sounding = batch.any(axis=1)
        posteriors = [np.zeros((windows, KEPT_FRAMES, bins), np.float32) for bins in (PITCHES, PITCHES, CONTOUR_BINS)]
        if sounding.any():  # the network normalises its input; digital silence has nothing to normalise
            try:
                outputs = self._session.run((NOTE, ONSET, CONTOUR), {INPUT: batch[sounding][..., np.newaxis]})
            except Exception as exc:  # onnxruntime's errors share no narrower base
                raise EngineFailed(f"basic-pitch's network failed: {exc}") from exc
            for posterior, output in zip(posteriors, outputs, strict=True):
                posterior[sounding] = output[:, MARGIN_FRAMES : MARGIN_FRAMES + KEPT_FRAMES]
        return [posterior.reshape(windows * KEPT_FRAMES, -1) for posterior in posteriors]


def find_model() -> Path:
    """The network's file. Raises EngineFailed if it is missing."""
    path = network_file()
    if path is None:
        raise EngineFailed("basic-pitch's network nmp.onnx is missing.", advice=ADVICE)
    return path


def open_network(model: Path) -> Any:
    """A session for a network file. Raises EngineFailed if it is missing or broken."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = _available_cores()
    options.log_severity_level = 4
    try:
        return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
    except Exception as exc:  # onnxruntime's errors share no narrower base
        raise EngineFailed(f"the network {model.name} for notes cannot be loaded: {exc}", advice=ADVICE) from exc


def _available_cores() -> int:
    """The cores that this process may use: in a container or under `taskset`, fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _padded_samples(audio: Signal, first: int, windows: int) -> Floats:
    """The samples under `windows` consecutive windows from index `first` on, zero outside the clip: (samples,)."""
    start = first * STRIDE - MARGIN_FRAMES * HOP
    return samples_between(audio, start, start + (windows - 1) * STRIDE + WINDOW)


def _power(samples: Floats, windows: int) -> Floats:
    """Mean square of each kept frame's hop: (windows · 142,)."""
    kept = samples[MARGIN_FRAMES * HOP :][: windows * STRIDE]
    return np.asarray(np.square(kept).reshape(-1, HOP).mean(axis=1), np.float32)
