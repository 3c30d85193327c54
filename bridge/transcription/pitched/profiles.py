"""How the notes of each stem are read: its range, and whether it sings one note at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from bridge.errors import BadArguments
from bridge.note_settings import NoteSettings


@dataclass(frozen=True)
class Profile:
    """The decoder's settings for one kind of stem."""

    lowest: int
    """MIDI number of the lowest pitch taken."""
    highest: int
    shortest_seconds: float
    """Notes shorter than this are not taken."""
    monophonic: bool = False
    """True where one line is wanted, never two notes at once."""
    onset_threshold: float = 0.55
    """Probability from which a peak of the onsets starts a note."""
    note_threshold: float = 0.3
    """Probability down to which a note goes on sounding."""
    gap_seconds: float = 0.06
    """A note that falls below its threshold for no longer than this goes on."""


#: Ranges of the instruments themselves, with a little room: what lies outside is bleed or a ghost.
PROFILES: dict[str, Profile] = {
    "vocals": Profile(lowest=38, highest=86, shortest_seconds=0.05, onset_threshold=0.5, monophonic=True),  # D2 to D6
    "bass": Profile(lowest=23, highest=67, shortest_seconds=0.05, onset_threshold=0.42, monophonic=True),  # B0 to G4
    "guitar": Profile(lowest=38, highest=88, shortest_seconds=0.05),  # dropped D to E6
    "piano": Profile(lowest=21, highest=108, shortest_seconds=0.05),
    "other": Profile(lowest=28, highest=103, shortest_seconds=0.05),
    "mix": Profile(lowest=28, highest=103, shortest_seconds=0.05),
}


def profile_for(stem: str, settings: NoteSettings | None = None) -> Profile:
    """The stem's profile, with what the user said in its place.

    Raises:
        BadArguments: no pitched stem has that name, or no pitch lies between the lowest and the highest.
    """
    if stem not in PROFILES:
        raise BadArguments(f"No stem with pitches is called {stem}; there are {', '.join(PROFILES)}.")
    profile = PROFILES[stem]
    if settings is None:
        return profile
    said: dict[str, Any] = {
        "lowest": settings.lowest_pitch,
        "highest": settings.highest_pitch,
        "shortest_seconds": None if settings.shortest_ms is None else settings.shortest_ms / 1000,
        "monophonic": settings.monophonic,
        "onset_threshold": settings.onset_threshold,
        "note_threshold": settings.note_threshold,
    }
    profile = replace(profile, **{field: value for field, value in said.items() if value is not None})
    if profile.lowest > profile.highest:
        raise BadArguments(f"The lowest pitch ({profile.lowest}) lies above the highest ({profile.highest}).")
    return profile
