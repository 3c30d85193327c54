from __future__ import annotations

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import EngineFailed
from bridge.transcription.pitched.bass import swift_f0
from bridge.transcription.pitched.bass.bass_pitch import STEP, joined
from bridge.transcription.pitched.bass.swift_f0 import HOP, PitchReading, PitchTrack, SwiftF0, find_pitch_network
from bridge.transcription.pitched.decoder import decode_notes
from bridge.transcription.pitched.posteriors import Posteriors
from bridge.transcription.pitched.profiles import profile_for
from tests.support.fakes import RecordingControl
from tests.transcription.pitched.test_decoder import add_note, empty

FRAMES = 300


def track(pitch: float, confidence: float) -> PitchTrack:
    """A pitch, as sure as that while the note of `an_octave_too_high` sounds."""
    sure = np.zeros(FRAMES // STEP, np.float32)
    sure[60 // STEP : 200 // STEP] = confidence
    return PitchTrack(np.full(len(sure), pitch, np.float32), sure)


def an_octave_too_high() -> Posteriors:
    return add_note(empty(FRAMES), 45, 60, 200)


def pitches(posteriors: Posteriors) -> list[int]:
    return [note.pitch for note in decode_notes(posteriors, profile_for("bass"))]


def test_a_sure_track_says_which_key_and_the_posteriors_when() -> None:
    found = joined(an_octave_too_high(), track(33.1, 0.95))
    assert pitches(an_octave_too_high()) == [45]
    assert pitches(found) == [33]
    assert int(found.onset[:, 33 - 21].argmax()) == 60


def test_an_unsure_track_changes_nothing() -> None:
    found = joined(an_octave_too_high(), track(33.1, 0.3))
    assert np.array_equal(found.note, an_octave_too_high().note)
    assert np.array_equal(found.onset, an_octave_too_high().onset)


def test_posteriors_and_tracks_may_be_empty_or_of_other_lengths() -> None:
    nothing = PitchTrack(np.zeros(0, np.float32), np.zeros(0, np.float32))
    assert joined(empty(0), nothing).frames == 0
    assert np.array_equal(joined(an_octave_too_high(), nothing).note, an_octave_too_high().note)
    assert joined(an_octave_too_high(), PitchTrack(*(part[:5] for part in track(33, 0.9)))).frames == FRAMES


def test_a_tone_is_tracked_however_long_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(swift_f0, "FRAMES_AT_ONCE", 40)
    time = np.arange(100 * HOP + 7) / 16000
    tone = np.stack([np.sin(2 * np.pi * 110 * part * time) / part for part in range(1, 6)]).sum(axis=0)
    control = RecordingControl()
    reading = PitchReading(SwiftF0(), ArraySignal((0.2 * tone)[:, np.newaxis].astype(np.float32), 16000), 16000)
    reading.advance(len(tone), control)
    found = reading.track
    assert len(found.pitch) == len(found.confidence) == 101
    assert found.confidence[5:95].min() > 0.5
    assert found.pitch[5:95] == pytest.approx(45, abs=0.2)
    assert control.fractions[-1] == 1.0


def test_silence_has_no_pitch() -> None:
    silence = ArraySignal(np.zeros((HOP * 20, 1), np.float32), 16000)
    reading = PitchReading(SwiftF0(), silence, 16000)
    reading.advance(silence.frames, RecordingControl())
    assert reading.frames == 20 and not reading.track.confidence.any()


def test_a_missing_network_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.transcription.pitched.bass.pitch_network_file.package_folder", lambda _: None)
    with pytest.raises(EngineFailed, match="swift-f0"):
        find_pitch_network()
