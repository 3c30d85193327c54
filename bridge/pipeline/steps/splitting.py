"""The drums of a job split into the parts of their kit, at the hits that its transcriber finds."""

from __future__ import annotations

import msgspec

from bridge.audio.sink import subtype_for, would_clip
from bridge.errors import EngineFailed
from bridge.model import Note, Warning
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.kit import scratch_kit
from bridge.pipeline.stems import bytes_needed, write_stems
from bridge.pipeline.steps.obtaining import ObtainedStems
from bridge.pipeline.steps.opening import OpenJob
from bridge.pipeline.steps.transcribing import KIT_WORK
from bridge.protocols import Control, Signal
from bridge.request import AudioFormat, NoteSettings
from bridge.stems import DRUMS, KIT

#: What the parts are written as where an integer format would clip one of them, or clips a stem.
FLOATS = AudioFormat(name="wav", depth="32f")
NO_DRUMS = "There is no drum stem to split, so there are no files of kick, snare, toms, hats and cymbals."
NO_HITS = (
    "No hit was found in the drums, so there are no files of kick, snare, toms, hats and cymbals. Listen to the stem: "
    "it may be silent there, or drums that are not a drum kit."
)
CLIPS = "A part of the drums would clip in that format, so all of them are 32-bit float WAV files."


def split_drums(job: OpenJob, stems: ObtainedStems, control: Control, folder: OutputFolder) -> None:
    """Splits the drums and writes their parts, if the job asks for them and they are not restored from the cache.

    Its notes and their settings do not matter: where the job reads none, the hits are read for this.

    Raises:
        OutOfSpace, NotWritable: the parts cannot be written.
        NotReadable: the clip was written anew meanwhile.
        EngineFailed, Cancelled: see `Transcriber.analyse`.
    """
    if not job.request.stems.kit or stems.kit:
        return
    if not job.splits_drums:
        job.control.warn(Warning(code="no_kit", message=NO_DRUMS))
        return
    if stems.drums is None:
        raise EngineFailed("There is no sound of the drums.", advice="Run the job again.")
    with job.context.paces.measured(KIT_WORK, job.region.seconds):
        hits = _hits(job, stems.drums, control)
        if hits:
            _write(job, stems.drums, _subtype_of_drums(job, stems), hits, control, folder)
        else:
            job.control.warn(Warning(code="no_kit", message=NO_HITS))


def made_parts(job: OpenJob) -> bool:
    """Whether the job has written all parts of the drums."""
    return {*KIT} <= {result.name for result in job.log.job.results}


def _hits(job: OpenJob, drums: Signal, control: Control) -> list[Note]:
    analysis = job.analyses.analysis(DRUMS, drums, control)
    return job.context.transcribers.for_stem(DRUMS).notes(analysis, DRUMS, NoteSettings())


def _wanted_subtype(job: OpenJob) -> str:
    return subtype_for(job.request.audio.name, job.request.audio.depth, job.region.subtype)


def _subtype_of_drums(job: OpenJob, stems: ObtainedStems) -> str:
    """The sample format of the drum stem's file, which this job has written or will write again."""
    files = (*job.log.job.results, *(file.result for file in stems.files))
    return next((one.subtype for one in files if (one.kind, one.name) == ("stem", DRUMS)), _wanted_subtype(job))


def _write(job: OpenJob, drums: Signal, subtype: str, hits: list[Note], control: Control, folder: OutputFolder) -> None:
    region, request = job.region, job.request
    if subtype != _wanted_subtype(job):  # a stem would have clipped
        request = msgspec.structs.replace(request, audio=FLOATS)
    folder.check_space(bytes_needed(region, made=len(KIT), written=len(KIT) * job.copies))
    with scratch_kit(drums, hits, subtype, folder, control) as parts:
        if any(would_clip(scratch, subtype) for scratch in parts.values()):
            request = msgspec.structs.replace(request, audio=FLOATS)
            job.control.warn(Warning(code="would_clip", message=CLIPS))
        job.check_source()
        for result in write_stems(parts, region, job.name, request, folder, job.control):
            job.log.produced(result)
