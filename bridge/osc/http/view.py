"""What programs are shown that explore the bridge or poll it: a view of the bridge, without a way to change it."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from bridge import __version__
from bridge.model import Job
from bridge.options.record import to_record
from bridge.osc import addresses as osc
from bridge.osc.handlers import SERVER_NAME, status_reply
from bridge.osc.http import oscquery
from bridge.protocols import Bridge
from bridge.request import JobRequest
from bridge.system import sockets

#: So many jobs are listed where nobody says how many, and at most.
USUAL_JOBS, MOST_JOBS = 100, 1000
_BRIEF = ("id", "name", "state", "stage", "fraction", "eta_seconds", "submitted_unix", "ended_unix")


@dataclass(frozen=True)
class BridgeView:
    """One running bridge, seen from outside."""

    bridge: Bridge
    defaults: JobRequest
    """What a job gets where its client leaves an option out."""
    osc_host: str
    osc_port: int

    def host_info(self) -> oscquery.Node:
        host = "" if self.osc_host in sockets.ANY_ADDRESS else self.osc_host
        return oscquery.host_info(SERVER_NAME, host, self.osc_port)

    async def address_space(self) -> oscquery.Node:
        """The OSCQuery tree, with everything that has a value now."""
        now = (
            status_reply(self.bridge.status()),
            osc.LIST_BEGIN(len(self.bridge.jobs())),
            osc.STARTUP(__version__),
        )
        values = {message.address: message.arguments for message in now}
        return oscquery.address_space(values, [model.name for model in await self.bridge.models()], self.defaults)

    def jobs(self, most: int) -> dict[str, object]:
        """The newest `most` jobs, oldest first, without their files."""
        jobs = self.bridge.jobs()
        return {"total": len(jobs), "jobs": [_brief(job) for job in (jobs[-most:] if most > 0 else ())]}

    def job(self, job: str) -> dict[str, object]:
        """All that is known of one job, as its history has it. Raises NotFound."""
        found = self.bridge.job(job)
        return {**msgspec.to_builtins(found), "request": to_record(found.request)}


def _brief(job: Job) -> dict[str, object]:
    return {name: getattr(job, name) for name in _BRIEF}
