"""What the system tells of changes in a folder, from a thread of its own, by the library watchfiles."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Callable, Collection
from pathlib import Path

log = logging.getLogger(__name__)

#: Changes of this long come together.
TOGETHER_MS = 500
#: How often the thread looks whether there are any; each look wakes a processor.
LOOK_MS = 200
#: Nothing has changed for so long after the start: it is certain then that changes are told.
START_MS = 400
#: How long the end of the thread may take; it looks for it every `LOOK_MS`.
END_SECONDS = 2.0


class ChangeHints:
    """Tells of the paths that change below a folder, until it is closed.

    Args:
        on_start: called on the thread when changes are told from now on.
        on_change: called on the thread with absolute paths; they may be files, folders, or gone.
        on_end: called on the thread when no more changes are told, with the reason; not after `close`.
    """

    def __init__(
        self,
        folder: Path,
        on_start: Callable[[], None],
        on_change: Callable[[Collection[str]], None],
        on_end: Callable[[str], None],
    ) -> None:
        self._folder = folder
        self._on_start = on_start
        self._on_change = on_change
        self._on_end = on_end
        self._is_closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True, name="changes in a folder")
        self._thread.start()

    def close(self) -> None:
        """Nothing is told after this."""
        self._is_closed.set()

    def wait(self) -> None:
        """Waits until the thread has ended, but not long: a thread that is in the library ends a program badly."""
        self._thread.join(END_SECONDS)

    def _run(self) -> None:
        try:
            reason = self._watch()
        except Exception as error:  # of the library's own kinds, which are not public
            log.info("no changes are told of %s: %s", self._folder, error)
            reason = _words(error)
        if not self._is_closed.is_set():
            self._on_end(reason)

    def _watch(self) -> str:
        from watchfiles import watch  # loaded when the first folder is watched

        changes = watch(
            self._folder,
            watch_filter=None,
            debounce=TOGETHER_MS,
            step=LOOK_MS,
            rust_timeout=START_MS,
            yield_on_timeout=True,
            stop_event=self._is_closed,
            raise_interrupt=False,
            force_polling=False,
            ignore_permission_denied=False,  # True would also hide that there are too many folders
        )
        has_started = False
        for told in changes:
            if self._is_closed.is_set():
                break
            if not has_started:
                has_started = True
                self._on_start()
            if told:
                self._on_change({path for _, path in told})
        return "the watching has ended"


def _words(error: Exception) -> str:
    """Why the system tells of no changes, for the user."""
    words = str(error)
    if "MaxFilesWatch" in words or "os error 28" in words.lower():
        return f"the system's limit for watched folders is reached{_LIMIT_ADVICE}"
    if isinstance(error, PermissionError):
        return "a folder in it may not be read"
    if isinstance(error, FileNotFoundError):
        return "it is not there"
    return os.fsdecode(os.fsencode(words))


_LIMIT_ADVICE = " (Linux: fs.inotify.max_user_watches)"
