"""Damaged tags, pictures, chapters and additional streams never affect the audio."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from bridge.audio.source import find_region
from bridge.audio.wav_chunks import read_origin
from bridge.errors import NotAudio
from tests.support.encoded import decoded, encode
from tests.support.tagged import RATE, id3, named, sound

LATIN = "Björk".encode("latin-1")  # no UTF-8
NONSENSE = b"\xff\xfe\x80nonsense\x00\xed\xa0\x80"


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    """Replaces every `old` in the file by `new`, which has the same length."""
    data = path.read_bytes()
    assert old in data, "there is nothing to replace"
    assert len(old) == len(new)
    path.write_bytes(data.replace(old, new))
    return path


def mp3(folder: Path, head: bytes = b"", tail: bytes = b"") -> Path:
    path = encode(folder / "a.mp3", sound(), RATE)
    path.write_bytes(head + path.read_bytes() + tail)
    return path


def id3v1(folder: Path) -> Path:
    return mp3(folder, tail=b"TAG" + b"".join((LATIN.ljust(30, b"\0"),) * 3) + b"1997" + LATIN.ljust(31, b"\0"))


def id3v2(encoding: int) -> Callable[[Path], Path]:
    return lambda folder: mp3(
        folder, id3((b"TIT2", bytes([encoding]) + LATIN), (b"TPE1", bytes([encoding]) + NONSENSE))
    )


def mp3_cover(folder: Path) -> Path:
    return mp3(folder, id3((b"APIC", b"\0image/jpeg\0\x03\0" + b"\xff\xd8\xff\xe0" + NONSENSE * 9)))


def mp3_chapter(folder: Path) -> Path:
    title = b"TIT2" + (1 + len(LATIN)).to_bytes(4, "big") + b"\0\0\x03" + LATIN
    return mp3(folder, id3((b"CHAP", b"one\0" + bytes(16) + title), (b"PRIV", NONSENSE), (b"TXXX", b"\x03" + NONSENSE)))


def m4a_atoms(folder: Path) -> Path:
    return replaced(named(folder / "a.m4a"), b"Bjork", b"Bj\xf6rk")


def unknown_second_stream(folder: Path) -> Path:
    return unknown_stream(named(folder / "a.mkv", tracks=2), last=True)


def unknown_first_stream(folder: Path) -> Path:
    return unknown_stream(named(folder / "a.mkv", tracks=2), last=False)


def unknown_stream(path: Path, *, last: bool) -> Path:
    """Replaces the codec of one stream by an unknown one."""
    data = path.read_bytes()
    at = data.rindex(b"A_AAC") if last else data.index(b"A_AAC")
    path.write_bytes(data[:at] + b"A_ZZZ" + data[at + 5 :])
    return path


def mkv_tags(folder: Path) -> Path:
    return replaced(named(folder / "a.mkv"), b"Bjork", b"Bj\xf6rk")


def wma_tags(folder: Path) -> Path:
    title = "Bjork".encode("utf-16-le")
    return replaced(named(folder / "a.wma", codec="wmav2"), title, title[:2] + b"\x00\xd8" + title[4:])


def vorbis_comment(folder: Path) -> Path:
    """A FLAC file of unknown length, as from a pipe, which FFmpeg reads."""
    path = folder / "a.flac"
    with soundfile.SoundFile(str(path), "w", RATE, 2, "PCM_16") as file:
        file.title = "Bjork"
        file.write(sound())
    data = bytearray(replaced(path, b"Bjork", b"Bj\xf6rk").read_bytes())
    data[21] &= 0xF0
    data[22:26] = bytes(4)
    path.write_bytes(data)
    return path


def ogg_comment(folder: Path) -> Path:
    path = folder / "a.ogg"
    with soundfile.SoundFile(str(path), "w", RATE, 2, "VORBIS") as file:
        file.title = "Bjork"
        file.write(sound())
    with (
        av.open(str(path)) as source,
        av.open(str(folder / "a.mka"), "w") as copy,
    ):  # the same stream in another container
        stream = copy.add_stream_from_template(source.streams.audio[0])
        stream.metadata["title"] = "Bjork"
        for packet in source.demux(source.streams.audio[0]):
            if packet.dts is not None:
                packet.stream = stream
                copy.mux(packet)
    return replaced(folder / "a.mka", b"Bjork", b"Bj\xf6rk")


def riff_info(folder: Path) -> Path:
    """Chunks with wrong sizes after the audio."""
    path = encode(folder / "a.wav", sound(), RATE, "PCM_16")
    info = b"INFOINAM" + len(LATIN).to_bytes(4, "little") + LATIN + b"\0IART\xff\xff\xff\x7f" + NONSENSE
    chunks = (
        b"LIST" + len(info).to_bytes(4, "little") + info + b"bext\x10\0\0\0" + b"\xff" * 16 + b"acid\xff\xff\xff\xff"
    )
    data = path.read_bytes() + chunks
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "little") + data[8:])
    return path


def aiff_text(folder: Path) -> Path:
    path = encode(folder / "a.aiff", sound(), RATE, "PCM_16")
    data = path.read_bytes() + b"NAME" + len(LATIN).to_bytes(4, "big") + LATIN + b"\0ANNO\x7f\xff\xff\xff" + NONSENSE
    path.write_bytes(data[:4] + (len(data) - 8).to_bytes(4, "big") + data[8:])
    return path


MAKERS: list[Callable[[Path], Path]] = [
    id3v1,
    *map(id3v2, (0, 1, 2, 3, 0x77)),
    mp3_cover,
    mp3_chapter,
    m4a_atoms,
    unknown_second_stream,
    unknown_first_stream,
    mkv_tags,
    wma_tags,
    vorbis_comment,
    ogg_comment,
    riff_info,
    aiff_text,
]


@pytest.mark.parametrize(
    "make", MAKERS, ids=[f"{number}-{make.__name__.strip('<>')}" for number, make in enumerate(MAKERS)]
)
def test_damaged_tags_and_streams_are_ignored(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    region, samples = decoded(make(tmp_path))
    assert region.audio.channels == 2
    assert abs(len(samples) - len(sound())) <= 2 * 2048  # the WMA encoder does not state its delay
    assert 0.3 < np.abs(samples).max() < 1.0
    actual, expected = (np.abs(np.fft.rfft(one[2048:14_336, 0])) for one in (samples, sound()))
    assert np.corrcoef(actual, expected)[0, 1] > 0.9, "the spectrum differs"


def test_a_file_without_a_decodable_stream_is_not_audio(tmp_path: Path) -> None:
    with pytest.raises(NotAudio):
        find_region(unknown_stream(named(tmp_path / "a.mkv"), last=True), 0.0, None, 3600.0)


@pytest.mark.parametrize("seconds", [1e15, -1e12])
def test_a_modification_time_outside_the_calendar_gives_a_date(tmp_path: Path, seconds: float) -> None:
    path = encode(tmp_path / "a.wav", sound(), RATE, "PCM_16")
    try:
        os.utime(path, (seconds, seconds))
    except (OSError, OverflowError):
        pytest.xfail("this file system cannot store the time")
    assert len(read_origin(path).date) == 10
