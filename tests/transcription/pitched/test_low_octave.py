from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest

from bridge.audio.signal import ArraySignal
from bridge.request import NoteSettings
from bridge.transcription.pitched.bass.sped_up import SpedUp
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.transcribers import PitchedTranscriber
from tests.support.fakes import RecordingControl

RATE_HZ = 22_050
#: Semitones above a bass's lowest string.
STEPS = (0, 0, 3, 5, 7, 5, 3, 0)


@pytest.fixture(scope="module")
def transcriber() -> PitchedTranscriber:
    return PitchedTranscriber()


def bass(pitches: Sequence[int], overtones: int) -> ArraySignal:
    """A note every half second from 0.2 s on, a sine with `overtones` more."""
    wave = np.zeros(round((0.4 + len(pitches) / 2) * RATE_HZ))
    time = np.arange(round(0.48 * RATE_HZ)) / RATE_HZ
    for place, pitch in enumerate(pitches):
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        tone = sum(np.sin(2 * np.pi * hertz * part * time) / part for part in range(1, overtones + 2))
        at = round((0.2 + place / 2) * RATE_HZ)
        wave[at : at + len(time)] += 0.2 * tone * np.minimum(1, 200 * time) * np.minimum(1, 40 * (0.48 - time))
    return ArraySignal(wave[:, np.newaxis].astype(np.float32), RATE_HZ)


def analysed(transcriber: PitchedTranscriber, audio: ArraySignal, stem: str = "bass") -> Posteriors:
    return transcriber.analyse(audio, stem, RecordingControl())


@pytest.mark.parametrize(("lowest", "overtones"), [(28, 0), (23, 7), (26, 0)], ids=["sines", "five strings", "drop D"])
def test_the_lowest_octave_of_a_bass_is_heard(transcriber: PitchedTranscriber, lowest: int, overtones: int) -> None:
    pitches = [lowest + step for step in STEPS]
    notes = transcriber.notes(analysed(transcriber, bass(pitches, overtones)), "bass", NoteSettings())
    long = [note for note in notes if note.offset_seconds - note.onset_seconds > 0.2]
    assert [note.pitch for note in long] == pitches
    assert [note.onset_seconds for note in long] == pytest.approx([0.2 + step / 2 for step in range(8)], abs=0.06)
    assert len(notes) <= len(pitches) + 1


def test_only_a_bass_is_read_again(transcriber: PitchedTranscriber) -> None:
    audio = bass([28, 40], 7)
    plain, bass_posteriors = analysed(transcriber, audio, "other"), analysed(transcriber, audio, "bass")
    assert np.array_equal(analysed(transcriber, audio, "vocals").note, plain.note)
    assert np.any(bass_posteriors.note[:, plain.columns(28, 28)] > plain.note[:, plain.columns(28, 28)])
    assert np.array_equal(bass_posteriors.level, plain.level)


def test_progress_rises_to_the_end(transcriber: PitchedTranscriber) -> None:
    control = RecordingControl()
    transcriber.analyse(bass([28] * 20, 3), "bass", control)
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_it_does_not_matter_how_the_octave_up_is_read() -> None:
    rng = np.random.default_rng(3)
    audio = ArraySignal(rng.standard_normal((5001, 1)).astype(np.float32), RATE_HZ)
    up = SpedUp(audio, 2, drive=3.0, even=0.4)
    whole = up.read(0, up.frames)
    assert (up.frames, whole.shape) == (2501, (2501, 1))
    edges = [0, 1, 63, 64, 700, 701, 2400, 2501]
    parts: list[npt.NDArray[np.float32]] = [up.read(*pair) for pair in pairwise(edges)]
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)
    assert up.read(10, 10).shape == (0, 1)


def test_silence_stays_silent(transcriber: PitchedTranscriber) -> None:
    silence = ArraySignal(np.zeros((RATE_HZ * 3, 1), np.float32), RATE_HZ)
    assert not SpedUp(silence, 2, drive=3.0, even=0.4).read(0, 1000).any()
    assert transcriber.notes(analysed(transcriber, silence), "bass", NoteSettings()) == []
