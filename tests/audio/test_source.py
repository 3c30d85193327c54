from pathlib import Path

import av
import numpy as np
import pytest

from bridge.audio.source import OpenRegion, find_region
from bridge.errors import BadArguments, BridgeError, NotAudio, NotFound, NotReadable, TooLong
from bridge.system.files import sha256_of
from tests.support.fakes import RecordingControl
from tests.support.sounds import Samples, music, write

HOUR = 3600.0


def opened(path: Path, start: float, end: float | None, longest: float = HOUR) -> tuple[OpenRegion, Samples]:
    scratch = path.parent / "scratch"
    with find_region(path, start, end, longest).open(scratch, RecordingControl()) as region:
        samples = region.signal.read(0, region.frames)
    assert not scratch.exists()
    return region, samples


@pytest.mark.parametrize(
    ("name", "subtype", "stem_subtype"),
    [
        ("a.wav", "PCM_U8", "PCM_16"),
        ("a.wav", "PCM_16", "PCM_16"),
        ("a.wav", "PCM_24", "PCM_24"),
        ("a.wav", "PCM_32", "PCM_32"),
        ("a.wav", "FLOAT", "FLOAT"),
        ("a.wav", "DOUBLE", "FLOAT"),
        ("a.aiff", "PCM_24", "PCM_24"),
        ("a.flac", "PCM_24", "PCM_24"),
        ("a.ogg", "VORBIS", "PCM_24"),
    ],
)
def test_a_file_is_read_whole_and_gives_the_depth_of_its_stems(
    tmp_path: Path, name: str, subtype: str, stem_subtype: str
) -> None:
    sound = music(0.5)
    region, samples = opened(write(tmp_path / name, sound, subtype=subtype), 0.0, None)
    assert region.subtype == stem_subtype
    assert samples.shape == sound.shape
    assert samples.dtype == np.float32
    assert np.sqrt(np.mean((samples - sound) ** 2)) < 0.03


@pytest.mark.parametrize(("channels", "rate"), [(1, 8_000), (2, 48_000), (8, 96_000), (2, 192_000)])
def test_channels_and_rate_are_those_of_the_file(tmp_path: Path, channels: int, rate: int) -> None:
    path = write(tmp_path / "a.wav", music(0.1, rate, channels), rate)
    signal = opened(path, 0.0, None)[0].signal
    assert (signal.channels, signal.sample_rate_hz, signal.frames) == (channels, rate, rate // 10)


def test_a_region_contains_exactly_its_frames(tmp_path: Path) -> None:
    sound = music(1.0)
    path = write(tmp_path / "a.wav", sound, subtype="FLOAT")
    region, samples = opened(path, 0.25, 0.75)
    assert region.start_frame == 11_025
    assert np.array_equal(samples, sound[11_025:33_075])


def test_a_region_ends_no_later_than_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(1.0))
    assert opened(path, 0.5, 99.0)[0].seconds == 0.5


def test_nan_and_infinity_become_silence(tmp_path: Path) -> None:
    sound = music(0.1)
    sound[5, 0], sound[6, 1] = np.nan, np.inf
    region, samples = opened(write(tmp_path / "a.wav", sound, subtype="FLOAT"), 0.0, None)
    assert region.replaced_samples == 2
    assert np.isfinite(samples).all()


@pytest.fixture
def m4a(tmp_path: Path) -> Path:
    """One second of AAC, as from a phone or a video."""
    path = tmp_path / "a.m4a"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100, layout="stereo")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(music(1.0).T), format="fltp", layout="stereo")
        frame.sample_rate = 44_100
        for part in (frame, None):
            container.mux(stream.encode(part))
    return path


def test_ffmpeg_reads_what_libsndfile_cannot(m4a: Path) -> None:
    region, samples = opened(m4a, 0.0, None)
    assert (region.audio.sample_rate_hz, samples.shape[1], region.subtype) == (44_100, 2, "PCM_24")
    _, part = opened(m4a, 0.25, 0.5)
    assert np.array_equal(part, samples[11_025:22_050])


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda _: None, NotFound),
        (lambda path: path.mkdir(), NotReadable),
        (lambda path: path.write_bytes(b""), NotAudio),
        (lambda path: path.write_text("Dear diary, today I made a WAV file."), NotAudio),
        (lambda path: path.write_bytes(b"RIFF\xff\xff\xff\xffWAVEfmt "), NotAudio),
        (lambda path: write(path, music(0.0)), NotAudio),
        (lambda path: path.symlink_to(path), NotReadable),
    ],
    ids=["missing", "folder", "empty", "text", "half a header", "no frames", "link to itself"],
)
def test_unusable_files_are_refused(tmp_path: Path, make: object, error: type[BridgeError]) -> None:
    path = tmp_path / "a.wav"
    make(path)  # type: ignore[operator]
    with pytest.raises(error):
        opened(path, 0.0, None)


def test_a_device_is_not_a_source() -> None:
    with pytest.raises(NotReadable):
        find_region(Path("/dev/zero"), 0.0, None, HOUR)


def test_a_region_that_is_too_long_is_refused(tmp_path: Path, m4a: Path) -> None:
    for path in (write(tmp_path / "a.wav", music(1.0)), m4a):
        with pytest.raises(TooLong):
            opened(path, 0.0, None, 0.5)


def test_a_region_beyond_the_end_gives_the_file_s_length(tmp_path: Path, m4a: Path) -> None:
    for path in (write(tmp_path / "a.wav", music(1.0)), m4a):
        with pytest.raises(BadArguments, match="only 1"):
            opened(path, 5.0, None)


def test_the_hash_covers_the_file_s_bytes(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert sha256_of(path).startswith("ba7816bf8f01cfea")
