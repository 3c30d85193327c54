import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio import riff
from bridge.audio.scratch import Scratch
from bridge.audio.sink import subtype_for, would_clip, write_audio
from bridge.errors import BadArguments
from tests.support.sounds import Samples, music, read


def scratch(sound: Samples, rate: int = 44_100) -> Scratch:
    stem = Scratch(io.BytesIO, sound.shape[1], rate)
    for start in range(0, len(sound), 1000):
        stem.append(sound[start : start + 1000])
    stem.close()
    return stem


@pytest.mark.parametrize(("subtype", "bits"), [("PCM_16", 16), ("PCM_24", 24), ("PCM_32", 31)])
def test_integers_are_exact_to_half_a_step(tmp_path: Path, subtype: str, bits: int) -> None:
    sound = music(0.2)
    write_audio(tmp_path / "a.wav", scratch(sound), "wav", subtype)
    written, _ = soundfile.read(tmp_path / "a.wav", dtype="float64")
    assert soundfile.info(tmp_path / "a.wav").subtype == subtype
    assert np.abs(written - sound).max() <= 0.5 / 2 ** (bits - 1)


def test_a_sixteen_bit_file_is_bit_identical(tmp_path: Path) -> None:
    sound = (np.arange(-32768, 32768, dtype=np.float64) / 32768).astype(np.float32)[:, None]
    write_audio(tmp_path / "a.wav", scratch(sound), "wav", "PCM_16")
    assert np.array_equal(read(tmp_path / "a.wav"), sound)


def test_floats_are_unchanged_even_beyond_full_scale(tmp_path: Path) -> None:
    sound = music(0.2) * 9
    write_audio(tmp_path / "a.wav", scratch(sound), "wav", "FLOAT")
    assert np.array_equal(read(tmp_path / "a.wav"), sound)


@pytest.mark.parametrize("file_format", ["wav", "aiff", "flac", "mp3", "ogg"])
def test_every_file_has_the_requested_format(tmp_path: Path, file_format: str) -> None:
    path = tmp_path / f"a.{file_format}.partial"
    write_audio(path, scratch(music(0.5)), file_format, subtype_for(file_format, "source", "PCM_16"))
    info = soundfile.info(str(path))
    assert info.format == {"mp3": "MP3"}.get(file_format, file_format.upper())
    assert np.abs(read(path)[:22_050] - music(0.5)).max() < 0.2


@pytest.mark.parametrize("file_format", ["wav", "aiff"])
def test_no_file_contains_the_time_of_writing(tmp_path: Path, file_format: str) -> None:
    """libsndfile writes it to the PEAK chunk of float files, so files of the same audio would differ."""
    write_audio(tmp_path / "a", scratch(music(0.1)), file_format, "FLOAT")
    peak = riff.find_chunk(tmp_path / "a", b"PEAK", 8)
    assert peak is not None
    assert peak[4:] == bytes(4)


def test_chunks_are_written_to_wav_files_only(tmp_path: Path) -> None:
    for file_format, found in (("wav", b"content"), ("aiff", None), ("flac", None)):
        path = tmp_path / file_format
        write_audio(path, scratch(music(0.1)), file_format, "PCM_24", [(b"bext", b"content")])
        assert riff.find_chunk(path, b"bext", 99) == found


@pytest.mark.parametrize(
    ("file_format", "depth", "source", "subtype"),
    [
        ("wav", "source", "PCM_24", "PCM_24"),
        ("wav", "32f", "PCM_16", "FLOAT"),
        ("aiff", "16", "FLOAT", "PCM_16"),
        ("flac", "source", "FLOAT", "PCM_24"),
        ("flac", "source", "PCM_16", "PCM_16"),
        ("mp3", "24", "PCM_16", "MPEG_LAYER_III"),
        ("ogg", "source", "FLOAT", "VORBIS"),
    ],
)
def test_the_nearest_depth_of_the_format_is_chosen(file_format: str, depth: str, source: str, subtype: str) -> None:
    assert subtype_for(file_format, depth, source) == subtype


def test_an_unsupported_depth_is_refused() -> None:
    with pytest.raises(BadArguments):
        subtype_for("flac", "32f", "PCM_16")


@pytest.mark.parametrize(
    ("peak", "clips"),
    [(0.5, False), (1 - 2**-15, False), (-1.0, False), (1.0, True), (1.5, True), (-1.001, True)],
)
def test_clipping_is_detected_at_the_integer_limits(peak: float, clips: bool) -> None:
    stem = scratch(np.array([[0.0], [peak]], np.float32))
    assert would_clip(stem, "PCM_16") is clips
    assert would_clip(stem, "FLOAT") is False


def test_an_unsupported_number_of_channels_gives_a_clear_message(tmp_path: Path) -> None:
    with pytest.raises(BadArguments, match="8 channels"):
        write_audio(tmp_path / "a.mp3", scratch(music(0.1, channels=8)), "mp3", "MPEG_LAYER_III")


def test_a_missing_folder_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        write_audio(tmp_path / "gone" / "a.wav", scratch(music(0.1)), "wav", "PCM_16")
