"""The synthesiser's sound, and files read at any place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.hearing.voices.drum_voice import DrumVoice, drum_sound
from bridge.hearing.voices.file_voice import CHUNK_FRAMES, FileVoice
from bridge.hearing.voices.note_voice import MOST_VOICES, NoteVoice, tables
from bridge.model import Bend, Note
from tests.hearing.by_hand import RATE_HZ, largest_step, level_of, sine


def note(
    pitch: int, onset: float = 0.0, offset: float = 1.0, velocity: int = 100, bends: tuple[Bend, ...] = ()
) -> Note:
    return Note(onset_seconds=onset, offset_seconds=offset, pitch=pitch, velocity=velocity, bends=bends)


@pytest.mark.parametrize("pitch", [28, 69, 105, 127])
def test_a_note_has_its_pitch_and_nothing_mirrored_at_half_the_rate(pitch: int) -> None:
    voice = NoteVoice([note(pitch)], RATE_HZ)
    sound = voice.read(0, RATE_HZ)[:, 0]
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    hertz = 440.0 * 2 ** ((pitch - 69) / 12)
    bins = np.arange(len(spectrum))  # a bin is 1 Hz
    harmonics = np.abs((bins / hertz) - np.round(bins / hertz)) * hertz < 12
    assert abs(int(spectrum.argmax()) - hertz) < 2
    assert spectrum[~harmonics].max() < spectrum.max() * 0.003  # -50 dB


def test_a_bend_changes_the_pitch_and_clicks_nowhere() -> None:
    bent = note(57, bends=(Bend(time_seconds=0.5, semitones=2.0),))
    sound = NoteVoice([bent], RATE_HZ).read(0, RATE_HZ)
    low, high = 220.0, 220.0 * 2 ** (2 / 12)
    assert level_of(sound[4800:24000], low) > 5 * level_of(sound[4800:24000], high)
    assert level_of(sound[24000:43200], high) > 5 * level_of(sound[24000:43200], low)
    assert largest_step(sound) < 1.5 * largest_step(NoteVoice([note(59)], RATE_HZ).read(0, RATE_HZ))


def test_the_harder_the_louder_and_the_brighter() -> None:
    soft, hard = (NoteVoice([note(57, velocity=velocity)], RATE_HZ).read(0, 24000) for velocity in (30, 120))
    assert np.abs(hard).max() > 4 * np.abs(soft).max()
    assert level_of(hard, 1320.0) / level_of(hard, 220.0) > 2 * level_of(soft, 1320.0) / level_of(soft, 220.0)


def test_a_voice_is_the_same_however_it_is_read() -> None:
    chord = [
        note(60 + 4 * step, onset=0.1 * step, bends=(Bend(time_seconds=0.3, semitones=-1.5),)) for step in range(6)
    ]
    hits = [note(key, onset=0.07 * index) for index, key in enumerate((36, 42, 38, 46, 45, 49, 51, 37, 39, 70))]
    for voice in (NoteVoice(chord, RATE_HZ), DrumVoice(hits, RATE_HZ)):
        whole = voice.read(0, voice.frames + 100)
        pieces = [voice.read(start, start + 777) for start in range(0, voice.frames + 100, 777)]
        assert np.array_equal(np.concatenate(pieces)[: len(whole)], whole)
        assert whole[: RATE_HZ // 2].any()
        assert not whole[voice.frames :].any()


def test_many_notes_at_once_are_the_newest() -> None:
    many = [note(40 + index % 40, onset=index / 1000) for index in range(3 * MOST_VOICES)]
    sound = NoteVoice(many, RATE_HZ).read(RATE_HZ // 2, RATE_HZ // 2 + 1024)
    newest = NoteVoice(many[-MOST_VOICES:], RATE_HZ).read(RATE_HZ // 2, RATE_HZ // 2 + 1024)
    assert np.allclose(sound, newest)


@pytest.mark.parametrize("key", [*range(35, 60), 70, 0, 127])
def test_every_drum_is_a_sound_within_full_scale_that_begins_and_ends_in_silence(key: int) -> None:
    sound = drum_sound(key, RATE_HZ)
    assert np.abs(sound).max() == pytest.approx(1.0)
    assert abs(sound[0]) < 0.01
    assert abs(sound[-1]) < 0.01


def test_drums_lie_where_their_names_say() -> None:
    def centre(key: int) -> float:
        spectrum = np.abs(np.fft.rfft(drum_sound(key, RATE_HZ), RATE_HZ)) ** 2
        return float((np.arange(len(spectrum)) * spectrum).sum() / spectrum.sum())

    kick, low_tom, high_tom, snare, hat = map(centre, (36, 41, 50, 38, 42))
    assert kick < low_tom < high_tom < snare < hat
    assert len(drum_sound(42, RATE_HZ)) < len(drum_sound(46, RATE_HZ)) < len(drum_sound(49, RATE_HZ))


def test_tables_are_within_full_scale_at_every_rate() -> None:
    for rate in (8_000, 44_100, 192_000):
        for band in range(23):
            soft, bright = tables(band, rate)
            assert max(np.abs(soft).max(), np.abs(soft + bright).max()) <= 1.0001


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_file_is_the_same_forwards_and_after_jumps(tmp_path: Path, ending: str) -> None:
    path = Path(sine(tmp_path / f"clip.{ending}", 440.0, seconds=8.0, rate_hz=44_100))
    voice = FileVoice(path, RATE_HZ)
    forwards = [voice.read(start, start + CHUNK_FRAMES) for start in range(0, voice.frames, CHUNK_FRAMES)]
    for index in (len(forwards) - 2, 1, 0, 9, 5):
        again = voice.read(index * CHUNK_FRAMES, (index + 1) * CHUNK_FRAMES)
        # libsndfile's and FFmpeg's lossy decoders start a little differently after a jump
        assert np.allclose(again, forwards[index], atol=1e-6 if ending in ("wav", "flac") else 0.01), index
    assert voice.frames == pytest.approx(8 * RATE_HZ, abs=RATE_HZ // 10)
    voice.close()


def test_mono_is_in_the_middle_and_many_channels_are_their_mean(tmp_path: Path) -> None:
    channels = np.tile(np.array([[0.2, 0.4, 0.6]], np.float32), (RATE_HZ, 1))
    for count, heard in ((1, 0.2), (3, 0.4)):
        path = tmp_path / f"{count}.wav"
        soundfile.write(path, channels[:, :count], RATE_HZ, "FLOAT")
        voice = FileVoice(path, RATE_HZ)
        assert voice.read(100, 101) == pytest.approx(np.array([[heard, heard]]), abs=1e-6)
        assert not voice.read(2 * RATE_HZ, 2 * RATE_HZ + 10).any()
        voice.close()
