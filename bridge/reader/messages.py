"""Messages between the main process and the reader."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from bridge.events import Preview
from bridge.model import Result
from bridge.protocols.reading import JobView, NotesView
from bridge.request import JobRequest
from bridge.value import Value


class ReaderSettings(Value, frozen=True, kw_only=True, tag="settings"):
    """The first message."""

    cache_dir: str
    cache_max_bytes: int


class KnownJob(Value, frozen=True, kw_only=True):
    """What the main process knows of a job."""

    job: str
    name: str
    results: tuple[Result, ...]
    manifest: str = ""
    """The path of its record; empty while it runs."""
    is_unfinished: bool = False
    """Whether it has failed, or was cancelled."""
    messages: dict[str, tuple[tuple[float, bytes], ...]] = msgspec.field(default_factory=dict)
    """By stem, the MIDI messages that are known of a job that plays live, with their seconds."""
    previews: tuple[Preview, ...] = ()
    known_seconds: float = 0.0
    clip_seconds: float = 0.0
    """0: unknown."""
    tempo_bpm: float = 0.0
    """Of the notes that are known; 0: unknown."""


class OpenView(Value, frozen=True, kw_only=True, tag="open"):
    token: int
    known: KnownJob


class ReadView(Value, frozen=True, kw_only=True, tag="read"):
    token: int
    known: KnownJob
    request: JobRequest
    start_seconds: float
    end_seconds: float
    stems: tuple[str, ...] = ()
    """Empty: all."""


ReaderCommand: TypeAlias = OpenView | ReadView


class ReaderReady(Value, frozen=True, kw_only=True, tag="ready"):
    """It takes questions."""


class Viewed(Value, frozen=True, kw_only=True, tag="viewed"):
    token: int
    view: JobView


class Reread(Value, frozen=True, kw_only=True, tag="reread"):
    token: int
    notes: NotesView


class Unanswered(Value, frozen=True, kw_only=True, tag="unanswered"):
    """Why a question has no answer; without a code, a newer one took its place."""

    token: int
    code: str = ""
    message: str = ""
    advice: str = ""


ReaderReport: TypeAlias = ReaderReady | Viewed | Reread | Unanswered
