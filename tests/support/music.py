"""The music of a job as the screen's reader tells of it, made from a few rules."""

from __future__ import annotations

import math

from msgspec.structs import replace

from bridge.model import Bend, Chord, Music, Note, TempoCandidate
from bridge.protocols.reading import JobView, NotesView, StemView
from bridge.request import JobRequest

SPANS = 512
BPM = 120.0
MUSIC = Music(
    tempo_bpm=BPM,
    tempo_source="estimated",
    tempo_confidence=0.8,
    tempo_candidates=(TempoCandidate(bpm=90.0, time_signature=(3, 4), share=0.2),),
    key="F minor",
    key_margin=0.2,
    chords="Fm Db Ab Eb",
)
_BASS = (29, 29, 36, 34, 25, 25, 32, 30)
_SONG = (65, 68, 67, 65, 72, 70, 68, 67)


def notes_of(stem: str, seconds: float) -> tuple[Note, ...]:
    """A line of quarters, of eighths, or a beat, at 120 BPM; every eighth note of a pitched stem is very short."""
    quarter = 60 / BPM
    if stem == "drums":
        hits = []
        for eighth in range(int(seconds / quarter * 2)):
            keys = [42, *([36] if eighth % 8 in (0, 3) else []), *([38] if eighth % 4 == 2 else [])]
            hits += [_note(eighth * quarter / 2, 0.05, key, 70 + 40 * (eighth % 2)) for key in keys]
        return tuple(hits)
    line, step = (_BASS, quarter) if stem == "bass" else (_SONG, quarter / 2)
    found = []
    for place in range(int(seconds / step)):
        length = 0.06 if place % 8 == 7 else step * 0.9
        pitch = line[place // 2 % len(line)] + (12 if stem == "other" else 0)
        found.append(_note(place * step, length, pitch, 40 + place * 13 % 80))
    if stem == "vocals" and found:
        first = found[0]
        found[0] = replace(first, bends=(Bend(time_seconds=first.onset_seconds + step / 2, semitones=2.0),))
    return tuple(found)


def peaks_of(stem: str) -> bytes:
    """The shape of a waveform: drums in strokes, the others in swells; `other` is hardly to be heard."""
    if stem == "drums":
        return bytes(round(230 * math.exp(-(place % 16) / 5)) for place in range(SPANS))
    height = {"vocals": 180, "bass": 140}.get(stem, 9)
    return bytes(round(height * (0.55 + 0.45 * math.sin(place / 17))) for place in range(SPANS))


def music_view(job: str, stems: tuple[str, ...], seconds: float = 96.0, folder: str = "/clips") -> JobView:
    """A finished job's music."""
    bar = 240 / BPM
    names = ("Fm", "Db", "Ab", "Eb")
    chords = tuple(
        Chord(start_seconds=place * bar, end_seconds=(place + 1) * bar, name=names[place % 4])
        for place in range(int(seconds / bar))
    )
    views = tuple(
        StemView(stem=stem, peaks=peaks_of(stem), notes=notes_of(stem, seconds), audio=f"{folder}/{stem}.wav")
        for stem in stems
    )
    return JobView(job=job, seconds=seconds, music=MUSIC, chords=chords, stems=views)


def read_anew(view: JobView, request: JobRequest, start_seconds: float, end_seconds: float) -> NotesView:
    """What a reader answers where only the option `shortest` counts, and the tempo."""
    shortest, tempo = request.reading.shortest_seconds or 0.0, request.song.tempo_bpm
    parts = {
        stem.stem: tuple(
            note
            for note in stem.notes
            if note.offset_seconds - note.onset_seconds >= shortest
            and note.offset_seconds > start_seconds
            and note.onset_seconds < end_seconds
        )
        for stem in view.stems
    }
    music = MUSIC if tempo is None else replace(MUSIC, tempo_bpm=tempo, tempo_source="given")
    return NotesView(parts=parts, music=music, chords=view.chords)


def _note(onset: float, length: float, pitch: int, velocity: int) -> Note:
    return Note(onset_seconds=onset, offset_seconds=onset + length, pitch=pitch, velocity=velocity)
