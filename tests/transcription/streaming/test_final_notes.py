from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audio.signal import ArraySignal
from bridge.model import Bend, Note
from bridge.transcription.streaming.final_notes import FinalNotes
from bridge.transcription.streaming.foresight import SHARE, Foresight
from tests.support.notes import note, note_lists
from tests.transcription.streaming.test_streams import played


def by_onset(notes: list[Note]) -> list[Note]:
    return sorted(notes, key=lambda one: (one.onset_seconds, one.pitch))


@given(st.lists(st.tuples(note_lists(overlapping=False), st.floats(0.01, 5.0), st.booleans()), max_size=6))
def test_whatever_is_decoded_what_was_given_out_never_changes(pieces: list[tuple[list[Note], float, bool]]) -> None:
    final, until, given_out = FinalNotes(), 0.0, []
    for decoded, more, is_taken in pieces:
        until += more
        final.extend(by_onset(decoded), until, max(0.0, until - 4.0))
        if is_taken:
            given_out.append(final.take())
    played(given_out, 100.0)


def test_a_note_goes_on_as_it_is_decoded_later() -> None:
    final = FinalNotes()
    final.extend([note(0.5, 2.0, bends=(Bend(time_seconds=0.5, semitones=0.2),))], 1.5)
    assert [one.offset_seconds for one in final.take().notes] == [2.0]
    later = (Bend(time_seconds=1.0, semitones=0.4), Bend(time_seconds=2.5, semitones=0.6))
    final.extend([note(0.51, 3.0, velocity=20, bends=later)], 2.5)
    (grown,) = final.take().notes
    assert (grown.onset_seconds, grown.offset_seconds, grown.velocity) == (0.5, 3.0, 100)
    assert [bend.semitones for bend in grown.bends] == [0.2, 0.6]


def test_a_note_that_is_not_found_again_ends_and_another_of_its_pitch_begins_after_it() -> None:
    final = FinalNotes()
    final.extend([note(0.5, 2.0)], 1.5)
    final.take()
    final.extend([note(1.6, 3.0)], 2.5)
    assert [(one.onset_seconds, one.offset_seconds) for one in final.take().notes] == [(0.5, 1.5), (1.6, 3.0)]


def test_a_note_from_before_the_part_that_is_decoded_again_goes_on() -> None:
    final = FinalNotes()
    final.extend([note(0.5, 9.0)], 8.0)
    final.take()
    final.extend([note(4.0, 12.0)], 11.0, cut_seconds=4.0)
    assert [(one.onset_seconds, one.offset_seconds) for one in final.take().notes] == [(0.5, 12.0)]


def test_a_mix_that_gets_louder_is_expected_to() -> None:
    rate = 8000
    noise = 0.01 * np.random.default_rng(2).standard_normal((20 * rate, 2))
    noise[10 * rate :] *= 10
    foresight = Foresight(ArraySignal(noise.astype(np.float32), rate))
    assert foresight.louder_db(8.0) == pytest.approx(20 * SHARE, abs=1.0)
    assert foresight.louder_db(20.0) == 0.0


@pytest.mark.parametrize("frames", [0, 1, 8000])
def test_silence_tells_nothing(frames: int) -> None:
    assert Foresight(ArraySignal(np.zeros((frames, 2), np.float32), 8000)).louder_db(0.5) == 0.0
