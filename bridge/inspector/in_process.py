"""Inspection without a separate process, for a command that runs a single job at once."""

from __future__ import annotations

from pathlib import Path

from bridge.audio.check import check_source
from bridge.model import JobRequest
from bridge.project_paths import check_roots, output_parent


class InProcessInspector:
    """Implements `protocols.Inspector` with checks that need no decoder; the worker does the others a moment later."""

    def __init__(self, roots: tuple[Path, ...]) -> None:
        self._roots = roots

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def inspect(self, request: JobRequest, sender: str = "") -> None:  # noqa: ARG002 - nothing waits here
        source = Path(request.source)
        check_roots(source, self._roots)
        check_source(source)
        if request.out is None:
            output_parent(source, request.project)
