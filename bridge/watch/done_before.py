"""Whether a clip was separated before, as its results tell: they are the truth where the ledger is lost."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridge.pipeline.manifest import decode_manifest, manifest_name
from bridge.project_paths import numbered, output_parent, result_name
from bridge.request import JobRequest
from bridge.system.files import read_small, sha256_of

#: Larger files are not read for a hash, as a job does not: see docs/decisions/0173.
MAX_HASHED_BYTES = 256_000_000


def digest_of(path: Path) -> str:
    """The SHA-256 of a clip's content; empty: it is too large. Raises OSError: it cannot be read."""
    return "" if path.stat().st_size > MAX_HASHED_BYTES else sha256_of(path)


def has_results(request: JobRequest, digest: str) -> bool:
    """Whether the folder that the request would write to, or one numbered like it, has this content's results.

    It waits for the drives. Raises OSError: a drive does not tell.
    """
    source = Path(request.source)
    name = result_name(source, request.place.name)
    folder = request.place.folder
    wanted = Path(folder) if folder is not None else output_parent(source, request.place.project) / name
    return any(_is_of(path, source, digest) for path in _manifests(wanted, name))


def _manifests(wanted: Path, name: str) -> Iterator[Path]:
    for candidate in numbered(wanted):
        if not candidate.is_dir():
            return
        yield candidate / manifest_name(name)


def _is_of(manifest: Path, source: Path, digest: str) -> bool:
    try:
        recorded = decode_manifest(read_small(manifest)).source
        is_newer = manifest.stat().st_mtime_ns >= source.stat().st_mtime_ns
    except (OSError, ValueError):  # there is none, or a broken one
        return False
    if digest:
        return recorded.sha256 == digest
    return recorded.path == str(source) and is_newer  # of a large file, only the region was read
