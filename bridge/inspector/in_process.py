"""Inspection without a separate process, for a command that runs a single job at once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bridge.audio.check import check_source
from bridge.project_paths import check_roots, output_parent
from bridge.protocols.looking import FileLook
from bridge.request import JobRequest
from bridge.separation.catalogue import check_engine


class InProcessInspector:
    """Implements `protocols.Inspector` with checks that need no decoder; the worker does the others a moment later."""

    def __init__(self, roots: tuple[Path, ...], models_dir: Path) -> None:
        self._roots = roots
        self._models_dir = models_dir

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def look(self, paths: Sequence[str]) -> tuple[FileLook, ...]:
        """Nothing is known of a file without a decoder."""
        return tuple(FileLook(path=path) for path in paths)

    async def inspect(self, request: JobRequest, sender: str = "") -> None:  # noqa: ARG002 - nothing waits here
        if request.stems.transcribe_as is None:
            check_engine(request.engine.name, self._models_dir)
        source = Path(request.source)
        check_roots(source, self._roots)
        check_source(source)
        if request.place.folder is None:
            output_parent(source, request.place.project)
