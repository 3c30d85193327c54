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
from bridge.transcription.pitched.basic_pitch import ADVICE, available_cores, open_network
from bridge.transcription.pitched.bass.pitch_network_file import pitch_network_file

if TYPE_CHECKING:
    from bridge.protocols import Control, Signal

#: The rate that the network takes its samples for, and the pitches that it finds at that rate.
NOMINAL_RATE_HZ = 16000
LOWEST_HZ, HIGHEST_HZ = 46.875, 2093.75
HOP = 256
#: Frames at once, and those around them that the network sees.
FRAMES_AT_ONCE, LEFT_FRAMES, RIGHT_FRAMES = 48, 11, 10
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
        self._session = open_network(find_pitch_network(), threads=available_cores())

    def pitches(self, samples: Floats) -> tuple[Floats, Floats]:
        """The pitch in Hz at the nominal rate, and its confidence, of every `HOP` samples: (frames,) each.

        Raises:
            EngineFailed: the network failed.
        """
        limits = {"fmin": np.asarray(LOWEST_HZ, np.float32), "fmax": np.asarray(HIGHEST_HZ, np.float32)}
        try:
            hertz, sure = self._session.run(("pitch", "confidence"), {"audio": samples[np.newaxis], **limits})
        except Exception as exc:  # onnxruntime's errors share no narrower base
            raise EngineFailed(f"SwiftF0's network failed: {exc}") from exc
        return hertz[0], sure[0]


class PitchReading:
    """The track of `audio` (1 channel) that grows.

    Args:
        rate_hz: the true rate of its samples; the range of pitches moves with it.
    """

    def __init__(self, network: SwiftF0, audio: Signal, rate_hz: float) -> None:
        self._network, self._audio, self._rate_hz = network, audio, rate_hz
        self.frames_of_clip = -(-audio.frames // HOP)
        self.frames = 0
        """How many frames are ready."""
        self.track = PitchTrack(*(np.zeros(self.frames_of_clip, np.float32) for _ in range(2)))

    def advance(self, known: int, control: Control) -> None:
        """Follows the pitch as far as the first `known` samples allow.

        Raises:
            EngineFailed: the network failed.
            Cancelled: from `control`.
        """
        # Always the same groups of frames, so that a clip that grows gives what the whole gives.
        ready = known // HOP - RIGHT_FRAMES if known < self._audio.frames else self.frames_of_clip
        while (stop := min(self.frames + FRAMES_AT_ONCE, self.frames_of_clip)) <= ready and stop > self.frames:
            control.checkpoint(self.frames / self.frames_of_clip)
            start, left = self.frames, min(self.frames, LEFT_FRAMES)
            samples = samples_between(self._audio, (start - left) * HOP, (stop + RIGHT_FRAMES) * HOP)
            hertz, sure = self._network.pitches(samples)
            kept = slice(left, left + stop - start)
            loudest = np.abs(samples[left * HOP :][: (stop - start) * HOP]).reshape(-1, HOP).max(axis=1)
            nominal = self._rate_hz / NOMINAL_RATE_HZ
            self.track.pitch[start:stop] = 69 + 12 * np.log2(np.maximum(hertz[kept], 1) * nominal / 440)
            self.track.confidence[start:stop] = np.where(loudest < SILENT, 0, np.nan_to_num(sure[kept]))
            self.frames = stop
        if known >= self._audio.frames:
            control.checkpoint(1.0)


def find_pitch_network() -> Path:
    """The network's file. Raises EngineFailed if it is missing."""
    path = pitch_network_file()
    if path is None:
        raise EngineFailed("SwiftF0's network, the package swift-f0, is missing.", advice=ADVICE)
    return path
