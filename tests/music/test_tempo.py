from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from bridge.audio.signal import ArraySignal
from bridge.errors import Cancelled
from bridge.music.tempo.estimate import CONFIDENT, TempoEstimate, estimate_tempo
from tests.support.fakes import RecordingControl

Wave = npt.NDArray[np.float64]

#: One bar of sixteenths.
KICK, SNARE, HAT = "k-----k-k-------", "----s-------s---", "h-h-h-h-h-h-h-h-"


def drum_sound(letter: str, rate: int) -> Wave:
    """A falling sine for a kick, noise for a snare, short high noise for a hat."""
    time = np.arange(round(0.12 * rate)) / rate
    noise = np.random.default_rng(ord(letter)).standard_normal(len(time))
    if letter == "k":
        return np.asarray(0.8 * np.sin(2 * np.pi * (50 * time + 2 * (1 - np.exp(-time * 50)))) * np.exp(-time * 25))
    if letter == "s":
        return np.asarray(0.3 * noise * np.exp(-time * 30))
    return np.asarray(0.1 * np.diff(noise, append=0.0) * np.exp(-time * 90))


def beat(tempo: float, bars: int, rate: int = 44_100, start: float = 0.0, seconds: float | None = None) -> ArraySignal:
    """A drum loop: two channels, `bars` long to the frame, or `seconds` from `start` on of a longer one."""
    frames = round(bars * 240 / tempo * rate)
    wave = np.zeros(frames + rate)
    for bar in range(bars):
        for row in (KICK, SNARE, HAT):
            for step, letter in enumerate(row):
                if letter != "-":
                    at = round((bar + step / 16) * 240 / tempo * rate)
                    sound = drum_sound(letter, rate)
                    wave[at : at + len(sound)] += sound
    first = round(start * rate)
    return signal(wave[first : frames if seconds is None else first + round(seconds * rate)], rate)


def signal(wave: Wave, rate: int = 44_100) -> ArraySignal:
    return ArraySignal(np.stack([wave, 0.8 * wave], axis=1).astype(np.float32), rate)


def estimate(audio: ArraySignal) -> TempoEstimate:
    return estimate_tempo(audio, RecordingControl())


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize(("tempo", "bars"), [(120.0, 1), (97.3, 2), (128.0, 4), (104.0, 3)])
def test_the_tempo_of_a_loop_fits_whole_bars(tempo: float, bars: int, rate: int) -> None:
    found = estimate(beat(tempo, bars, rate))
    assert (found.bpm, found.method, found.first_beat_seconds) == (tempo, "loop", 0.0)
    assert found.confidence >= CONFIDENT


@pytest.mark.parametrize("tempo", [90.0, 118.7])
@pytest.mark.parametrize("start", [0.0, 0.31])
def test_the_tempo_of_any_other_clip_is_that_of_its_beats(tempo: float, start: float) -> None:
    found = estimate(beat(tempo, 8, start=start, seconds=13.37))
    assert found.bpm == pytest.approx(tempo, rel=0.001)
    assert (found.method, found.confidence >= CONFIDENT) == ("beats", True)
    missed = (found.first_beat_seconds + start) % (60 / tempo)
    assert min(missed, 60 / tempo - missed) < 0.015


@pytest.mark.parametrize("before", [0.0, 0.012])
@pytest.mark.parametrize("after", [0.0, 0.02])
def test_silence_around_a_loop_is_left_out(before: float, after: float) -> None:
    wave = np.asarray(beat(124.0, 4).samples[:, 0], np.float64)
    padded = np.pad(wave, (round(before * 44_100), round(after * 44_100)))
    found = estimate(signal(padded))
    assert found.bpm == 124.0
    assert found.first_beat_seconds == pytest.approx(before, abs=0.005)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.2, 0.9])
def test_a_very_short_clip_has_no_confident_tempo(seconds: float) -> None:
    found = estimate(beat(120.0, 1, seconds=seconds))
    assert found.confidence < CONFIDENT
    assert 70 <= found.bpm <= 180


def test_a_very_low_sample_rate_works() -> None:
    assert 70 <= estimate(beat(120.0, 4, rate=4_000)).bpm <= 180


def test_silence_noise_and_a_held_tone_have_no_confident_tempo() -> None:
    time = np.arange(8 * 44_100) / 44_100
    rng = np.random.default_rng(5)
    for wave in (0 * time, 0.1 * rng.standard_normal(len(time)), 0.3 * np.sin(2 * np.pi * 220 * time)):
        assert estimate(signal(wave)).confidence < CONFIDENT


@pytest.mark.parametrize("seed", range(6))
def test_random_hits_have_no_confident_tempo(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wave = np.zeros(12 * 44_100)
    for start in rng.uniform(0, 11.8, 40):
        at = round(start * 44_100)
        sound = drum_sound(str(rng.choice(["k", "s", "h"])), 44_100)
        wave[at : at + len(sound)] += sound
    assert estimate(signal(wave)).confidence < CONFIDENT


def played(chords: list[tuple[float, float]], steps: int, tempo: float) -> ArraySignal:
    """One chord per bar, repeated evenly `steps` times: two tones with decaying harmonics."""
    rate = 44_100
    bar = round(240 / tempo * rate)
    wave = np.zeros(bar * len(chords) + rate)
    time = np.arange(round(0.9 * bar / steps)) / rate
    for index, roots in enumerate(chords):
        tones = [np.sin(2 * np.pi * hz * part * time) / part**2 for hz in roots for part in range(1, 6)]
        tone = np.sum(tones, axis=0) * np.exp(-3 * time) * np.minimum(1, 200 * time)
        for step in range(steps):
            at = round(bar * (index + step / steps))
            wave[at : at + len(tone)] += 0.1 * tone
    return signal(wave[: bar * len(chords)])


@pytest.mark.parametrize(("tempo", "steps"), [(84.0, 4), (86.0, 8), (168.0, 4), (172.0, 8)])
def test_chord_changes_determine_the_bar_length(tempo: float, steps: int) -> None:
    found = estimate(played([(220.0, 330.0), (174.6, 261.6), (196.0, 293.7), (246.9, 370.0)], steps, tempo))
    assert found.bpm == tempo


@pytest.mark.parametrize(("tempo", "steps"), [(80.0, 8), (160.0, 4)])
def test_even_repeats_of_one_chord_may_be_quarters_or_eighths(tempo: float, steps: int) -> None:
    found = estimate(played([(220.0, 330.0)] * 4, steps, tempo))
    assert found.bpm in (80.0, 160.0)
    assert found.confidence < CONFIDENT


def test_the_estimate_does_not_depend_on_level() -> None:
    loud = beat(113.0, 2)
    soft = ArraySignal(loud.samples * np.float32(0.01), 44_100)
    assert estimate(soft).bpm == estimate(loud).bpm == 113.0


def test_the_same_clip_gives_the_same_estimate() -> None:
    audio = beat(140.0, 2)
    assert estimate(audio) == estimate(audio)


class EndlessSignal:
    """Hours of one loop; counts the frames read."""

    channels, sample_rate_hz = 2, 44_100

    def __init__(self, hours: float) -> None:
        self.frames = round(hours * 3600 * 44_100)
        self.loop = beat(125.0, 2).samples
        self.read_frames = 0
        self.longest = 0

    def read(self, start: int, stop: int) -> npt.NDArray[np.float32]:
        self.read_frames += stop - start
        self.longest = max(self.longest, stop - start)
        return np.asarray(self.loop[np.arange(start, stop) % len(self.loop)])


def test_of_hours_only_minutes_are_read_in_small_blocks() -> None:
    audio = EndlessSignal(hours=2)
    found = estimate_tempo(audio, RecordingControl())
    assert found.bpm == 125.0
    assert audio.read_frames < 180 * 44_100
    assert audio.longest < 4 * 44_100
    missed = found.first_beat_seconds % (60 / 125)
    assert min(missed, 60 / 125 - missed) < 0.02


def test_progress_rises_and_it_can_be_cancelled() -> None:
    control = RecordingControl()
    estimate_tempo(beat(120.0, 8), control)
    assert control.fractions == sorted(control.fractions)
    assert control.fractions[-1] == 1.0
    with pytest.raises(Cancelled):
        estimate_tempo(beat(120.0, 8), RecordingControl(cancel_at=1))
