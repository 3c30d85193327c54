"""The client process's side of the farm: gives it songs, tells of them, and gives them again if they are lost."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence, Set
from contextlib import AsyncExitStack, suppress
from typing import Any

import msgspec
from distributed import Client, Security
from msgspec.structs import replace

from bridge.errors import BridgeError, EngineFailed, NotFound
from bridge.events import Ended, JobEvent, LiveNotes
from bridge.farm.answers import FarmCalls, check_machine, result_of
from bridge.farm.carrying import serving
from bridge.farm.carrying.carrier import Carrier, MachineGone
from bridge.farm.carrying.receiving import ReceivingPlace
from bridge.farm.connection import CONNECT_SECONDS, MOST_DEATHS, SONG, unreachable
from bridge.farm.identity import farm_state, machines_of
from bridge.farm.messages import ClientReady, Compute, FarmReport, GivenUp, SongHappened, StateChanged
from bridge.farm.story import Story
from bridge.farm.task import (
    TaskOutcome,
    TaskRecord,
    cancel_song,
    decode_outcome,
    decode_told,
    encode,
    needs_gpu,
    record_of,
    run_task,
)
from bridge.farm.values import FarmMachine, FarmState
from bridge.model import Failure
from bridge.request import JobRequest
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.system.waiting import within

log = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
#: A scheduler that does not answer for this long has gone.
ANSWER_LIMIT_SECONDS = 5.0
#: For a cancellation, on all machines.
CANCEL_SECONDS = 2.6
_NO_GPU = (
    "The farm has no machine with a graphics processor (`sab farm worker --gpu`), which the device of the job needs."
)


class Submitter:
    """Holds the connection to one farm, and the songs that it has of one bridge."""

    def __init__(
        self,
        address: str,
        security: Security | None,
        send: Callable[[FarmReport], None],
        *,
        patience_seconds: float,
        priority: int = 0,
        place: ReceivingPlace | None = None,
    ) -> None:
        self._address = address
        self._security = security
        self._send = send
        self._patience_seconds = patience_seconds
        self._priority = priority
        self._place = place or ReceivingPlace()
        self._topic = f"sab-{secrets.token_hex(8)}"
        self._client: Any = None
        """Dask's `Client`, of which only some calls have types; None: there is no connection."""
        self._machines: dict[str, FarmMachine] = {}
        """By their addresses, as Dask calls them."""
        self._looks = 0
        """How often they were looked at."""
        self._connected = asyncio.Event()
        self._state = FarmState(problem=f"The farm at {address} has not answered yet.")
        self._songs: dict[str, asyncio.Task[None]] = {}
        self._on_gpu: set[str] = set()
        """Jobs that only a machine with a graphics processor does."""
        self._given_up: set[str] = set()
        """Jobs that are being given back: they have no end here."""
        self._stories: dict[str, list[Story]] = {}
        """By song id, the stories of the jobs that ask for it."""
        self._carriers: dict[str, Carrier] = {}
        """Of the jobs that are computed by a machine without a shared folder."""

    async def run(self) -> None:
        """Keeps the connection until it is cancelled; then what the farm computes for this bridge is cancelled."""
        self._send(ClientReady())
        last_usable = last_with_gpu = time.monotonic()
        try:
            while True:
                await self._look()
                now = time.monotonic()
                last_usable = now if self._state.slots else last_usable
                last_with_gpu = now if self._able(on_gpu=True) else last_with_gpu
                if now - last_usable > self._patience_seconds:
                    await self._give_up({*self._songs}, self._state.problem or "The farm has no machine.")
                elif now - last_with_gpu > self._patience_seconds:
                    await self._give_up(self._on_gpu & self._songs.keys(), _NO_GPU)
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for job in [*self._songs]:
                self._songs[job].cancel()
            await asyncio.gather(*self._songs.values(), return_exceptions=True)
            await self._leave()

    def compute(self, command: Compute) -> None:
        """Gives a job to the farm; one that it has already is left alone."""
        if command.job in self._songs:
            return
        song = asyncio.create_task(self._follow(command.job, command.request), name=command.job)
        self._songs[command.job] = song
        if needs_gpu(command.request):
            self._on_gpu.add(command.job)
        song.add_done_callback(lambda _: self._is_over(command.job, song))

    def abandon(self, job: str) -> None:
        """Cancels a job; it ends as cancelled."""
        if job in self._songs:
            self._songs[job].cancel()

    def _is_over(self, job: str, song: asyncio.Task[None]) -> None:
        """Called when a job is over; one that was cancelled may not even have begun."""
        self._songs.pop(job, None)
        self._on_gpu.discard(job)
        if song.cancelled() and job not in self._given_up:
            self._end(job, "cancelled")

    async def _look(self) -> None:
        """Brings the state up to date, and connects again if need be."""
        try:
            if self._client is None:
                await self._connect()
            client = self._client  # a song that finds it closed lets it go meanwhile
            told = await within(client.scheduler.identity(n_workers=-1), ANSWER_LIMIT_SECONDS)
            if client.status != "running":
                raise ConnectionError("the connection was closed")
            state, self._machines = farm_state(told), machines_of(told)
            self._looks += 1
        except (OSError, ValueError, asyncio.TimeoutError) as error:
            await self._leave()
            state = FarmState(problem=unreachable(self._address, error))
        if state != self._state:
            self._state = state
            self._send(StateChanged(state=state))

    async def _connect(self) -> None:
        """Raises OSError, TimeoutError."""
        client: Any = Client(  # type: ignore[no-untyped-call]
            self._address,
            security=self._security,
            asynchronous=True,
            set_as_default=False,
            direct_to_workers=False,
            timeout=CONNECT_SECONDS,
        )
        await client
        client.subscribe_topic(self._topic, self._hear)
        self._client = client
        self._connected.set()

    async def _leave(self) -> None:
        self._connected.clear()
        client, self._client = self._client, None
        if client is not None:
            with suppress(OSError, asyncio.TimeoutError):
                await client.close(timeout=1)

    def _hear(self, event: tuple[float, bytes]) -> None:
        """Called with all that a machine tells of the songs of this bridge."""
        try:
            told = decode_told(event[1])
        except msgspec.MsgspecError as error:
            log.warning("a machine of the farm tells what this version cannot read: %s", error)
            return
        for story in self._stories.get(told.job, ()):
            for shown in story.hear(told):
                self._tell(story.job, shown)

    async def _follow(self, job: str, request: JobRequest) -> None:
        """One job from its submission to its end."""
        story = Story(job)
        try:
            record = await off_loop(lambda: record_of(request, self._topic), timeout_seconds=ANSWER_SECONDS)
        except Exception as error:  # without an end, the job would wait for ever
            missing = NotFound(f"{request.source} cannot be looked at ({error}).")
            self._end(job, "failed", Failure(code=missing.code, message=str(missing)))
            return
        stories = self._stories.setdefault(record.job, [])
        stories.append(story)
        try:
            async with AsyncExitStack() as carrying:
                end = await self._compute(job, record, story, carrying)
            self._send(SongHappened(event=end))  # when nothing of it is claimed any more
        except asyncio.CancelledError:
            if len(stories) == 1:
                await self._cancel_on_machines(record.job)
            raise
        except BridgeError as error:
            self._end(job, "failed", Failure(code=error.code, message=str(error)))
        except Exception as error:  # of Dask's own: without an answer, the job would wait for ever
            log.exception("the farm's client cannot follow %s", job)
            self._send(GivenUp(job=job, reason=f"{type(error).__name__}: {error}"))
        finally:
            self._carriers.pop(job, None)
            stories.remove(story)
            if not stories:
                self._stories.pop(record.job, None)

    async def _compute(
        self, job: str, record: TaskRecord, story: Story, carrying: AsyncExitStack
    ) -> JobEvent | LiveNotes:
        """Has a song computed, tells of it, and carries it where no folder is shared; returns its end.

        Raises:
            MachineGone: machines have gone in the middle of what was carried, or cannot do it, again and again.
            BridgeError: the song cannot be computed, or its results cannot be written here.
        """
        avoided: list[str] = []
        """The machines that it has failed on, though another may do it."""
        while True:
            outcome, is_last = TaskOutcome(attempt="", events=()), len(avoided) == MOST_DEATHS - 1
            try:
                outcome = await self._outcome(record, avoided=avoided)
                is_carried = not outcome.events
                while not outcome.events:
                    carrier = await self._carrier(job, record.request, carrying)
                    clip = await carrier.send(FarmCalls(self._client, outcome.machine))
                    outcome = await self._outcome(replace(record, clip=clip), outcome.machine)
                check_machine(outcome, is_carried=is_carried, is_last=is_last)
                *events, end = story.end(outcome)
                for event in events:
                    self._tell(job, event)
                if outcome.carried:
                    carrier = await self._carrier(job, record.request, carrying)
                    machine = FarmCalls(self._client, outcome.machine)
                    await carrier.receive(machine, record.job, outcome.events, outcome.carried)
                    if len(self._stories[record.job]) == 1:
                        await self._let_forget(machine, record.job)
                return end
            except MachineGone:
                if is_last:
                    raise
                avoided.append(outcome.machine)
                await self._lost(self._client)

    async def _let_forget(self, machine: FarmCalls, song: str) -> None:
        """The results are here; a machine that cannot be told removes them by itself, later."""
        try:
            await machine.call(serving.forget, song)
        except Exception as error:  # what Dask raises for a machine that has gone has many types
            log.info("the results of %s stay a while on their machine: %s", song, error)

    async def _carrier(self, job: str, request: JobRequest, carrying: AsyncExitStack) -> Carrier:
        """The job's carrier, which claims the folder of the results when it is needed for the first time."""
        if job not in self._carriers:
            carrier = Carrier(job, request, self._place, lambda event: self._send(SongHappened(event=event)))
            self._carriers[job] = await carrying.enter_async_context(carrier)
        return self._carriers[job]

    def _tell(self, job: str, event: JobEvent | LiveNotes) -> None:
        carrier = self._carriers.get(job)
        shown = event if carrier is None else carrier.told(event)
        if shown is not None:
            self._send(SongHappened(event=shown))

    async def _outcome(self, record: TaskRecord, machine: str = "", avoided: Sequence[str] = ()) -> TaskOutcome:
        """What a machine returns for a song, however often the farm has to be given it.

        Args:
            machine: the one that has its clip; empty: any.
            avoided: machines that get it only where there are no others.

        Raises:
            MachineGone: the machine that has its clip has gone, perhaps because of the song, or has not kept the clip.
            EngineFailed: its machines have died of it, or it cannot be run there.
        """
        song, content, on_gpu = record.job, encode(record), needs_gpu(record.request)
        resources = {SONG: 1, **({"GPU": 1} if on_gpu else {})}
        while True:
            await self._connected.wait()
            client = self._client
            if client is None:
                continue
            wanted = [machine] if machine else [one for one in self._able(on_gpu) if avoided and one not in avoided]
            # Not with Dask's `allow_other_workers`, which does without the resources too, and for ever leaves a task
            # that had no machine at all for a moment. The key tells the machines, which a task keeps as it was given.
            future = client.submit(
                run_task,
                content,
                key="-".join((song, *([str(len(avoided))] if avoided else []), *wanted)),
                resources=resources,
                priority=self._priority,
                pure=False,
                workers=wanted or None,
            )
            try:
                answer = await self._answer(future, wanted)
            except MachineGone:
                if machine:
                    raise
                answer = None
            finally:
                future.release()
            if answer is None:
                machine = ""  # the scheduler has gone, and its address with it; who gets the song asks for the clip
                await self._lost(client)
                continue
            try:
                outcome = decode_outcome(answer)
            except msgspec.MsgspecError as error:
                raise EngineFailed(
                    f"A machine of the farm returned what this version cannot read ({error})."
                ) from error
            if not outcome.events and outcome.machine:  # it wants the clip
                if record.clip is not None and outcome.machine == machine:
                    raise MachineGone("The machine of the farm has not kept the clip.", advice="")
                return outcome
            end = outcome.events[-1] if outcome.events else None
            if not isinstance(end, Ended):
                raise EngineFailed("A machine of the farm returned a song without an end.")
            if end.outcome != "cancelled":  # else another client has cancelled it, and this one wants it still
                return outcome

    async def _answer(self, future: Any, wanted: Sequence[str]) -> bytes | None:
        """As `result_of`. Raises MachineGone: of the machines that the task waits for, none is left."""
        answer, looks = asyncio.ensure_future(result_of(future)), self._looks
        try:
            while not answer.done():
                await asyncio.wait({answer}, timeout=LOOK_SECONDS)
                # A look that was under way may not know a machine that has just joined.
                has_looked = self._looks >= looks + 2
                if not answer.done() and wanted and has_looked and self._machines.keys().isdisjoint(wanted):
                    raise MachineGone("The machine of the farm has gone while it computed the song.", advice="")
            return answer.result()
        finally:
            answer.cancel()

    def _able(self, on_gpu: bool) -> list[str]:
        """The addresses of the machines that get songs from here."""
        if not self._state.slots:
            return []
        return [
            address
            for address, machine in self._machines.items()
            if not machine.problem and (machine.kind == "gpu" or not on_gpu)
        ]

    async def _lost(self, client: Any) -> None:
        """Waits until the loss of a connection is noticed, or a moment if it was only one song that was lost."""
        if client is not None and client.status != "running" and client is self._client:
            await self._leave()
        await asyncio.sleep(LOOK_SECONDS / 4)

    async def _cancel_on_machines(self, song: str) -> None:
        """Cancels a song wherever it is computed; a machine that does not answer in time is not waited for."""
        client = self._client
        if client is None:  # each machine has noticed by itself that the scheduler has gone
            return
        with suppress(OSError, asyncio.TimeoutError):
            await within(client.run(cancel_song, song, on_error="ignore"), CANCEL_SECONDS)

    async def _give_up(self, jobs: Set[str], reason: str) -> None:
        """Nothing computes these any more: they are given back to who asked for them, and may come again at once."""
        songs = {job: self._songs[job] for job in jobs}
        self._given_up.update(songs)
        for song in songs.values():
            song.cancel()
        await asyncio.gather(*songs.values(), return_exceptions=True)
        self._given_up.difference_update(songs)
        for job in songs:
            self._send(GivenUp(job=job, reason=reason))

    def _end(self, job: str, outcome: Any, failure: Failure | None = None) -> None:
        self._send(SongHappened(event=Ended(job=job, outcome=outcome, unix_seconds=time.time(), failure=failure)))
