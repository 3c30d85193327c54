"""When a file counts as complete: it has not changed for a time. Pure; time is what the caller says it is."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from dataclasses import dataclass

from bridge.watch.values import FileState

#: The longest pause between two attempts at a file that cannot be used yet.
LONGEST_PAUSE_SECONDS = 60.0
#: A file that has not changed for so long, and still cannot be used, is given up.
PATIENCE_SECONDS = 300.0


@dataclass
class _Seen:
    state: FileState
    unchanged_since: float
    due: float
    attempts: int = 0


class Settling:
    """The files that are not taken yet.

    Each is due when it has not changed for `settle_seconds`. Who takes it then, and finds that it cannot be used yet,
    puts it back with `try_later`.
    """

    def __init__(self, settle_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._seen: dict[str, _Seen] = {}
        self._order: list[tuple[float, int, str]] = []
        """A heap of (due, number, path); an entry whose time is not that of its file any more is void."""
        self._number = 0

    def see(self, path: str, state: FileState, now: float) -> None:
        """A file was looked at. The first look at a file, and each that finds it changed, starts its time anew."""
        seen = self._seen.get(path)
        if seen is None or seen.state != state:
            self._put(path, _Seen(state, now, now + self._settle_seconds))

    def forget(self, path: str) -> None:
        """The file is gone, or was taken."""
        self._seen.pop(path, None)

    def due(self, now: float) -> Sequence[tuple[str, FileState]]:
        """The files that have not been seen to change for long enough, in the order in which they were seen.

        Each is due once, and known until it is forgotten or tried later.
        """
        found = []
        while self._order and self._order[0][0] <= now:
            due, _, path = heapq.heappop(self._order)
            seen = self._seen.get(path)
            if seen is not None and seen.due == due:
                seen.due = float("inf")
                found.append((path, seen.state))
        return found

    def try_later(
        self, path: str, state: FileState, now: float, *, unchanged_seconds: float = 0.0, may_give_up: bool = True
    ) -> bool:
        """The file cannot be used yet: it is due again after a pause that grows. False: it is to be given up.

        Args:
            unchanged_seconds: for how long it has not changed, as its drive tells; it may have lain there before.
            may_give_up: False: it is certain that somebody still writes it.
        """
        seen = self._seen.get(path)
        if seen is None or seen.state != state:
            seen = _Seen(state, now, now)
        seen.unchanged_since = min(seen.unchanged_since, now - unchanged_seconds)
        if may_give_up and now - seen.unchanged_since >= PATIENCE_SECONDS:
            return False
        pause = min(LONGEST_PAUSE_SECONDS, self._settle_seconds * 2**seen.attempts)
        seen.attempts = min(seen.attempts + 1, 16)
        seen.due = now + pause
        self._put(path, seen)
        return True

    @property
    def next_due(self) -> float | None:
        """When the next file may be due; None: there is none."""
        while self._order and self._is_void(*self._order[0]):
            heapq.heappop(self._order)
        return self._order[0][0] if self._order else None

    def __len__(self) -> int:
        return len(self._seen)

    def __contains__(self, path: str) -> bool:
        return path in self._seen

    def _is_void(self, due: float, _: int, path: str) -> bool:
        seen = self._seen.get(path)
        return seen is None or seen.due != due

    def _put(self, path: str, seen: _Seen) -> None:
        self._seen[path] = seen
        self._number += 1
        heapq.heappush(self._order, (seen.due, self._number, path))
