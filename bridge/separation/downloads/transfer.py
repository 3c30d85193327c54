"""A download on a thread of its own, so that neither a dead network nor a library's patience holds the job."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from bridge.errors import WeightsUnavailable

if TYPE_CHECKING:
    from bridge.protocols import Clock, Control

T = TypeVar("T")

#: How often the waiting side looks: cancelling acts within this time.
POLL_SECONDS = 0.05


class AbandonedError(Exception):
    """Ends the downloading thread when nobody waits for it any more."""


class Transfer:
    """What the downloading thread tells: how far it is. Shared between two threads; each field has one writer."""

    def __init__(self) -> None:
        self.fraction = 0.0
        self.received_bytes = 0
        self._abandoned = threading.Event()

    def advance(self, count: int) -> None:
        """Called for every piece that came in.

        Raises:
            AbandonedError: the job was cancelled, or was given up.
        """
        if self._abandoned.is_set():
            raise AbandonedError
        self.received_bytes += count

    def progress_reporter(self, start: float, share: float) -> Callable[[float], None]:
        """Takes progress 0–1 of a part of the whole, which begins at `start`; it never goes back."""

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
    """Runs `work` on a thread and reports its progress until it is done; returns or raises source it did.

    The thread is a daemon: one that hangs in a system call is left behind.

    Raises:
        WeightsUnavailable: nothing came in for `patience_seconds`.
        Cancelled: `control` said so; the transfer ends with the next piece that comes in.
    """
    transfer = Transfer()
    outcome: _Outcome[T] = _Outcome()

    def run() -> None:
        try:
            outcome.values.append(work(transfer))
        except BaseException as exc:  # handed over to the waiting side, which raises it
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
