from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import Cancelled
from bridge.model import Note
from bridge.transcription.drums import DrumOnsets
from tests.fakes import RecordingControl
from tests.transcription.sounds import DRUM_RATE_HZ, Wave, as_signal, hat, kick, place, snare

KICK, SNARE, HAT = 36, 38, 42
SOUNDS = {KICK: kick, SNARE: snare, HAT: hat}


def play(hits: list[tuple[float, int, float]], seconds: float) -> ArraySignal:
    """Hits (onset, key, gain)."""
    rng = np.random.default_rng(1)
    wave: Wave = np.zeros(round(seconds * DRUM_RATE_HZ))
    for onset, key, gain in hits:
        place(wave, gain * SOUNDS[key](rng), round(onset * DRUM_RATE_HZ))
    return as_signal(wave, DRUM_RATE_HZ)


def transcribe(audio: ArraySignal) -> list[Note]:
    return DrumOnsets().transcribe(audio, "drums", RecordingControl())


def rock_beat(bars: int, tempo_bpm: float) -> list[tuple[float, int, float]]:
    """Hats on eighths, snare on two and four, kick on one, the and of two, and three."""
    rng = np.random.default_rng(2)
    eighth = 30 / tempo_bpm
    hits = []
    for step in range(8 * bars):
        onset = 0.05 + step * eighth
        hits.append((onset, HAT, float(rng.uniform(0.5, 1.0))))
        if step % 4 == 2:
            hits.append((onset, SNARE, float(rng.uniform(0.7, 1.0))))
        if step % 8 in (0, 3, 4):
            hits.append((onset, KICK, float(rng.uniform(0.7, 1.0))))
    return hits


def matches(truth: list[float], found: list[float], window: float = 0.05) -> int:
    """How many of the truth have one of the found, each taken once, within the window."""
    rest = list(found)
    count = 0
    for onset in truth:
        near = [other for other in rest if abs(other - onset) <= window]
        if near:
            rest.remove(min(near, key=lambda other: abs(other - onset)))
            count += 1
    return count


@pytest.mark.parametrize("tempo_bpm", [80.0, 120.0, 170.0])
@pytest.mark.parametrize("key", [KICK, SNARE, HAT])
def test_a_rock_beat_is_found(key: int, tempo_bpm: float) -> None:
    beat = rock_beat(8, tempo_bpm)
    notes = transcribe(play(beat, beat[-1][0] + 0.5))
    truth = [onset for onset, struck, _ in beat if struck == key]
    found = [note.onset_seconds for note in notes if note.pitch == key]
    right = matches(truth, found)
    assert right / len(found) >= 0.9
    assert right / len(truth) >= 0.9


@pytest.mark.parametrize("key", [KICK, SNARE, HAT])
def test_a_drum_alone_is_that_drum_and_no_other(key: int) -> None:
    onsets = [0.1 + 0.3 * count for count in range(12)]
    notes = transcribe(play([(onset, key, 1.0) for onset in onsets], 4.0))
    assert {note.pitch for note in notes} == {key}
    assert matches(onsets, [note.onset_seconds for note in notes], 0.01) == len(onsets) == len(notes)


def test_the_last_moment_of_the_clip_is_heard() -> None:
    notes = transcribe(play([(0.2, SNARE, 1.0), (0.95, SNARE, 1.0)], 1.0))
    assert [note.pitch for note in notes] == [SNARE, SNARE]
    assert notes[-1].onset_seconds == pytest.approx(0.95, abs=0.01)
    assert notes[-1].onset_seconds < notes[-1].offset_seconds <= 1.0


def test_a_harder_stroke_has_the_higher_velocity() -> None:
    gains = [0.25, 1.0, 0.5, 1.0, 0.25, 0.5]
    notes = transcribe(play([(0.1 + 0.4 * index, SNARE, gain) for index, gain in enumerate(gains)], 3.0))
    by_gain: dict[float, list[int]] = {}
    for gain, note in zip(gains, notes, strict=True):
        by_gain.setdefault(gain, []).append(note.velocity)
    assert max(by_gain[0.25]) < min(by_gain[0.5]) <= max(by_gain[0.5]) < min(by_gain[1.0])


def test_a_roll_keeps_its_strokes_apart() -> None:
    onsets = [0.1 + 0.07 * count for count in range(16)]
    notes = transcribe(play([(onset, SNARE, 0.8) for onset in onsets], 2.0))
    snares = [note for note in notes if note.pitch == SNARE]
    assert matches(onsets, [note.onset_seconds for note in snares]) >= 0.9 * len(onsets)
    for one, following in pairwise(snares):
        assert one.offset_seconds <= following.onset_seconds


@pytest.mark.parametrize("seconds", [0.0, 0.01, 1.0])
def test_silence_has_no_hits(seconds: float) -> None:
    assert transcribe(play([], seconds)) == []


def test_steady_noise_has_next_to_no_hits() -> None:
    noise = np.random.default_rng(3).standard_normal(4 * DRUM_RATE_HZ) * 1e-3
    assert len(transcribe(as_signal(noise, DRUM_RATE_HZ))) <= 3


def test_blocks_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = play(rock_beat(4, 120.0), 8.5)
    whole = transcribe(audio)
    monkeypatch.setattr("bridge.transcription.bands.BLOCK_FRAMES", 37)
    assert transcribe(audio) == whole


def test_it_can_be_cancelled_and_reports_its_end() -> None:
    audio = play(rock_beat(1, 120.0), 2.5)
    with pytest.raises(Cancelled):
        DrumOnsets().transcribe(audio, "drums", RecordingControl(cancel_at=0))
    control = RecordingControl()
    DrumOnsets().transcribe(audio, "drums", control)
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_only_its_own_rate_is_taken() -> None:
    with pytest.raises(ValueError, match="44100"):
        transcribe(as_signal(np.zeros(100), 48000))
