"""M4A and Opus: the same frames at the same place, at a rate that is told, or a clear word why not."""

from __future__ import annotations

import resource
import signal
import sys
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest

from bridge.audio import encoders, sink
from bridge.audio.encoders import ENCODED_FORMATS, as_encoded, check_encoder, missing_encoder, write_encoded
from bridge.audio.signal import ArraySignal, RawSignal
from bridge.audio.sink import check_format, subtype_for
from bridge.audio.tags import NO_TAGS, Tags
from bridge.errors import BadArguments, Cancelled
from bridge.worker.messages import CancelJob
from tests.support.bench import Bench
from tests.support.encoded import decoded
from tests.support.sounds import Samples, music

FORMATS = tuple(ENCODED_FORMATS)
WITH_NOISE = np.random.default_rng(5)


def band(seconds: float, rate: int, channels: int) -> Samples:
    """Music with noise: its correlation has one sharp peak."""
    sound = music(seconds, rate, channels)
    return (sound * 0.7 + WITH_NOISE.standard_normal(sound.shape) * 0.05).astype(np.float32)


def delay_frames(found: Samples, reference: Samples) -> int:
    """By how many frames `found` lies behind `reference`: the peak of their cross-correlation."""
    size = 1 << (len(found) + len(reference)).bit_length()
    spectrum = np.fft.rfft(found[:, 0], size) * np.conj(np.fft.rfft(reference[:, 0], size))
    peak = int(np.argmax(np.fft.irfft(spectrum, size)))
    return peak if peak < size // 2 else peak - size


def error_db(found: Samples, reference: Samples) -> float:
    """The level of the difference below that of the reference."""
    return float(20 * np.log10(np.std(found - reference) / np.std(reference)))


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000, 96_000])
def test_a_file_has_the_frames_that_were_written_where_they_were(
    tmp_path: Path, file_format: str, channels: int, rate: int
) -> None:
    audio = as_encoded(file_format, ArraySignal(band(1.5, rate, channels)[:-7], rate))
    write_encoded(tmp_path / "a", audio, file_format, NO_TAGS)
    region, found = decoded(tmp_path / "a")
    assert (region.audio.sample_rate_hz, found.shape) == (audio.sample_rate_hz, (audio.frames, channels))
    reference = audio.read(0, audio.frames)
    assert delay_frames(found, reference) == 0
    assert error_db(found, reference) < -10


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("frames", [1, 1023, 1024, 1025, (1 << 16) + 1])
def test_files_of_every_length_are_exact(tmp_path: Path, file_format: str, frames: int) -> None:
    write_encoded(tmp_path / "a", ArraySignal(music(2.0, 48_000)[:frames], 48_000), file_format, NO_TAGS)
    assert decoded(tmp_path / "a")[0].frames == frames


@pytest.mark.parametrize("file_format", FORMATS)
def test_another_reader_finds_the_sound_within_milliseconds(tmp_path: Path, file_format: str) -> None:
    """A reader that only decodes, and heeds neither the length nor the rate that this program expects."""
    sound = band(2.0, 44_100, 2)
    audio = as_encoded(file_format, ArraySignal(sound, 44_100))
    write_encoded(tmp_path / "a", audio, file_format, NO_TAGS)
    with av.open(str(tmp_path / "a")) as container:
        to_floats = av.AudioResampler("fltp", "stereo", audio.sample_rate_hz)
        frames = [frame for packed in container.decode(audio=0) for frame in to_floats.resample(packed)]
    found = np.concatenate([frame.to_ndarray().T for frame in frames])
    assert abs(delay_frames(found, audio.read(0, audio.frames))) < 0.003 * audio.sample_rate_hz
    assert 0 <= len(found) - audio.frames < 2048


def test_opus_has_its_one_rate_and_keeps_length_and_pitch(tmp_path: Path) -> None:
    t = np.arange(44_100 * 2) / 44_100
    tone = np.repeat((0.4 * np.sin(2 * np.pi * 1000 * t)).astype(np.float32)[:, None], 2, axis=1)
    audio = as_encoded("opus", ArraySignal(tone, 44_100))
    assert (audio.sample_rate_hz, audio.frames) == (48_000, 96_000)
    write_encoded(tmp_path / "a.opus", audio, "opus", NO_TAGS)
    _, found = decoded(tmp_path / "a.opus")
    spectrum = np.abs(np.fft.rfft(found[:, 0]))
    assert len(found) / 48_000 == 2.0
    assert float(np.argmax(spectrum)) / 2.0 == pytest.approx(1000, abs=0.5)


@pytest.mark.parametrize("file_format", FORMATS)
def test_the_same_audio_gives_the_same_bytes(tmp_path: Path, file_format: str) -> None:
    audio = ArraySignal(music(1.0, 48_000), 48_000)
    for name in "ab":
        write_encoded(tmp_path / name, audio, file_format, Tags("Song (Vocals)", "Ann", "First"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize(
    ("file_format", "channels", "rate"),
    [("m4a", 2, 192_000), ("m4a", 2, 12_345), ("m4a", 6, 48_000), ("opus", 3, 48_000)],
)
def test_what_a_format_cannot_hold_is_refused_before_the_work(file_format: str, channels: int, rate: int) -> None:
    with pytest.raises(BadArguments, match=f"{file_format} does not support {channels} channels at {rate} Hz"):
        check_format(file_format, subtype_for(file_format, "source", "PCM_16"), channels, rate)


@pytest.mark.parametrize("rate", [8_000, 44_100, 96_000, 192_000])
def test_opus_takes_every_rate(rate: int) -> None:
    check_encoder("opus", 2, rate)


def test_an_encoder_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    row = ENCODED_FORMATS["opus"]
    monkeypatch.setitem(encoders.ENCODED_FORMATS, "opus", replace(row, codec="libkazoo"))
    assert missing_encoder("opus") == "these libraries of FFmpeg have no encoder libkazoo"
    with pytest.raises(BadArguments, match="opus cannot be written here: these libraries of FFmpeg have no encoder"):
        check_encoder("opus", 2, 48_000)


def test_libraries_that_do_not_load_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert missing_encoder("m4a").startswith("FFmpeg's libraries do not load")
    with pytest.raises(BadArguments, match="m4a cannot be written here"):
        check_encoder("m4a", 2, 44_100)


@pytest.mark.parametrize("file_format", FORMATS)
def test_writing_can_be_stopped(tmp_path: Path, file_format: str) -> None:
    calls = 0

    def checkpoint() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        write_encoded(tmp_path / "a", ArraySignal(music(5.0, 48_000), 48_000), file_format, NO_TAGS, checkpoint)
    assert calls == 2


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit for the size of a file")
@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("limit", [10, 20_000])
def test_a_drive_that_takes_no_more_is_an_os_error(tmp_path: Path, file_format: str, limit: int) -> None:
    audio = ArraySignal(band(3.0, 48_000, 2), 48_000)
    before, unlimited = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, unlimited[1]))
    try:
        with pytest.raises(OSError, match="large"):
            write_encoded(tmp_path / "a", audio, file_format, NO_TAGS)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        signal.signal(signal.SIGXFSZ, before)


@pytest.mark.parametrize("file_format", ["wav", "flac", "mp3", *FORMATS])
def test_a_cancelled_job_leaves_no_half_file(clip: Path, monkeypatch: pytest.MonkeyPatch, file_format: str) -> None:
    """It is cancelled in the middle of its first file."""
    monkeypatch.setattr(encoders, "BLOCK_FRAMES", 20_000)
    monkeypatch.setattr(sink, "BLOCK_FRAMES", 20_000)
    bench = Bench()
    frames, read_blocks = [], RawSignal.read

    def read(audio: RawSignal, start: int, stop: int) -> Samples:
        frames.append(start)
        if start > 30_000:
            bench.worker.interrupt(CancelJob(job="a"))
        return read_blocks(audio, start, stop)

    monkeypatch.setattr(RawSignal, "read", read)
    job = bench.run(clip, format=file_format, stems=("vocals",), midi=())
    assert (job.state, job.results) == ("cancelled", ())
    assert max(frames) < 70_000
    assert not Path(job.output_dir).exists()
