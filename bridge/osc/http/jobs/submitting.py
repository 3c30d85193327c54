"""`POST /jobs`: queues a job for a path, or for a clip that comes with the request."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from aiohttp import web
from msgspec.structs import replace

from bridge.errors import BridgeError, NotFound
from bridge.options.record import job_record
from bridge.options.request import build_request
from bridge.osc.http.answers import STATUSES, answer, refusal
from bridge.osc.http.guard import source_of
from bridge.osc.http.jobs.bodies import Said, read_request
from bridge.osc.http.jobs.repeats import Repeats, check_key
from bridge.osc.http.view import BridgeView
from bridge.osc.traffic.endpoints import machine_of
from bridge.project_paths import result_name
from bridge.protocols import Clock
from bridge.request import JobRequest

KEY_HEADER = "Idempotency-Key"
#: Who asks, in the list of jobs.
ORIGIN = "HTTP"


class Accepted(NamedTuple):
    """An answer, as it is kept for repetitions."""

    status: int
    value: Mapping[str, object]
    job: str = ""


class Submitting:
    """Handles `POST /jobs`, and remembers its answers."""

    def __init__(self, view: BridgeView, clock: Clock) -> None:
        self._view = view
        # A refusal has made no job: asked again, when the user has done what it says, it may well be another answer.
        self._repeats: Repeats[Accepted] = Repeats(clock, keeps=lambda accepted: bool(accepted.job))

    async def submit(self, request: web.Request) -> web.StreamResponse:
        key = request.headers.get(KEY_HEADER, "")
        if KEY_HEADER in request.headers:
            check_key(key)
        said = await read_request(request, self._view.uploads)
        sender = f"http {machine_of(source_of(request))}"
        try:
            accepted, is_repeated = await self._repeats.answer(
                key, said.fingerprint, lambda: self._submit(said, sender)
            )
        except Exception:  # also that of the earlier request with this key, whose clip is another file
            self._discard(said)
            raise
        if is_repeated:
            self._discard(said)
        if not accepted.job:
            return refusal(accepted.status, str(accepted.value["code"]), str(accepted.value["message"]))
        return answer(accepted.value, accepted.status, {"Location": f"/jobs/{accepted.job}"})

    async def _submit(self, said: Said, sender: str) -> Accepted:
        """Queues the job. A clip belongs to it from then on; without a job it is removed."""
        try:
            request = build_request(said.source, said.options, self._view.defaults)
            if said.clip is not None:
                request = self._with_place(request, said.clip)
            job, position = await self._view.bridge.submit(request, sender=sender, origin=ORIGIN)
        except BridgeError as error:
            self._discard(said)
            status = 422 if isinstance(error, NotFound) else STATUSES.get(error.code, 500)
            return Accepted(status, {"code": error.code, "message": str(error)})
        except BaseException:
            self._discard(said)
            raise
        return Accepted(201, {"id": job.id, "position": position, "job": job_record(job)}, job.id)

    def _with_place(self, request: JobRequest, clip: Path) -> JobRequest:
        """The request, with a folder for its results: beside the clip they would be in the bridge's own."""
        place = request.place
        if place.folder is not None or place.project is not None:
            return request
        folder = self._view.uploads.results / result_name(clip, place.name)
        return replace(request, place=replace(place, folder=str(folder)))

    def _discard(self, said: Said) -> None:
        if said.clip is not None:
            self._view.uploads.remove(said.clip)
