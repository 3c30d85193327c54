"""The head of a float WAV file that is written before its samples."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio.riff import chunks_of
from bridge.audio.wav_head import float_wav_head


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("there", [0, 1, 700, 1000])
def test_a_file_is_read_as_far_as_it_is_there(channels: int, there: int) -> None:
    samples = np.linspace(-1.5, 1.5, 1000 * channels, dtype="<f4").reshape(1000, channels)
    content = float_wav_head(1000, channels, 48_000) + samples[:there].tobytes()
    with soundfile.SoundFile(io.BytesIO(content)) as file:
        assert (file.samplerate, file.channels, file.subtype, file.format) == (48_000, channels, "FLOAT", "WAV")
        np.testing.assert_array_equal(file.read(dtype="float32", always_2d=True), samples[:there])


def test_a_file_too_long_for_32_bits_is_rf64(tmp_path: Path) -> None:
    frames = 1 << 29
    path = tmp_path / "long.wav"
    path.write_bytes(float_wav_head(frames, 2, 44_100) + bytes(80))
    with soundfile.SoundFile(path) as file:
        assert (file.format, file.subtype, file.read().shape) == ("RF64", "FLOAT", (10, 2))
    data = next(chunk for chunk in chunks_of(path) if chunk.name == b"data")
    assert (data.size, data.stated) == (80, frames * 8)
