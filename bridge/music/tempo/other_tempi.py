"""The runners-up of a job's tempo, and the request that reads its notes again at one of them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bridge.model import Job, Music, TempoCandidate
from bridge.request import GroupChoice, JobRequest, SongPosition, TimeSignature
from bridge.units import FASTEST_TEMPO_BPM, SLOWEST_TEMPO_BPM

#: Tempi that differ less, relatively, are the same.
SAME = 0.01
#: As many as a musician would look through.
MOST = 5


def other_tempi(music: Music) -> tuple[TempoCandidate, ...]:
    """Half and double of the tempo that was used, then what was weighed beside it, most probable first."""
    chosen: list[TempoCandidate] = []
    for one in (*_octaves(music), *music.tempo_candidates):
        is_used = music.tempo_source != "default" and _is_near(one.bpm, music.tempo_bpm)
        if (
            not is_used
            and SLOWEST_TEMPO_BPM <= one.bpm <= FASTEST_TEMPO_BPM
            and not any(_is_near(one.bpm, other.bpm) for other in chosen)
        ):
            chosen.append(one)
    return tuple(chosen[:MOST])


def _octaves(music: Music) -> Iterator[TempoCandidate]:
    if music.tempo_source == "default":
        return
    for factor in (0.5, 2.0):
        bpm = round(music.tempo_bpm * factor, 4)
        share = sum(one.share for one in music.tempo_candidates if _is_near(one.bpm, bpm))
        yield TempoCandidate(bpm=bpm, time_signature=music.time_signature, share=round(share, 3))


def _is_near(bpm: float, other_bpm: float) -> bool:
    return abs(bpm / other_bpm - 1) < SAME


def beat_of_start(music: Music, bpm: float) -> float | None:
    """Where the clip starts, in quarters at `bpm`, so that its first beat stays where it is; None: with a bar."""
    return -music.first_beat_seconds * bpm / 60 if music.first_beat_seconds else None


def notes_again(job: Job, tempo: TempoCandidate | None) -> JobRequest:
    """The request for the notes of a job that is over, at another tempo; None: with its beats followed."""
    if tempo is None:
        song = msgspec.structs.replace(job.request.song, tempo="map")
    else:
        song = song_at(job, job.request.song, tempo.bpm, tempo.time_signature)
    return only_notes(job, msgspec.structs.replace(job.request, song=song))


def song_at(job: Job, song: SongPosition, bpm: float, time_signature: TimeSignature | None) -> SongPosition:
    """The place in the song at another tempo, so that the bars of a job's notes stay where they were in seconds."""
    return msgspec.structs.replace(song, tempo=bpm, time_signature=time_signature, beat=_beat_at(bpm, job))


def only_notes(job: Job, request: JobRequest) -> JobRequest:
    """The request, for the notes of a job that is over alone.

    It writes no stems, and no parts of the drums, and plays nothing. The analyses come from the cache, and the files
    of the job stay as they are.
    """
    stems = msgspec.structs.replace(request.stems, kit=False)
    if stems.transcribe_as is None:
        found = [result for result in job.results if result.is_part]
        # A stem that is named is missed if it has no notes; one that nobody named stays unnamed.
        missed = () if isinstance(stems.midi, str) else stems.midi
        heard = [result for result in found if result.notes or result.name in missed] or found
        parts = tuple(dict.fromkeys(result.name for result in heard))
        stems = msgspec.structs.replace(stems, audio=(), midi=parts)
    play = msgspec.structs.replace(request.play, when_done=False)
    return msgspec.structs.replace(request, stems=stems, group=GroupChoice(), play=play)


def _beat_at(bpm: float, job: Job) -> float | None:
    """Where the clip starts, in quarters at another tempo, so that its bars stay where they were in seconds."""
    music, beat = job.music, job.request.song.beat
    if music is None:
        return beat
    if beat is not None:
        return beat * bpm / music.tempo_bpm
    return beat_of_start(music, bpm)
