from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import Cancelled, EngineFailed
from bridge.request import NoteSettings
from bridge.transcription.pitched import basic_pitch, reading
from bridge.transcription.pitched.basic_pitch import BasicPitch
from bridge.transcription.pitched.posteriors import contour_bin
from bridge.transcription.transcribers import PitchedTranscriber
from tests.support.fakes import RecordingControl
from tests.support.instruments import PITCH_RATE_HZ, as_signal, melody, tone

if TYPE_CHECKING:
    from bridge.model import Note
    from bridge.protocols import Control, Samples, Signal

TUNE = [(0.1, 0.4, 60), (0.6, 0.4, 64), (1.1, 0.2, 67), (1.4, 0.4, 67), (2.0, 0.6, 72), (4.1, 0.5, 65), (6.0, 0.15, 69)]


@pytest.fixture(scope="module")
def transcriber() -> PitchedTranscriber:
    return PitchedTranscriber()


def notes_of(transcriber: PitchedTranscriber, audio: Signal, stem: str, control: Control) -> list[Note]:
    return transcriber.notes(transcriber.analyse(audio, stem, control), stem, NoteSettings())


@pytest.mark.parametrize("stem", ["vocals", "piano"])
def test_a_tune_is_found(transcriber: PitchedTranscriber, stem: str) -> None:
    notes = notes_of(transcriber, melody(TUNE, 6.3), stem, RecordingControl())
    assert [note.pitch for note in notes] == [pitch for _, _, pitch in TUNE]
    for note, (onset, length, _) in zip(notes, TUNE, strict=True):
        assert note.onset_seconds == pytest.approx(onset, abs=0.03)
        assert note.offset_seconds == pytest.approx(onset + length, abs=0.1)
        assert note.confidence > 0.4
        assert note.bends == ()


def test_a_chord_is_found_in_full(transcriber: PitchedTranscriber) -> None:
    chord = [(0.2, 1.0, pitch) for pitch in (48, 55, 64, 67)]
    notes = notes_of(transcriber, melody(chord, 1.5), "piano", RecordingControl())
    assert {note.pitch for note in notes} >= {48, 55, 64, 67}


def test_time_does_not_drift(transcriber: PitchedTranscriber) -> None:
    """basic-pitch's own time grid is 0.5 % off: 300 ms after a minute."""
    onsets = [0.5 + 4.0 * count for count in range(15)]
    audio = melody([(onset, 0.3, 69) for onset in onsets], 60.0)
    notes = notes_of(transcriber, audio, "vocals", RecordingControl())
    assert [note.onset_seconds for note in notes] == pytest.approx(onsets, abs=0.02)


def test_a_note_just_before_the_end_is_found(transcriber: PitchedTranscriber) -> None:
    audio = melody([(0.5, 0.5, 60), (29.82, 0.18, 67)], 30.0)
    notes = notes_of(transcriber, audio, "vocals", RecordingControl())
    assert [note.pitch for note in notes] == [60, 67]
    assert notes[-1].onset_seconds < notes[-1].offset_seconds <= 30.0


def test_a_short_clip_is_enough(transcriber: PitchedTranscriber) -> None:
    notes = notes_of(transcriber, as_signal(tone(64, 0.3), PITCH_RATE_HZ), "other", RecordingControl())
    assert [note.pitch for note in notes] == [64]


@pytest.mark.parametrize("stem", ["vocals", "other"])
@pytest.mark.parametrize("frames", [0, 1, 220, 22050, 200_000])
def test_silence_has_no_notes(transcriber: PitchedTranscriber, frames: int, stem: str) -> None:
    assert notes_of(transcriber, as_signal(np.zeros(frames), PITCH_RATE_HZ), stem, RecordingControl()) == []


def test_a_hundredth_of_a_second_has_no_notes(transcriber: PitchedTranscriber) -> None:
    assert notes_of(transcriber, as_signal(tone(64, 0.01), PITCH_RATE_HZ), "other", RecordingControl()) == []


def test_the_noise_of_a_pause_has_no_notes(transcriber: PitchedTranscriber) -> None:
    audio = melody([(0.1, 0.5, 60)], 12.0)
    audio.samples[:, 0] += np.random.default_rng(4).normal(0, 3e-5, audio.frames).astype(np.float32)
    audio.samples[:, 0] += 2e-5 * np.sin(2 * np.pi * 440 * np.arange(audio.frames) / PITCH_RATE_HZ).astype(np.float32)
    assert [note.pitch for note in notes_of(transcriber, audio, "vocals", RecordingControl())] == [60]


def test_nan_samples_do_not_spread(transcriber: PitchedTranscriber) -> None:
    audio = melody([(0.5, 0.5, 60)], 5.0)
    audio.samples[60_000:60_010] = np.nan
    assert 60 in [note.pitch for note in notes_of(transcriber, audio, "other", RecordingControl())]


def test_velocity_follows_level(transcriber: PitchedTranscriber) -> None:
    wave = np.zeros(4 * PITCH_RATE_HZ)
    for index, gain in enumerate((0.4, 0.04, 0.4, 0.013)):
        start = index * PITCH_RATE_HZ
        wave[start + 2000 : start + 2000 + PITCH_RATE_HZ // 2] = tone(64, 0.5, gain=gain)[: PITCH_RATE_HZ // 2]
    notes = notes_of(transcriber, as_signal(wave, PITCH_RATE_HZ), "vocals", RecordingControl())
    assert [note.velocity for note in notes] == pytest.approx([110, 70, 110, 50], abs=2)


@pytest.mark.parametrize("stem", ["vocals", "other"])
def test_a_vibrato_is_one_note_whose_bends_follow_it(transcriber: PitchedTranscriber, stem: str) -> None:
    audio = as_signal(tone(67, 1.5, vibrato_semitones=0.4), PITCH_RATE_HZ)
    (note,) = notes_of(transcriber, audio, stem, RecordingControl())
    assert note.pitch == 67
    times = [bend.time_seconds for bend in note.bends]
    assert times == sorted(times)
    assert note.onset_seconds <= times[0] <= times[-1] < note.offset_seconds
    inner = [bend for bend in note.bends if 0.4 < bend.time_seconds < 1.3]
    truth = [0.4 * np.sin(2 * np.pi * 5 * bend.time_seconds) for bend in inner]
    assert [bend.semitones for bend in inner] == pytest.approx(truth, abs=0.2)
    assert max(bend.semitones for bend in inner) > 0.2
    assert min(bend.semitones for bend in inner) < -0.2


def test_a_flat_singer_is_bent_down(transcriber: PitchedTranscriber) -> None:
    audio = as_signal(tone(63.7, 1.0), PITCH_RATE_HZ)
    (note,) = notes_of(transcriber, audio, "vocals", RecordingControl())
    assert note.pitch == 64
    assert [bend.semitones for bend in note.bends] == pytest.approx([-0.3] * len(note.bends), abs=0.12)
    assert note.bends


@pytest.mark.parametrize("pitch", [40, 57, 69, 84])
def test_the_contour_peaks_at_the_expected_bin(transcriber: PitchedTranscriber, pitch: int) -> None:
    posteriors = transcriber.analyse(as_signal(tone(pitch, 1.0), PITCH_RATE_HZ), "other", RecordingControl())
    around = slice(contour_bin(pitch) - 4, contour_bin(pitch) + 5)
    assert posteriors.contour[20:60, around].mean(axis=0).argmax() == 4


class StrictSignal(ArraySignal):
    """Records the longest read."""

    longest = 0

    def read(self, start: int, stop: int) -> Samples:
        assert 0 <= start <= stop <= self.frames
        self.longest = max(self.longest, stop - start)
        return super().read(start, stop)


def test_the_batch_size_does_not_change_the_result_and_bounds_reads(
    transcriber: PitchedTranscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    audio = StrictSignal(melody(TUNE, 12.0).samples, PITCH_RATE_HZ)
    at_once = transcriber.analyse(audio, "other", RecordingControl())
    monkeypatch.setattr(reading, "WINDOWS_AT_ONCE", 2)
    audio.longest = 0
    two_at_once = transcriber.analyse(audio, "other", RecordingControl())
    assert audio.longest <= 2 * basic_pitch.WINDOW
    np.testing.assert_allclose(two_at_once.note, at_once.note, atol=1e-4)
    np.testing.assert_allclose(two_at_once.power, at_once.power)
    assert at_once.frames == -(-audio.frames // 256)


def test_it_reports_its_progress_and_can_be_cancelled(transcriber: PitchedTranscriber) -> None:
    audio = melody(TUNE, 20.0)
    control = RecordingControl()
    notes_of(transcriber, audio, "vocals", control)
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[0] == 0.0
    assert control.fractions[-1] == 1.0
    with pytest.raises(Cancelled):
        notes_of(transcriber, audio, "vocals", RecordingControl(cancel_at=1))


def test_other_sample_rates_are_refused(transcriber: PitchedTranscriber) -> None:
    with pytest.raises(ValueError, match="22050"):
        notes_of(transcriber, as_signal(np.zeros(100), 44100), "vocals", RecordingControl())


def test_the_error_for_a_broken_network_names_its_file(tmp_path: Path) -> None:
    broken = tmp_path / "nmp.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(EngineFailed, match=r"nmp\.onnx"):
        BasicPitch(broken)


def test_a_missing_network_is_reported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bridge.transcription.pitched.network_file.FOLDER", tmp_path)
    with pytest.raises(EngineFailed, match="missing"):
        BasicPitch()


@pytest.mark.end_to_end
def test_neither_librosa_nor_torch_is_imported() -> None:
    script = (
        "import sys; from bridge.transcription.pitched.basic_pitch import BasicPitch; BasicPitch();"
        "sys.exit(bool({'librosa', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
