"""How much of a growing signal may be read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bridge.protocols import Signal


def known_frames(audio: Signal, known_seconds: float) -> int:
    """How many frames of `audio` are known; all once less than one is missing, since lengths at two rates differ."""
    frames = known_seconds * audio.sample_rate_hz
    return audio.frames if frames > audio.frames - 1 else max(0, int(frames + 1e-6))
