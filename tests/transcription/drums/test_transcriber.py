from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import Cancelled
from bridge.model import Note
from bridge.transcription.drums.layout import OUTPUTS
from bridge.transcription.drums.transcriber import DrumDetector, has_kit
from tests.support.fakes import RecordingControl
from tests.support.instruments import DRUM_RATE_HZ, Wave, as_signal, kick, place

KICK, SNARE, HAT, OPEN_HAT, CRASH = 36, 38, 42, 46, 49
TOMS = (41, 45, 47, 50)


def noise(rng: np.random.Generator, seconds: float, low_hz: float, high_hz: float) -> Wave:
    """Noise of one band, at about full scale."""
    count = round(seconds * DRUM_RATE_HZ)
    spectrum = np.fft.rfft(rng.standard_normal(count))
    frequency = np.fft.rfftfreq(count, 1 / DRUM_RATE_HZ)
    spectrum /= 1 + (low_hz / np.maximum(frequency, 1)) ** 4 + (frequency / high_hz) ** 4
    wave = np.fft.irfft(spectrum, count)
    return np.asarray(wave / np.abs(wave).max())


def decaying(wave: Wave, rate: float) -> Wave:
    return np.asarray(wave * np.exp(-rate * np.arange(len(wave)) / DRUM_RATE_HZ))


def snare(rng: np.random.Generator) -> Wave:
    """A 190 Hz shell under wires, whose noise lies from 1 to 7 kHz."""
    shell = 0.3 * np.sin(2 * np.pi * 190 * np.arange(round(0.2 * DRUM_RATE_HZ)) / DRUM_RATE_HZ)
    return decaying(shell, 25) + decaying(0.5 * noise(rng, 0.2, 800, 7000), 25)


def hat(rng: np.random.Generator) -> Wave:
    return decaying(0.25 * noise(rng, 0.1, 8000, 16000), 40)


def open_hat(rng: np.random.Generator) -> Wave:
    """Like the closed hat, a little lower, and half a second long."""
    return decaying(0.25 * noise(rng, 0.6, 6000, 16000), 6)


def crash(rng: np.random.Generator) -> Wave:
    """Equally loud in every octave from 600 Hz to 6 kHz."""
    octaves = [noise(rng, 2.0, hertz, 1.5 * hertz) for hertz in (600, 1200, 2400, 4800)]
    return decaying(0.15 * np.sum(octaves, axis=0), 2.5)


def tom(rng: np.random.Generator) -> Wave:
    """Falls from 240 to 190 Hz and rings, with a click and the noise of the head."""
    time = np.arange(round(0.5 * DRUM_RATE_HZ)) / DRUM_RATE_HZ
    phase = 2 * np.pi * np.cumsum(190 + 50 * np.exp(-time * 30)) / DRUM_RATE_HZ
    overtone = 0.2 * np.sin(2.3 * phase) * np.exp(-time * 15)
    click = 0.2 * rng.standard_normal(len(time)) * np.exp(-time * 400)
    return np.asarray(
        (0.7 * np.sin(phase) + overtone) * np.exp(-time * 7) + click + decaying(0.05 * noise(rng, 0.5, 300, 3000), 20)
    )


SOUNDS = {KICK: kick, SNARE: snare, HAT: hat, OPEN_HAT: open_hat, CRASH: crash, 45: tom}


def play(hits: list[tuple[float, int, float]], seconds: float) -> ArraySignal:
    """Hits (onset, key, gain)."""
    rng = np.random.default_rng(1)
    wave: Wave = np.zeros(round(seconds * DRUM_RATE_HZ))
    for onset, key, gain in hits:
        place(wave, gain * SOUNDS[key](rng), round(onset * DRUM_RATE_HZ))
    return as_signal(wave, DRUM_RATE_HZ)


def transcribe(audio: ArraySignal) -> list[Note]:
    return DrumDetector().transcribe(audio, "drums", RecordingControl())


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
    """How many true onsets have a found one within the window; each found onset counts once."""
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
    truth = [onset for onset, other, _ in beat if other == key]
    found = [note.onset_seconds for note in notes if note.pitch == key]
    right = matches(truth, found)
    assert right / len(found) >= 0.9
    assert right / len(truth) >= 0.9


@pytest.mark.parametrize("key", [KICK, SNARE, HAT])
def test_a_drum_by_itself_is_not_taken_for_another(key: int) -> None:
    onsets = [0.1 + 0.3 * count for count in range(12)]
    notes = transcribe(play([(onset, key, 1.0) for onset in onsets], 4.0))
    assert {note.pitch for note in notes} == {key}
    assert matches(onsets, [note.onset_seconds for note in notes], 0.01) == len(onsets) == len(notes)


def test_a_hit_just_before_the_end_is_found() -> None:
    notes = transcribe(play([(0.2, SNARE, 1.0), (0.95, SNARE, 1.0)], 1.0))
    assert [note.pitch for note in notes] == [SNARE, SNARE]
    assert notes[-1].onset_seconds == pytest.approx(0.95, abs=0.01)
    assert notes[-1].onset_seconds < notes[-1].offset_seconds <= 1.0


def test_a_harder_hit_has_a_higher_velocity() -> None:
    gains = [0.25, 1.0, 0.5, 1.0, 0.25, 0.5]
    notes = transcribe(play([(0.1 + 0.4 * index, SNARE, gain) for index, gain in enumerate(gains)], 3.0))
    by_gain: dict[float, list[int]] = {}
    for gain, note in zip(gains, notes, strict=True):
        by_gain.setdefault(gain, []).append(note.velocity)
    assert max(by_gain[0.25]) < min(by_gain[0.5]) <= max(by_gain[0.5]) < min(by_gain[1.0])


def test_the_hits_of_a_roll_are_separate_notes() -> None:
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


def test_the_block_size_does_not_change_the_result(monkeypatch: pytest.MonkeyPatch) -> None:
    audio = play(rock_beat(4, 120.0), 8.5)
    whole = transcribe(audio)
    monkeypatch.setattr("bridge.transcription.drums.band_spectrogram.BLOCK_FRAMES", 37)
    assert transcribe(audio) == whole


def test_it_can_be_cancelled_and_reports_progress_to_the_end() -> None:
    audio = play(rock_beat(1, 120.0), 2.5)
    with pytest.raises(Cancelled):
        DrumDetector().transcribe(audio, "drums", RecordingControl(cancel_at=0))
    control = RecordingControl()
    DrumDetector().transcribe(audio, "drums", control)
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0


def test_other_sample_rates_are_refused() -> None:
    with pytest.raises(ValueError, match="44100"):
        transcribe(as_signal(np.zeros(100), 48000))


def test_open_and_closed_hats_are_distinguished() -> None:
    beat = [(0.1 + 0.5 * count, KICK, 1.0) for count in range(8)]
    closed = [(0.1 + 0.25 * count, HAT, 0.8) for count in range(16) if count % 8 != 7]
    opened = [(0.1 + 0.25 * count, OPEN_HAT, 0.8) for count in range(16) if count % 8 == 7]
    notes = transcribe(play(beat + closed + opened, 5.0))
    found = [note.onset_seconds for note in notes if note.pitch == OPEN_HAT]
    assert matches([onset for onset, _, _ in opened], found) == len(opened) == len(found)


def test_toms_are_neither_kick_nor_snare() -> None:
    beat = rock_beat(4, 100.0)
    after = beat[-1][0] + 0.4
    toms = [(after + 0.25 * count, 45, 1.0) for count in range(6)]
    notes = transcribe(play(beat + toms, after + 2.5))
    found = [note for note in notes if note.onset_seconds > after - 0.05]
    assert {note.pitch for note in found} <= set(TOMS)
    assert matches([onset for onset, _, _ in toms], [note.onset_seconds for note in found]) >= 5


def test_a_crash_is_found() -> None:
    beat = rock_beat(4, 100.0)
    notes = transcribe(play([*beat, (beat[-1][0] + 0.4, CRASH, 1.0)], beat[-1][0] + 3.0))
    assert [note.onset_seconds for note in notes if note.pitch == CRASH] == pytest.approx([beat[-1][0] + 0.4], abs=0.02)


def test_a_clip_of_one_hit() -> None:
    (note,) = transcribe(play([(0.1, KICK, 1.0)], 0.3))
    assert note.pitch == KICK
    assert note.onset_seconds == pytest.approx(0.1, abs=0.01)
    assert note.offset_seconds <= 0.3


@pytest.mark.parametrize("cut_seconds", [0.005, 0.02, 0.1])
def test_a_clip_that_ends_within_a_hit(cut_seconds: float) -> None:
    notes = transcribe(play([(0.2, KICK, 1.0), (0.6, KICK, 1.0)], 0.6 + cut_seconds))
    assert notes[0].onset_seconds == pytest.approx(0.2, abs=0.01)
    assert all(0 <= note.onset_seconds < note.offset_seconds <= 0.6 + cut_seconds for note in notes)


def test_fast_double_kicks_are_all_found() -> None:
    onsets = [0.1 + 0.0625 * count for count in range(24)]  # 1/32 at 120 bpm
    notes = transcribe(play([(onset, KICK, 1.0) for onset in onsets], 2.0))
    assert matches(onsets, [note.onset_seconds for note in notes]) >= 0.9 * len(onsets)
    assert len({note.onset_seconds for note in notes}) <= len(onsets)


def test_a_flam_is_one_hit() -> None:
    onsets = [0.1 + 0.5 * count for count in range(6)]
    flams = [(onset - 0.02, SNARE, 0.3) for onset in onsets] + [(onset, SNARE, 1.0) for onset in onsets]
    snares = [note.onset_seconds for note in transcribe(play(flams, 3.5)) if note.pitch == SNARE]
    assert matches(onsets, snares) == len(onsets) == len(snares)


def test_a_held_chord_has_next_to_no_hits() -> None:
    time = np.arange(4 * DRUM_RATE_HZ) / DRUM_RATE_HZ
    chord = sum(0.1 * np.sin(2 * np.pi * hertz * time) for hertz in (220.0, 277.2, 329.6))
    assert len(transcribe(as_signal(np.asarray(chord), DRUM_RATE_HZ))) <= 1


def test_the_result_is_deterministic() -> None:
    audio = play(rock_beat(4, 110.0), 9.0)
    assert transcribe(audio) == transcribe(audio)


def test_the_result_does_not_depend_on_level() -> None:
    audio = play(rock_beat(4, 110.0), 9.0)
    soft = transcribe(as_signal(0.05 * audio.samples[:, 0], DRUM_RATE_HZ))
    assert [(note.onset_seconds, note.pitch) for note in soft] == [
        (note.onset_seconds, note.pitch) for note in transcribe(audio)
    ]


def voice(hertz: float, seconds: float) -> Wave:
    """A sung note: twenty harmonics with vibrato and an attack of 40 ms."""
    time = np.arange(round(seconds * DRUM_RATE_HZ)) / DRUM_RATE_HZ
    phase = 2 * np.pi * np.cumsum(hertz * 2 ** (0.03 * np.sin(2 * np.pi * 5 * time))) / DRUM_RATE_HZ
    harmonics = np.sum([np.sin(number * phase) / number for number in range(1, 21)], axis=0)
    return np.asarray(0.2 * harmonics * np.minimum(1.0, np.minimum(time, seconds - time) / 0.04))


def test_a_voice_has_no_hits() -> None:
    wave: Wave = np.zeros(8 * DRUM_RATE_HZ)
    for index, hertz in enumerate((220, 262, 330, 294, 247, 392, 330, 262) * 2):
        place(wave, voice(hertz, 0.45), round((0.1 + index * 0.48) * DRUM_RATE_HZ))
    assert transcribe(as_signal(wave, DRUM_RATE_HZ)) == []


@pytest.mark.parametrize(
    ("named", "of", "seconds", "expected"),
    [
        (4, 23, 7.0, False),  # consonants of a voice
        (2, 93, 20.0, False),
        (13, 38, 7.0, True),  # a quiet kit
        (29, 184, 12.0, True),  # a ride beside a bass, whose notes rise too
        (1, 1, 60.0, True),  # a single hit
        (0, 50, 10.0, False),
    ],
)
def test_a_kit_has_enough_named_hits(named: int, of: int, seconds: float, expected: bool) -> None:
    probabilities = np.zeros((of, len(OUTPUTS)))
    probabilities[:named, OUTPUTS.index("kick")] = 0.9
    assert has_kit(probabilities, seconds) is expected


@pytest.mark.parametrize("key", [KICK, SNARE])
def test_residue_of_other_instruments_is_not_taken_for_drums(key: int) -> None:
    """Attacks of a bass and of a melody, as a separation leaves them in the drum stem."""
    rng = np.random.default_rng(5)
    beat = rock_beat(8, 100.0)
    wave = play(beat, beat[-1][0] + 0.5).samples[:, 0].astype(np.float64)
    time = np.arange(round(0.25 * DRUM_RATE_HZ)) / DRUM_RATE_HZ
    for step in range(1, 32):
        bass = 0.12 * np.sin(2 * np.pi * (55, 65, 73, 82)[step % 4] * time) * np.exp(-time * 10)
        place(wave, bass, round((0.05 + step * 0.6 + 0.15) * DRUM_RATE_HZ))
        lead = 0.2 * decaying(noise(rng, 0.2, 400, 1200), 20)
        place(wave, lead, round((0.05 + step * 0.6 + 0.45) * DRUM_RATE_HZ))
    found = [note.onset_seconds for note in transcribe(as_signal(wave, DRUM_RATE_HZ)) if note.pitch == key]
    truth = [onset for onset, other, _ in beat if other == key]
    right = matches(truth, found)
    assert right / len(truth) >= 0.9
    assert right / len(found) >= 0.9


def test_a_bright_kick_is_not_taken_for_a_snare() -> None:
    """A hard beater on a tight head: mid-frequency noise with every kick."""
    rng = np.random.default_rng(6)
    beat = rock_beat(8, 100.0)
    wave = play(beat, beat[-1][0] + 0.5).samples[:, 0].astype(np.float64)
    for onset, key, gain in beat:
        if key == KICK:
            place(wave, gain * decaying(0.25 * noise(rng, 0.15, 300, 5000), 30), round(onset * DRUM_RATE_HZ))
    snares = [note.onset_seconds for note in transcribe(as_signal(wave, DRUM_RATE_HZ)) if note.pitch == SNARE]
    truth = [onset for onset, key, _ in beat if key == SNARE]
    assert matches(truth, snares) == len(truth) == len(snares)
