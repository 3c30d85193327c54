import io
from pathlib import Path

import numpy as np
import pytest

from bridge.audio.scratch import Scratch
from bridge.audio.signal import ArraySignal, SignalSlice
from tests.support.sounds import music


def test_written_samples_can_be_read_from_anywhere(tmp_path: Path) -> None:
    sound = music(0.1, channels=3)
    scratch = Scratch(tmp_path / "s", 3, 44_100)
    for start in range(0, len(sound), 1000):
        scratch.append(sound[start : start + 1000])
    scratch.close()
    signal = scratch.signal()
    assert (signal.frames, signal.channels, signal.sample_rate_hz) == (4410, 3, 44_100)
    assert np.array_equal(signal.read(0, 4410), sound)
    assert np.array_equal(signal.read(999, 1002), sound[999:1002])
    assert signal.read(7, 7).shape == (0, 3)
    assert (scratch.highest, scratch.lowest) == (sound.max(), sound.min())
    scratch.discard()
    assert not (tmp_path / "s").exists()


def test_a_scratch_signal_is_silent_before_its_first_frame() -> None:
    scratch = Scratch(io.BytesIO, 1, 44_100)
    scratch.append(np.ones((10, 1), np.float32))
    scratch.close()
    signal = scratch.signal(first_frame=100)
    assert signal.frames == 110
    assert signal.read(98, 103)[:, 0].tolist() == [0, 0, 1, 1, 1]
    assert not signal.read(3, 50).any()


def test_a_scratch_file_never_overwrites_a_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("mine")
    with pytest.raises(FileExistsError):
        Scratch(tmp_path / "s", 1, 44_100)


def test_a_slice_is_numbered_from_its_own_start() -> None:
    sound = music(0.1)
    part = SignalSlice(ArraySignal(sound, 44_100), 1000, 3000)
    assert (part.frames, part.channels, part.sample_rate_hz) == (2000, 2, 44_100)
    assert np.array_equal(part.read(5, 2000), sound[1005:3000])
