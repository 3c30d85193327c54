"""What is done with a job that is known: listed, cancelled, removed, played, stopped."""

from __future__ import annotations

from aiohttp import web

from bridge.errors import BadArguments
from bridge.options.table import OPTIONS
from bridge.osc.http.answers import answer, no_content
from bridge.osc.http.jobs.bodies import json_object
from bridge.osc.http.view import DEFAULT_JOBS, MAX_JOBS, BridgeView
from bridge.stems import STEMS


class Acting:
    """Handles these requests."""

    def __init__(self, view: BridgeView) -> None:
        self._view = view

    async def list_jobs(self, request: web.Request) -> web.StreamResponse:
        limit = request.query.get("limit", str(DEFAULT_JOBS))
        if not (limit.isascii() and limit.isdigit() and len(limit) <= len(str(MAX_JOBS))):
            raise BadArguments(f"limit must be between 0 and {MAX_JOBS}, not {limit!r}.", advice="")
        return answer(self._view.jobs(min(int(limit), MAX_JOBS)))

    async def show(self, request: web.Request) -> web.StreamResponse:
        return answer(self._view.job(request.match_info["job"]))

    async def end(self, request: web.Request) -> web.StreamResponse:
        """Cancels a job, or takes one that is over off the list."""
        bridge = self._view.bridge
        job = bridge.job(request.match_info["job"])
        if job.is_over:
            bridge.remove([job.id])
            return no_content()
        await bridge.cancel_all([job.id])
        return answer(self._view.summary(job.id), 202)

    async def play(self, request: web.Request) -> web.StreamResponse:
        given = json_object(content, "The body") if (content := await request.read()).strip() else {}
        stems, sync = given.pop("stems", None), given.pop("sync", None)
        if given:
            raise BadArguments(f"There is no {next(iter(given))!r} here; there are stems and sync.", advice="")
        if stems is not None and not (isinstance(stems, list) and stems and all(stem in STEMS for stem in stems)):
            raise BadArguments(f"stems must be a list of some of {', '.join(STEMS)}.", advice="")
        chosen = None if sync is None else str(OPTIONS["sync"].read(sync))
        await self._view.bridge.play(request.match_info["job"], stems, chosen)
        return no_content()

    async def stop(self, request: web.Request) -> web.StreamResponse:
        self._view.bridge.stop(request.match_info["job"])
        return no_content()
