"""Messages between the main process and the worker."""

from __future__ import annotations

from typing import TypeAlias

from bridge.events import JobEvent, LiveNotes
from bridge.model import Failure
from bridge.request import JobRequest
from bridge.value import Value


class WorkerSettings(Value, frozen=True, kw_only=True, tag="settings"):
    """The first message: the limits and folders for all jobs."""

    models_dir: str
    max_seconds: float
    cache_dir: str
    cache_max_bytes: int
    """Largest size of the results cache; 0: no cache."""
    roots: tuple[str, ...] = ()
    trust_pickles: bool = False
    lock: str = ""
    """The file that only one worker of the bridge locks at a time; empty: none."""


class RunJob(Value, frozen=True, kw_only=True, tag="run"):
    job: str
    request: JobRequest


class CancelJob(Value, frozen=True, kw_only=True, tag="cancel"):
    job: str


class FetchModel(Value, frozen=True, kw_only=True, tag="fetch"):
    """Downloads a model's weights ahead of time; cancelled by `CancelJob` with its token."""

    token: str
    name: str


class WorkerReady(Value, frozen=True, kw_only=True, tag="ready"):
    """The worker can take a job."""


class Happened(Value, frozen=True, kw_only=True, tag="happened"):
    """An event of the running job; `Ended` is the last, after which the worker is free."""

    event: JobEvent


class Fetching(Value, frozen=True, kw_only=True, tag="fetching"):
    token: str
    fraction: float


class Fetched(Value, frozen=True, kw_only=True, tag="fetched"):
    token: str
    failure: Failure | None = None


WorkerCommand: TypeAlias = RunJob | CancelJob | FetchModel
WorkerReport: TypeAlias = WorkerReady | Happened | LiveNotes | Fetching | Fetched
