from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations, pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import BadArguments
from bridge.request import NoteSettings
from bridge.transcription.pitched.decoder import decode_notes
from bridge.transcription.pitched.monophonic import NOTE_COST, best_line
from bridge.transcription.pitched.pitch_bends import bend_steps
from bridge.transcription.pitched.posteriors import LOWEST_PITCH, PROBABILITY_SCALE, Posteriors, as_bytes, contour_bin
from bridge.transcription.pitched.profiles import PROFILES, profile_for
from bridge.transcription.pitched.segments import NoteSegment

RATE_HZ = 22050 / 256


def empty(frames: int) -> Posteriors:
    """Posteriors in which nothing sounds, at a steady level of -20 dB."""
    return Posteriors(
        note=np.zeros((frames, 88), np.uint8),
        onset=np.zeros((frames, 88), np.uint8),
        contour=np.zeros((frames, 264), np.uint8),
        level=np.zeros((frames, 88), np.uint8),
        power=np.full(frames, 0.01, np.float32),
        frame_rate_hz=RATE_HZ,
        duration_seconds=frames / RATE_HZ,
    )


def add_note(
    posteriors: Posteriors, pitch: int, start: int, stop: int, note: float = 0.8, onset: float | None = 0.9
) -> Posteriors:
    column = pitch - LOWEST_PITCH
    posteriors.note[start:stop, column] = round(note * PROBABILITY_SCALE)
    posteriors.contour[start:stop, contour_bin(pitch)] = round(note * PROBABILITY_SCALE)
    posteriors.level[start : stop + 2, column] = 160
    posteriors.level[start : start + 1, column] = 120
    if onset is not None:
        posteriors.onset[start, column] = round(onset * PROBABILITY_SCALE)
    return posteriors


def found(posteriors: Posteriors, stem: str) -> list[tuple[int, int, int]]:
    """Pitch, first frame and last frame + 1 of every note."""
    return [
        (note.pitch, round(note.onset_seconds * RATE_HZ), round(note.offset_seconds * RATE_HZ))
        for note in decode_notes(posteriors, profile_for(stem))
    ]


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    frames=st.integers(0, 120),
    exponent=st.floats(0.2, 4.0),
    cut=st.floats(0.0, 0.9),
    stem=st.sampled_from(sorted(PROFILES)),
)
def test_any_posteriors_give_valid_notes(seed: int, frames: int, exponent: float, cut: float, stem: str) -> None:
    rng = np.random.default_rng(seed)
    note, onset, contour = (as_bytes(rng.random((frames, bins), np.float32) ** exponent) for bins in (88, 88, 264))
    level = rng.integers(0, 256, (frames, 88), np.uint8)
    duration = max(0.0, (frames - cut) / RATE_HZ)
    posteriors = Posteriors(note, onset, contour, level, rng.random(frames, np.float32), RATE_HZ, duration)
    profile = profile_for(stem)
    notes = decode_notes(posteriors, profile)
    assert notes == decode_notes(posteriors, profile)
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
    posteriors = add_note(add_note(empty(100), 60, 10, 40), 60, 40, 80)
    assert found(posteriors, stem) == [(60, 10, 40), (60, 40, 80)]


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_short_gap_is_bridged_and_a_long_one_is_not(stem: str) -> None:
    posteriors = add_note(empty(200), 60, 10, 100)
    posteriors.note[30:34] = 0
    posteriors.note[60:75] = 0
    posteriors.level[62:75] = 0
    posteriors = add_note(posteriors, 60, 75, 100)
    assert found(posteriors, stem) == [(60, 10, 60), (60, 75, 100)]


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_long_note_without_an_onset_is_found(stem: str) -> None:
    assert found(add_note(empty(100), 60, 10, 60, onset=None), stem) == [(60, 10, 60)]


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_blip_is_left_out(stem: str) -> None:
    assert found(add_note(empty(100), 60, 10, 12), stem) == []


@pytest.mark.parametrize(("stem", "pitch"), [("vocals", 30), ("vocals", 96), ("bass", 84), ("guitar", 30)])
def test_notes_outside_the_stems_range_are_left_out(stem: str, pitch: int) -> None:
    assert found(add_note(empty(100), pitch, 10, 60), stem) == []


def test_a_faint_overtone_is_left_out() -> None:
    posteriors = add_note(add_note(empty(100), 48, 10, 60), 60, 10, 50, note=0.35, onset=0.6)
    assert found(posteriors, "piano") == [(48, 10, 60)]


def test_a_played_octave_is_kept() -> None:
    posteriors = add_note(add_note(empty(100), 48, 10, 60), 60, 10, 60, note=0.7)
    assert found(posteriors, "piano") == [(48, 10, 60), (60, 10, 60)]


def test_spread_to_the_next_semitone_is_left_out() -> None:
    posteriors = add_note(add_note(empty(100), 60, 10, 60), 61, 15, 55, note=0.4, onset=None)
    assert found(posteriors, "piano") == [(60, 10, 60)]


def test_a_line_does_not_jump_to_a_brief_octave() -> None:
    posteriors = add_note(empty(100), 40, 10, 80)
    add_note(posteriors, 52, 30, 33, note=0.95, onset=None)
    assert found(posteriors, "bass") == [(40, 10, 80)]


def test_a_line_takes_the_stronger_of_two_voices() -> None:
    posteriors = add_note(add_note(empty(100), 60, 10, 50), 64, 10, 50, note=0.5)
    assert found(posteriors, "vocals") == [(60, 10, 50)]


def test_bleed_is_left_out() -> None:
    posteriors = add_note(add_note(empty(200), 60, 10, 60), 62, 120, 160)
    posteriors.power[100:] = 1e-8
    assert found(posteriors, "vocals") == [(60, 10, 60)]


def test_forty_decibels_less_is_eighty_steps_less() -> None:
    posteriors = add_note(empty(400), 60, 10, 60)
    for start in range(70, 370, 60):
        add_note(posteriors, 62, start, start + 40)
    posteriors.power[65:120] = 1e-6
    velocities = [note.velocity for note in decode_notes(posteriors, profile_for("vocals"))]
    assert velocities == [110, 30, 110, 110, 110, 110]


def test_a_neighbouring_note_is_not_a_bend() -> None:
    posteriors = add_note(empty(100), 60, 10, 60)
    posteriors.contour[50:60] = 0.0
    posteriors.contour[50:60, contour_bin(61)] = 0.9
    (note,) = decode_notes(posteriors, profile_for("piano"))
    assert note.bends == ()


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 6))
def test_the_best_line_has_the_highest_score(seed: int, count: int) -> None:
    rng = np.random.default_rng(seed)
    posteriors = empty(40)
    posteriors.note[:] = rng.integers(0, 256, posteriors.note.shape, np.uint8)
    starts = sorted(rng.integers(0, 30, count).tolist())
    segments = [
        NoteSegment(start, start + int(rng.integers(3, 10)), int(rng.integers(50, 60)), 0.5) for start in starts
    ]

    def score(chain: Sequence[NoteSegment]) -> float:
        total = 0.0
        for segment, stop in zip(chain, [segment.start for segment in chain[1:]] + [99], strict=True):
            if min(segment.stop, stop) - segment.start < 3:
                return -np.inf
            total += (
                posteriors.note[segment.start : min(segment.stop, stop), segment.pitch - LOWEST_PITCH].sum()
                / PROBABILITY_SCALE
            )
        return total - NOTE_COST * len(chain)

    every = (chain for length in range(1, count + 1) for chain in combinations(segments, length))
    line = best_line(posteriors, segments, 3)
    assert sum(
        posteriors.note[segment.start : segment.stop, segment.pitch - LOWEST_PITCH].sum() / PROBABILITY_SCALE
        - NOTE_COST
        for segment in line
    ) == pytest.approx(max(score(chain) for chain in every))


@pytest.mark.parametrize("stem", ["vocals", "piano"])
@pytest.mark.parametrize("field", ["onset_threshold", "note_threshold"])
def test_a_higher_threshold_never_gives_more_notes(stem: str, field: str) -> None:
    posteriors = empty(300)
    for index, probability in enumerate((0.35, 0.5, 0.65, 0.8, 0.95)):
        add_note(posteriors, 60 + 2 * index, 10 + 55 * index, 30 + 55 * index, note=probability, onset=probability)
    counts = []
    for threshold in (0.2, 0.4, 0.55, 0.7, 0.9):
        overrides = msgspec.structs.replace(NoteSettings(), **{field: threshold})
        counts.append(len(decode_notes(posteriors, profile_for(stem, overrides))))
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


def test_the_users_settings_override_the_profile() -> None:
    profile = profile_for(
        "piano", NoteSettings(shortest_seconds=0.12, lowest_pitch=40, highest_pitch=60, monophonic=True)
    )
    assert (profile.shortest_seconds, profile.lowest, profile.highest) == (0.12, 40, 60)
    assert profile.monophonic
    assert profile.note_threshold == PROFILES["piano"].note_threshold
    assert profile_for("piano", NoteSettings()) == PROFILES["piano"]


def test_a_range_that_holds_no_pitch_is_refused() -> None:
    with pytest.raises(BadArguments, match="lowest"):
        profile_for("bass", NoteSettings(lowest_pitch=70))


def test_a_note_ends_where_its_level_falls() -> None:
    posteriors = add_note(empty(200), 60, 10, 110)
    column = 60 - LOWEST_PITCH
    posteriors.level[60:90, column] = np.linspace(160, 20, 30).astype(np.uint8)
    posteriors.level[90:, column] = 20
    ((_, start, stop),) = found(posteriors, "piano")
    assert start == pytest.approx(10, abs=1)
    assert stop == pytest.approx(61, abs=4)


def test_the_louder_of_two_notes_of_a_chord_has_the_higher_velocity() -> None:
    posteriors = add_note(add_note(empty(100), 60, 10, 60), 65, 10, 60)
    posteriors.level[10:60, 65 - LOWEST_PITCH] -= 24
    low, high = decode_notes(posteriors, profile_for("piano"))
    assert (low.pitch, high.pitch) == (60, 65)
    assert low.velocity - high.velocity == pytest.approx(24, abs=2)


def test_posteriors_can_be_saved_and_loaded(tmp_path: Path) -> None:
    posteriors = add_note(empty(50), 60, 10, 40)
    with (tmp_path / "kept.npz").open("wb") as file:
        np.savez(file, **posteriors.arrays())
    with np.load(tmp_path / "kept.npz") as kept:
        again = Posteriors.from_arrays(kept)
    assert decode_notes(again, profile_for("piano")) == decode_notes(posteriors, profile_for("piano")) != []
    assert (again.frame_rate_hz, again.duration_seconds) == (posteriors.frame_rate_hz, posteriors.duration_seconds)


def test_incomplete_posteriors_are_refused() -> None:
    arrays = empty(5).arrays()
    with pytest.raises(ValueError, match="level"):
        Posteriors.from_arrays({name: array for name, array in arrays.items() if name != "level"})
    with pytest.raises(ValueError, match="note"):
        Posteriors.from_arrays({**arrays, "note": arrays["note"][:3]})


@given(st.lists(st.floats(-2, 2), min_size=1, max_size=60))
def test_the_last_bend_is_never_far_from_the_contour(offsets: list[float]) -> None:
    contour = np.array(offsets)
    bent = bend_steps(contour, 0.05)
    assert bent[0] == 0 and bent == sorted(set(bent))
    for frame, offset in enumerate(offsets):
        held = contour[max(at for at in bent if at <= frame)]
        assert abs(held - offset) <= 0.05


def test_drums_have_no_pitches() -> None:
    with pytest.raises(BadArguments, match="vocals"):
        profile_for("drums")
