"""Messages between the main process and the inspector."""

from __future__ import annotations

from typing import TypeAlias

from bridge.protocols.looking import FileLook
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


class Look(Value, frozen=True, kw_only=True, tag="look"):
    """Asks for what a file's header says."""

    token: int
    path: str


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


class Looked(Value, frozen=True, kw_only=True, tag="looked"):
    token: int
    look: FileLook


InspectorCommand: TypeAlias = Inspect | Look
InspectorReport: TypeAlias = InspectorReady | Inspected | Looked
