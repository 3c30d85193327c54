"""Cache keys: hashes over all that a job's files, its stems, and the analyses of its stems depend on."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

import bridge
from bridge.audio.resample import reach_frames
from bridge.audio.source import OpenRegion
from bridge.pipeline.excerpt import excerpt_for
from bridge.pipeline.manifest import NOTE_PACKAGES, EngineRecord, versions
from bridge.protocols import Control, Separator, Signal
from bridge.request import (
    EngineChoice,
    GroupChoice,
    JobRequest,
    NoteFiles,
    NoteReading,
    OutputPlace,
    PlayRequest,
    Region,
    SongPosition,
)
from bridge.system.side_by_side import side_by_side

if TYPE_CHECKING:
    from bridge.protocols import Samples

BLOCK_FRAMES = 1 << 16
#: Folders and modules of the bridge whose code affects the content of output files.
SHAPING = (
    *("audio", "dawproject", "dsp", "music", "options", "pipeline", "score", "separation", "smf", "transcription"),
    *("control.py", "model.py", "plain.py", "request.py", "stems.py", "units.py", "value.py"),
)


@dataclass(frozen=True)
class Keys:
    """Hashes, in hexadecimal, over the input samples and everything else that determines the results."""

    job: str
    """Equal for jobs that write the same bytes."""
    stems: str
    """Of the written stems, without the chunks after the audio of WAV files: time stamps and tags."""
    kit: str
    """Of the parts of the drums; likewise without those chunks."""
    separation: str
    """Of the raw stems, before they are written in a format."""

    def raw_stem(self, stem: str) -> str:
        """The key of one raw stem."""
        return _digest(self.separation, "made", stem)

    def analysis(self, identity: str, stem: str) -> str:
        """The key of one stem's analysis by a transcriber of this identity."""
        return _digest(self.separation, identity, stem)


def cache_keys(
    region: OpenRegion,
    request: JobRequest,
    stems: Sequence[str],
    midi: Sequence[str],
    separator: Separator | None,
    engine: EngineRecord,
    control: Control,
) -> Keys:
    """The keys of a job.

    Args:
        stems: the stems to write.
        midi: the stems to transcribe.
        separator: None if nothing is separated.
    """
    audio = region.audio
    first, last = (region.start_frame, region.stop_frame) if separator is None else _input_frames(separator, region)
    audio_versions = {package: number for package, number in versions().items() if package not in NOTE_PACKAGES}
    facts = (
        engine,
        audio_versions,
        _code_hash(),
        (audio.channels, audio.sample_rate_hz, region.subtype),
        (first, region.start_frame, region.stop_frame, last),
    )
    digest = hashlib.sha256(msgspec.json.encode(facts))
    for block in read_ahead(audio, first, last, control):
        digest.update(block.data)
    separation = digest.hexdigest()
    settings = _settings(request, stems, midi)
    made_stems = _digest(separation, _without_notes(settings), None if request.audio.name == "wav" else region.tags)
    return Keys(
        job=_digest(
            separation, settings, (region.origin, region.tags) if stems else None, versions() if midi else None
        ),
        stems=made_stems,
        kit=_digest(made_stems, "kit"),
        separation=separation,
    )


def read_ahead(audio: Signal, first: int, last: int, control: Control) -> Iterator[Samples]:
    """Frames `first` to `last` in blocks, which are read while the caller works on those before."""

    def read(start: int) -> Samples:
        return audio.read(start, min(start + BLOCK_FRAMES, last))

    return side_by_side(read, range(first, last, BLOCK_FRAMES), lambda: control.checkpoint(1.0))


def _digest(*facts: object) -> str:
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()


def _settings(request: JobRequest, stems: Sequence[str], midi: Sequence[str]) -> JobRequest:
    """The request without the fields that affect no output file.

    The ignored fields are listed, not the included ones, so a new option is part of the key unless it is listed here.
    """
    return msgspec.structs.replace(
        request,
        source=Path(request.source).name if stems else "",  # the stems' time stamps hold the name
        stems=msgspec.structs.replace(request.stems, audio=tuple(stems), midi=tuple(midi)),
        engine=EngineChoice(),  # the engine record has the engine and device, with `auto` resolved
        region=Region(),  # the key has the region in frames
        place=OutputPlace(),
        play=PlayRequest(),
        group=GroupChoice(),
        note_files=msgspec.structs.replace(
            request.note_files, picture=None if request.note_files.picture is None else ""
        ),
    )


def _without_notes(settings: JobRequest) -> JobRequest:
    """The settings without what affects no stem: notes, the content of time stamps, and whether drums are split."""
    return msgspec.structs.replace(
        settings,
        source="",
        stems=msgspec.structs.replace(settings.stems, midi=(), kit=False),
        song=SongPosition(),
        reading=NoteReading(),
        quantise=None,
        scale=None,
        note_files=NoteFiles(),
    )


def _input_frames(separator: Separator, region: OpenRegion) -> tuple[int, int]:
    """Start and stop of the file's frames that the stems depend on: the region and its context."""
    excerpt = excerpt_for(separator, region.audio, region.start_frame, region.stop_frame)
    rate, engine_rate = region.audio.sample_rate_hz, excerpt.engine_rate_hz
    reach = reach_frames(rate, engine_rate, rate)
    first = excerpt.input_start * rate // engine_rate - reach
    last = -(-excerpt.input_stop * rate // engine_rate) + reach
    return max(0, min(first, region.start_frame)), min(max(last, region.stop_frame), region.audio.frames)


@functools.cache
def _code_hash() -> str:
    """The hash of the bridge's modules and bundled weights, so that a changed checkout makes new results."""
    digest = hashlib.sha256()
    root = Path(bridge.__file__).parent
    for file in shaping_files(root):
        digest.update(f"{file.relative_to(root).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()


def shaping_files(root: Path) -> Iterator[Path]:
    """The files that `SHAPING` names below `root`: modules, and weights that are part of the package."""
    for name in SHAPING:
        path = root / name
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.suffix in (".py", ".npz", ".onnx"))
