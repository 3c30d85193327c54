"""The first section of a clip in parts, for a caller who cannot wait for all of it."""

from __future__ import annotations

from collections.abc import Iterator


def early_parts(stop: int, part: int) -> Iterator[tuple[int, int]]:
    """Start and stop of each part of a section from 0 to `stop`; the last is shorter than two.

    They are alike, so that the time for one tells the time for the next.
    """
    start = 0
    while stop - start >= 2 * part:
        yield start, start + part
        start += part
    if start < stop:
        yield start, stop
