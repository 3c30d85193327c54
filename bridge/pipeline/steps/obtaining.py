"""Four ways to obtain the stems of a job, tried in this order:

- the clip is transcribed as it is, and there are no stems;
- stems and analyses of an earlier job are restored from the cache;
- raw stems that an unfinished job left in the cache are written;
- the clip is separated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bridge.audio.file_signal import open_written
from bridge.audio.scratch import Scratch
from bridge.audio.sink import LOSSY_SUBTYPES
from bridge.audio.source import OpenRegion
from bridge.pipeline.cache.restore import cached_stem_files
from bridge.pipeline.cache.store import OpenEntry
from bridge.pipeline.channels import separated
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.folders.preview_folder import preview_folder
from bridge.pipeline.output_files import OutputFile
from bridge.pipeline.stems import bytes_needed, raw_stem_blocks, scratch_stems
from bridge.pipeline.steps.opening import OpenJob
from bridge.pipeline.steps.transcribing import expected_seconds
from bridge.protocols import Signal
from bridge.stems import DRUMS

if TYPE_CHECKING:
    from bridge.protocols import StemBlock


@dataclass(frozen=True)
class ObtainedStems:
    """The stems of a job, however they were obtained."""

    raw: Mapping[str, Scratch] = field(default_factory=dict)
    """Raw stems, to be written and analysed."""
    files: Sequence[OutputFile] = ()
    """Stem files of an earlier job, to be written again."""
    files_bytes: int | None = None
    """Their size, with that of the kit's; None if nothing is restored."""
    files_peaks: Mapping[str, bytes] = field(default_factory=dict)
    """Their waveforms, by stem."""
    kit: Sequence[OutputFile] = ()
    """Files of the parts of its drums of an earlier job, to be written again."""
    restored_drums: Signal | None = None
    """The restored drum stem, if it is to be split and its parts are not restored."""
    clip: Mapping[str, Signal] = field(default_factory=dict)
    """The clip itself, under the name of the stem that it is transcribed as."""
    pace_name: str = ""
    """The name of the separation in `StagePaces`; empty if the engine did nothing."""

    @property
    def peaks(self) -> Mapping[str, bytes]:
        """The waveform of each stem, made or restored; see `audio.peaks.Peaks.known`."""
        made = {stem: scratch.peaks.known() for stem, scratch in self.raw.items() if scratch.peaks is not None}
        return {**self.files_peaks, **made}

    @property
    def audio(self) -> Mapping[str, Signal]:
        """What can be analysed; empty if all analyses are in the cache."""
        return {**self.clip, **{stem: scratch.signal() for stem, scratch in self.raw.items()}}

    @property
    def drums(self) -> Signal | None:
        """The drum stem, as far as it can be split; None where its parts are restored, and where there is none."""
        return self.audio.get(DRUMS, self.restored_drums)


class Listener(Protocol):
    """Listens to the stems of a job while they are made."""

    def begin(self) -> None:
        """The work on them begins."""

    def grow(self, stems: Mapping[str, Scratch]) -> None:
        """All of them have grown."""

    def read(self, clip: Mapping[str, Signal]) -> None:
        """They are there already."""


@contextmanager
def obtain(job: OpenJob, folder: OutputFolder, listener: Listener | None = None) -> Iterator[ObtainedStems]:
    """The stems, available until the block ends; temporary files lie in `folder`.

    A listener hears what is made for this job, not what an earlier job has made whole.

    Raises:
        EngineFailed, OutOfMemory, OutOfSpace, Cancelled: the clip could not be separated.
    """
    with ExitStack() as held:
        yield next(stems for way in WAYS if (stems := way(job, folder, held, listener)) is not None)


def transcribe_only(
    job: OpenJob, folder: OutputFolder, held: ExitStack, listener: Listener | None
) -> ObtainedStems | None:
    """The clip as it is, if the job separates nothing."""
    del folder
    if job.separator is not None:
        return None
    _expect(job)
    kit = _cached_kit(job, held)
    clip = dict.fromkeys(job.midi, job.region.signal)
    if listener is not None:
        job.control.progress.enter("transcribing")
        listener.read(clip)
    return ObtainedStems(clip=clip, kit=[] if kit is None else _restored(job, kit))


def restore(job: OpenJob, folder: OutputFolder, held: ExitStack, listener: Listener | None) -> ObtainedStems | None:
    """The stems of an earlier job, if they and all analyses are in the cache."""
    del folder, listener
    cache = job.context.cache
    if cache is None or not all(map(job.analyses.has, job.midi)):
        return None
    cached = held.enter_context(cache.open_entry(job.keys.stems)) if job.stems else None
    if job.stems and cached is None:
        return None
    kit, drums = _cached_kit(job, held), None
    if job.splits_drums and kit is None:
        drums = None if cached is None or not job.analyses.has(DRUMS) else _written_drums(cached, job.region, held)
        if drums is None:
            return None
    _expect(job)
    job.control.progress.enter("separating")
    entries = [one for one in (cached, kit) if one is not None]
    return ObtainedStems(
        files=[] if cached is None else _restored(job, cached),
        files_bytes=sum(one.entry.total_bytes for one in entries),
        files_peaks={} if cached is None else cached.entry.peaks,
        kit=[] if kit is None else _restored(job, kit),
        restored_drums=drums,
    )


def _cached_kit(job: OpenJob, held: ExitStack) -> OpenEntry | None:
    """The parts of the drums of an earlier job, if this one wants them."""
    cache = job.context.cache
    return held.enter_context(cache.open_entry(job.keys.kit)) if cache is not None and job.splits_drums else None


def _restored(job: OpenJob, cached: OpenEntry) -> list[OutputFile]:
    """An entry's files, to be written again; its warnings are repeated."""
    for warning in cached.entry.warnings:
        job.control.warn(warning)
    return [*cached_stem_files(cached, job.region, job.request, job.name)]


def _written_drums(cached: OpenEntry, region: OpenRegion, held: ExitStack) -> Signal | None:
    """The samples of the drum stem in an entry; None if there is none, or only in a lossy format."""
    result = next((result for result in cached.entry.results if result.name == DRUMS), None)
    if result is None or result.subtype in LOSSY_SUBTYPES.values():
        return None
    signal = held.enter_context(open_written(cached.files[result.file], result.file))
    return signal if (signal.frames, signal.channels) == (region.frames, region.audio.channels) else None


def resume(job: OpenJob, folder: OutputFolder, held: ExitStack, listener: Listener | None) -> ObtainedStems | None:
    """The raw stems that an unfinished job has left in the cache, if none is missing."""
    cache, stems = job.context.cache, job.separated_stems
    if cache is None:
        return None
    opened = held.enter_context(cache.raw_stems([*map(job.keys.raw_stem, stems)]))
    if opened is None:
        return None
    blocks = raw_stem_blocks(dict(zip(stems, opened, strict=True)), job.region, job.control)
    return ObtainedStems(raw=_raw_stems(job, folder, held, blocks, listener))


def separate(job: OpenJob, folder: OutputFolder, held: ExitStack, listener: Listener | None) -> ObtainedStems | None:
    """The stems as the engine makes them."""
    if job.separator is None:
        return None
    # A listener reads the notes meanwhile, which takes its time too.
    work = f"separating {job.engine.name} {job.engine.device}{'' if listener is None else ' and reading'}"
    region = job.region
    start, stop = region.start_frame, region.stop_frame
    blocks = separated(
        job.separator,
        region.audio,
        job.separated_stems,
        job.control,
        start=start,
        stop=stop,
        early=listener is not None and job.request.play.is_live,  # who only looks can wait for the first window
    )
    return ObtainedStems(raw=_raw_stems(job, folder, held, blocks, listener, work), pace_name=work)


WAYS: Sequence[Callable[[OpenJob, OutputFolder, ExitStack, Listener | None], ObtainedStems | None]] = (
    transcribe_only,
    restore,
    resume,
    separate,
)


def _raw_stems(
    job: OpenJob,
    folder: OutputFolder,
    held: ExitStack,
    blocks: Iterator[StemBlock],
    listener: Listener | None,
    pace_name: str = "",
) -> Mapping[str, Scratch]:
    made, written = len(job.separated_stems), len(job.stems) * job.copies
    previews = None
    if listener is not None:
        needed = bytes_needed(job.region, made=made, written=0)
        previews = held.enter_context(preview_folder(job.context.previews, job.id, needed))
    if previews is not None and not folder.shares_drive_with(previews):
        made = 0
    folder.check_space(bytes_needed(job.region, made=made, written=written))
    _expect(job, pace_name, is_read=listener is not None)
    job.control.progress.enter("separating")
    if listener is not None:
        listener.begin()
    grown = None if listener is None else listener.grow
    return held.enter_context(scratch_stems(blocks, job.region, job.separated_stems, folder, grown, previews))


def _expect(job: OpenJob, separation: str = "", *, is_read: bool = False) -> None:
    """Sets the expected duration of each stage on this machine; with `is_read`, a listener reads the notes before."""
    paces, seconds = job.context.paces, job.region.seconds
    job.control.progress.expect(
        {
            "separating": paces.seconds(separation, seconds) if separation else 0.0,
            "transcribing": 0.0 if is_read else sum(expected_seconds(job).values()),
            "writing": paces.seconds("writing", seconds),
        }
    )
