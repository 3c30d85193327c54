"""Runs SwiftF0 (Nieradzik, 2025, arXiv 2508.18440): the pitch of one voice, frame by frame, with onnxruntime.

Its package is not imported, only its network's file is read: a session of our own takes audio of any rate and leaves
threads alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from bridge.dsp.arrays import Floats
from bridge.dsp.padded_read import samples_between
from bridge.errors import EngineFailed
from bridge.transcription.pitched.basic_pitch import ADVICE, open_network
from bridge.transcription.pitched.bass.pitch_network_file import pitch_network_file

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: The rate that the network takes its samples for, and the pitches that it finds at that rate.
NOMINAL_RATE_HZ = 16000
LOWEST_HZ, HIGHEST_HZ = 46.875, 2093.75
HOP = 256
#: Frames at once, and those around them that the network sees.
FRAMES_AT_ONCE, LEFT_FRAMES, RIGHT_FRAMES = 1875, 11, 10
#: A hop whose samples stay below this is silence, in which the network would find pitches.
SILENT = 1e-3


class PitchTrack(NamedTuple):
    """Frame i is centred on sample `HOP` · i."""

    pitch: Floats
    """In MIDI numbers, (frames,)."""
    confidence: Floats
    """Of there being one pitch, 0–1; 0 in silence, (frames,)."""


class SwiftF0:
    """The network, loaded. Not for use by two threads at once.

    Raises:
        EngineFailed: the network's file is missing or broken.
    """

    def __init__(self) -> None:
        self._session = open_network(find_pitch_network())

    def track(self, audio: Signal, rate_hz: float, control: Control) -> PitchTrack:
        """The pitch of `audio` (1 channel).

        Args:
            rate_hz: the true rate of its samples; the range of pitches moves with it.

        Raises:
            EngineFailed: the network failed.
            Cancelled: from `control`.
        """
        frames = -(-audio.frames // HOP)
        pitch, confidence = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
        for start in range(0, frames, FRAMES_AT_ONCE):
            control.checkpoint(start / frames)
            stop = min(start + FRAMES_AT_ONCE, frames)
            left = min(start, LEFT_FRAMES)
            samples = samples_between(audio, (start - left) * HOP, (stop + RIGHT_FRAMES) * HOP)
            hertz, sure = self._run(samples)
            kept = slice(left, left + stop - start)
            loudest = np.abs(samples[left * HOP :][: (stop - start) * HOP]).reshape(-1, HOP).max(axis=1)
            pitch[start:stop] = 69 + 12 * np.log2(np.maximum(hertz[kept], 1) * (rate_hz / NOMINAL_RATE_HZ) / 440)
            confidence[start:stop] = np.where(loudest < SILENT, 0, np.nan_to_num(sure[kept]))
        control.checkpoint(1.0)
        return PitchTrack(pitch, confidence)

    def _run(self, samples: Floats) -> tuple[Floats, Floats]:
        limits = {"fmin": np.asarray(LOWEST_HZ, np.float32), "fmax": np.asarray(HIGHEST_HZ, np.float32)}
        try:
            hertz, sure = self._session.run(("pitch", "confidence"), {"audio": samples[np.newaxis], **limits})
        except Exception as exc:  # onnxruntime's errors share no narrower base
            raise EngineFailed(f"SwiftF0's network failed: {exc}") from exc
        return hertz[0], sure[0]


def find_pitch_network() -> Path:
    """The network's file. Raises EngineFailed if it is missing."""
    path = pitch_network_file()
    if path is None:
        raise EngineFailed("SwiftF0's network, the package swift-f0, is missing.", advice=ADVICE)
    return path
