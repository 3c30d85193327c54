"""Music without a click: its beats are followed, and its bars lie on the grid of the file."""

from __future__ import annotations

import io
import math
from itertools import pairwise

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.model import Music, Note, TempoPoint
from bridge.music.tempo.estimate import TempoEstimate
from bridge.music.tempo.following import ESTIMATED, ESTIMATED_AGAIN, TRACKED, FollowedTempo, follow_tempo
from bridge.music.tempo_map import TempoMap
from bridge.pipeline.notes import NotesOfJob, fitted_notes, known_music, straightened
from bridge.pipeline.output_files import picture_of
from bridge.request import TimeSignature
from bridge.smf.writing import midi_file
from bridge.units import clock_text
from tests.music.test_tempo import HAT, KICK, SNARE, drum_sound, signal
from tests.support.fakes import RecordingControl
from tests.support.notes import note
from tests.support.requests import request_for

RATE_HZ = 22_050
BARS, LEAD_SECONDS = 14, 0.9
#: A quarter lasts 0.5 s on the mean, and drifts by 8 % up and down.
DRIFT = 0.08
#: C and F.
TRIADS = ((48, 52, 55), (53, 57, 60))


def played(quarters: float) -> float:
    """When a position is played."""
    late = 0.5 * DRIFT * 16 / (2 * math.pi) * (1 - math.cos(quarters * 2 * math.pi / 32)) / 2
    return LEAD_SECONDS + 0.5 * quarters + late


def drifting(later: float = 0.0) -> ArraySignal:
    silence = np.zeros(round(later * RATE_HZ))
    wave = np.zeros(round(played(4 * BARS) * RATE_HZ) + RATE_HZ)
    for bar in range(BARS):
        for row in (KICK, SNARE, HAT):
            for step, letter in enumerate(row):
                if letter != "-":
                    sound = drum_sound(letter, RATE_HZ)
                    at = round(played(4 * bar + step / 4) * RATE_HZ)
                    wave[at : at + len(sound)] += sound
    return signal(np.concatenate((silence, wave)), RATE_HZ)


@pytest.fixture(scope="module")
def followed() -> FollowedTempo:
    return follow_tempo(drifting(), None, RecordingControl())


def beats(count: int = BARS) -> list[Note]:
    """A note on the first beat of every bar."""
    return [note(played(4 * bar), played(4 * bar + 1)) for bar in range(count)]


def test_bars_lie_on_the_grid_of_the_file_where_they_are_played(followed: FollowedTempo) -> None:
    found = followed.estimate
    assert found.time_signature == (4, 4)
    assert found.bpm == pytest.approx(60 / 0.5, rel=0.04)
    content = midi_file(
        {"drums": beats()},
        seconds=30.0,
        tempo_bpm=found.bpm,
        tempo_map=followed.points,
        first_bar_seconds=found.first_beat_seconds,
    )
    file = mido.MidiFile(file=io.BytesIO(content))
    tempi = [message for message in file.tracks[0] if message.type == "set_tempo"]
    assert len(tempi) > 20
    signatures = [(one.numerator, one.denominator) for one in file.tracks[0] if one.type == "time_signature"]
    assert signatures == [(2, 4), (4, 4)]  # 0.9 seconds are two beats before the first bar
    seconds, tick, first_bar = 0.0, 0, 2 * file.ticks_per_beat
    starts, ticks = [], []
    for message in file:
        seconds += message.time
        if message.type == "note_on":
            starts.append(seconds)
    for message in file.tracks[1]:
        tick += message.time
        if message.type == "note_on":
            ticks.append(tick)
    assert starts == pytest.approx([one.onset_seconds for one in beats()], abs=0.001)
    missed = [(at - first_bar) / file.ticks_per_beat - 4 * bar for bar, at in enumerate(ticks)]
    assert max(map(abs, missed)) < 0.05


def test_a_whole_bar_before_the_first_one_is_the_first_one() -> None:
    found = follow_tempo(drifting(later=1.04), None, RecordingControl())
    assert [point.quarters for point in found.points if point.seconds < 2.0] == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert found.estimate.first_beat_seconds == 0.0


def test_quantising_and_the_picture_use_the_map(followed: FollowedTempo) -> None:
    request = request_for("/a.wav", tempo_bpm="map", quantise="1/4")
    music = known_music(request, lambda: pytest.fail("the beats are clear"), lambda: followed)
    assert (music.tempo_source, music.tempo_map) == ("estimated", followed.points)
    late = [note(played(quarter) + 0.04, played(quarter) + 0.2) for quarter in range(4, 40)]
    found = fitted_notes({"bass": late}, request, music, 30.0)
    onsets = [one.onset_seconds for one in found.parts["bass"]]
    assert onsets == pytest.approx([played(quarter) for quarter in range(4, 40)], abs=0.02)
    even = straightened(found)
    steps = np.diff([one.onset_seconds for one in even.parts["bass"]])
    assert steps == pytest.approx(np.full(35, 60 / music.tempo_bpm), abs=1e-6)
    assert not even.music.tempo_map


def test_the_picture_tells_the_tempi_that_were_followed_and_the_length_of_the_clip(followed: FollowedTempo) -> None:
    request = request_for("/a.wav", tempo_bpm="map")
    music = known_music(request, lambda: pytest.fail("the beats are clear"), lambda: followed)
    found = fitted_notes({"bass": beats()}, request, music, 29.4)
    assert b"followed from" in picture_of(found, "x")
    assert f"{clock_text(29.4)}".encode() in picture_of(found, "x")


def test_where_no_beat_is_clear_there_is_one_tempo() -> None:
    noise = 0.1 * np.random.default_rng(3).standard_normal(12 * RATE_HZ)
    lost = follow_tempo(signal(noise, RATE_HZ), None, RecordingControl())
    assert lost.points == ()
    sure = TempoEstimate(bpm=98.0, confidence=0.9, first_beat_seconds=0.2, method="beats")
    music = known_music(request_for("/a.wav", tempo_bpm="map"), lambda: sure, lambda: lost)
    assert (music.tempo_bpm, music.tempo_map) == (98.0, ())


@pytest.mark.parametrize("seconds", [0.0, 0.05, 1.0])
def test_a_short_or_silent_clip_has_no_map(seconds: float) -> None:
    silence = signal(np.zeros(round(seconds * RATE_HZ) + 1), RATE_HZ)
    assert follow_tempo(silence, (3, 4), RecordingControl()).points == ()


@pytest.mark.parametrize("silence_seconds", [2.0, 10.0])
def test_beats_are_followed_after_bars_of_silence(followed: FollowedTempo, silence_seconds: float) -> None:
    sound = drifting()
    samples = sound.read(0, sound.frames)
    silence = np.zeros((round(silence_seconds * RATE_HZ), sound.channels), np.float32)
    late = follow_tempo(ArraySignal(np.concatenate((silence, samples)), RATE_HZ), None, RecordingControl())
    assert late.points[0].seconds == 0.0
    sounding = [point.seconds for point in late.points if point.seconds > silence_seconds + LEAD_SECONDS - 0.1]
    expected = [silence_seconds + point.seconds for point in followed.points if point.seconds > LEAD_SECONDS - 0.1]
    assert sounding == pytest.approx(expected, abs=0.03)
    tempo_map = TempoMap(late.points)
    bars = tempo_map.quarters(silence_seconds + played(0)) - tempo_map.quarters(late.estimate.first_beat_seconds)
    assert bars / 4 == pytest.approx(round(bars / 4), abs=0.02)


def test_progress_is_told_in_each_step_and_never_falls() -> None:
    control = RecordingControl()
    follow_tempo(drifting(), None, control)
    assert control.fractions == sorted(control.fractions)
    assert {ESTIMATED, TRACKED, ESTIMATED_AGAIN, 1.0} < set(control.fractions)


@pytest.mark.parametrize("signature", [(1, 8), (5, 16), (1, 16), (1, 32), (3, 32)])
def test_beats_are_followed_in_bars_shorter_than_a_beat(signature: TimeSignature) -> None:
    points = follow_tempo(drifting(), signature, RecordingControl()).points
    assert len(points) > 20
    assert all(before.seconds < after.seconds for before, after in pairwise(points))


@given(st.lists(st.floats(0.15, 2.0), min_size=1, max_size=20), st.floats(0, 60))
def test_a_position_and_its_time_are_inverse(lengths: list[float], at: float) -> None:
    starts = [sum(lengths[:place]) for place in range(len(lengths))]
    tempo_map = TempoMap(
        [
            TempoPoint(seconds=start, quarters=float(place), bpm=60 / length)
            for place, (start, length) in enumerate(zip(starts, lengths, strict=True))
        ]
    )
    assert tempo_map.seconds(tempo_map.quarters(at)) == pytest.approx(at, abs=1e-6)


def test_without_a_map_nothing_is_straightened() -> None:
    notes = {"bass": [note(0.0, 1.0)]}
    job = NotesOfJob(notes, notes, Music(tempo_bpm=98.0, tempo_source="given"), 2.0)
    assert straightened(job) is job


def test_chords_and_clean_notes_follow_the_beats_and_lie_where_they_sound() -> None:
    """A piano holds a chord a bar, while its bars become longer and longer."""
    starts = [4 * place + place * (place - 1) * 0.1 for place in range(9)]
    points = [
        TempoPoint(seconds=start + beat * (end - start) / 4, quarters=4.0 * bar + beat, bpm=240 / (end - start))
        for bar, (start, end) in enumerate(pairwise(starts))
        for beat in range(4)
    ]
    bars = [*pairwise(starts)]
    notes = [note(start + 0.01, end, pitch) for bar, (start, end) in enumerate(bars) for pitch in (TRIADS[bar % 2])]
    music = Music(tempo_bpm=60.0, tempo_source="estimated", tempo_map=tuple(points))
    clean = request_for("/a.wav", reading="clean")
    job = fitted_notes({"piano": notes}, clean, music, starts[-1])
    assert [chord.name for chord in job.chords] == ["C", "F"] * 4
    assert [chord.start_seconds for chord in job.chords] == pytest.approx(starts[:-1], abs=1e-3)
    onsets = sorted({one.onset_seconds for one in job.parts["piano"]})
    assert onsets == pytest.approx(starts[:-1], abs=1e-3)
    assert job.seconds == starts[-1]
    assert job.music.tempo_map == tuple(points)
