"""What a job needs of the disk before its work: its source and region, and where its results are to go."""

from __future__ import annotations

from pathlib import Path

from bridge.audio.source import FoundRegion, find_region
from bridge.errors import NotWritable
from bridge.model import JobRequest
from bridge.project_paths import check_roots, output_parent, result_name


def find_source(request: JobRequest, *, max_seconds: float, roots: tuple[Path, ...]) -> FoundRegion:
    """The region that a request is about; it reads headers, and decodes nothing.

    The inspector asks at the submission, and the worker once more when the job's turn has come: what is refused then
    would have been refused before, by the same words.

    Raises:
        NotFound, NotReadable, NotAudio, TooLong, BadArguments: see `find_region`; or there is no such project.
        OutsideRoots: the source, the picture or the results lie outside `roots`.
        NotWritable: there is no folder for the picture.
    """
    source = Path(request.source)
    check_roots(source, roots)
    if request.picture:
        check_roots(Path(request.picture), roots)
        if not Path(request.picture).parent.is_dir():
            raise NotWritable(f"There is no folder {Path(request.picture).parent} for the picture.")
    found = find_region(source, request.start_seconds, request.end_seconds, max_seconds)
    check_roots(wanted_folder(request), roots)
    return found


def wanted_folder(request: JobRequest) -> Path:
    """The folder for the results, where it is free.

    Raises:
        NotFound: there is no such project.
    """
    if request.out is not None:
        return Path(request.out)
    source = Path(request.source)
    return output_parent(source, request.project) / result_name(source, request.name)
