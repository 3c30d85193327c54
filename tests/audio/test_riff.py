import os
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.audio import riff
from bridge.audio.wav_chunks import acid, bext, read_origin
from tests.support.sounds import music, read, write

GET_BROADCAST_INFO = 0x10F0
CHUNKS = [(b"abcd", b"odd"), (b"efgh", b"even")]


def tree(path: Path) -> list[tuple[bytes, int]]:
    """Names and sizes of a RIFF file's chunks, parsed strictly; fails unless they fill the file exactly."""
    data = path.read_bytes()
    assert data[:4] == b"RIFF"
    assert int.from_bytes(data[4:8], "little") == len(data) - 8
    found, position = [], 12
    while position < len(data):
        name, size = struct.unpack_from("<4sI", data, position)
        found.append((name, size))
        position += 8 + size + size % 2
    assert position == len(data)
    return found


@pytest.mark.parametrize("frames", [1000, 1001])  # 24 bits, one channel: an even and an odd number of bytes
def test_chunks_are_appended_without_changing_the_audio(tmp_path: Path, frames: int) -> None:
    path = write(tmp_path / "a.wav", music(1.0, channels=1)[:frames], subtype="PCM_24")
    before = read(path)
    riff.append_chunks(path, CHUNKS)
    assert tree(path)[-2:] == [(b"abcd", 3), (b"efgh", 4)]
    assert np.array_equal(read(path), before)
    assert soundfile.info(str(path)).frames == frames
    assert (riff.find_chunk(path, b"abcd", 99), riff.find_chunk(path, b"efgh", 2)) == (b"odd", b"ev")


@pytest.mark.parametrize("head", [b"RF64", b"FORM", b"RIFF\0\0\0\0AVI ", b""])
def test_only_wave_files_accept_chunks(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(head.ljust(64, b"\0") if head else b"")
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not a RIFF"):
        riff.append_chunks(path, CHUNKS)
    assert path.read_bytes() == before


def test_a_file_never_exceeds_the_limit_of_its_header(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(0.1))
    with path.open("r+b") as file:
        file.truncate((1 << 32) - 10)  # sparse: takes no disk space
    with pytest.raises(ValueError, match="too long"):
        riff.append_chunks(path, CHUNKS)


def test_an_rf64_file_is_read_by_its_64_bit_sizes(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(str(path), music(0.1), 44_100, format="RF64", subtype="PCM_16")
    with path.open("ab") as file:
        file.write(b"bext" + (602).to_bytes(4, "little") + bext("x", read_origin(path), 7)[1])
    assert read_origin(path).time_reference == 7


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"RIFF", b"RF64", b"FORM"]), st.sampled_from([b"WAVE", b"AIFC", b"????"]), st.binary())
def test_malicious_files_are_read_safely(
    tmp_path_factory: pytest.TempPathFactory, head: bytes, kind: bytes, rest: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "hostile.wav"
    for content in (rest, head + b"\xff\xff\xff\xff" + kind + rest):
        path.write_bytes(content)
        assert len(riff.find_chunk(path, rest[:4].ljust(4), 100) or b"") <= 100
        assert 0 <= (read_origin(path).time_reference or 0) < 1 << 64
        riff.clear_peak_timestamp(path)
        assert path.stat().st_size == len(content)


def test_the_search_ends_early_among_thousands_of_chunks(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF\0\0\0\0WAVE" + b"junk\0\0\0\0" * 5000 + b"bext\0\0\0\0")
    assert riff.find_chunk(path, b"bext", 9) is None


def test_libsndfile_reads_the_tempo(tmp_path: Path) -> None:
    name, content = acid(98.5, 12.0)
    flags, root, _, _, beats, denominator, numerator, tempo = struct.unpack("<IHHfIHHf", content)
    assert name == b"acid"
    assert not flags & 0x01, "a one-shot has no tempo"
    assert not flags & 0x02, "the root note is not known"
    assert (root, beats, numerator, denominator, tempo) == (60, 20, 4, 4, 98.5)
    path = write(tmp_path / "a.wav", music(0.1))
    riff.append_chunks(path, [(name, content)])
    with soundfile.SoundFile(str(path)) as file:
        values = [line.split(":")[-1].strip() for line in file.extra_info.splitlines()]
    assert "98.500000" in values
    assert "0x000C (Loop,RootNoteInvalid,StretchOn,DiskBased,??Off)" in values


def test_libsndfile_reads_the_time_stamp(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(0.1))
    origin = read_origin(path)
    riff.append_chunks(path, [bext("Vocals of – clip", origin, (1 << 32) + 5)])
    with soundfile.SoundFile(str(path)) as file:  # Ardour reads it with the same library
        info = soundfile._ffi.new("char[]", 1024)
        assert soundfile._snd.sf_command(file._file, GET_BROADCAST_INFO, info, 1024)
        description, originator, date, time, low, high, version = struct.unpack_from(
            "=256s32s32x10s8s2xIIh", bytes(soundfile._ffi.buffer(info))
        )
    assert description.rstrip(b"\0") == b"Vocals of ? clip"
    assert originator.rstrip(b"\0") == b"Source Audio Bridge"
    assert (date.decode(), time.decode()) == (origin.date, origin.time)
    assert (low, high, version) == (5, 1, 1)
    assert read_origin(path).time_reference == (1 << 32) + 5


def test_a_source_without_a_time_stamp_has_its_file_s_date(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", music(0.1))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    origin = read_origin(path)
    assert (origin.date, origin.time, origin.time_reference) == ("2023-11-14", "22:13:20", None)


def test_time_stamps_are_limited_to_the_field(tmp_path: Path) -> None:
    origin = read_origin(write(tmp_path / "a.wav", music(0.1)))
    assert len(bext("x" * 999, origin, 1 << 70)[1]) == 602
    assert bext("", origin, -5)[1] == bext("", origin, 0)[1]
