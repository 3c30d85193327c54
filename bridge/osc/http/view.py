"""The bridge as programs see it over HTTP."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from bridge import __version__
from bridge.model import TOGETHER, Job, Kind
from bridge.options.record import job_record
from bridge.osc import addresses as osc
from bridge.osc.handlers import SERVER_NAME, status_reply
from bridge.osc.http import oscquery
from bridge.osc.http.readers import HttpReaders
from bridge.osc.http.uploads import Uploads
from bridge.pipeline.manifest import manifest_name
from bridge.protocols import Bridge
from bridge.request import JobRequest
from bridge.system import sockets

FileKind = Literal[Kind, "manifest"]
#: The number of jobs in a list: by default, and at most.
DEFAULT_JOBS, MAX_JOBS = 100, 1000
SUMMARY_FIELDS = (
    "id",
    "name",
    "state",
    "stage",
    "fraction",
    "eta_seconds",
    "submitted_unix",
    "ended_unix",
    "group_id",
    "position",
)


@dataclass(frozen=True)
class BridgeView:
    """A running bridge as HTTP clients see it."""

    bridge: Bridge
    engines: Callable[[], Awaitable[Sequence[str]]]
    """The names that the option `engine` may have now."""
    defaults: JobRequest
    """What a job gets if its client leaves an option out."""
    osc_host: str
    osc_port: int
    uploads: Uploads
    origins: frozenset[str] = frozenset()
    """The web pages that may use the bridge."""
    readers: HttpReaders = field(default_factory=HttpReaders)
    """Who has asked."""

    def host_info(self) -> oscquery.Node:
        host = "" if self.osc_host in sockets.ANY_ADDRESS else self.osc_host
        return oscquery.host_info(SERVER_NAME, host, self.osc_port)

    async def address_space(self) -> oscquery.Node:
        """The OSCQuery tree, with all current values."""
        now = (
            status_reply(self.bridge.status()),
            osc.LIST_BEGIN(len(self.bridge.jobs())),
            osc.STARTUP(__version__),
        )
        values = {message.address: message.arguments for message in now}
        return oscquery.address_space(values, await self.engines(), self.defaults)

    def jobs(self, limit: int) -> dict[str, object]:
        """The newest `limit` jobs, oldest first, without their files."""
        jobs = self.bridge.jobs()
        return {"total": len(jobs), "jobs": [_summary(job) for job in (jobs[-limit:] if limit > 0 else ())]}

    def summary(self, job: str) -> dict[str, object]:
        """A job as it stands in the list. Raises NotFound."""
        return _summary(self.bridge.job(job))

    def job(self, job: str) -> dict[str, object]:
        """All fields of one job, and its files. Raises NotFound."""
        found = self.bridge.job(job)
        files = [
            {"name": name, "kind": file.kind, "stem": file.stem, "href": f"/jobs/{found.id}/files/{quote(name)}"}
            for name, file in files_of(found).items()
        ]
        return {**job_record(found), "files": files}


@dataclass(frozen=True)
class JobFile:
    """A file that a job has written."""

    path: Path
    kind: FileKind
    stem: str
    """`all` if it holds all stems."""


def files_of(job: Job) -> Mapping[str, JobFile]:
    """The files that a job has announced, by their names; with its manifest once it is done."""
    files: dict[str, JobFile] = {}
    for result in job.results:
        files.setdefault(result.file, JobFile(Path(result.path), result.kind, result.name))
    if job.state == "done" and job.output_dir:
        manifest = manifest_name(job.name)
        files.setdefault(manifest, JobFile(Path(job.output_dir, manifest), "manifest", TOGETHER))
    return files


def _summary(job: Job) -> dict[str, object]:
    return {**{name: getattr(job, name) for name in SUMMARY_FIELDS}, "group": job.request.group.name}
