"""Messages between the main process and the inspector."""

from __future__ import annotations

from typing import TypeAlias

from bridge.request import JobRequest
from bridge.value import Value


class InspectorSettings(Value, frozen=True, kw_only=True, tag="settings"):
    """The first message: the limits for all requests."""

    models_dir: str
    max_seconds: float
    roots: tuple[str, ...] = ()


class Inspect(Value, frozen=True, kw_only=True, tag="inspect"):
    token: int
    request: JobRequest


class InspectorReady(Value, frozen=True, kw_only=True, tag="ready"):
    """The inspector can take requests."""


class Refusal(Value, frozen=True, kw_only=True):
    """Why a request cannot become a job."""

    code: str
    message: str
    advice: str


class Inspected(Value, frozen=True, kw_only=True, tag="inspected"):
    token: int
    refusal: Refusal | None = None
    """None: the request is accepted."""


InspectorReport: TypeAlias = InspectorReady | Inspected
