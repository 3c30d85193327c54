"""Settings for reading notes from the analysis of a stem."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.model import Value

Probability = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=10.0, le=2000.0)]
Pitch = Annotated[int, msgspec.Meta(ge=0, le=127)]


class NoteSettings(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the notes of one stem are read; None: the value of the stem's profile (`profiles.profile_for`)."""

    onset_threshold: Probability | None = None
    """Lowest onset posterior of a note; higher: fewer notes."""
    note_threshold: Probability | None = None
    """Lowest note posterior of a sounding note; higher: fewer and shorter notes."""
    shortest_ms: Milliseconds | None = None
    """Notes shorter than this are left out."""
    lowest_pitch: Pitch | None = None
    """MIDI number; notes below are left out. The network covers 21 (A0) to 108 (C8)."""
    highest_pitch: Pitch | None = None
    monophonic: bool | None = None
    """True: never two notes at once; False: any number."""
