"""A finished job whose notes can be read with other settings, from the analyses in the cache."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from bridge.errors import NotFound
from bridge.model import Note
from bridge.music.bars import countable
from bridge.music.scale import parse_scale
from bridge.music.tempo.estimate import TempoEstimate
from bridge.music.tempo.following import FollowedTempo
from bridge.options.record import from_record
from bridge.pipeline.cache.analyses import BEATS, TEMPO
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import Manifest
from bridge.pipeline.notes import NotesOfJob, fitted_notes, known_music, settings_for
from bridge.protocols import Transcribers
from bridge.protocols.reading import NotesView
from bridge.reader.stem_notes import StemNotes
from bridge.request import JobRequest, ScaleFit

T = TypeVar("T")

#: A span is read together with the notes around it that a grid may move into it.
SPAN_CONTEXT_SECONDS = 1.0


@dataclass
class OpenedJob:
    """A job, its kept analyses, and what has been read of them."""

    manifest: Manifest
    stems: Mapping[str, StemNotes]
    cache: ResultsCache
    request: JobRequest
    """The job's own."""
    _key: str = field(default="", init=False)
    """The key that the last reading of the whole found."""

    @classmethod
    def of(cls, manifest: Manifest, cache: ResultsCache, transcribers: Transcribers) -> OpenedJob:
        """Opens the analyses of a job.

        Raises:
            NotFound: they are no longer kept, or cannot be read by this version.
        """
        stems = {}
        for stem in manifest.transcribers:
            transcriber = transcribers.for_stem(stem)
            packed = cache.analysis(manifest.analyses.get(stem, "none"))
            if packed is None:
                raise _no_longer_kept(manifest)
            try:
                stems[stem] = StemNotes(transcriber, transcriber.unpack(packed), stem)
            except ValueError as error:
                raise _no_longer_kept(manifest) from error
        opened = cls(manifest, stems, cache, from_record(manifest.request))
        opened._key = "" if manifest.music is None else manifest.music.key
        return opened

    def prepare(self) -> None:
        """Reads the stems as the job did. Raises BadArguments: its settings leave no pitch."""
        for stem, notes in self.stems.items():
            notes.whole(settings_for(self.request, stem))

    def whole(self, request: JobRequest, stems: Sequence[str] = ()) -> NotesView:
        """All notes that a job with this request has, of these stems; empty: of all.

        Raises:
            BadArguments: the settings leave no pitch.
            NotFound: the tempo was never estimated, or is no longer kept.
        """
        parts = {stem: notes.whole(settings_for(request, stem)) for stem, notes in self.stems.items()}
        fitted = self._fitted(parts, request)
        self._key = fitted.music.key
        return _view(fitted, 0.0, math.inf, stems)

    def between(
        self, request: JobRequest, start_seconds: float, end_seconds: float, stems: Sequence[str] = ()
    ) -> NotesView:
        """The notes that sound in a span, as far as the span alone tells: soon, and nearly those of the whole.

        The key is that of the last reading of the whole, and chords are not told.
        """
        moves = request.quantise is not None or request.reading.style == "clean"
        around = SPAN_CONTEXT_SECONDS if moves else 0.0
        first, last = start_seconds - around, end_seconds + around
        parts = {
            stem: notes.between(settings_for(request, stem), first, last)
            for stem, notes in self.stems.items()
            if not stems or stem in stems
        }
        if request.scale is not None and request.scale.scale == "auto" and self._key:
            fit = ScaleFit(scale=parse_scale(self._key), outside=request.scale.outside)
            request = msgspec.structs.replace(request, scale=fit)
        chords = msgspec.structs.replace(request.note_files, chords="none")
        fitted = self._fitted(parts, msgspec.structs.replace(request, note_files=chords))
        music = msgspec.structs.replace(fitted.music, key=self._key)
        return msgspec.structs.replace(_view(fitted, start_seconds, end_seconds, stems), music=music)

    def _fitted(self, parts: Mapping[str, list[Note]], request: JobRequest) -> NotesOfJob:
        source = self.manifest.source
        seconds = source.frames / max(1, source.sample_rate_hz)  # of a record that somebody may have edited
        if self.manifest.music is not None and request.song == self.request.song:
            music = msgspec.structs.replace(self.manifest.music, key="", key_margin=0.0, chords="")
        else:
            music = known_music(
                request, lambda: self._kept(TEMPO, TempoEstimate), lambda: self._kept(BEATS, FollowedTempo)
            )
        return fitted_notes(parts, request, music, seconds)

    def _kept(self, name: str, kind: type[T]) -> T:
        packed = self.cache.analysis(self.manifest.analyses.get(name, "none"))
        if packed is None:
            raise NotFound(
                f"The tempo of {self.manifest.name} was not estimated, or is no longer kept.",
                advice="Give a tempo, or run the job again without one.",
            )
        try:
            return msgspec.json.decode(packed, type=kind)
        except msgspec.MsgspecError as error:
            raise _no_longer_kept(self.manifest) from error


def _view(fitted: NotesOfJob, start_seconds: float, end_seconds: float, stems: Sequence[str]) -> NotesView:
    parts = {
        stem: tuple(note for note in notes if note.onset_seconds < end_seconds and note.offset_seconds > start_seconds)
        for stem, notes in fitted.parts.items()
        if not stems or stem in stems
    }
    return NotesView(parts=parts, music=countable(fitted.music), chords=fitted.chords)


def _no_longer_kept(manifest: Manifest) -> NotFound:
    return NotFound(
        f"The analyses of {manifest.name} are no longer in the cache, so its notes cannot be read anew.",
        advice="Run the job again; it then takes as long as the first time.",
    )
