"""The jobs that a command has submitted to a running bridge, and what became of them."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Mapping

from bridge.cli import shared
from bridge.cli.output.terminal import write_error, write_path
from bridge.errors import BridgeError, ProtocolMismatch, QueueFull
from bridge.events import Ended, Produced, Warned
from bridge.osc.addresses import ACCEPTED, BYE, FAIL, JOB
from bridge.osc.client import NoAnswer, OscClient
from bridge.osc.fields import arguments_of, event_of
from bridge.system.waiting import within

#: The code of a bridge that has been asked too much at once, and after which time it is asked again.
BUSY, BUSY_SECONDS = "busy", 0.5
#: The codes of refusals that every other clip would get as well.
FOR_ALL_CLIPS = (ProtocolMismatch.code, "not_allowed", "too_many_clients", "not_kept")
#: After this time without a push, the bridge is queried.
QUIET_SECONDS = 5.0


def concerns_all_clips(error: BridgeError) -> bool:
    """Whether no other clip has to be tried after this refusal."""
    return isinstance(error, NoAnswer) or error.code in FOR_ALL_CLIPS


class FollowedJobs:
    """The jobs that this command has submitted, and what became of them."""

    def __init__(self, client: OscClient, *, prints: bool, waits_for_room: bool = False) -> None:
        """`prints`: each file is printed as soon as it is complete. `waits_for_room`: a full queue is no error."""
        self._waits_for_room = waits_for_room
        self._client = client
        self._prints = prints
        self._open: list[str] = []
        self._failed = False

    async def submit(self, path: str, options: Mapping[str, str | float]) -> str:
        """The job of a file, once there is room in the queue for it.

        Raises:
            BridgeError: it was refused.
        """
        token = {"req": secrets.token_hex(4)}  # if the answer is lost, the same request again gets the same job
        atoms = [*itertools.chain.from_iterable((token | dict(options)).items())]
        while True:
            try:
                (accepted,) = await self._client.ask("/sab/submit", path, *atoms)
            except BridgeError as error:
                if not self._waits_for_room or error.code not in (QueueFull.code, BUSY):
                    raise
                if error.code == BUSY:
                    await asyncio.sleep(BUSY_SECONDS)
                else:
                    await self._next()
            else:
                job = str(arguments_of(accepted, ACCEPTED)["job"])
                self._open.append(job)
                return job

    async def finish(self) -> int:
        """Prints the jobs' files until all have ended; returns the exit status.

        Raises:
            NoAnswer: the bridge does not answer any more.
        """
        while self._open:
            if not await self._next():
                write_error(
                    "engine_failed",
                    "The bridge was closed before the job was done. The job goes on when the bridge is started again.",
                )
                return shared.FAILED
        return shared.FAILED if self._failed else shared.DONE

    async def _next(self) -> bool:
        """Waits for the next push; False: the bridge was shut down."""
        try:
            push = await within(self._client.next_push(), QUIET_SECONDS)
        except asyncio.TimeoutError:  # is the bridge still running, or was the last push lost?
            if not self._open:  # the queue is full of other clients' jobs
                return True
            state = arguments_of((await self._client.ask("/sab/query", self._open[0]))[0], JOB)["state"]
            if state in ("done", "failed", "cancelled"):
                self._end(self._open[0], state)
            return True
        if push.address == BYE.address:
            return False
        if push.address == FAIL.address and (fail := arguments_of(push, FAIL))["req_or_job"] in self._open:
            write_error(fail["code"], fail["message"])
        match event_of(push):
            case Produced(job=pushed, result=result) if self._prints and pushed in self._open:
                write_path(result.path)
            case Warned(job=pushed, warning=warning) if pushed in self._open:
                write_error(warning.code, warning.message)
            case Ended(job=pushed, outcome=outcome):
                self._end(pushed, outcome)
        return True

    def _end(self, job: str, outcome: str) -> None:
        if job in self._open:
            self._open.remove(job)
            self._failed = self._failed or outcome != "done"
