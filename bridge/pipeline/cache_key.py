"""What a job's files depend on, as one hash: jobs with the same key write the same bytes."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from pathlib import Path

import msgspec

import bridge
from bridge.audio.resample import reach_frames
from bridge.audio.source import Region
from bridge.model import JobRequest
from bridge.pipeline.excerpt import excerpt_for
from bridge.pipeline.manifest import EngineRecord, versions
from bridge.protocols import Control, Separator

BLOCK_FRAMES = 1 << 16


def cache_key(
    region: Region,
    request: JobRequest,
    stems: Sequence[str],
    midi: Sequence[str],
    separator: Separator | None,
    engine: EngineRecord,
    control: Control,
) -> str:
    """SHA-256, as hexadecimal digits, over the samples that are heard and all that decides what becomes of them.

    Args:
        stems: those that are written.
        midi: those that are turned into notes.
        separator: None: nothing is separated.
    """
    audio = region.audio
    first, last = (region.start_frame, region.stop_frame) if separator is None else _heard(separator, region)
    facts = (
        _settings(request, stems, midi),
        engine,
        versions(),
        _code(),
        (audio.channels, audio.sample_rate_hz, region.subtype),
        (first, region.start_frame, region.stop_frame, last),
        region.origin if stems else None,
    )
    digest = hashlib.sha256(msgspec.json.encode(facts))
    for start in range(first, last, BLOCK_FRAMES):
        control.checkpoint(1.0)
        digest.update(audio.read(start, min(start + BLOCK_FRAMES, last)).data)
    return digest.hexdigest()


def _settings(request: JobRequest, stems: Sequence[str], midi: Sequence[str]) -> JobRequest:
    """The request without what changes no file.

    What is left out is listed, not what is taken in: a new option makes other results until it says otherwise.
    """
    return msgspec.structs.replace(
        request,
        source=Path(request.source).name if stems else "",  # the stems' time stamps name it
        stems=tuple(stems),
        midi=tuple(midi),
        engine="",  # in the engine's record, as is the device, once `auto` has been resolved
        device="",
        start_seconds=0.0,  # the region counts in frames
        end_seconds=None,
        project=None,
        out=None,
        name=None,
        play=False,
        sync="",
    )


def _heard(separator: Separator, region: Region) -> tuple[int, int]:
    """The frames of the file that the stems of the region depend on: the region and its context."""
    excerpt = excerpt_for(separator, region.audio, region.start_frame, region.stop_frame)
    rate, engine_rate = region.audio.sample_rate_hz, excerpt.engine_rate_hz
    reach = reach_frames(rate, engine_rate, rate)
    first = excerpt.heard_start * rate // engine_rate - reach
    last = -(-excerpt.heard_stop * rate // engine_rate) + reach
    return max(0, min(first, region.start_frame)), min(max(last, region.stop_frame), region.audio.frames)


@functools.cache
def _code() -> str:
    """The hash of the bridge's own modules: who runs a checkout gets new results with every change to it."""
    digest = hashlib.sha256()
    root = Path(bridge.__file__).parent
    for room in ("audio", "pipeline", "separation", "transcription", "smf.py", "options.py", "model.py", "units.py"):
        path = root / room
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()
