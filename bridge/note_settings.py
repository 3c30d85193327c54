"""What a user may say about how notes are read."""

from __future__ import annotations

from typing import Annotated

import msgspec

from bridge.model import Value

Probability = Annotated[float, msgspec.Meta(gt=0.0, le=1.0)]
Milliseconds = Annotated[float, msgspec.Meta(ge=10.0, le=2000.0)]
Pitch = Annotated[int, msgspec.Meta(ge=0, le=127)]


class NoteSettings(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one stem is read; None leaves it to the stem's profile (`profiles.profile_for`)."""

    onset_threshold: Probability | None = None
    """How sure the network must be that a note begins; higher: fewer notes."""
    note_threshold: Probability | None = None
    """How sure it must be that a note sounds; higher: fewer and shorter notes."""
    shortest_ms: Milliseconds | None = None
    """Notes shorter than this are left out."""
    lowest_pitch: Pitch | None = None
    """MIDI number; notes below are left out. The network hears 21 (A0) to 108 (C8)."""
    highest_pitch: Pitch | None = None
    monophonic: bool | None = None
    """True: one line, never two notes at once; False: as many as sound."""
