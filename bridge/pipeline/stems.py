"""The stems of a job: collected as raw float samples, then written in the requested format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal

import numpy as np

from bridge.audio.encoders import as_encoded
from bridge.audio.peaks import Peaks
from bridge.audio.scratch import Scratch
from bridge.audio.sink import subtype_for, would_clip, write_audio
from bridge.audio.source import OpenRegion
from bridge.audio.tags import info_chunk
from bridge.audio.wav_chunks import acid, bext
from bridge.audio.wav_head import BYTES_PER_SAMPLE, float_wav_head
from bridge.errors import BadArguments, EngineFailed
from bridge.model import Result, Warning
from bridge.options.readers import listed
from bridge.pipeline.channels import audio_of, stems_of
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.project_paths import stem_file_name
from bridge.protocols import Control, Separator
from bridge.request import JobRequest, StemSet
from bridge.stems import DRUMS, OPPOSITE_TABLE, label_of, single_stem_of, single_stems

if TYPE_CHECKING:
    from bridge.protocols import StemBlock

#: Frames read at a time from cached raw stems.
BLOCK_FRAMES = 1 << 16
_NOT_FINITE = "If samples of the clip are far above full scale, export it anew; else try another engine."


def chosen_stems(request: JobRequest, separator: Separator | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stems to write and the stems to transcribe; without an engine, only what the clip is transcribed as.

    Raises:
        BadArguments: the engine does not provide a requested stem, or nothing was requested.
    """
    wanted = request.stems
    if separator is None:
        return (), () if wanted.transcribe_as is None else (wanted.transcribe_as,)
    available = stems_of(separator)
    missing = [_missing(stem) for stem in _named(wanted.audio) if stem not in audio_of(separator)]
    missing += [stem for stem in _named(wanted.midi) if stem not in available]
    if missing:
        raise BadArguments(
            f"The engine {separator.name} provides {listed(available)}, not {missing[0]}.",
            advice="Choose one of these stems, or another engine.",
        )
    stems = available if wanted.audio == "all" else wanted.audio
    of_written = single_stems(stems) if stems else available
    midi = of_written if wanted.midi == "stems" else available if wanted.midi == "all" else wanted.midi
    if not stems and not midi and not (wanted.kit and DRUMS in available):
        raise BadArguments("Neither stems nor MIDI files were requested.", advice="Name some in stems or in midi.")
    return stems, midi


def _named(choice: StemSet | Literal["stems"]) -> tuple[str, ...]:
    return () if isinstance(choice, str) else choice


def _missing(name: str) -> str:
    """What an engine lacks that cannot make `name`: that stem, or the one that the opposite is without."""
    return f"{single_stem_of(name)}, which {name} would lack" if name in OPPOSITE_TABLE else name


def bytes_needed(region: OpenRegion, made: int, written: int) -> int:
    """Disk space for that many raw stems and written stems at the same time."""
    return region.frames * region.audio.channels * BYTES_PER_SAMPLE * (made + written)


@contextmanager
def scratch_stems(
    blocks: Iterable[StemBlock],
    region: OpenRegion,
    stems: Sequence[str],
    folder: OutputFolder,
    on_growth: Callable[[Mapping[str, Scratch]], None] | None = None,
    previews: Path | None = None,
) -> Iterator[Mapping[str, Scratch]]:
    """Collects the stems in scratch files, which are removed at the end; calls `on_growth` after each block.

    In the folder `previews` they are WAV files that others can read. Without one, they have no names and lie in
    `folder`.
    """
    with ExitStack() as scratches:
        made = {}
        channels, rate = region.audio.channels, region.audio.sample_rate_hz
        for stem in stems:
            if previews is None:
                made[stem] = Scratch(folder.scratch(stem), channels, rate, peaks=Peaks(region.frames))
            else:
                head = float_wav_head(region.frames, channels, rate)
                made[stem] = Scratch(previews / f"{stem}.wav", channels, rate, head, Peaks(region.frames))
            scratches.callback(made[stem].discard)
        for block in blocks:
            for stem, samples in block.items():
                made[stem].append(samples)
                if not made[stem].is_finite:
                    raise EngineFailed(f"The stem {stem} has values that are not numbers.", advice=_NOT_FINITE)
            if on_growth is not None:
                for scratch in made.values():
                    scratch.close()
                on_growth(made)
        for scratch in made.values():
            scratch.close()
        yield made


def raw_stem_blocks(files: Mapping[str, BinaryIO], region: OpenRegion, control: Control) -> Iterator[StemBlock]:
    """Blocks of cached raw stems, read from files of float32 samples; see `ResultsCache.raw_stems`."""
    channels = region.audio.channels
    for start in range(0, region.frames, BLOCK_FRAMES):
        control.checkpoint(start / region.frames)
        frames = min(BLOCK_FRAMES, region.frames - start)
        size = frames * channels * BYTES_PER_SAMPLE
        yield {
            stem: np.frombuffer(file.read(size), dtype="<f4").reshape(frames, channels) for stem, file in files.items()
        }


def write_stems(
    stems: Mapping[str, Scratch],
    region: OpenRegion,
    name: str,
    request: JobRequest,
    folder: OutputFolder,
    control: Control,
) -> Iterator[Result]:
    """Writes the stems of the job `name`; yields each result when its file is complete.

    If a stem would clip in the requested integer format, all stems become 32-bit float WAV files. A file that an
    earlier run of the same job has left is not written again.
    """
    file_format = request.audio.name
    subtype = subtype_for(file_format, request.audio.depth, region.subtype)
    clipping = [stem for stem, scratch in stems.items() if would_clip(scratch, subtype)]
    if clipping:
        file_format, subtype = "wav", "FLOAT"
        message = f"{listed(clipping)} would clip in that format, so all stems are 32-bit float WAV files."
        control.warn(Warning(code="would_clip", message=message))
    for stem, scratch in stems.items():
        control.checkpoint(1.0)
        file = stem_file_name(name, stem, file_format)
        audio = as_encoded(file_format, scratch.signal())
        result = Result(
            kind="stem",
            name=stem,
            folder=str(folder.path),
            file=file,
            seconds=region.seconds,
            sample_rate_hz=audio.sample_rate_hz,
            frames=audio.frames,
            channels=region.audio.channels,
            subtype=subtype,
        )
        if not folder.has(file, result):
            with folder.new_file(file, result) as new:
                write_audio(
                    new,
                    scratch,
                    file_format,
                    subtype,
                    stem_chunks(stem, region, request),
                    region.tags.of_stem(label_of(stem)),
                    lambda: control.checkpoint(1.0),
                )
        yield result


def stem_chunks(stem: str, region: OpenRegion, request: JobRequest) -> list[tuple[bytes, bytes]]:
    """WAV chunks (`bext`, `acid`, `LIST`) that state the stem's position, tempo and tags.

    The position is on the timeline of the source's recorder if known, else of the song, else in the source. Only a
    tempo that the user gave is written, because programs stretch a file by it.
    """
    tempo, beat = request.song.tempo_bpm, request.song.beat
    rate = region.audio.sample_rate_hz
    if region.origin.time_reference is not None:
        position = region.origin.time_reference + region.start_frame
    elif tempo is not None and beat is not None:
        position = round(beat * 60 / tempo * rate)
    else:
        position = region.start_frame
    facts = [f"{label_of(stem)} of {Path(request.source).name}", f"from {region.start_frame / rate:.6f} s"]
    chunks = []
    if tempo is not None:
        facts.append(f"tempo {tempo:g} BPM")
        chunks.append(acid(tempo, region.seconds, request.song.time_signature or (4, 4)))
    if beat is not None:
        facts.append(f"beat {beat:g}")
    tags = region.tags.of_stem(label_of(stem))
    if tags.present:
        chunks.append(info_chunk(tags))
    return [bext(", ".join(facts), region.origin, position), *chunks]
