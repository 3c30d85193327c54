"""Finds a job's source region and its output folder, and checks both, before any work."""

from __future__ import annotations

from pathlib import Path

from bridge.audio.source import FoundRegion, find_region
from bridge.errors import NotWritable
from bridge.project_paths import check_length, check_roots, output_parent, result_name
from bridge.request import JobRequest


def find_source(request: JobRequest, *, max_seconds: float, roots: tuple[Path, ...]) -> FoundRegion:
    """The region that a request names; reads headers and decodes nothing.

    The inspector calls this when a job is submitted, and the worker again when the job starts, so both refuse a
    request with the same message.

    Raises:
        NotFound, NotReadable, NotAudio, TooLong, BadArguments: see `find_region`; NotFound also for a missing project.
        OutsideRoots: the source, the picture or the results are outside `roots`.
        NotWritable: the folder of the picture does not exist, or the results' paths would be too long.
    """
    source = Path(request.source)
    check_roots(source, roots)
    if request.note_files.picture:
        check_roots(Path(request.note_files.picture), roots)
    found = find_region(source, request.region.start_seconds, request.region.end_seconds, max_seconds)
    wanted = wanted_folder(request)
    check_roots(wanted, roots)
    check_length(wanted, result_name(source, request.place.name))
    if request.note_files.picture:
        place = Path(request.note_files.picture).parent
        if place != wanted and not place.is_dir():  # the folder of the results will be made
            raise NotWritable(f"There is no folder {place} for the picture.", advice="Make it, or name another.")
    return found


def wanted_folder(request: JobRequest) -> Path:
    """The preferred folder for the results; a numbered one is used if it is taken.

    Raises:
        NotFound: the project does not exist.
    """
    if request.place.folder is not None:
        return Path(request.place.folder)
    source = Path(request.source)
    return output_parent(source, request.place.project) / result_name(source, request.place.name)
