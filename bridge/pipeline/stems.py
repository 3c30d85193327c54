"""The stems of a job: made as plain floats, then written as the files that were asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from bridge.audio.scratch import BYTES_PER_SAMPLE, Scratch
from bridge.audio.sink import clips_in, subtype_for, write_audio
from bridge.audio.source import Region
from bridge.audio.wav_chunks import acid, bext
from bridge.errors import BadArguments
from bridge.model import JobRequest, Result, Warning
from bridge.options.table import EVERY_STEM, listed
from bridge.pipeline.channels import stems_of
from bridge.pipeline.output_folder import OutputFolder
from bridge.project_paths import stem_file
from bridge.protocols import Control, Separator

if TYPE_CHECKING:
    from bridge.protocols import StemBlock

#: What is read at once of stems that were made before.
BLOCK_FRAMES = 1 << 16


def chosen_stems(request: JobRequest, separator: Separator) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The stems to write and those to turn into notes.

    Raises:
        BadArguments: the engine does not give a stem that was asked for, or nothing was asked for.
    """
    available = stems_of(separator)
    wanted_midi = available if request.midi == EVERY_STEM else request.midi
    for stem in (*(request.stems or ()), *(wanted_midi or ())):
        if stem not in available:
            raise BadArguments(
                f"The engine {separator.name} gives {listed(available)}, not {stem}.",
                advice="Choose among these, or another engine.",
            )
    stems = available if request.stems is None else request.stems
    midi = (stems or available) if wanted_midi is None else wanted_midi
    if not stems and not midi:
        raise BadArguments("Neither stems nor MIDI files were asked for.", advice="Name some in stems or in midi.")
    return stems, midi


def bytes_needed(region: Region, made: int, written: int) -> int:
    """Room for that many stems made and written, all at once."""
    return region.frames * region.audio.channels * BYTES_PER_SAMPLE * (made + written)


@contextmanager
def made_stems(
    blocks: Iterable[StemBlock], region: Region, stems: Sequence[str], folder: OutputFolder
) -> Iterator[Mapping[str, Scratch]]:
    """Takes the stems down as they come; they are there until the block ends."""
    with ExitStack() as scratches:
        made = {}
        for stem in stems:
            made[stem] = Scratch(folder.scratch(stem), region.audio.channels, region.audio.sample_rate_hz)
            scratches.callback(made[stem].discard)
        for block in blocks:
            for stem, samples in block.items():
                made[stem].append(samples)
        for scratch in made.values():
            scratch.close()
        yield made


def blocks_of(files: Mapping[str, IO[bytes]], region: Region, control: Control) -> Iterator[StemBlock]:
    """Stems that were made before, from files of plain floats; see `cache.ResultsCache.made`."""
    channels = region.audio.channels
    for start in range(0, region.frames, BLOCK_FRAMES):
        control.checkpoint(start / region.frames)
        frames = min(BLOCK_FRAMES, region.frames - start)
        size = frames * channels * BYTES_PER_SAMPLE
        yield {
            stem: np.frombuffer(file.read(size), dtype="<f4").reshape(frames, channels) for stem, file in files.items()
        }


def write_stems(
    stems: Mapping[str, Scratch], region: Region, name: str, request: JobRequest, folder: OutputFolder, control: Control
) -> Iterator[Result]:
    """Writes the stems of a job that is called `name`; yields each when its file is complete.

    Where one would clip in the whole numbers that were asked for, all of them become 32-bit float WAV files. A file
    that an earlier run of the same job has left is not written again.
    """
    file_format = request.format
    subtype = subtype_for(file_format, request.depth, region.subtype)
    loud = [stem for stem, scratch in stems.items() if clips_in(scratch, subtype)]
    if loud:
        file_format, subtype = "wav", "FLOAT"
        message = f"{listed(loud)} would clip in whole numbers, so all stems are 32-bit float WAV files."
        control.warn(Warning(code="would_clip", message=message))
    for stem, scratch in stems.items():
        control.checkpoint(1.0)
        file = stem_file(name, stem, file_format)
        if not folder.has(file):
            with folder.landing(file) as temporary:
                write_audio(temporary, scratch, file_format, subtype, stamps(stem, region, request))
        yield Result(
            kind="stem",
            name=stem,
            path=str(folder.path / file),
            seconds=region.seconds,
            sample_rate_hz=region.audio.sample_rate_hz,
            frames=region.frames,
            channels=region.audio.channels,
            subtype=subtype,
        )


def stamps(stem: str, region: Region, request: JobRequest) -> list[tuple[bytes, bytes]]:
    """Chunks for a WAV file that say where the stem belongs.

    On the time line of the source's recorder; else of the song; else in the source. Only a tempo that somebody has
    given is told: programs stretch a file by it.
    """
    tempo, beat = request.tempo_bpm, request.beat
    rate = region.audio.sample_rate_hz
    if region.origin.time_reference is not None:
        place = region.origin.time_reference + region.start_frame
    elif tempo is not None and beat is not None:
        place = round(beat * 60 / tempo * rate)
    else:
        place = region.start_frame
    facts = [f"{stem.capitalize()} of {Path(request.source).name}", f"from {region.start_frame / rate:.6f} s"]
    chunks = []
    if tempo is not None:
        facts.append(f"tempo {tempo:g} BPM")
        chunks.append(acid(tempo, region.seconds))
    if beat is not None:
        facts.append(f"beat {beat:g}")
    return [bext(", ".join(facts), region.origin, place), *chunks]
