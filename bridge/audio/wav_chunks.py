"""What a WAV file can say about its place in the music: `bext` (when it was, and where) and `acid` (its tempo)."""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass
from pathlib import Path

from bridge.audio import riff

ORIGINATOR = "Source Audio Bridge"

#: EBU Tech 3285, version 1: description, originator, its reference, date, time, time reference, version, UMID and
#: reserved bytes (zeros); a coding history may follow.
_BEXT = struct.Struct("<256s32s32s10s8sQH254x")
_BEXT_VERSION = 1
_DATE_AND_TIME = "2026-11-22 15:07:10"
_MAX_TIME_REFERENCE = (1 << 64) - 1

#: Flags, root note, two words that every program sets like this, beats, metre (denominator, numerator), tempo. There
#: is no published description; this is what libsndfile reads.
_ACID = struct.Struct("<IHHfIHHf")
#: The tempo is told, and the clip is as long as it is: not a loop to be cut into beats. The flag 2, that there is a
#: root note, is not set.
_ACID_STRETCHED_ON_DISK = 0x04 | 0x08
_ACID_ROOT_C = 60
_ACID_WORD = 0x8000


@dataclass(frozen=True)
class Origin:
    """When audio was recorded, and where on its recorder's time line it starts."""

    date: str
    """`2026-11-22`"""
    time: str
    """`15:07:10`"""
    time_reference: int | None
    """Frames since midnight, or since the session's start; None where nothing is known."""


def read_origin(path: Path) -> Origin:
    """What the `bext` chunk of a file says; without one, the file's own date, and no place on a time line.

    Raises:
        OSError: the file cannot be read.
    """
    content = riff.find_chunk(path, b"bext", _BEXT.size) or b""
    date, time, reference = "", "", None
    if len(content) == _BEXT.size:
        _, _, _, raw_date, raw_time, reference, _ = _BEXT.unpack(content)
        date, time = _text(raw_date), _text(raw_time)
    if not date:
        date, time = _modified(path).isoformat(" ", "seconds")[: len(_DATE_AND_TIME)].split(" ")
    return Origin(date, time, reference)


def bext(description: str, origin: Origin, time_reference: int) -> tuple[bytes, bytes]:
    """A broadcast extension chunk, for `riff.append`.

    Args:
        description: cut off after 256 bytes; the standard knows ASCII only.
        time_reference: frames from the start of the time line, at the file's own rate.
    """
    content = _BEXT.pack(
        _ascii(description),
        _ascii(ORIGINATOR),
        b"",
        _ascii(origin.date),
        _ascii(origin.time),
        min(max(0, time_reference), _MAX_TIME_REFERENCE),
        _BEXT_VERSION,
    )
    return b"bext", content


def acid(tempo_bpm: float, seconds: float) -> tuple[bytes, bytes]:
    """A chunk with the tempo in quarter notes a minute and no root note, in 4/4, for `riff.append`."""
    beats = min(round(seconds * tempo_bpm / 60), riff.MAX_UINT32)
    return b"acid", _ACID.pack(_ACID_STRETCHED_ON_DISK, _ACID_ROOT_C, _ACID_WORD, 0.0, beats, 4, 4, tempo_bpm)


def _modified(path: Path) -> datetime.datetime:
    """When the file was last written to, UTC; some file systems and archives hold times that no calendar has."""
    try:
        return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)
    except (ValueError, OverflowError):
        return datetime.datetime.fromtimestamp(0, datetime.timezone.utc)


def _text(field: bytes) -> str:
    return "".join(sign for sign in field.split(b"\0")[0].decode("ascii", "replace") if sign.isprintable()).strip()


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
