"""How late messages were handed to a port, and the warning that this was audible."""

from __future__ import annotations

import math
from collections.abc import Iterable

from bridge.events import Noticed
from bridge.model import Lateness

#: Listeners accept a jitter of 1–1.5 ms (ICMC 2004).
AUDIBLE_MS = 1.5


def lateness_of(delays_ns: Iterable[int]) -> Lateness | None:
    """The figures of these delays, one for each message; None if there are none."""
    ordered = sorted(delays_ns)

    def rank_ms(share: float) -> float:  # nearest rank
        return ordered[max(0, math.ceil(share * len(ordered)) - 1)] / 1e6

    if not ordered:
        return None
    return Lateness(messages=len(ordered), p50_ms=rank_ms(0.5), p99_ms=rank_ms(0.99), worst_ms=rank_ms(1.0))


def lateness_warning(stem: str, lateness: Lateness | None) -> Noticed | None:
    """A warning if the messages of a stem were audibly late."""
    if lateness is None or lateness.p99_ms <= AUDIBLE_MS:
        return None
    return Noticed(
        level="warning",
        message=f"MIDI {stem} was audibly late: 99 % of {lateness.messages} messages by up to "
        f"{lateness.p99_ms:.1f} ms, the worst by {lateness.worst_ms:.1f} ms.",
    )


def missed_notice(stem: str, missed: int) -> Noticed | None:
    """A notice if notes of a live playback became known too late."""
    if not missed:
        return None
    came, were = ("A note", "was") if missed == 1 else (f"{missed} notes", "were")
    return Noticed(
        level="warning",
        message=f"{came} of {stem} came too late and {were} silent: the job was behind the music. The files have them.",
    )
