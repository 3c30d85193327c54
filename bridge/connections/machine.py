"""Reads memory, load and drives, off the event loop: a drive that is gone may never answer."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bridge.connections.values import FreeSpace, Machine
from bridge.plain import plain
from bridge.system.off_loop import off_loop

if TYPE_CHECKING:
    from bridge.protocols import Clock

#: What was read is good for this long: screens ask several times a second.
GOOD_FOR_SECONDS = 1.0
#: Who asks waits for so long; what was read before is shown meanwhile.
ANSWER_SECONDS = 0.5


class MachineReader:
    """The newest `Machine`, read again when somebody asks; never twice at the same time."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known = Machine()
        self._read_seconds: float | None = None
        self._is_reading = False
        self._has_measured = False

    async def read(self, processes: Mapping[str, int | None], folders: Mapping[str, str]) -> Machine:
        """
        Args:
            processes: by name the ids of the bridge's processes; None: it does not run.
            folders: by role the folders whose drives matter.
        """
        now = self._clock.monotonic_seconds()
        is_old = self._read_seconds is None or now - self._read_seconds >= GOOD_FOR_SECONDS
        if is_old and not self._is_reading:
            self._is_reading, self._read_seconds = True, now
            with suppress(TimeoutError):
                await off_loop(lambda: self._look(processes, folders), timeout_seconds=ANSWER_SECONDS)
        return self._known

    def _look(self, processes: Mapping[str, int | None], folders: Mapping[str, str]) -> None:
        try:
            import psutil  # loaded when somebody looks for the first time

            memory = psutil.virtual_memory()
            share = psutil.cpu_percent(interval=None) / 100  # since the last call, so the first one tells nothing
            self._known = Machine(
                cpu_share=share if self._has_measured else None,
                cores=psutil.cpu_count() or 0,
                memory_bytes=memory.total,
                memory_free_bytes=memory.available,
                resident_bytes=_resident(psutil, processes),
                drives=tuple(drive for role, folder in folders.items() for drive in _free_space(role, folder)),
            )
            self._has_measured = True
        finally:
            self._is_reading = False


def _resident(psutil: Any, processes: Mapping[str, int | None]) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, pid in processes.items():
        if pid is not None:
            with suppress(psutil.Error):  # it has just ended
                found[name] = psutil.Process(pid).memory_info().rss
    return found


def _free_space(role: str, folder: str) -> list[FreeSpace]:
    try:
        usage = shutil.disk_usage(folder)
    except (OSError, ValueError):  # the folder is not there yet, or its drive is gone
        return []
    return [FreeSpace(role=role, folder=plain(folder), free_bytes=usage.free, total_bytes=usage.total)]
