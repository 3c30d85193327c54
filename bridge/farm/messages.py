"""Messages between the main process and the farm's client process."""

from __future__ import annotations

from typing import TypeAlias

from bridge.events import JobEvent, LiveNotes
from bridge.farm.values import FarmState
from bridge.request import JobRequest
from bridge.value import Value


class FarmClientSettings(Value, frozen=True, kw_only=True, tag="settings"):
    """The first message."""

    address: str
    """The scheduler's, as `tls://studio:8786`."""
    certificates: str
    """The file with the farm's certificates; empty: the connection is not encrypted."""
    priority: int = 0
    """Songs of a higher one are begun first."""
    roots: tuple[str, ...] = ()
    """The folders that results may be written to from here; empty: all."""
    cache_dir: str
    cache_max_bytes: int
    """Largest size of this machine's results cache; 0: no cache."""
    patience_seconds: float
    """How long a song waits for a farm that has gone, before it is given up."""


class Compute(Value, frozen=True, kw_only=True, tag="compute"):
    job: str
    request: JobRequest


class Abandon(Value, frozen=True, kw_only=True, tag="abandon"):
    """Cancels a job; its end comes within 3 s."""

    job: str


class ClientReady(Value, frozen=True, kw_only=True, tag="ready"):
    """The process takes jobs; it knows of none."""


class StateChanged(Value, frozen=True, kw_only=True, tag="state"):
    state: FarmState


class SongHappened(Value, frozen=True, kw_only=True, tag="happened"):
    """An event of a job; `Ended` is the last."""

    event: JobEvent | LiveNotes


class GivenUp(Value, frozen=True, kw_only=True, tag="given_up"):
    """Nothing computes this job any more."""

    job: str
    reason: str


FarmCommand: TypeAlias = Compute | Abandon
FarmReport: TypeAlias = ClientReady | StateChanged | SongHappened | GivenUp
