"""Headers and samples out of reason are refused or mended before they cost memory, time or the drive's last space."""

from __future__ import annotations

import os
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio import scratch
from bridge.audio.file_signal import LOUDEST
from bridge.audio.scratch import Scratch
from bridge.audio.sink import check_format, would_clip
from bridge.audio.source import find_region
from bridge.errors import BadArguments, NotAudio, NotReadable, OutOfSpace
from tests.support.encoded import HOUR, decoded, encode
from tests.support.fakes import RecordingControl
from tests.support.sounds import music, write

RATE = 44_100


def extended(rate: int) -> bytes:
    """A number as AIFF writes rates: 80 bits."""
    bits = rate.bit_length()
    return (16_383 + bits - 1).to_bytes(2, "big") + (rate << (64 - bits)).to_bytes(8, "big") if rate else bytes(10)


def wav_at(rate: int, channels: int = 2) -> bytes:
    size, frame = 4000, 2 * channels
    fmt = struct.pack("<HHIIHH", 1, channels, rate, min(rate * frame, 0xFFFF_FFFF), frame, 16)
    return (
        b"RIFF"
        + struct.pack("<I", 36 + size)
        + b"WAVEfmt \x10\0\0\0"
        + fmt
        + struct.pack("<4sI", b"data", size)
        + bytes(size)
    )


def aiff_at(rate: int) -> bytes:
    common = struct.pack(">HIH", 2, 1000, 16) + extended(rate)
    sound = bytes(8) + bytes(4000)
    chunks = struct.pack(">4sI", b"COMM", len(common)) + common + struct.pack(">4sI", b"SSND", len(sound)) + sound
    return b"FORM" + struct.pack(">I", 4 + len(chunks)) + b"AIFF" + chunks


@pytest.mark.parametrize("rate", [0, 1, 999, 768_001, 1_000_000_000, 2_100_000_000])
@pytest.mark.parametrize("form", [wav_at, aiff_at])
def test_rates_that_are_no_sound_are_refused(tmp_path: Path, form: object, rate: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(form(rate))  # type: ignore[operator]
    with pytest.raises(NotAudio, match=r"a\.wav"):
        find_region(path, 0.0, None, HOUR)


@pytest.mark.parametrize("rate", [1000, 768_000])
def test_the_lowest_and_highest_rates_are_read(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_at(rate))
    assert decoded(path)[0].audio.sample_rate_hz == rate


def test_as_many_channels_as_the_largest_systems_have_are_read_and_no_more(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wav_at(RATE, 64))
    assert decoded(path)[0].audio.channels == 64
    path.write_bytes(wav_at(RATE, 65))
    with pytest.raises(NotAudio, match="65 channels"):
        find_region(path, 0.0, None, HOUR)


@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
@pytest.mark.parametrize("ending", ["wav", "caf"])
def test_samples_that_are_no_audio_are_silent(tmp_path: Path, ending: str, subtype: str) -> None:
    sound = np.zeros((1000, 2))
    bad = [np.nan, np.inf, -np.inf, 1e19, -3e38, 1.001 * LOUDEST]
    sound[10:16, 0] = bad
    path = tmp_path / f"a.{ending}"
    soundfile.write(str(path), sound, RATE, subtype=subtype)
    region, samples = decoded(path)
    assert region.replaced_samples == len(bad)
    assert not samples.any()


def test_loud_float_samples_stay_exact(tmp_path: Path) -> None:
    sound = (music(0.1) * 1000).astype(np.float32)
    sound[5] = LOUDEST, -LOUDEST
    region, samples = decoded(write(tmp_path / "a.wav", sound, subtype="FLOAT"))
    assert region.replaced_samples == 0
    assert np.array_equal(samples, sound)


def test_decoding_leaves_the_reserve_of_the_drive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.flac", np.zeros((1 << 19, 1), np.float32), 192_000)
    monkeypatch.setattr(scratch, "SPARE_BYTES", 1 << 20)
    full = shutil.disk_usage(tmp_path)._replace(free=(1 << 20) - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: full)
    found = find_region(path, 0.0, None, HOUR)
    with pytest.raises(OutOfSpace), found.open(tmp_path / "scratch", RecordingControl()):
        pass
    assert not (tmp_path / "scratch").exists()


@pytest.mark.parametrize("ending", ["wav", "flac", "m4a"])
def test_a_file_written_anew_before_it_was_read_is_refused(tmp_path: Path, ending: str) -> None:
    path = encode(tmp_path / f"a.{ending}", music(0.2), RATE)
    found = find_region(path, 0.0, None, HOUR)
    encode(tmp_path / f"a.{ending}", music(0.3), RATE)
    with pytest.raises(NotReadable, match="changed"), found.open(tmp_path / "scratch", RecordingControl()):
        pass


def test_a_file_whose_time_changes_while_it_is_decoded_is_refused(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", music(0.2), RATE)

    class Touching(RecordingControl):
        def checkpoint(self, fraction: float) -> None:
            super().checkpoint(fraction)
            os.utime(path, (1, 1))

    with (
        pytest.raises(NotReadable, match="changed"),
        find_region(path, 0.0, None, HOUR).open(tmp_path / "scratch", Touching()),
    ):
        pass


@pytest.mark.parametrize(
    ("file_format", "channels", "rate"),
    [("ogg", 2, 200_001), ("ogg", 1, 352_800), ("flac", 2, 200_001), ("flac", 2, 700_000), ("mp3", 2, 88_200)],
)
def test_rates_that_an_encoder_does_not_take_are_refused_before_it_fails(
    file_format: str, channels: int, rate: int
) -> None:
    subtype = {"ogg": "VORBIS", "flac": "PCM_24", "mp3": "MPEG_LAYER_III"}[file_format]
    with pytest.raises(BadArguments, match=str(rate)):
        check_format(file_format, subtype, channels, rate)


@pytest.mark.parametrize("subtype", ["MPEG_LAYER_III", "VORBIS", "AAC", "OPUS"])
def test_stems_too_loud_for_a_lossy_encoder_are_not_given_to_it(tmp_path: Path, subtype: str) -> None:
    for peak, is_too_loud in ((900.0, False), (1100.0, True), (-1100.0, True)):
        stem = Scratch(tmp_path / f"{peak}", 1, RATE)
        stem.append(np.full((1, 1), peak, np.float32))
        stem.close()
        assert would_clip(stem, subtype) == is_too_loud
        stem.discard()
