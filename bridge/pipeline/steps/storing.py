"""What a job leaves in the cache: its stems and analyses; if it was not finished, the raw stems too."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec

from bridge.audio.riff import audio_end
from bridge.model import Result
from bridge.pipeline.cache.store import MAX_RAW_STEM_BYTES, Entry, FileRange, ResultsCache
from bridge.pipeline.folders.output_folder import OutputFolder
from bridge.pipeline.steps.obtaining import ObtainedStems
from bridge.pipeline.steps.opening import OpenJob
from bridge.pipeline.steps.splitting import CLIPS, made_parts
from bridge.stems import KIT
from bridge.system.files import file_size


def store_finished(job: OpenJob, stems: ObtainedStems, folder: OutputFolder) -> None:
    """Stores what a finished job has made in `folder`, and removes the raw stems of earlier attempts."""
    cache = job.context.cache
    if cache is None:
        return
    if job.has_same_source:
        _store_stems(job, stems, folder, cache)
        if made_parts(job) and not stems.kit:
            _store_kit(job, folder, cache)
        job.analyses.save(job.name, job.engine)
    cache.remove(map(job.keys.raw_stem, job.separated_stems))


def store_unfinished(job: OpenJob, stems: ObtainedStems, folder: OutputFolder) -> None:
    """Stores what saves work if the job is repeated, within limits, because a cancelled job must end soon."""
    cache = job.context.cache
    if cache is None or not job.has_same_source:
        return
    if not (_has_written_all(job) and all(map(job.analyses.is_known, job.midi))):
        raw = {
            job.keys.raw_stem(stem): FileRange(
                scratch.file, file_size(scratch.file) - scratch.head_bytes, scratch.head_bytes
            )
            for stem, scratch in stems.raw.items()
        }
        cache.store_raw_stems(job.name, job.engine, raw)
    if _written_bytes(job) <= MAX_RAW_STEM_BYTES:
        _store_stems(job, stems, folder, cache)
    job.analyses.save(job.name, job.engine)


def _store_stems(job: OpenJob, stems: ObtainedStems, folder: OutputFolder, cache: ResultsCache) -> None:
    """Stores the stems, without the time stamps after their audio, if this job has made and written them all.

    The entry has the warnings about the stems, which every job that restores them repeats.
    """
    written = _by_neutral_name(_written(job, job.stems))
    if not (stems.raw and written and _has_written_all(job)):
        return
    entry = Entry(
        key=job.keys.stems,
        name=job.name,
        engine=job.engine,
        warnings=job.log.warnings_in("separating"),
        peaks={stem: peaks for stem, peaks in stems.peaks.items() if stem in job.stems},
    )
    cache.remove([job.keys.kit])  # it sums to the stems that were here before
    _store(entry, written, folder, cache)


def _store_kit(job: OpenJob, folder: OutputFolder, cache: ResultsCache) -> None:
    """Stores the parts of the drums in the same way, with the warning about them."""
    warnings = tuple(warning for warning in job.log.job.warnings if warning.message == CLIPS)
    entry = Entry(key=job.keys.kit, name=job.name, engine=job.engine, warnings=warnings)
    _store(entry, _by_neutral_name(_written(job, KIT)), folder, cache)


def _store(entry: Entry, written: Mapping[str, Result], folder: OutputFolder, cache: ResultsCache) -> None:
    """Stores an entry with results that lie in `folder`, by their file names in the entry."""
    results = tuple(msgspec.structs.replace(result, folder="", file=file) for file, result in written.items())
    with suppress(OSError), ExitStack() as opened:  # a stem was deleted in the meantime
        files = {file: opened.enter_context(folder.open(result.file)) for file, result in written.items()}
        cache.store(
            msgspec.structs.replace(entry, results=results),
            {name: FileRange(file, audio_end(file)) for name, file in files.items()},
        )


def _written(job: OpenJob, names: Collection[str]) -> list[Result]:
    return [result for result in job.log.job.results if result.kind == "stem" and result.name in names]


def _by_neutral_name(results: Iterable[Result]) -> dict[str, Result]:
    return {f"{result.name}{Path(result.file).suffix}": result for result in results}


def _has_written_all(job: OpenJob) -> bool:
    return set(job.stems) <= {result.name for result in _written(job, job.stems)}


def _written_bytes(job: OpenJob) -> int:
    paths = [Path(result.path) for result in _written(job, job.stems)]
    return sum(path.stat().st_size for path in paths if path.exists())
