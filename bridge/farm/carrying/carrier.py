"""One song on a machine that shares no folder, from its clip to its files."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from bridge.errors import BridgeError, Cancelled, EngineFailed, OutOfSpace
from bridge.events import JobEvent, LiveNotes
from bridge.farm.carrying import serving
from bridge.farm.carrying.receiving import ReceivingPlace, ResultsReceiver
from bridge.farm.carrying.sending import RemoteCalls, clip_of, send_clip
from bridge.farm.carrying.values import CarriedFile, Clip, Place
from bridge.request import JobRequest

#: How long a machine may take for one chunk.
CALL_SECONDS = 60.0


class MachineGone(EngineFailed):
    """The machine has gone in the middle of what was carried, or has no room for it; another may take the song."""


class Carrier:
    """Carries the clip of one job to machines of the farm, and its results back.

    To be used as a context, from the first look at the clip to the last file; everything is done off the event loop.
    """

    def __init__(self, job: str, request: JobRequest, place: ReceivingPlace, emit: Callable[[JobEvent], None]) -> None:
        self._request = request
        self._loop = asyncio.get_running_loop()
        self._cancelled = threading.Event()
        self._clip: Clip | None = None
        self._call: Future[bytes] | None = None
        """The chunk that a thread waits for."""
        self._receiver = ResultsReceiver(job, request, place, lambda event: self._emit_from_thread(event))
        self._emit = emit

    async def __aenter__(self) -> Carrier:
        """Claims the folder of the results. Raises as `JobFolders.claim`."""
        try:
            await self._off_loop(self._receiver.claim)
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.shield(asyncio.to_thread(self._receiver.__exit__, None, None, None))

    async def send(self, machine: RemoteCalls) -> Clip:
        """Sends the clip, as far as the machine has it not.

        Raises:
            NotReadable: it has changed meanwhile.
            EngineFailed: it cannot be carried.
            MachineGone: it has gone, or does not take the clip.
        """
        source = Path(self._request.source)
        try:
            if self._clip is None:
                self._clip = await asyncio.to_thread(clip_of, source)
            await send_clip(machine, self._clip, source)
        except OutOfSpace as error:  # over there
            raise MachineGone(error.message, advice="") from error
        except BridgeError:
            raise
        except Exception as error:  # what Dask raises for a machine that has gone has many types
            raise _gone(error) from error
        return self._clip

    def told(self, event: JobEvent | LiveNotes) -> JobEvent | LiveNotes | None:
        """See `ResultsReceiver.told`."""
        return self._receiver.told(event)

    async def receive(
        self, machine: RemoteCalls, song: str, events: Sequence[JobEvent], files: Sequence[CarriedFile]
    ) -> None:
        """Brings the results here, and tells of them. Raises as `ResultsReceiver.receive`."""

        def fetch(place: Place, file: str, start: int) -> bytes:
            call = _awaited(machine.call(serving.give, song, place, file, start))
            self._call = asyncio.run_coroutine_threadsafe(call, self._loop)
            if self._cancelled.is_set():  # the cancellation may have found the call before this one
                self._call.cancel()
            try:
                return self._call.result(CALL_SECONDS)
            except Exception as error:
                self._checkpoint()
                raise _gone(error) from error

        await self._off_loop(lambda: self._receiver.receive(events, files, fetch, self._checkpoint))

    async def _off_loop(self, work: Callable[[], None]) -> None:
        """Runs work in a thread; a cancellation ends it between two chunks, and is waited for."""
        task = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            self._cancelled.set()
            if self._call is not None:
                self._call.cancel()
            await asyncio.wait({task})
            task.exception()
            raise

    def _checkpoint(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled

    def _emit_from_thread(self, event: JobEvent) -> None:
        self._loop.call_soon_threadsafe(self._emit, event)


async def _awaited(call: Awaitable[object]) -> bytes:
    answer = await call
    if not isinstance(answer, bytes):
        raise TypeError(f"it gives {type(answer).__name__}")
    return answer


def _gone(error: Exception) -> MachineGone:
    what = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
    return MachineGone(f"The machine of the farm has gone, or cannot carry the song ({what}).", advice="")
