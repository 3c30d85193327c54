"""The runners-up of a job's tempo, and the request that reads its notes again at one of them."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from bridge.model import Job, Music, TempoCandidate
from bridge.request import GroupChoice, JobRequest
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


def notes_again(job: Job, tempo: TempoCandidate | None) -> JobRequest:
    """The request for the notes of a job that is over, at another tempo; None: with its beats followed.

    It writes no stems. The analyses come from the cache, and the files of the job stay as they are.
    """
    request = job.request
    song = request.song
    if tempo is None:
        song = msgspec.structs.replace(song, tempo="map")
    else:
        beat = _beat_of_start(job, tempo.bpm) if song.beat is None else song.beat
        song = msgspec.structs.replace(song, tempo=tempo.bpm, time_signature=tempo.time_signature, beat=beat)
    stems = request.stems
    if stems.transcribe_as is None:
        found = [result for result in job.results if result.is_part]
        # A stem that is named is missed if it has no notes; one that nobody named stays unnamed.
        missed = () if isinstance(stems.midi, str) else stems.midi
        heard = [result for result in found if result.notes or result.name in missed] or found
        parts = tuple(dict.fromkeys(result.name for result in heard))
        stems = msgspec.structs.replace(stems, audio=(), midi=parts)
    return msgspec.structs.replace(request, song=song, stems=stems, group=GroupChoice())


def _beat_of_start(job: Job, bpm: float) -> float | None:
    """Where the clip starts, in quarters, for its first beat to stay where it was found; None: with a bar."""
    if job.music is None or job.music.tempo_source != "estimated" or not job.music.first_beat_seconds:
        return None
    return -job.music.first_beat_seconds * bpm / 60
