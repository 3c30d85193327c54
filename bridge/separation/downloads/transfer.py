"""Runs a download on a separate thread, so that a dead network or a blocking library cannot stall the job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from bridge.errors import WeightsUnavailable

if TYPE_CHECKING:
    from bridge.protocols import Clock, Control

T = TypeVar("T")

#: Poll interval of the waiting thread: cancelling takes effect within this time.
POLL_SECONDS = 0.05


class AbandonedError(Exception):
    """Ends the download thread after its job was cancelled or gave up."""


class Transfer:
    """Progress of a download, shared between two threads; each field has one writer."""

    def __init__(self) -> None:
        self.fraction = 0.0
        self.received_bytes = 0
        self._abandoned = threading.Event()

    def advance(self, count: int) -> None:
        """Counts received bytes; called for every chunk.

        Raises:
            AbandonedError: the job was cancelled or gave up.
        """
        if self._abandoned.is_set():
            raise AbandonedError
        self.received_bytes += count

    def progress_reporter(self, start: float, share: float) -> Callable[[float], None]:
        """A function that maps a part's progress 0–1 to `start`–`start + share` of the whole; it never decreases."""

        def report(fraction: float) -> None:
            self.fraction = max(self.fraction, start + share * fraction)

        return report

    def abandon(self) -> None:
        self._abandoned.set()


class _Outcome(Generic[T]):
    def __init__(self) -> None:
        self.values: list[T] = []
        self.error: BaseException | None = None


def wait_for(
    work: Callable[[Transfer], T], control: Control, clock: Clock, *, patience_seconds: float, source: str
) -> T:
    """Runs `work` on a thread and reports its progress until it ends; returns its result or raises its error.

    The thread is a daemon, so one that hangs in a system call does not keep the process alive.

    Args:
        source: name of the server, for the error message.

    Raises:
        WeightsUnavailable: no data arrived for `patience_seconds`.
        Cancelled: by `control`; the transfer ends at its next chunk.
    """
    transfer = Transfer()
    outcome: _Outcome[T] = _Outcome()

    def run() -> None:
        try:
            outcome.values.append(work(transfer))
        except BaseException as exc:  # re-raised on the waiting thread
            outcome.error = exc

    thread = threading.Thread(target=run, name=f"fetch {source}", daemon=True)
    thread.start()
    received, received_at = 0, clock.monotonic_seconds()
    try:
        is_running = True
        while is_running:
            thread.join(POLL_SECONDS)
            is_running = thread.is_alive()
            control.checkpoint(transfer.fraction)
            if transfer.received_bytes != received:
                received, received_at = transfer.received_bytes, clock.monotonic_seconds()
            elif clock.monotonic_seconds() - received_at > patience_seconds and is_running:
                raise WeightsUnavailable(f"{source} does not answer.")
    finally:
        transfer.abandon()
    if outcome.error is not None:
        raise outcome.error
    return outcome.values[0]
