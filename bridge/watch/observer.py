"""Sees what happens in a folder: scans, hints of the system, and which files have settled."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar

from bridge.protocols import Clock
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.system.waiting import within
from bridge.watch.drives import is_remote
from bridge.watch.hints import ChangeHints
from bridge.watch.open_files import is_open_for_writing
from bridge.watch.scan import Scan, follow, look_again, scan
from bridge.watch.settling import Settling
from bridge.watch.values import FileState, WatchChoice

T = TypeVar("T")

log = logging.getLogger(__name__)

#: How often a folder is looked through where the system tells of no changes.
POLL_SECONDS = 5.0
#: And where it does: hints may be lost, when too many come at once.
SWEEP_SECONDS = 60.0
#: A scan may take this share of the time at most; of a huge folder on a slow drive there are fewer.
MOST_OF_THE_TIME = 0.1
#: So many hints at once, and the whole folder is looked through instead.
MOST_HINTS = 2000


class Observer:
    """Finds the files of one folder that have settled; each is `taken` in its turn.

    Args:
        is_known: whether a file in this state was taken before; such a file is passed over.
        notice: told what the user has to know: level and words, as `events.Noticed` has them.
    """

    def __init__(
        self,
        choice: WatchChoice,
        clock: Clock,
        is_known: Callable[[str, FileState], bool],
        notice: Callable[[str, str], None],
    ) -> None:
        self._folder = choice.folder
        out = choice.out
        self._passed_over = () if out is None or out == self._folder else (out,)
        self._now = clock.monotonic_seconds
        self._is_known = is_known
        self._notice = notice
        self._is_polled = choice.is_polled
        self._settling = Settling(choice.settle_seconds)
        self._settled: asyncio.Queue[tuple[str, FileState | None]] = asyncio.Queue()
        self._hinted: set[str] = set()
        self._hints: ChangeHints | None = None
        self._next_scan = 0.0
        self._wakes = asyncio.Event()
        self._place: tuple[int, int] | None = None
        """What the folder was when it was last looked through: it may be unmounted, and another may take its place."""
        self._unreadable: set[str] = set()
        self._has_scanned = False
        self._has_gone = False
        self.is_there = asyncio.Event()
        """Cleared while the folder is away, or its drive does not answer."""
        self.is_idle = asyncio.Event()
        """Set while all files of the folder were taken, and have been dealt with."""

    async def run(self) -> None:
        """Sees what happens until it is cancelled."""
        if self._is_polled is None:
            self._is_polled = await self._on_drive(lambda: is_remote(self._folder))
        try:
            while True:
                if self._now() >= self._next_scan:
                    await self._scan()
                if self._hinted:
                    await self._follow_hints()
                await self._take_settled()
                self._tell_if_idle()
                await self._pause()
        finally:
            hints = self._hints
            self._end_hints()
            if hints is not None:
                await off_loop(hints.wait)

    async def taken(self) -> tuple[str, FileState | None]:
        """The next file that has settled, with its state; None: it is gone.

        It is `done_with` afterwards, or put back with `try_later` or `see`.
        """
        return await self._settled.get()

    def see(self, path: str, state: FileState) -> None:
        """The file has changed meanwhile, or is to be taken once more: its time begins anew."""
        self._settling.forget(path)
        self._settling.see(path, state, self._now())
        self._wakes.set()

    def try_later(self, path: str, state: FileState, unchanged_seconds: float = 0.0) -> bool:
        """The file cannot be used yet. False: it is given up, because it has not changed for a long time."""
        is_kept = self._settling.try_later(
            path, state, self._now(), unchanged_seconds=unchanged_seconds, may_give_up=self.is_there.is_set()
        )
        self._wakes.set()
        return is_kept

    def done_with(self, path: str) -> None:
        """Nothing more is to be done with the file as it is."""
        self._settling.forget(path)
        self._wakes.set()

    async def state_of(self, path: str) -> FileState | None:
        """The file as it is now; None: it is gone, or its drive is."""
        with suppress(TimeoutError):
            found = await off_loop(lambda: look_again(self._folder, [path]), timeout_seconds=ANSWER_SECONDS)
            return found[path]
        return None

    async def _scan(self) -> None:
        began = self._now()
        try:
            place, found = await self._on_drive(self._look_through)
        except OSError as error:
            self._lose(error.strerror or str(error))
            self._next_scan = self._now() + POLL_SECONDS
            return
        if self._has_gone:
            self._has_gone = False
            self._notice("info", f"{self._folder} is there again.")
        if self._place not in (None, place):  # another folder is mounted in its place
            self._end_hints()
        self._place = place
        self._start_hints()  # not before the drive has answered: they hold the interpreter while they begin
        self.is_there.set()
        self._see_all(found)
        for folder in found.unreadable.keys() - self._unreadable:
            self._notice("warning", f"{self._folder}: the folder {folder} cannot be read: {found.unreadable[folder]}.")
        self._unreadable = {*found.unreadable}
        self._has_scanned = True
        usual = SWEEP_SECONDS if self._hints is not None else POLL_SECONDS
        self._next_scan = self._now() + max(usual, (self._now() - began) / MOST_OF_THE_TIME)

    def _look_through(self) -> tuple[tuple[int, int], Scan]:
        found = self._folder.stat()
        return (found.st_dev, found.st_ino), scan(self._folder, self._passed_over)

    async def _follow_hints(self) -> None:
        hinted, self._hinted = self._hinted, set()
        found = None
        if len(hinted) <= MOST_HINTS:
            with suppress(OSError):
                found = await self._on_drive(lambda: follow(self._folder, hinted, self._passed_over))
        if found is None:
            self._next_scan = self._now()
        else:
            self._see_all(found)

    def _see_all(self, found: Scan) -> None:
        now = self._now()
        for path, state in found.clips.items():
            if not self._is_known(path, state):
                self._settling.see(path, state, now)

    async def _take_settled(self) -> None:
        """Looks once more at the files whose time is over."""
        due = dict(self._settling.due(self._now()))
        if not due:
            return

        def look() -> tuple[dict[str, FileState | None], set[str]]:
            found = look_again(self._folder, due)
            unchanged = [path for path, state in due.items() if found[path] == state]
            return found, {path for path in unchanged if is_open_for_writing(self._folder / path)}

        found, open_files = await self._on_drive(look)
        now = self._now()
        for path, before in due.items():
            state = found[path]
            if state is not None and state != before:
                self._settling.see(path, state, now)
            elif state is not None and path in open_files:
                self._settling.try_later(path, state, now, may_give_up=False)
            else:
                self._settled.put_nowait((path, state))

    async def _on_drive(self, work: Callable[[], T]) -> T:
        """Does what may wait for the drive, however long; says if it does not answer. Raises what the work raises."""
        doing = asyncio.ensure_future(off_loop(work))
        try:
            await asyncio.wait({doing}, timeout=ANSWER_SECONDS)
            if not doing.done():
                self._lose("its drive does not answer")
                await asyncio.wait({doing})
            return doing.result()
        finally:
            doing.cancel()

    def _lose(self, reason: str) -> None:
        self.is_there.clear()
        self._end_hints()
        if not self._has_gone:
            self._has_gone = True
            self._notice("warning", f"{self._folder} cannot be watched now: {reason}. It goes on when it can be.")

    def _start_hints(self) -> None:
        if self._is_polled or self._hints is not None:
            return
        call = asyncio.get_running_loop().call_soon_threadsafe
        hints: ChangeHints

        def on_loop(work: Callable[[], object]) -> None:
            with suppress(RuntimeError):  # the loop is closed
                call(lambda: work() if self._hints is hints else None)

        hints = self._hints = ChangeHints(
            self._folder,
            on_start=lambda: on_loop(self._on_start),
            on_change=lambda paths: on_loop(lambda: self._on_change(paths)),
            on_end=lambda reason: on_loop(lambda: self._on_end(reason)),
        )

    def _end_hints(self) -> None:
        if self._hints is not None:
            self._hints.close()
            self._hints = None

    def _on_start(self) -> None:
        """What has changed before the first hint could come is found by a scan."""
        self._next_scan = self._now()
        self._wakes.set()

    def _on_change(self, paths: Collection[str]) -> None:
        self._hinted.update(paths)
        self._wakes.set()

    def _on_end(self, reason: str) -> None:
        """The system tells of no more changes: the folder is polled from now on."""
        self._hints = None
        self._next_scan = self._now()
        self._wakes.set()
        if not self._has_gone:
            self._is_polled = True
            words = f"{self._folder} is looked through every {POLL_SECONDS:g} s, because {reason}."
            self._notice("info", words)

    def _tell_if_idle(self) -> None:
        if self._has_scanned and not len(self._settling) and not self._hinted:
            self.is_idle.set()
        else:
            self.is_idle.clear()

    async def _pause(self) -> None:
        """Returns when there is something to do."""
        due = self._settling.next_due
        until = self._next_scan if due is None else min(due, self._next_scan)
        with suppress(asyncio.TimeoutError):
            await within(self._wakes.wait(), max(0.0, until - self._now()))
        self._wakes.clear()
