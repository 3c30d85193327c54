"""The runners-up of a tempo, and the request that takes one."""

from __future__ import annotations

import msgspec
import pytest

from bridge.model import Job, Music, Result, TempoCandidate
from bridge.music.metre import Metre
from bridge.music.tempo.other_tempi import notes_again, other_tempi
from bridge.pipeline.notes import known_music
from bridge.request import CLOCK, PlayRequest, StemChoice, TimeSignature
from tests.support.requests import request_for


def candidate(bpm: float, share: float, metre: TimeSignature = (4, 4)) -> TempoCandidate:
    return TempoCandidate(bpm=bpm, time_signature=metre, share=share)


WEIGHED = (candidate(167.0, 0.8), candidate(83.5, 0.1), candidate(125.25, 0.06, (6, 8)), candidate(167.1, 0.04, (3, 4)))


def test_half_and_double_come_first_and_each_tempo_once() -> None:
    music = Music(tempo_bpm=167.0, tempo_source="estimated", tempo_candidates=WEIGHED)
    assert other_tempi(music) == (candidate(83.5, 0.1), candidate(334.0, 0.0), candidate(125.25, 0.06, (6, 8)))


def test_where_120_is_assumed_every_weighed_tempo_is_a_runner_up() -> None:
    music = Music(tempo_bpm=120.0, tempo_source="default", tempo_candidates=(candidate(120.0, 0.4), *WEIGHED))
    assert [one.bpm for one in other_tempi(music)] == [120.0, 167.0, 83.5, 125.25]


@pytest.mark.parametrize("bpm", [21.0, 399.0])
def test_no_tempo_is_beyond_what_a_request_takes(bpm: float) -> None:
    assert len(other_tempi(Music(tempo_bpm=bpm, tempo_source="given"))) == 1


def test_notes_are_read_again_without_the_stems() -> None:
    midi = [Result(kind="midi", name=name, file=f"{name}.mid", seconds=1.0) for name in ("bass", "drums", "all")]
    stem = Result(kind="stem", name="vocals", file="vocals.wav", seconds=1.0)
    job = Job(id="1", name="song", request=request_for("/a.wav", out="/out"), submitted_unix=0.0, results=(stem, *midi))
    request = notes_again(job, candidate(83.5, 0.1, (6, 8)))
    assert (request.stems.audio, request.stems.midi) == ((), ("bass", "drums"))
    assert (request.song.tempo_bpm, request.song.time_signature) == (83.5, (6, 8))
    heard = msgspec.structs.replace(midi[0], notes=3)
    assert notes_again(msgspec.structs.replace(job, results=(heard, midi[1])), None).stems.midi == ("bass",)
    assert request.place == job.request.place
    assert notes_again(job, None).song.follows_beats


def test_notes_that_are_read_again_do_not_sound_by_themselves() -> None:
    request = msgspec.structs.replace(request_for("/a.wav"), play=PlayRequest(when_done=True, sync=CLOCK))
    job = Job(id="1", name="song", request=request, submitted_unix=0.0)
    assert notes_again(job, None).play == PlayRequest(sync=CLOCK)


@pytest.mark.parametrize("transcribed", [None, "drums"])
def test_notes_are_read_again_without_the_parts_of_the_drums(transcribed: str | None) -> None:
    stems = StemChoice(kit=True, transcribe_as=transcribed)
    request = msgspec.structs.replace(request_for("/a.wav"), stems=stems)
    job = Job(id="1", name="song", request=request, submitted_unix=0.0)
    assert not notes_again(job, None).stems.kit


def test_the_first_beat_stays_where_the_estimate_found_it() -> None:
    music = Music(tempo_bpm=90.0, tempo_source="estimated", tempo_confidence=0.9, first_beat_seconds=0.4)
    job = Job(id="1", name="song", request=request_for("/a.wav"), submitted_unix=0.0, music=music)
    for bpm, signature in ((45.0, (4, 4)), (90.0, (3, 4)), (180.0, (6, 8))):
        song = notes_again(job, candidate(bpm, 0.1, signature)).song
        assert song.beat is not None
        assert Metre.of(signature).first_bar_seconds(song.beat, bpm) == pytest.approx(0.4)


def test_the_first_beat_stays_where_it_was_when_notes_are_read_again_and_again() -> None:
    music = Music(tempo_bpm=90.0, tempo_source="estimated", tempo_confidence=0.9, first_beat_seconds=0.4)
    job = Job(id="1", name="song", request=request_for("/a.wav"), submitted_unix=0.0, music=music)
    for bpm in (180.0, 360.0, 45.0):
        request = notes_again(job, candidate(bpm, 0.1))
        assert request.song.beat == pytest.approx(-0.4 * bpm / 60)
        given = known_music(request, pytest.fail, pytest.fail)
        assert given.first_beat_seconds == pytest.approx(0.4)
        job = msgspec.structs.replace(job, request=request, music=given)


def test_without_a_beat_the_clip_starts_with_a_bar() -> None:
    music = Music(tempo_bpm=120.0, tempo_source="default")
    job = Job(id="1", name="song", request=request_for("/a.wav"), submitted_unix=0.0, music=music)
    assert notes_again(job, candidate(90.0, 0.1)).song.beat is None
