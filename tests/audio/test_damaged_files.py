"""Damaged, cut and joined files: what is left is read, stays in its place, and a warning says what is lost."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from bridge.audio.source import OpenRegion
from bridge.errors import NotAudio
from tests.support.encoded import decoded, encode
from tests.support.sounds import Samples, music

RATE = 44_100
SECONDS = 2.0
FRAMES = round(SECONDS * RATE)


def codes(region: OpenRegion) -> list[str]:
    return [warning.code for warning in region.warnings]


def rotten(path: Path, size: int = 400) -> Path:
    """The file with zeros in its middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 : len(data) // 2 + size] = bytes(size)
    path.write_bytes(data)
    return path


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]


def cut(path: Path, share: float = 0.5) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * share)])
    return path


@pytest.mark.parametrize("ending", ["mp3", "m4a", "flac", "ogg", "mov"])
def test_a_rotten_packet_is_silence_and_the_rest_stays_in_its_place(tmp_path: Path, ending: str) -> None:
    path = encode(tmp_path / f"a.{ending}", music(SECONDS), RATE)
    _, whole = decoded(path)
    region, samples = decoded(rotten(path))
    assert len(samples) == len(whole)
    assert codes(region) == ["damaged_audio"]
    assert re.search(r"at (0|1)\.\d\d s\.", region.warnings[0].message)
    before, after = slice(1000, 20_000), slice(len(whole) - 10_000, len(whole) - 2000)
    for part in (after,) if ending == "ogg" else (before, after):  # the first page of so short an Ogg file is lost
        assert np.abs(samples[part] - whole[part]).max() < 0.01
    assert any(not samples[at : at + 400].any() for at in range(30_000, 70_000, 100))


def test_a_rotten_packet_outside_the_region_is_not_reported(tmp_path: Path) -> None:
    region, _ = decoded(rotten(encode(tmp_path / "a.m4a", music(SECONDS), RATE)), 0.1, 0.3)
    assert codes(region) == []


@pytest.mark.parametrize("ending", ["mp3", "flac", "ogg", "wav", "aiff", "au", "caf", "w64", "mkv"])
def test_a_file_that_was_cut_off_is_read_as_far_as_it_goes(tmp_path: Path, ending: str) -> None:
    path = encode(tmp_path / f"a.{ending}", music(SECONDS), RATE)
    _, whole = decoded(path)
    region, samples = decoded(cut(path, 0.7))
    assert codes(region) == ["cut_off"]
    assert 0.3 * FRAMES < len(samples) < 0.8 * FRAMES
    assert np.abs(samples[:20_000] - whole[:20_000]).max() < 0.01


def test_a_cut_behind_the_region_is_not_reported(tmp_path: Path) -> None:
    path = cut(encode(tmp_path / "a.wav", music(SECONDS), RATE), 0.7)
    assert codes(decoded(path, 0.1, 0.5)[0]) == []


def test_joined_mp3_files_are_read_to_the_end(tmp_path: Path) -> None:
    one = encode(tmp_path / "a.mp3", music(1.0), RATE)
    data = one.read_bytes()
    tag = b"ID3\x04\0\0\0\0\0\x17TSSE\0\0\0\x0d\0\0\x03Lavf62.0.000"
    one.write_bytes(tag + data + tag + data)
    region, samples = decoded(one)
    assert codes(region) == []
    assert 2 * RATE <= len(samples) <= 2 * RATE + 4 * 1152
    assert np.abs(samples[-RATE // 2 :]).max() > 0.1


def test_raw_aac_that_broke_off_in_a_packet_is_read_up_to_it(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.aac", music(SECONDS), RATE)
    path.write_bytes(path.read_bytes()[:20_000])
    region, samples = decoded(path)
    assert codes(region) == ["cut_off"]
    assert len(samples) % 1024 == 0
    assert len(samples) > 0.3 * RATE


def flac_parts(path: Path) -> tuple[bytes, list[bytes]]:
    """The head and the frames of a FLAC file."""
    frames = packets_of(path)
    data = path.read_bytes()
    return data[: len(data) - sum(map(len, frames))], frames


def test_a_flac_file_that_was_cut_without_decoding_is_read(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", music(SECONDS), RATE)
    _, whole = decoded(path)
    head, frames = flac_parts(path)
    path.write_bytes(head + b"".join(frames[5:]))
    region, samples = decoded(path)
    assert np.array_equal(samples, whole[-len(samples) :])
    assert len(samples) == FRAMES - 5 * 4096
    assert codes(region) == ["cut_off"]


def test_flac_files_that_were_joined_without_decoding_are_read_to_the_end(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", music(SECONDS), RATE)
    _, whole = decoded(path)
    head, frames = flac_parts(path)
    path.write_bytes(head + 2 * b"".join(frames))
    region, samples = decoded(path)
    assert np.array_equal(samples, np.concatenate([whole, whole]))
    assert codes(region) == []


WAV_HEAD = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 0, b"WAVE", b"fmt ", 16, 1, 2, RATE, 4 * RATE, 4, 16)
RF64_HEAD = b"RF64\xff\xff\xff\xffWAVEds64" + struct.pack("<IQQQI", 28, 0, 0, 0, 0) + WAV_HEAD[12:]


@pytest.mark.parametrize(
    "head",
    [WAV_HEAD + b"data\0\0\0\0", WAV_HEAD + b"data\xff\xff\xff\xff", RF64_HEAD + b"data\xff\xff\xff\xff"],
    ids=["no size", "largest size", "RF64 without sizes"],
)
def test_a_recording_whose_size_was_never_written_is_read_whole(tmp_path: Path, head: bytes) -> None:
    sound = np.round(music(0.5) * 32_767).astype("<i2")
    path = tmp_path / "a.wav"
    path.write_bytes(head + sound.tobytes())
    region, samples = decoded(path)
    assert np.array_equal(samples, sound.astype(np.float32) / 32_768)
    assert (region.subtype, codes(region)) == ("PCM_16", [])
    _, part = decoded(path, 0.1, 0.2)
    assert np.array_equal(part, samples[4410:8820])


def test_a_wav_file_without_audio_but_with_chunks_holds_no_audio(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(WAV_HEAD + b"data\0\0\0\0" + b"LIST\x04\0\0\0INFO")
    with pytest.raises(NotAudio):
        decoded(path)


@pytest.mark.parametrize("stated", [0xFFFF_FFFF, 1 << 20], ids=["largest size", "wrapped size"])
def test_a_wav_file_beyond_4_gib_is_as_long_as_it_is(tmp_path: Path, stated: int) -> None:
    path, size = tmp_path / "a.wav", (1 << 32) + (1 << 20)
    end = np.full((RATE, 2), 8192, "<i2").tobytes()
    with path.open("wb") as file:
        file.write(WAV_HEAD + struct.pack("<4sI", b"data", stated))
        file.seek(len(WAV_HEAD) + 8 + size - len(end))  # the file is sparse
        file.write(end)
    start = size / 4 / RATE - 0.5
    region, samples = decoded(path, start, None)
    assert region.stop_frame == size // 4
    assert np.abs(samples - 0.25).max() == 0


def link(path: Path, sound: Samples, rate: int, subtype: str) -> bytes:
    soundfile.write(str(path), sound, rate, subtype=subtype)
    return path.read_bytes()


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize(
    ("channels", "rate", "warned"),
    [(2, 48_000, []), (1, 48_000, ["mixed_formats"]), (2, 24_000, ["mixed_formats"]), (6, 48_000, ["mixed_formats"])],
)
def test_all_links_of_a_chained_ogg_file_are_read(
    tmp_path: Path, subtype: str, channels: int, rate: int, warned: list[str]
) -> None:
    path = tmp_path / "a.ogg"
    one, two = music(1.0, 48_000), music(1.0, rate, channels)
    path.write_bytes(link(path, one, 48_000, subtype) + link(path, two, rate, subtype))
    region, samples = decoded(path)
    assert (region.audio.sample_rate_hz, region.audio.channels) == (48_000, 2)
    assert abs(len(samples) - 96_000) <= 100
    assert np.abs(samples[72_000:90_000]).max() > 0.05
    assert codes(region) == (warned if (subtype, rate) != ("OPUS", 24_000) else codes(region))


def test_a_link_that_is_no_audio_is_left_out_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    data = link(path, music(1.0), RATE, "VORBIS")
    other = data.replace(b"\x01vorbis", b"\x01rovbis").replace(b"\x03vorbis", b"\x03rovbis")
    path.write_bytes(data + other)
    region, samples = decoded(path)
    assert codes(region) == ["damaged_audio"]
    assert len(samples) == RATE


#: By the number of channels, Vorbis' names of its channels in order, and a WAV file's.
ORDERS = {
    3: ("L C R", "L R C"),
    4: ("L R Ls Rs", "L R Ls Rs"),
    5: ("L C R Ls Rs", "L R C Ls Rs"),
    6: ("L C R Ls Rs LFE", "L R C LFE Ls Rs"),
    7: ("L C R Sl Sr B LFE", "L R C LFE B Sl Sr"),
    8: ("L C R Sl Sr Bl Br LFE", "L R C LFE Bl Br Sl Sr"),
}


@pytest.mark.parametrize("subtype", ["VORBIS", "OPUS"])
@pytest.mark.parametrize("channels", ORDERS)
def test_the_channels_of_ogg_files_come_in_the_order_of_wav_files(tmp_path: Path, subtype: str, channels: int) -> None:
    path = tmp_path / "a.ogg"
    time = np.arange(24_000)[:, None] / 48_000
    tones = 200 + 100 * np.arange(channels)
    if "LFE" in ORDERS[channels][0]:
        tones[ORDERS[channels][0].split().index("LFE")] = 60  # nothing else is kept of this channel
    soundfile.write(str(path), 0.3 * np.sin(2 * np.pi * tones * time), 48_000, subtype=subtype)
    _, samples = decoded(path)
    spectrum = np.abs(np.fft.rfft(samples[:24_000], axis=0))
    found = spectrum.argmax(axis=0) * 2
    stored, wanted = (order.split() for order in ORDERS[channels])
    assert [*found] == [tones[stored.index(speaker)] for speaker in wanted]


def test_many_links_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.ogg"
    page = b"OggS\0\2" + bytes(8) + b"abcd" + bytes(8) + b"\0"
    other = page.replace(b"OggS\0\2", b"OggS\0\0")
    path.write_bytes((page + other) * 1001)
    with pytest.raises(NotAudio, match="more than 1000"):
        decoded(path)
