"""Decoder settings for each stem: pitch range, thresholds, one line or many."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import BadArguments
from bridge.request import NoteSettings


@dataclass(frozen=True)
class Profile:
    """The decoder's settings for one kind of stem."""

    lowest: int
    """MIDI number of the lowest pitch."""
    highest: int
    shortest_seconds: float
    """Notes shorter than this are left out."""
    monophonic: bool = False
    """True: one note at a time."""
    may_be_line: bool = False
    """Read as one line where no chords are found (`one_line`); not for pianos, whose pedal joins notes."""
    onset_threshold: float = 0.55
    """Least probability of an onset peak that starts a note."""
    note_threshold: float = 0.3
    """Least probability at which a note continues."""
    gap_seconds: float = 0.06
    """A note may fall below its threshold for at most this long."""
    rings: bool = False
    """True: a pedal may hold the notes; a string that is struck again then shows no dip in its level before."""


#: Ranges of the instruments, with a little margin: notes outside are bleed or ghosts.
PROFILES: dict[str, Profile] = {
    "vocals": Profile(lowest=38, highest=86, shortest_seconds=0.05, monophonic=True),  # D2 to D6
    "bass": Profile(lowest=23, highest=67, shortest_seconds=0.05, onset_threshold=0.42, monophonic=True),  # B0 to G4
    "guitar": Profile(lowest=38, highest=88, shortest_seconds=0.05, may_be_line=True),  # dropped D to E6
    "piano": Profile(lowest=21, highest=108, shortest_seconds=0.05, rings=True),
    "other": Profile(lowest=28, highest=103, shortest_seconds=0.05, may_be_line=True),
    "mix": Profile(lowest=28, highest=103, shortest_seconds=0.05, may_be_line=True),
}


def profile_for(stem: str, settings: NoteSettings | None = None) -> Profile:
    """The stem's profile, with the user's settings applied.

    Raises:
        BadArguments: no pitched stem has that name, or the lowest pitch lies above the highest.
    """
    if stem not in PROFILES:
        raise BadArguments(f"No stem with pitches is called {stem}; there are {', '.join(PROFILES)}.")
    profile = PROFILES[stem]
    if settings is None:
        return profile
    overrides: dict[str, Any] = {
        "lowest": settings.lowest_pitch,
        "highest": settings.highest_pitch,
        "shortest_seconds": settings.shortest_seconds,
        "monophonic": settings.monophonic,
        "onset_threshold": settings.onset_threshold,
        "note_threshold": settings.note_threshold,
    }
    if settings.monophonic is not None:
        overrides["may_be_line"] = False
    profile = replace(profile, **{field: value for field, value in overrides.items() if value is not None})
    if profile.lowest > profile.highest:
        raise BadArguments(f"The lowest pitch ({profile.lowest}) lies above the highest ({profile.highest}).")
    return profile
