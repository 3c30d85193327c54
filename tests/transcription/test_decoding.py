from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadArguments
from bridge.transcription.decoding import decode
from bridge.transcription.melody import best_path
from bridge.transcription.posteriors import LOWEST_PITCH, Posteriors, contour_bin
from bridge.transcription.profiles import PROFILES, profile_for

RATE_HZ = 22050 / 256


def empty(frames: int) -> Posteriors:
    """Nothing sounds, at a steady level of -20 dB."""
    return Posteriors(
        note=np.zeros((frames, 88), np.float32),
        onset=np.zeros((frames, 88), np.float32),
        contour=np.zeros((frames, 264), np.float32),
        power=np.full(frames, 0.01, np.float32),
        frame_rate_hz=RATE_HZ,
        duration_seconds=frames / RATE_HZ,
    )


def sing(
    posteriors: Posteriors, pitch: int, start: int, stop: int, note: float = 0.8, onset: float | None = 0.9
) -> Posteriors:
    posteriors.note[start:stop, pitch - LOWEST_PITCH] = note
    posteriors.contour[start:stop, contour_bin(pitch)] = note
    if onset is not None:
        posteriors.onset[start, pitch - LOWEST_PITCH] = onset
    return posteriors


def found(posteriors: Posteriors, stem: str) -> list[tuple[int, int, int]]:
    """Pitch, first frame and after-last frame of every note."""
    return [
        (note.pitch, round(note.onset_seconds * RATE_HZ), round(note.offset_seconds * RATE_HZ))
        for note in decode(posteriors, profile_for(stem))
    ]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(0, 120),
    exponent=st.floats(0.2, 4.0),
    cut=st.floats(0.0, 0.9),
    stem=st.sampled_from(sorted(PROFILES)),
)
def test_whatever_the_network_says_the_notes_are_sound(
    seed: int, frames: int, exponent: float, cut: float, stem: str
) -> None:
    rng = np.random.default_rng(seed)
    note, onset, contour = (rng.random((frames, bins), np.float32) ** exponent for bins in (88, 88, 264))
    duration = max(0.0, (frames - cut) / RATE_HZ)
    posteriors = Posteriors(note, onset, contour, rng.random(frames, np.float32), RATE_HZ, duration)
    profile = profile_for(stem)
    notes = decode(posteriors, profile)
    assert notes == sorted(notes, key=lambda one: (one.onset_seconds, one.pitch))
    for one in notes:
        assert 0 <= one.onset_seconds < one.offset_seconds <= duration
        assert profile.lowest <= one.pitch <= profile.highest
        assert 1 <= one.velocity <= 127
        assert 0 <= one.confidence <= 1
        times = [bend.time_seconds for bend in one.bends]
        assert times == sorted(set(times))
        assert all(one.onset_seconds <= time < one.offset_seconds for time in times)
        assert all(abs(bend.semitones) <= 2 for bend in one.bends)
    for pitch in {one.pitch for one in notes}:
        for one, following in pairwise([one for one in notes if one.pitch == pitch]):
            assert one.offset_seconds <= following.onset_seconds
    if profile.monophonic:
        for one, following in pairwise(notes):
            assert one.offset_seconds <= following.onset_seconds


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_an_onset_splits_a_held_pitch(stem: str) -> None:
    posteriors = sing(sing(empty(100), 60, 10, 40), 60, 40, 80)
    assert found(posteriors, stem) == [(60, 10, 40), (60, 40, 80)]


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_short_gap_is_bridged_and_a_long_one_is_not(stem: str) -> None:
    posteriors = sing(empty(200), 60, 10, 100)
    posteriors.note[30:34] = 0.0
    posteriors.note[60:75] = 0.0
    posteriors = sing(posteriors, 60, 75, 100)
    assert found(posteriors, stem) == [(60, 10, 60), (60, 75, 100)]


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_long_note_without_an_onset_is_taken(stem: str) -> None:
    assert found(sing(empty(100), 60, 10, 60, onset=None), stem) == [(60, 10, 60)]


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_blip_is_no_note(stem: str) -> None:
    assert found(sing(empty(100), 60, 10, 12), stem) == []


@pytest.mark.parametrize(("stem", "pitch"), [("vocals", 30), ("vocals", 96), ("bass", 84), ("guitar", 30)])
def test_what_the_stem_cannot_sing_is_not_taken(stem: str, pitch: int) -> None:
    assert found(sing(empty(100), pitch, 10, 60), stem) == []


def test_a_faint_overtone_goes_with_its_fundamental() -> None:
    posteriors = sing(sing(empty(100), 48, 10, 60), 60, 10, 50, note=0.35, onset=0.6)
    assert found(posteriors, "piano") == [(48, 10, 60)]


def test_an_octave_that_is_played_stays() -> None:
    posteriors = sing(sing(empty(100), 48, 10, 60), 60, 10, 60, note=0.7)
    assert found(posteriors, "piano") == [(48, 10, 60), (60, 10, 60)]


def test_what_spreads_to_the_next_semitone_is_no_note() -> None:
    posteriors = sing(sing(empty(100), 60, 10, 60), 61, 15, 55, note=0.4, onset=None)
    assert found(posteriors, "piano") == [(60, 10, 60)]


def test_a_line_does_not_flicker_to_the_octave() -> None:
    posteriors = sing(empty(100), 40, 10, 80)
    sing(posteriors, 52, 30, 33, note=0.95, onset=None)
    assert found(posteriors, "bass") == [(40, 10, 80)]


def test_a_line_takes_the_stronger_of_two_voices() -> None:
    posteriors = sing(sing(empty(100), 60, 10, 50), 64, 10, 50, note=0.5)
    assert found(posteriors, "vocals") == [(60, 10, 50)]


def test_bleed_is_left_out() -> None:
    posteriors = sing(sing(empty(200), 60, 10, 60), 62, 120, 160)
    posteriors.power[100:] = 1e-8
    assert found(posteriors, "vocals") == [(60, 10, 60)]


def test_forty_decibels_less_is_eighty_steps_less() -> None:
    posteriors = sing(empty(400), 60, 10, 60)
    for start in range(70, 370, 60):
        sing(posteriors, 62, start, start + 40)
    posteriors.power[65:120] = 1e-6
    velocities = [note.velocity for note in decode(posteriors, profile_for("vocals"))]
    assert velocities == [110, 30, 110, 110, 110, 110]


def test_the_neighbouring_note_is_no_bend() -> None:
    posteriors = sing(empty(100), 60, 10, 60)
    posteriors.contour[50:60] = 0.0
    posteriors.contour[50:60, contour_bin(61)] = 0.9
    (note,) = decode(posteriors, profile_for("piano"))
    assert note.bends == ()


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 3))
def test_the_best_path_is_the_best(seed: int, frames: int, pitches: int) -> None:
    rng = np.random.default_rng(seed)
    gain = rng.uniform(-0.5, 0.7, (frames, pitches))
    cost = rng.uniform(0.1, 0.8, (frames, pitches))

    def worth(path: tuple[int, ...]) -> float:
        total, before = 0.0, -1
        for frame, state in enumerate(path):
            if state >= 0:
                total += gain[frame, state] - (cost[frame, state] if state != before else 0.0)
            before = state
        return total

    every = np.stack(np.meshgrid(*[np.arange(-1, pitches)] * frames, indexing="ij"), -1).reshape(-1, frames)
    best = max(worth(tuple(path)) for path in every.tolist())
    assert worth(tuple(best_path(gain, cost).tolist())) == pytest.approx(best)


def test_drums_have_no_pitches() -> None:
    with pytest.raises(BadArguments, match="vocals"):
        profile_for("drums")
