"""What the main process and the worker say to each other."""

from __future__ import annotations

from typing import TypeAlias

from bridge.events import JobEvent
from bridge.model import Failure, JobRequest, Value


class Configure(Value, frozen=True, kw_only=True, tag="configure"):
    """The first command: the limits and places that hold for all jobs."""

    models_dir: str
    max_seconds: float
    cache_dir: str
    cache_max_bytes: int
    """Of the results cache; 0: keep none."""
    roots: tuple[str, ...] = ()


class RunJob(Value, frozen=True, kw_only=True, tag="run"):
    job: str
    request: JobRequest


class CancelJob(Value, frozen=True, kw_only=True, tag="cancel"):
    job: str


class FetchModel(Value, frozen=True, kw_only=True, tag="fetch"):
    """Gets a model's weights ahead of going offline; cancelled by `CancelJob` with its token."""

    token: str
    name: str


class WorkerReady(Value, frozen=True, kw_only=True, tag="ready"):
    """The worker can take a job."""


class Happened(Value, frozen=True, kw_only=True, tag="happened"):
    """An event of the running job; its `Ended` comes last and makes the worker free again."""

    event: JobEvent


class Fetching(Value, frozen=True, kw_only=True, tag="fetching"):
    token: str
    fraction: float


class Fetched(Value, frozen=True, kw_only=True, tag="fetched"):
    token: str
    failure: Failure | None = None


WorkerCommand: TypeAlias = Configure | RunJob | CancelJob | FetchModel
WorkerReport: TypeAlias = WorkerReady | Happened | Fetching | Fetched
