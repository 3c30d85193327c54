"""Title, artist and album: read from a source, cleaned, and written as WAV and MP3 files hold them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from bridge.audio import riff
from bridge.plain import REPLACEMENT, plain

#: Longer tags are cut off: no title is longer, but a tag may hold megabytes.
MAX_TAG_CHARACTERS = 200
#: Of a text or chunk from outside, no more than this is looked at.
_MAX_READ = 1 << 16

#: Tag → its chunk in a WAV file's INFO list, and its frame in an ID3 tag.
_INFO_CHUNKS = {"title": b"INAM", "artist": b"IART", "album": b"IPRD"}
_ID3_FRAMES = {"title": b"TIT2", "artist": b"TPE1", "album": b"TALB"}
#: UTF-16 with a byte order mark: the one encoding of all letters that ID3v2.3, which every player reads, has.
_ID3_UTF16 = b"\x01\xff\xfe"


@dataclass(frozen=True)
class Tags:
    """What a file says about its music; empty: nothing."""

    title: str = ""
    artist: str = ""
    album: str = ""

    @property
    def present(self) -> dict[str, str]:
        """The tags that are not empty."""
        return {name: text for name in _INFO_CHUNKS if (text := getattr(self, name))}

    def of_stem(self, label: str) -> Tags:
        """The tags of a stem: `Song (Vocals)`, by the same artist. Without a title, a player shows the file's name."""
        return replace(self, title=f"{self.title} ({label})" if self.title else "")


NO_TAGS = Tags()


def cleaned_tags(found: Mapping[str, str | None]) -> Tags:
    """Tags from outside, by name, each as one printable line of at most `MAX_TAG_CHARACTERS`."""
    return Tags(**{name: _cleaned(found.get(name) or "") for name in _INFO_CHUNKS})


def read_info(path: Path) -> Tags:
    """The tags in the INFO list of a WAV file.

    Raises:
        OSError: the file cannot be read.
    """
    content = riff.find_chunk(path, b"LIST", _MAX_READ, kind=b"INFO") or b""
    names = {chunk: name for name, chunk in _INFO_CHUNKS.items()}
    found: dict[str, str] = {}
    position = len(b"INFO")
    while position + 8 <= len(content):
        chunk, size = struct.unpack_from("<4sI", content, position)
        if chunk in names:
            found.setdefault(names[chunk], _decoded(content[position + 8 : position + 8 + size]))
        position += 8 + size + size % 2
    return cleaned_tags(found)


def info_chunk(tags: Tags) -> tuple[bytes, bytes]:
    """The INFO list of a WAV file, in UTF-8, for `riff.append_chunks`."""
    content = b"INFO"
    for name, text in tags.present.items():
        data = text.encode() + b"\0"
        content += _INFO_CHUNKS[name] + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)
    return b"LIST", content


def id3_tag(tags: Tags) -> bytes:
    """An ID3v2.3 tag, for the start of an MP3 file; empty if there are no tags."""
    body = b""
    for name, text in tags.present.items():
        data = _ID3_UTF16 + text.encode("utf-16-le")
        body += _ID3_FRAMES[name] + struct.pack(">I2x", len(data)) + data
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body if body else b""


def _decoded(text: bytes) -> str:
    """Text of an INFO chunk, for which no encoding is prescribed: UTF-8, else that of Windows in the West."""
    text = text.split(b"\0")[0]
    try:
        return text.decode("utf-8")
    except UnicodeDecodeError:
        return text.decode("cp1252", "replace")


def _cleaned(text: str) -> str:
    return " ".join(plain(text[:_MAX_READ]).replace(REPLACEMENT, "").split())[:MAX_TAG_CHARACTERS].strip()
