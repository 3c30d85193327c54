"""One watched folder: each of its clips becomes a job once, whatever happens to the process in between."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from msgspec.structs import replace

from bridge.errors import (
    BridgeError,
    Busy,
    InternalError,
    NotAudio,
    NotFound,
    NotReadable,
    NotWritable,
    QueueFull,
    error_for,
    unresponsive_drive,
)
from bridge.events import Noticed
from bridge.model import Failure, Job
from bridge.project_paths import result_name
from bridge.protocols import Bridge, Clock
from bridge.request import JobRequest, PlayRequest
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.watch.done_before import digest_of, has_results
from bridge.watch.ledger import ClipLedger
from bridge.watch.observer import Observer
from bridge.watch.scan import unchanged_seconds
from bridge.watch.turns import MOST_INTERRUPTIONS, WATCH, Turns
from bridge.watch.values import ClipState, FileState, WatchChoice, WatchedClip

log = logging.getLogger(__name__)

#: A clip that has come to an end or been put back, or something else that the user has to know.
News: TypeAlias = WatchedClip | Noticed
#: Builds the request for a clip; raises BridgeError where there can be none.
RequestFor: TypeAlias = Callable[[str], Awaitable[JobRequest]]

#: What a file that is still being copied is refused with, or any by a bridge that has too much to do.
NOT_YET = (NotAudio.code, NotReadable.code, Busy.code)
#: How often writing the ledger is tried while it cannot be written.
RETRY_SECONDS = 5.0


class _NotWhole(NotReadable):
    """It was cut off, or is still being copied."""


class FolderWatch:
    """Made by `watching`. Its `known` tells of every clip that was taken so far."""

    def __init__(
        self,
        choice: WatchChoice,
        bridge: Bridge,
        request_for: RequestFor,
        turns: Turns,
        ledger: ClipLedger,
        known: dict[str, WatchedClip],
        clock: Clock,
        tell: Callable[[News], object],
        is_lost: Callable[[], bool],
    ) -> None:
        self.choice = choice
        self._is_lost = is_lost
        self._bridge = bridge
        self._request_for = request_for
        self._turns = turns
        self._ledger = ledger
        self._clock = clock
        self._tell = tell
        self._known = known
        self._interruptions: dict[str, int] = {}
        self.is_broken = asyncio.Event()
        """Set when the folder is watched no more, because of a bug."""
        self._seen = Observer(choice, clock, self._is_taken, self._notice)

    @property
    def known(self) -> Mapping[str, WatchedClip]:
        """By their paths relative to the folder."""
        return self._known

    async def run(self) -> None:
        """Takes each clip that settles, until it is cancelled."""
        await self._resume()
        tasks = [asyncio.create_task(work) for work in (self._seen.run(), self._take_all())]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_EXCEPTION)
            for task in done:
                task.result()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def until_idle(self) -> None:
        """Returns when every clip that is there is done, or has failed."""
        await self._seen.is_idle.wait()

    def _notice(self, level: str, message: str) -> None:
        self._tell(Noticed(level=level, message=message))

    def _is_taken(self, path: str, state: FileState) -> bool:
        known = self._known.get(path)
        return known is not None and known.file == state and known.state != "waiting"

    async def _resume(self) -> None:
        """Goes on with the clips that were jobs when the watch ended; their jobs may have gone on meanwhile."""
        gone = await self._failed_and_gone()
        for clip in [*self._known.values()]:
            if clip.path in gone:
                await self._drop(clip.path)
            elif clip.state == "failed" and self.choice.again:
                self._known[clip.path] = replace(clip, state="waiting")
            elif clip.state in ("submitted", "waiting"):
                job = self._job_of(clip)
                is_open_or_done = job is not None and job.state not in ("failed", "cancelled")
                if job is not None and (clip.state == "submitted" or is_open_or_done):
                    await self._finish(clip, job.id)
                else:
                    await self._forget(clip.path)

    async def _failed_and_gone(self) -> frozenset[str]:
        """The clips that have failed, and whose files were removed since."""
        folder, failed = self.choice.folder, [clip.path for clip in self._known.values() if clip.state == "failed"]

        def find() -> frozenset[str]:
            return frozenset(path for path in failed if folder.is_dir() and not (folder / path).exists())

        try:
            return await off_loop(find, timeout_seconds=ANSWER_SECONDS)
        except (OSError, TimeoutError):
            return frozenset()

    def _job_of(self, clip: WatchedClip) -> Job | None:
        """The job of a clip that was submitted; its id may not have been written any more."""
        source = str(self.choice.folder / clip.path)
        for job in reversed(self._bridge.jobs()):
            if job.id == clip.job:
                return job
            is_its = job.origin == WATCH and job.request.source == source
            if is_its and job.submitted_unix >= clip.unix_seconds - 1.0:
                return job
        return None

    async def _take_all(self) -> None:
        while True:
            path, state = await self._seen.taken()
            await self._seen.is_there.wait()
            if state is None:
                await self._forget(path)
                continue
            clip = WatchedClip(path=path, file=state, state="waiting", unix_seconds=self._clock.unix_seconds())
            try:
                await self._take(clip)
            except BridgeError as error:
                if self._is_lost():
                    return
                if error.code == NotFound.code and await self._seen.state_of(path) is None:
                    await self._forget(path)
                    continue
                if error.code in NOT_YET and self._seen.try_later(path, state, await self._age(path, error)):
                    await self._wait_because(clip, error)
                    continue
                await self._end(clip, "failed", code=error.code, message=str(error))
            except Exception as error:  # of one clip; the others go on
                log.exception("%s cannot be taken", self.choice.folder / path)
                fault = InternalError(f"{type(error).__name__}: {error}.")
                await self._end(clip, "failed", code=fault.code, message=str(fault))
            # A clip that has changed meanwhile has settled anew, and is taken again.

    async def _age(self, path: str, error: BridgeError) -> float:
        """For how long a file has been so, in seconds, where that says that it will stay so: its content is wrong."""
        if not isinstance(error, (NotAudio, _NotWhole)):
            return 0.0
        now = self._clock.unix_seconds()
        return await off_loop(lambda: unchanged_seconds(self.choice.folder / path, now))

    async def _wait_because(self, clip: WatchedClip, error: BridgeError) -> None:
        """The clip is tried again later; the reason is told once."""
        waiting = replace(clip, code=error.code, message=str(error))
        before = self._known.get(clip.path)
        if before is None or (before.file, before.message) != (waiting.file, waiting.message):
            await self._write(waiting)
            self._tell(waiting)

    async def _take(self, clip: WatchedClip) -> None:
        """Makes a job of a clip, unless that was done. Raises BridgeError: it cannot become one, or not yet."""
        path = self.choice.folder / clip.path
        (look,) = await self._bridge.look([str(path)])
        if look.refusal is not None:
            raise error_for(look.refusal.code, look.refusal.message)
        if look.is_cut_off:
            raise _NotWhole(
                "There is less audio in it than its header says.", advice="Copy it again, or process it by itself."
            )
        request = await self._request_of(path)
        digest, is_done = await off_loop(lambda: _looked_up(request, path))
        state = await self._seen.state_of(clip.path)
        if state != clip.file:
            await self._see_again(clip.path, state)
            return
        before = self._known.get(clip.path)
        is_only_touched = before is not None and before.state == "done" and before.digest == digest != ""
        clip = replace(clip, digest=digest)
        if is_done or is_only_touched:
            await self._end(clip, "done")
        else:
            await self._submit(clip, request)

    async def _submit(self, clip: WatchedClip, request: JobRequest) -> None:
        while True:
            async with self._turns.turn():
                clip = replace(clip, state="submitted", job="", unix_seconds=self._clock.unix_seconds())
                await self._write(clip)
                try:
                    job, _ = await self._bridge.submit(request, f"{WATCH} {self.choice.folder}", WATCH)
                except (QueueFull, Busy):  # somebody was quicker
                    continue
                await self._finish(clip, job.id)
                return

    async def _finish(self, clip: WatchedClip, job_id: str) -> None:
        """Waits until the job of a clip is over, and writes down how it ended."""
        clip = replace(clip, state="submitted", job=job_id)
        await self._write(clip)
        interruptions = self._interruptions.get(clip.path, 0)
        has_given_way = False

        async def give_way() -> None:
            nonlocal has_given_way
            has_given_way = True
            self._interruptions[clip.path] = interruptions + 1
            await self._write(replace(clip, state="waiting"))

        try:
            job = await self._turns.until_over(job_id, None if interruptions >= MOST_INTERRUPTIONS else give_way)
        except NotFound:  # taken off the list
            await self._end(clip, "failed", code="cancelled", message="Its job was taken off the list.")
            return
        if job.state == "done":
            await self._end(clip, "done")
            return
        state = await self._seen.state_of(clip.path)
        if has_given_way or state != clip.file:  # its turn comes again, or it is another file now
            await self._write(replace(clip, state="waiting"))
            if has_given_way:
                self._bridge.remove([job_id])
            await self._see_again(clip.path, state)
            return
        failure = job.failure or Failure(code="cancelled", message="Its job was cancelled.")
        await self._end(clip, "failed", code=failure.code, message=failure.message)

    async def _see_again(self, path: str, state: FileState | None) -> None:
        """The file has changed, or is to be taken once more; None: it is gone."""
        if state is None:
            await self._forget(path)
        else:
            self._seen.see(path, state)

    async def _forget(self, path: str) -> None:
        """Nothing is known of a clip any more, unless it is over: its file is gone, or will be seen anew."""
        known = self._known.get(path)
        if known is not None and known.state in ("waiting", "submitted"):
            await self._drop(path)
        self._seen.done_with(path)

    async def _drop(self, path: str) -> None:
        del self._known[path]
        await self._keep(lambda: self._ledger.remove([path]))

    async def _end(self, clip: WatchedClip, state: ClipState, *, code: str = "", message: str = "") -> None:
        ended = replace(clip, state=state, code=code, message=message, unix_seconds=self._clock.unix_seconds())
        await self._write(ended)
        self._interruptions.pop(clip.path, None)
        self._tell(ended)
        self._seen.done_with(clip.path)

    async def _write(self, clip: WatchedClip) -> None:
        self._known[clip.path] = clip
        await self._keep(lambda: self._ledger.put([clip]))

    async def _keep(self, write: Callable[[], None]) -> None:
        """Writes to the ledger; while that is impossible, nothing goes on, or clips would be done twice."""
        has_told = False
        while True:
            try:
                await off_loop(write)
            except NotWritable as error:
                if not has_told:
                    has_told = True
                    self._notice("warning", f"{error} Until then, no clip of {self.choice.folder} becomes a job.")
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return

    async def _request_of(self, path: Path) -> JobRequest:
        request = await self._request_for(str(path))
        place = request.place
        if self.choice.out is not None:
            inner = path.relative_to(self.choice.folder).parent
            place = replace(place, folder=str(self.choice.out / inner / result_name(path, place.name)))
        return replace(request, place=place, play=PlayRequest())  # nobody waits for its notes to sound


@asynccontextmanager
async def watching(
    choice: WatchChoice,
    bridge: Bridge,
    request_for: RequestFor,
    *,
    state_dir: Path,
    clock: Clock,
    turns: Turns,
    tell: Callable[[News], object],
    is_lost: Callable[[], bool] = lambda: False,
) -> AsyncIterator[FolderWatch]:
    """Watches a folder while the block runs, in a task of its own.

    Args:
        request_for: builds the request for a clip; where its results go is set here.
        state_dir: the state folder, with the ledger of each folder.
        turns: those of the bridge.
        tell: called with what happens; it raises nothing.
        is_lost: whether the bridge has gone: what it refuses then says nothing about a clip.

    Raises:
        FolderWatched: another program watches it.
        NotWritable: the ledger cannot be written, or its drive does not answer.
    """
    ledger, known = await _opened(state_dir, choice.folder)
    try:
        if ledger.was_damaged:
            words = (
                f"The record of {choice.folder} was damaged, and is begun anew: results that are there count as done."
            )
            tell(Noticed(level="warning", message=words))
        watch = FolderWatch(choice, bridge, request_for, turns, ledger, known, clock, tell, is_lost)
        running = asyncio.create_task(watch.run(), name=f"watch {choice.folder}")
        running.add_done_callback(lambda task: _tell_of_fault(task, watch, tell))
        try:
            yield watch
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
    finally:
        with suppress(TimeoutError):  # the system closes it with the process
            await off_loop(ledger.close, timeout_seconds=ANSWER_SECONDS)


async def _opened(state_dir: Path, folder: Path) -> tuple[ClipLedger, dict[str, WatchedClip]]:
    """The ledger of a folder, and what it tells. Raises as `watching`."""
    is_given_up = threading.Event()

    def open_ledger() -> tuple[ClipLedger, dict[str, WatchedClip]]:
        ledger = ClipLedger(state_dir, folder)
        with ExitStack() as opened:
            opened.callback(ledger.close)
            known = ledger.read()
            if not is_given_up.is_set():  # else nobody would close it
                opened.pop_all()
        return ledger, known

    try:
        return await off_loop(open_ledger, timeout_seconds=ANSWER_SECONDS)
    except BaseException as error:
        is_given_up.set()
        if isinstance(error, TimeoutError):
            raise unresponsive_drive(state_dir) from None
        raise


def _looked_up(request: JobRequest, path: Path) -> tuple[str, bool]:
    """The hash of a clip, and whether it has results. Raises NotReadable: its drive, or that of the results, fails."""
    try:
        digest = digest_of(path)
        return digest, has_results(request, digest)
    except OSError as error:
        place = error.filename or path
        raise NotReadable(f"{place} cannot be read: {error.strerror or error}.") from error


def _tell_of_fault(task: asyncio.Task[None], watch: FolderWatch, tell: Callable[[News], object]) -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        folder = watch.choice.folder
        watch.is_broken.set()
        log.error("%s is watched no more", folder, exc_info=error)
        words = f"{folder} is watched no more: {type(error).__name__}. This is a bug in the bridge; `sab log` shows it."
        tell(Noticed(level="error", message=words))
