"""WAV chunks that place a file in the music: `bext` (recording time and timeline position) and `acid` (tempo)."""

from __future__ import annotations

import datetime
import struct
from dataclasses import dataclass
from pathlib import Path

from bridge.audio import riff
from bridge.request import TimeSignature

ORIGINATOR = "Source Audio Bridge"

#: EBU Tech 3285, version 1: description, originator, its reference, date, time, time reference, version, UMID and
#: reserved bytes (zeros); a coding history may follow.
_BEXT = struct.Struct("<256s32s32s10s8sQH254x")
_BEXT_VERSION = 1
_DATE_AND_TIME = "2026-11-22 15:07:10"
_MAX_TIME_REFERENCE = (1 << 64) - 1

#: Flags, root note, two constants that every program writes, beats, metre (denominator, numerator), tempo. There is no
#: published specification; this is the layout that libsndfile reads.
_ACID = struct.Struct("<IHHfIHHf")
#: The tempo is valid, and the clip is played from disk as a whole, not sliced into beats. Flag 2 (root note valid) is
#: not set.
_ACID_STRETCHED_ON_DISK = 0x04 | 0x08
_ACID_ROOT_C = 60
_ACID_WORD = 0x8000


@dataclass(frozen=True)
class Origin:
    """When audio was recorded, and its start on the recorder's timeline."""

    date: str
    """`2026-11-22`"""
    time: str
    """`15:07:10`"""
    time_reference: int | None
    """Frames since midnight, or since the start of the session; None if unknown."""


def read_origin(path: Path) -> Origin:
    """The origin in a file's `bext` chunk; without one, the file's modification time and no timeline position.

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
    """A broadcast extension chunk, for `riff.append_chunks`.

    Args:
        description: truncated to 256 bytes; the standard allows ASCII only.
        time_reference: frames from the start of the timeline, at the file's sample rate.
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


def acid(tempo_bpm: float, seconds: float, metre: TimeSignature = (4, 4)) -> tuple[bytes, bytes]:
    """A chunk with the tempo in quarter notes per minute and without a root note, for `riff.append_chunks`.

    Its count of beats is in quarters too, whatever the metre.
    """
    beats = min(round(seconds * tempo_bpm / 60), riff.MAX_UINT32)
    return b"acid", _ACID.pack(
        _ACID_STRETCHED_ON_DISK, _ACID_ROOT_C, _ACID_WORD, 0.0, beats, metre[1], metre[0], tempo_bpm
    )


def _modified(path: Path) -> datetime.datetime:
    """The modification time, UTC. Some file systems and archives contain times outside the calendar's range."""
    try:
        return datetime.datetime.fromtimestamp(path.stat().st_mtime, datetime.timezone.utc)
    except (ValueError, OverflowError):
        return datetime.datetime.fromtimestamp(0, datetime.timezone.utc)


def _text(field: bytes) -> str:
    text = field.split(b"\0")[0].decode("ascii", "replace")
    return "".join(character for character in text if character.isprintable()).strip()


def _ascii(text: str) -> bytes:
    return text.encode("ascii", "replace")
