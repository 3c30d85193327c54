"""Requests for tests, written flat, as histories and manifests write them."""

from __future__ import annotations

from pathlib import Path

from bridge.options.record import from_record
from bridge.request import JobRequest


def request_for(source: str | Path, **fields: object) -> JobRequest:
    """A job for `source` with these fields of its record: `tempo_bpm=98.0`, `stems=("bass",)`, `midi=()`."""
    return from_record({"source": str(source), **fields})
