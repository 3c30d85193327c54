"""Tempo and metre of synthesised bands: sure where they are right, unsure where they are not."""

from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.model import TempoCandidate
from bridge.music.tempo.estimate import CONFIDENT, Reading, TempoEstimate, estimate_tempo
from bridge.music.tempo.following import FollowedTempo
from bridge.pipeline.note_warnings import note_warnings
from bridge.pipeline.notes import NotesOfJob, known_music
from tests.music.test_tempo import drum_sound, signal
from tests.support.fakes import RecordingControl
from tests.support.notes import note
from tests.support.requests import request_for

RATE_HZ = 44_100


def band(tempo: float, quarters: float, rows: str, bass: tuple[float, ...], bars: int) -> ArraySignal:
    """A loop: `rows` of sixteenths for drums (kick, snare, hat), and a bass that changes its root with every bar."""
    beat = 60 / tempo
    wave = np.zeros(round(bars * quarters * beat * RATE_HZ) + RATE_HZ)
    for bar in range(bars):
        for row in rows.split():
            for step, letter in enumerate(row):
                if letter != "-":
                    sound = drum_sound(letter, RATE_HZ)
                    at = round((bar * quarters + step / 4) * beat * RATE_HZ)
                    wave[at : at + len(sound)] += sound
        for quarter in bass:
            time = np.arange(round(0.8 * beat * RATE_HZ)) / RATE_HZ
            hertz = 440 * 2 ** ((36 + (0, 5, 7, 0)[bar % 4] - 69) / 12)
            tone = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, 8)) * np.exp(-2 * time)
            at = round((bar * quarters + quarter) * beat * RATE_HZ)
            wave[at : at + len(tone)] += 0.2 * tone
    return signal(wave[: round(bars * quarters * beat * RATE_HZ)])


SIX = ("h-h-h-h-h-h- k----------- ------s-----", (0.0, 1.5))
SEVEN = ("h-h-h-h-h-h-h- k-------k----- ----s-------s-", (0.0, 2.0))
FIVE = ("h-h-h-h-h-h-h-h-h-h- k-------k----------- ----s-------s---s---", (0.0, 1.0, 2.0, 3.0))
FOUR = ("h-h-h-h-h-h-h-h- k-----k-k------- ----s-------s---", (0.0, 2.0))
FLOOR = ("--h---h---h---h- k---k---k---k--- ----s-------s---", (0.0, 1.0, 2.0, 3.0))


def unasked() -> FollowedTempo:
    pytest.fail("no beats are to be followed")


def estimate(audio: ArraySignal) -> TempoEstimate:
    return estimate_tempo(audio, RecordingControl())


@pytest.mark.parametrize(
    ("tempo", "quarters", "rows", "bars"),
    [
        pytest.param(140.0, 3.5, SEVEN, 14, id="7/8 at 140, once 80"),
        pytest.param(160.0, 3.5, SEVEN, 14, id="7/8 at 160, once 91"),
        pytest.param(120.0, 5.0, FIVE, 10, id="5/4 at 120, once 96"),
        pytest.param(140.0, 5.0, FIVE, 10, id="5/4 at 140, once 112"),
        pytest.param(140.0, 4.0, FLOOR, 16, id="four on the floor at 140, once 70"),
        pytest.param(105.0, 3.0, SIX, 16, id="6/8 at 105, once 70"),
        *(pytest.param(float(bpm), 4.0, FOUR, 8, id=f"rock at {bpm}, once doubled") for bpm in (50, 60, 66)),
        *(pytest.param(float(bpm), 4.0, FOUR, 16, id=f"rock at {bpm}, once halved") for bpm in (160, 200)),
        pytest.param(84.0, 4.0, FOUR, 8, id="rock at 84"),
        pytest.param(120.0, 4.0, FOUR, 8, id="rock at 120"),
    ],
)
def test_a_wrong_tempo_is_not_sure(
    tempo: float, quarters: float, rows: tuple[str, tuple[float, ...]], bars: int
) -> None:
    found = estimate(band(tempo, quarters, *rows, bars))
    assert found.bpm == pytest.approx(tempo, rel=0.002) or found.confidence < CONFIDENT
    # The true tempo is among what can be chosen, so one need not type it.
    assert any(candidate.bpm == pytest.approx(tempo, rel=0.002) for candidate in found.candidates)


def test_a_given_metre_decides() -> None:
    found = estimate(band(105.0, 3.0, *SIX, 16))
    told = found.in_metre((6, 8))
    assert (told.bpm, told.time_signature) == (105.0, (6, 8))
    assert told.confidence >= CONFIDENT
    assert told.readings == found.readings


def test_the_manifests_music_keeps_the_candidates() -> None:
    found = estimate(band(120.0, 5.0, *FIVE, 10))
    music = known_music(request_for("/a.wav"), lambda: found, unasked)
    assert music.tempo_candidates == found.candidates[: len(music.tempo_candidates)]
    assert all(isinstance(one, TempoCandidate) for one in music.tempo_candidates)
    assert len(music.tempo_candidates) > 2
    told = known_music(request_for("/a.wav", time_signature=(5, 4)), lambda: found, unasked)
    assert (told.tempo_bpm, told.tempo_source, told.time_signature) == (120.0, "estimated", (5, 4))


def test_an_unsure_estimate_writes_the_given_metre_at_120() -> None:
    unsure = TempoEstimate(bpm=96.0, confidence=0.2, first_beat_seconds=0.1, method="beats")
    music = known_music(request_for("/a.wav", time_signature=(7, 8)), lambda: unsure, unasked)
    assert (music.tempo_bpm, music.tempo_source, music.time_signature) == (120.0, "default", (7, 8))
    assert known_music(request_for("/a.wav"), lambda: unsure, unasked).time_signature == (4, 4)


def test_where_only_the_octave_is_unsure_the_likelier_one_is_written() -> None:
    readings = tuple(
        Reading(
            bpm=bpm, time_signature=(4, 4), share=share, beat=1.0, first_beat_seconds=0.0, method="beats"
        )
        for bpm, share in ((84.0, 0.6), (168.0, 0.38), (126.0, 0.02))
    )  # fmt: skip
    found = TempoEstimate(bpm=84.0, confidence=0.0, first_beat_seconds=0.0, method="beats", readings=readings)
    told = found.in_metre((4, 4))
    assert told.confidence < CONFIDENT <= told.pulse_confidence
    music = known_music(request_for("/a.wav"), lambda: told, unasked)
    assert (music.tempo_bpm, music.tempo_source) == (84.0, "estimated")
    notes = {"bass": [note(0.0, 1.0)]}
    (warning,) = note_warnings(NotesOfJob(notes, notes, music, 2.0), request_for("/a.wav"))
    assert warning.code == "tempo_octave"
    assert "--tempo 168" in warning.message
