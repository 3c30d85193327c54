"""Title, artist and album go from the source into its stems, whatever stands in them, and change no sample."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from bridge.audio import riff, sink
from bridge.audio.source import find_region
from bridge.audio.tags import MAX_TAG_CHARACTERS, NO_TAGS, Tags, cleaned_tags, id3_tag, info_chunk, read_info
from bridge.model import Job
from bridge.options.table import OPTIONS
from tests.support.bench import Bench, CachingBench
from tests.support.encoded import HOUR, encode
from tests.support.sounds import music, read, write
from tests.support.tagged import id3, named

SONG = Tags("Överfart 夜", "Ana Björk", "First & Last")
#: AIFF has a name and an author only.
WITHOUT_ALBUM = {"aiff"}


DEPTHS = ("16", "24", "32f")
NO_FLOATS = ("flac", "32f")


def tags_of(path: Path) -> Tags:
    return find_region(path, 0.0, None, HOUR).decoder.header.tags


def tags_in(path: Path) -> dict[str, str]:
    """The tags that FFmpeg finds, by their names in lower case."""
    with av.open(str(path)) as container:
        found = {**container.streams.audio[0].metadata, **container.metadata}
    named = {key.lower(): text for key, text in found.items()}
    named["artist"] = named.get("artist", named.get("author", ""))
    return {key: named[key] for key in ("title", "artist", "album") if named.get(key)}


def tagged_wav(path: Path, *parts: tuple[bytes, bytes]) -> Path:
    """A WAV file whose INFO list has these parts."""
    write(path, music(0.3))
    content = b"".join(name + struct.pack("<I", len(text)) + text + bytes(len(text) % 2) for name, text in parts)
    riff.append_chunks(path, [(b"LIST", b"adtl"), (b"LIST", b"INFO" + content)])
    return path


@pytest.fixture
def song(tmp_path: Path) -> Path:
    path = write(tmp_path / "song.wav", music(0.5, 48_000), 48_000)
    riff.append_chunks(path, [info_chunk(SONG)])
    return path


@pytest.mark.parametrize("file_format", OPTIONS["format"].kind.range.choices)  # type: ignore[union-attr]
def test_stems_of_every_format_have_the_songs_tags(song: Path, file_format: str) -> None:
    job = Bench().run(song, format=file_format, stems=("vocals", "instrumental"), midi=())
    assert job.state == "done"
    for result, label in zip(job.results, ("Vocals", "Instrumental"), strict=True):
        album = "" if file_format in WITHOUT_ALBUM else SONG.album
        expected = Tags(f"Överfart 夜 ({label})", SONG.artist, album)
        assert tags_in(Path(result.path)) == expected.present
        assert tags_of(Path(result.path)) == expected


@pytest.mark.parametrize("ending", ["flac", "ogg", "mp3", "m4a", "opus", "aiff"])
def test_tags_are_read_from_every_format(tmp_path: Path, song: Path, ending: str) -> None:
    job = Bench().run(song, format=ending, stems=("bass",), midi=())
    again = Bench().run(Path(job.results[0].path), stems=("bass",), midi=(), out=str(tmp_path / "again"))
    assert tags_in(Path(again.results[0].path))["title"] == "Överfart 夜 (Bass) (Bass)"
    assert tags_in(Path(again.results[0].path))["artist"] == SONG.artist


@pytest.mark.parametrize("ending", ["wav", "flac", "mp3", "m4a"])
def test_a_source_without_tags_gives_stems_without_tags(tmp_path: Path, ending: str) -> None:
    source = encode(tmp_path / f"a.{ending}", music(0.5), 44_100)
    assert tags_of(source) == NO_TAGS
    job = Bench().run(source, format=ending, stems=("bass",), midi=())
    assert tags_in(Path(job.results[0].path)) == {}


def test_without_a_title_a_stem_has_none() -> None:
    assert Tags(artist="Ana").of_stem("Vocals") == Tags(artist="Ana")


@pytest.mark.parametrize(
    ("file_format", "depth"),
    [
        (file_format, depth)
        for file_format in ("wav", "aiff", "flac")
        for depth in DEPTHS
        if (file_format, depth) != NO_FLOATS
    ],
)
def test_tags_change_no_sample(tmp_path: Path, song: Path, file_format: str, depth: str) -> None:
    bare = write(tmp_path / "bare.wav", read(song), 48_000)
    one, other = (Bench().run(path, format=file_format, depth=depth, midi=()) for path in (song, bare))
    for tagged, plain in zip(one.results, other.results, strict=True):
        assert np.array_equal(read(Path(tagged.path)), read(Path(plain.path)))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        ("Björk".encode(), "Björk"),
        ("Björk".encode("cp1252"), "Björk"),
        (b"two\r\nlines\t and\x1b[2J", "two lines and[2J"),
        (b"  spaces  \0\0rubbish", "spaces"),
        (b"\0", ""),
        (b"", ""),
        (b"x" * 100_000, "x" * MAX_TAG_CHARACTERS),
        ("a\u202eb\u200bc".encode(), "ab c"),
    ],
)
def test_odd_tags_are_cleaned(tmp_path: Path, raw: bytes, text: str) -> None:
    assert read_info(tagged_wav(tmp_path / "a.wav", (b"ISFT", b"x"), (b"INAM", raw), (b"IART", b"Ana"))).title == text


@pytest.mark.parametrize(
    "content",
    [b"INFO", b"INFOINAM", b"INFOINAM\xff\xff\xff\xff", b"INFOINAM\x00\x00\x00\x00", b"INF", b"INFO" + b"INAM\1" * 9],
)
def test_a_damaged_list_is_no_error(tmp_path: Path, content: bytes) -> None:
    path = write(tmp_path / "a.wav", music(0.1))
    riff.append_chunks(path, [(b"LIST", content)])
    assert read_info(path).artist == ""
    assert Bench().run(path, midi=()).state == "done"


@given(st.dictionaries(st.sampled_from(("title", "artist", "album", "comment")), st.text(max_size=600)))
def test_cleaned_tags_are_short_printable_lines_and_stay_as_they_are(found: dict[str, str]) -> None:
    tags = cleaned_tags(found)
    for text in tags.present.values():
        assert len(text) <= MAX_TAG_CHARACTERS
        assert text.isprintable()
        assert text == text.strip()
        text.encode()
    assert cleaned_tags(tags.present) == tags


def test_tags_of_mp3_sources_are_read_in_their_encoding(tmp_path: Path) -> None:
    body = encode(tmp_path / "a.mp3", music(0.5), 44_100).read_bytes()
    frames = id3((b"TIT2", b"\x00Bj\xf6rk"), (b"TPE1", b"\x01" + "\ufeff夜".encode("utf-16-le")))
    (tmp_path / "b.mp3").write_bytes(frames + body)
    assert tags_of(tmp_path / "b.mp3") == Tags("Björk", "夜")


def test_tags_of_m4a_sources_are_read(tmp_path: Path) -> None:
    assert tags_of(named(tmp_path / "a.m4a")) == Tags("Bjork", "Bjork")


def test_a_tag_of_an_mp3_moves_its_audio_and_changes_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a.wav", music(1.0))
    monkeypatch.setattr(sink, "MOVED_BYTES", 1000)  # many blocks, the last one shorter
    bare = Bench().run(source, format="mp3", stems=("bass",), midi=())
    riff.append_chunks(source, [info_chunk(SONG)])
    tagged = Bench().run(source, format="mp3", stems=("bass",), midi=())
    one, other = (Path(job.results[0].path).read_bytes() for job in (bare, tagged))
    head = id3_tag(SONG.of_stem("Bass"))
    assert head.startswith(b"ID3")
    assert len(one) % 1000
    assert other == head + one


@pytest.mark.parametrize("file_format", ["wav", "flac", "mp3", "m4a", "opus", "aiff"])
def test_restored_stems_have_the_tags_of_their_source(tmp_path: Path, song: Path, file_format: str) -> None:
    """The same audio under another title: neither run may give the other's tags."""

    def contents(job: Job) -> list[bytes]:
        return [Path(result.path).read_bytes() for result in job.results]

    bench = CachingBench(tmp_path / "cache")
    options = {"format": file_format, "stems": ("vocals", "no_bass"), "midi": ()}
    first = bench.run(song, **options)
    restored = bench.run(song, **options, out=str(tmp_path / "again"))
    assert not bench.separated
    assert contents(restored) == contents(first)
    (tmp_path / "b").mkdir()
    renamed = write(tmp_path / "b" / "song.wav", read(song), 48_000)
    riff.append_chunks(renamed, [info_chunk(Tags("Another", SONG.artist))])
    other = bench.run(renamed, **options)
    assert bench.separated is (file_format != "wav")
    assert tags_in(Path(other.results[0].path))["title"] == "Another (Vocals)"
    assert other.output_dir != first.output_dir


def test_libsndfile_reads_the_list_that_is_written(song: Path) -> None:
    with soundfile.SoundFile(str(song)) as file:
        assert (file.title, file.artist, file.album) == (SONG.title, SONG.artist, SONG.album)
