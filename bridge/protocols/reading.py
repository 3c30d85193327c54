"""The seam through which a screen sees the music of a job, and tries other readings of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from bridge.model import Chord, Music, Note
from bridge.request import JobRequest
from bridge.value import Value

#: Equal spans of a clip in a waveform: as many as the widest screen has cells.
PEAK_SPANS = 512


class StemView(Value, frozen=True, kw_only=True):
    """One stem of a job: its waveform and its notes."""

    stem: str
    peaks: bytes = b""
    """The largest sample of each of the clip's `PEAK_SPANS`, as far as they are known: 0–255 for 0–1 of full scale."""
    notes: tuple[Note, ...] = ()
    """As they are in its MIDI file, by onset; of a running job those that are known."""
    audio: str = ""
    """Path of its audio file; empty if there is none."""


class JobView(Value, frozen=True, kw_only=True):
    """The music of one job, as far as it is known."""

    job: str
    seconds: float
    """Length of the clip; 0 if unknown."""
    music: Music | None = None
    chords: tuple[Chord, ...] = ()
    stems: tuple[StemView, ...] = ()
    known_seconds: float = math.inf
    """How far the notes are known, from the clip's start; infinite once all are."""
    unreadable: str = ""
    """Why its notes cannot be read anew, in words for the user; empty if they can."""


class NotesView(Value, frozen=True, kw_only=True):
    """The notes of some stems, read with other settings."""

    parts: dict[str, tuple[Note, ...]]
    """By stem, those that sound in the asked span, by onset."""
    music: Music
    chords: tuple[Chord, ...] = ()


class Reader(Protocol):
    """Reads the music of jobs; the work is done in another process, and nothing waits for the worker's queue."""

    async def open(self, job: str) -> JobView:
        """The music of a job, whatever its state.

        Raises:
            NotFound: there is no such job.
            EngineFailed: the reading process does not answer.
        """
        ...

    async def notes(
        self,
        job: str,
        request: JobRequest,
        start_seconds: float = 0.0,
        end_seconds: float = math.inf,
        stems: Sequence[str] = (),
    ) -> NotesView:
        """The notes that a job with this request would have, from the analyses that are kept; writes no file.

        A span is answered sooner than all, and some stems sooner than all of them, for a slider that moves: at the
        edges of a span a long note may begin late, the key is that of the whole, and chords are not told. Of the whole
        every note is exact. An older question about the same job that is not answered yet raises `Cancelled`.

        Args:
            request: the job's own but for the options about notes.
            stems: the stems whose notes are asked for; empty: all. The whole reads all of them nevertheless, since
                the key depends on them.

        Raises:
            NotFound: there is no such job, or its analyses are no longer kept.
            BadArguments: the settings leave no pitch.
            Cancelled: a newer question took its place.
            EngineFailed: the reading process does not answer.
        """
        ...
