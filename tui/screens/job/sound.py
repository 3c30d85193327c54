"""What an opened job gives to the output of the screen's machine.

Each stem has up to two tracks, its audio and its notes, of which at most one is not silent: so switching between them
needs no new start.
"""

from __future__ import annotations

from bridge.protocols.hearing import Track
from bridge.stems import stem_of
from tui.screens.job.state import JobState


def notes_track(stem: str) -> str:
    """The name of the track with a stem's notes; that with its audio is called as the stem."""
    return f"{stem} notes"


def tracks(state: JobState) -> list[Track]:
    """All that can be heard of a job; nothing, if it has neither audio nor notes."""
    found, parts = [], state.parts
    for stem in state.stems:
        if stem.audio:
            found.append(Track(name=stem.stem, path=stem.audio))
        if notes := parts.get(stem.stem, ()):
            found.append(Track(name=notes_track(stem.stem), notes=notes, is_drums=not stem_of(stem.stem).is_pitched))
    return found


def silent(state: JobState) -> list[str]:
    """The names of the tracks that solo, mute and the choice of notes or audio silence."""
    names, parts, audible = [], state.parts, state.audible
    for stem in state.stems:
        hears_notes = bool(parts.get(stem.stem)) and (stem.stem in state.as_notes or not stem.audio)
        if stem.stem not in audible or hears_notes:
            names.append(stem.stem)
        if stem.stem not in audible or not hears_notes:
            names.append(notes_track(stem.stem))
    return names
