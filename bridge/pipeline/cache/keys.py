"""What a job's files depend on, as hashes: one for all of them, one for the stems, one for what is heard in them."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

import bridge
from bridge.audio.resample import reach_frames
from bridge.audio.source import Region
from bridge.model import JobRequest
from bridge.options.table import OPTIONS
from bridge.pipeline.excerpt import excerpt_for
from bridge.pipeline.manifest import EngineRecord, versions
from bridge.protocols import Control, Separator

BLOCK_FRAMES = 1 << 16
#: Rooms and modules of the bridge that decide what is in a file.
SHAPING = (
    *("audio", "dsp", "music", "options", "pipeline", "score", "separation", "smf", "transcription"),
    *("control.py", "model.py", "note_settings.py", "units.py"),
)


@dataclass(frozen=True)
class Keys:
    """Hashes, as hexadecimal digits, over the samples that are heard and what decides what becomes of them."""

    job: str
    """Jobs with the same one write the same bytes."""
    stems: str
    """The audio of the files that are written, without their time stamps."""
    sound: str
    """The stems themselves, before anything is written."""

    def made(self, stem: str) -> str:
        """One of the stems themselves."""
        return _digest(self.sound, "made", stem)

    def heard(self, listener: str, stem: str) -> str:
        """What a listener with this identity hears in one stem."""
        return _digest(self.sound, listener, stem)


def cache_keys(
    region: Region,
    request: JobRequest,
    stems: Sequence[str],
    midi: Sequence[str],
    separator: Separator | None,
    engine: EngineRecord,
    control: Control,
) -> Keys:
    """The keys of a job.

    Args:
        stems: those that are written.
        midi: those that are turned into notes.
        separator: None: nothing is separated.
    """
    audio = region.audio
    first, last = (region.start_frame, region.stop_frame) if separator is None else _heard(separator, region)
    facts = (
        engine,
        versions(),
        _code(),
        (audio.channels, audio.sample_rate_hz, region.subtype),
        (first, region.start_frame, region.stop_frame, last),
    )
    digest = hashlib.sha256(msgspec.json.encode(facts))
    for start in range(first, last, BLOCK_FRAMES):
        control.checkpoint(1.0)
        digest.update(audio.read(start, min(start + BLOCK_FRAMES, last)).data)
    sound = digest.hexdigest()
    settings = _settings(request, stems, midi)
    return Keys(
        job=_digest(sound, settings, region.origin if stems else None),
        stems=_digest(sound, _without_notes(settings)),
        sound=sound,
    )


def _digest(*facts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


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
        picture=None if request.picture is None else "",
    )


def _without_notes(settings: JobRequest) -> JobRequest:
    """The settings without what changes no audio: how notes are read and written, and what a time stamp says."""
    silent = {option.field for option in OPTIONS.values() if option.about == "notes"}
    kept = {name: value for name, value in msgspec.structs.asdict(settings).items() if name not in silent}
    return JobRequest(**{**kept, "source": "", "midi": ()})


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
    """The hash of the bridge's own modules, weights too: who runs a checkout gets new results with every change."""
    digest = hashlib.sha256()
    root = Path(bridge.__file__).parent
    for file in shaping_files(root):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def shaping_files(root: Path) -> Iterator[Path]:
    """All that `SHAPING` names below `root`: modules, and the weights that come with the program."""
    for room in SHAPING:
        path = root / room
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.suffix in (".py", ".npz"))
