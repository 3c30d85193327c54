"""Packing analyses: the round trip is exact, the bytes are reproducible, other bytes are refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.model import Bend, Note
from bridge.request import NoteSettings
from bridge.transcription.pitched.posteriors import CONTOUR_BINS, PITCHES, Posteriors
from bridge.transcription.transcribers import DrumTranscriber, PitchedTranscriber, pack_posteriors, unpack_posteriors


def posteriors(frames: int) -> Posteriors:
    random = np.random.default_rng(0)

    def sheet(bins: int) -> np.ndarray[tuple[int, int], np.dtype[np.uint8]]:
        return random.integers(0, 256, (frames, bins)).astype(np.uint8)

    power = random.random(frames).astype(np.float32)
    return Posteriors(sheet(PITCHES), sheet(PITCHES), sheet(CONTOUR_BINS), sheet(PITCHES), power, 86.13, frames / 86.13)


@pytest.mark.parametrize("frames", [0, 1, 700])
def test_posteriors_survive_the_round_trip(frames: int) -> None:
    sent = posteriors(frames)
    back = unpack_posteriors(pack_posteriors(sent))
    for name, array in sent.arrays().items():
        np.testing.assert_array_equal(back.arrays()[name], array)


def test_the_same_posteriors_make_the_same_bytes() -> None:
    assert pack_posteriors(posteriors(50)) == pack_posteriors(posteriors(50))


@pytest.mark.parametrize("analysis", [b"", b"notes"])
def test_other_bytes_are_refused(analysis: bytes) -> None:
    with pytest.raises(ValueError, match="posteriors"):
        unpack_posteriors(analysis)


@pytest.mark.parametrize("damage", [slice(200, 300), slice(5000, None)], ids=["damaged", "truncated"])
def test_damaged_posteriors_are_refused(damage: slice) -> None:
    analysis = bytearray(pack_posteriors(posteriors(50)))
    analysis[damage] = bytes(100) if damage.stop else b""
    with pytest.raises(ValueError, match="posteriors"):
        unpack_posteriors(bytes(analysis))


@pytest.fixture(scope="module")
def pitched() -> PitchedTranscriber:
    return PitchedTranscriber()


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["vocals", "bass", "piano", "mix"]),
    st.integers(0, 2**32 - 1),
    st.integers(0, 200),
    st.lists(st.tuples(st.integers(0, 199), st.integers(1, 60), st.integers(0, PITCHES - 1), st.integers(40, 255))),
    st.sampled_from(
        [NoteSettings(), NoteSettings(onset_threshold=0.2, monophonic=True), NoteSettings(lowest_pitch=60)]
    ),
)
def test_a_restored_analysis_gives_the_same_notes_as_a_fresh_one(
    pitched: PitchedTranscriber,
    stem: str,
    seed: int,
    frames: int,
    notes: list[tuple[int, int, int, int]],
    note_settings: NoteSettings,
) -> None:
    random = np.random.default_rng(seed)
    sheets = {
        name: random.integers(0, 40, (frames, bins)).astype(np.uint8)
        for name, bins in (("note", PITCHES), ("onset", PITCHES), ("contour", CONTOUR_BINS), ("level", PITCHES))
    }
    for start, length, column, probability in notes:
        sheets["note"][start : start + length, column] = probability
        sheets["onset"][start : start + 3, column] = probability
        sheets["contour"][start : start + length, 3 * column + 1] = probability
        sheets["level"][start : start + length, column] = 180
    fresh = Posteriors(
        **sheets, power=random.random(frames).astype(np.float32), frame_rate_hz=22050 / 256,
        duration_seconds=frames * 256 / 22050,
    )  # fmt: skip
    restored = pitched.unpack(pitched.pack(fresh))
    assert pitched.notes(restored, stem, note_settings) == pitched.notes(fresh, stem, note_settings)


SECONDS = st.floats(0.0, 1e4)
NOTES = st.lists(
    st.builds(
        Note, onset_seconds=SECONDS, offset_seconds=SECONDS, pitch=st.integers(0, 127), velocity=st.integers(1, 127),
        confidence=st.floats(0.0, 1.0),
        bends=st.lists(st.builds(Bend, time_seconds=SECONDS, semitones=SECONDS)).map(tuple),
    )
)  # fmt: skip


@given(NOTES)
def test_restored_drum_notes_are_the_same(notes: list[Note]) -> None:
    drums = DrumTranscriber()
    assert drums.notes(drums.unpack(drums.pack(notes)), "drums", NoteSettings()) == notes


@pytest.mark.parametrize("content", [b"", b"notes", b"\x91" * 5000])
def test_bytes_that_hold_no_drum_notes_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - the decoder's message differs
        DrumTranscriber().unpack(content)
