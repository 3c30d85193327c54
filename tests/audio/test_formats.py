"""Every file format, sample rate and number of channels: decoding returns the encoded frames."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.audio.source import find_region
from bridge.errors import NotAudio
from tests.support.encoded import HOUR, decoded, encode, impulse
from tests.support.fakes import RecordingControl
from tests.support.sounds import music

RATES = (8_000, 22_050, 44_100, 48_000, 96_000, 192_000)
HIGHEST_RATES = {
    **dict.fromkeys(("wav", "aiff", "flac", "ogg", "mov"), 192_000),
    **dict.fromkeys(("m4a", "mp4"), 96_000),
    "mp3": 48_000,
}
PLAIN = [
    (ending, subtype)
    for ending in ("wav", "aiff", "flac", "caf")
    for subtype in ("PCM_16", "PCM_24", "PCM_32", "FLOAT")
    if ending != "flac" or subtype in ("PCM_16", "PCM_24")
]


def step_of(subtype: str) -> float:
    """The largest allowed error of a sample; floats are read with 24 bits."""
    return {"PCM_16": 2.0**-15, "PCM_24": 2.0**-23, "PCM_32": 2.0**-24, "FLOAT": 0.0}[subtype]


@pytest.mark.parametrize(("ending", "subtype"), PLAIN)
@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 6), (192_000, 8)])
def test_lossless_files_are_read_exactly(tmp_path: Path, ending: str, subtype: str, rate: int, channels: int) -> None:
    sound = music(0.1, rate, channels)
    region, samples = decoded(encode(tmp_path / f"a.{ending}", sound, rate, subtype))
    assert samples.shape == sound.shape
    assert (region.audio.sample_rate_hz, region.subtype) == (rate, subtype)
    assert np.abs(samples - sound).max() <= step_of(subtype)


@pytest.mark.parametrize(
    ("ending", "rate"),
    [(ending, rate) for ending, highest in HIGHEST_RATES.items() for rate in RATES if rate <= highest],
)
def test_an_impulse_keeps_its_frame(tmp_path: Path, ending: str, rate: int) -> None:
    frames, at = rate // 2 + 7, rate // 5
    region, samples = decoded(encode(tmp_path / f"a.{ending}", impulse(frames, 2, at), rate))
    assert region.frames == frames
    blur = 1 if (ending, rate) == ("ogg", 192_000) else 0  # Vorbis cuts the top of this band
    assert all(abs(int(np.abs(channel).argmax()) - at) <= blur for channel in samples.T)


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("ending", ["ogg", "m4a", "mov"])
def test_lossy_files_keep_their_channels(tmp_path: Path, ending: str, channels: int) -> None:
    region, samples = decoded(encode(tmp_path / f"a.{ending}", impulse(24_000, channels, 9_000), 48_000))
    assert samples.shape == (24_000, channels)
    assert region.subtype == "PCM_24"


def test_windows_media_is_read_with_ffmpeg_s_timing(tmp_path: Path) -> None:
    """FFmpeg's encoder does not state its delay, so the position is uncertain by one frame of 2048 samples."""
    _, samples = decoded(encode(tmp_path / "a.wma", impulse(44_100, 2, 20_000), 44_100))
    assert abs(len(samples) - 44_100) <= 2048
    assert abs(int(np.abs(samples[:, 0]).argmax()) - 20_000) <= 2048


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "m4a"])
def test_a_region_equals_that_part_of_the_file(tmp_path: Path, ending: str) -> None:
    path = encode(tmp_path / f"a.{ending}", music(1.5), 44_100)
    _, whole = decoded(path)
    region, part = decoded(path, 0.31, 0.97)
    assert (region.start_frame, region.stop_frame) == (13_671, 42_777)
    assert np.array_equal(part, whole[13_671:42_777])


@pytest.mark.parametrize("ending", ["wav", "flac", "m4a"])
def test_the_context_of_a_region_can_be_read(tmp_path: Path, ending: str) -> None:
    path = encode(tmp_path / f"a.{ending}", music(1.5), 44_100)
    _, whole = decoded(path)
    with find_region(path, 0.5, 0.75, HOUR).open(tmp_path / "scratch", RecordingControl()) as region:
        assert np.array_equal(region.audio.read(1000, 60_000), whole[1000:60_000])


def test_an_mp3_without_an_index_is_read_to_its_end(tmp_path: Path) -> None:
    """libsndfile estimates the length of such a file from its first frames, and would stop there."""
    loud_at_the_end = np.concatenate([np.zeros((44_100, 2), np.float32), music(2.0)])
    data = encode(tmp_path / "a.mp3", loud_at_the_end, 44_100).read_bytes()
    first = data.index(b"\xff\xfb", data.index(b"Info") if b"Info" in data else data.index(b"Xing"))
    path = tmp_path / "b.mp3"
    path.write_bytes(data[first:])
    region, _ = decoded(path)
    assert abs(region.frames - 3 * 44_100) <= 3 * 1152


def test_a_flac_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    """An encoder that writes to a pipe cannot store the length."""
    path = encode(tmp_path / "a.flac", music(0.5), 44_100)
    data = bytearray(path.read_bytes())
    data[21] &= 0xF0  # the low four bits and the next four bytes of STREAMINFO count the samples
    data[22:26] = bytes(4)
    path.write_bytes(data)
    assert soundfile.info(str(path)).frames > 1 << 60
    assert decoded(path)[0].frames == 22_050


def test_a_truncated_wav_has_the_length_of_its_data(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.wav", music(1.0), 44_100, "PCM_16")
    path.write_bytes(path.read_bytes()[: 44 + 4 * 10_000])
    assert decoded(path)[0].frames == 10_000


def test_the_scratch_size_is_known_before_decoding(tmp_path: Path) -> None:
    wav, flac = (encode(tmp_path / f"a.{ending}", music(1.0), 44_100) for ending in ("wav", "flac"))
    assert find_region(wav, 0.0, None, HOUR).scratch_bytes() == 0
    assert find_region(flac, 0.0, None, HOUR).scratch_bytes() == 44_100 * 2 * 4


def test_a_playlist_is_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(NotAudio):
        decoded(path)
