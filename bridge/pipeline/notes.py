"""From the notes of each stem to the notes of a job: fitted to a scale and quantised, as the request asks."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import msgspec

from bridge.model import Chord, Music, Note
from bridge.music.chords import chord_words, chords_of
from bridge.music.clean import clean_parts
from bridge.music.key import estimate_key
from bridge.music.metre import COMMON_TIME, Metre
from bridge.music.overlaps import without_overlaps
from bridge.music.quantise import quantised
from bridge.music.scale import in_scale, parse_scale
from bridge.music.tempo.estimate import CONFIDENT, TempoEstimate
from bridge.music.tempo.following import FollowedTempo
from bridge.music.tempo_map import TempoMap
from bridge.request import JobRequest, NoteSettings, Scale
from bridge.stems import stem_of
from bridge.transcription.pitched.profiles import PROFILES, profile_for
from bridge.units import DEFAULT_TEMPO_BPM

#: As many tempi as a musician would look through.
CANDIDATES = 6
#: Sensitivity 0 multiplies the odds of a threshold by this factor; sensitivity 1 divides them by it.
SENSITIVITY_ODDS = 4.0


@dataclass(frozen=True)
class NotesOfJob:
    """The notes of each stem, in the order of the stems, with tempo, metre, key and chords."""

    parts: Mapping[str, list[Note]]
    """As the request wants them."""
    played: Mapping[str, list[Note]]
    """As they were played: before they were quantised or cleaned. A score is written from these."""
    music: Music
    seconds: float
    """Length of the clip."""
    chords: tuple[Chord, ...] = ()
    line_margins: Mapping[str, float] = field(default_factory=dict)
    """`Transcriber.line_margin` of the stems that have one."""


def fitted_notes(parts: Mapping[str, list[Note]], request: JobRequest, music: Music, seconds: float) -> NotesOfJob:
    """The notes that the transcribers found in each stem, moved as the request asks; `music` gets key and chords."""
    key = estimate_key(note for stem, notes in parts.items() if stem_of(stem).is_pitched for note in notes)
    if key is not None:
        music = msgspec.structs.replace(music, key=key.name, key_margin=key.margin)
    fit = request.scale
    scale = None if fit is None else fit.scale if isinstance(fit.scale, Scale) else _scale_of(music)
    found = straightened(NotesOfJob(parts, parts, music, seconds))
    chords = () if request.note_files.chords == "none" else chords_of(found.parts, found.music, found.seconds)
    played = {}
    for stem, notes in found.parts.items():
        if fit is not None and scale is not None and stem_of(stem).is_pitched:
            notes = in_scale(notes, scale, fit.outside)
        played[stem] = notes
    timed = _timed(played, request, found.music, found.seconds)
    fitted = NotesOfJob(timed, played, found.music, found.seconds, chords)
    return _in_played_time(fitted, msgspec.structs.replace(music, chords=chord_words(chords)), seconds)


def _timed(
    played: Mapping[str, list[Note]], request: JobRequest, music: Music, seconds: float
) -> Mapping[str, list[Note]]:
    """The notes with the timing that the request asks for: as played, on a grid, or clean."""
    if request.reading.style == "clean":
        return clean_parts(played, music, seconds, request.quantise, plays_one_line(request))
    timed = {}
    for stem, notes in played.items():
        if request.quantise is not None:
            notes = quantised(
                notes, request.quantise, music.tempo_bpm, music.first_beat_seconds,
                clip_seconds=seconds, metre=Metre.of(music.time_signature),
            )  # fmt: skip
        timed[stem] = without_overlaps(notes)
    return timed


def plays_one_line(request: JobRequest) -> Callable[[str], bool]:
    """Tells whether a stem is read as one line: as the request says, or as suits the stem."""
    return lambda stem: stem in PROFILES and profile_for(stem, settings_for(request, stem)).monophonic


def straightened(job: NotesOfJob) -> NotesOfJob:
    """The notes as they would be at one tempo, for what lies on a grid or in bars; the same without a tempo map."""
    if not job.music.tempo_map:
        return job
    tempo_map, bpm = TempoMap(job.music.tempo_map), job.music.tempo_bpm
    first, seconds = (tempo_map.straight_seconds(at, bpm) for at in (job.music.first_beat_seconds, job.seconds))
    music = msgspec.structs.replace(job.music, tempo_map=(), first_beat_seconds=first)
    parts, played = (
        {stem: tempo_map.straightened(notes, bpm) for stem, notes in notes_of.items()}
        for notes_of in (job.parts, job.played)
    )
    return NotesOfJob(parts, played, music, seconds, tempo_map.straightened_chords(job.chords, bpm), job.line_margins)


def _in_played_time(job: NotesOfJob, music: Music, seconds: float) -> NotesOfJob:
    """The inverse of `straightened`, for the music and the length that it was given."""
    if not music.tempo_map:
        return replace(job, music=music)
    tempo_map, bpm = TempoMap(music.tempo_map), music.tempo_bpm
    parts, played = (
        {stem: tempo_map.played(notes, bpm) for stem, notes in notes_of.items()} for notes_of in (job.parts, job.played)
    )
    return NotesOfJob(parts, played, music, seconds, tempo_map.played_chords(job.chords, bpm), job.line_margins)


def known_music(
    request: JobRequest, estimate: Callable[[], TempoEstimate], follow: Callable[[], FollowedTempo]
) -> Music:
    """The given tempo; or the beats, if they are to be followed and clear; else the estimate, if it is confident; else
    MIDI's default of 120 BPM."""
    tempo, beat = request.song.tempo_bpm, request.song.beat
    if tempo is not None:
        metre = Metre.of(request.song.time_signature or COMMON_TIME)
        first = 0.0 if beat is None else metre.first_bar_seconds(beat, tempo)
        return Music(
            tempo_bpm=tempo,
            tempo_source="given",
            tempo_confidence=1.0,
            first_beat_seconds=first,
            time_signature=metre.signature,
        )
    if request.song.follows_beats and (followed := follow()).points:
        return Music(
            tempo_bpm=followed.estimate.bpm,
            tempo_source="estimated",
            tempo_confidence=followed.estimate.confidence,
            first_beat_seconds=followed.estimate.first_beat_seconds,
            time_signature=followed.estimate.time_signature,
            tempo_candidates=followed.estimate.candidates[:CANDIDATES],
            tempo_map=followed.points,
        )
    found = estimate()
    if request.song.time_signature is not None:
        found = found.in_metre(request.song.time_signature)
    # Where only the octave is unsure, either tempo has its beats on the grid; 120 would have none.
    is_sure = max(found.confidence, found.pulse_confidence) >= CONFIDENT
    return Music(
        tempo_bpm=found.bpm if is_sure else DEFAULT_TEMPO_BPM,
        tempo_source="estimated" if is_sure else "default",
        tempo_confidence=found.confidence,
        first_beat_seconds=found.first_beat_seconds if is_sure else 0.0,
        time_signature=found.time_signature if is_sure else request.song.time_signature or COMMON_TIME,
        tempo_candidates=found.candidates[:CANDIDATES],
    )


def settings_for(request: JobRequest, stem: str) -> NoteSettings:
    """The note settings that the request implies for one stem."""
    wanted = request.reading
    profile = profile_for(stem) if stem in PROFILES and wanted.sensitivity is not None else None
    return NoteSettings(
        shortest_seconds=wanted.shortest_seconds,
        lowest_pitch=wanted.lowest,
        highest_pitch=wanted.highest,
        monophonic={"auto": None, "one": True, "many": False}[wanted.voices],
        onset_threshold=None if profile is None else _threshold(profile.onset_threshold, wanted.sensitivity),
        note_threshold=None if profile is None else _threshold(profile.note_threshold, wanted.sensitivity),
    )


def _threshold(default: float, sensitivity: float | None) -> float:
    """The default threshold at sensitivity 0.5; a quarter of its odds at 1, four times its odds at 0."""
    if sensitivity is None:
        return default
    odds: float = default / (1 - default) * SENSITIVITY_ODDS ** (1 - 2 * sensitivity)
    return odds / (1 + odds)


def _scale_of(music: Music) -> Scale | None:
    """The scale of the estimated key; None if there is none."""
    return parse_scale(music.key) if music.key else None
