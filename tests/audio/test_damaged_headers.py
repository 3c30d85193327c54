"""Files whose headers were hit: read, or refused in words; no error of a decoder comes out as one of ours."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.audio.decoders import BLOCK_FRAMES, translate_decoding_errors
from bridge.audio.source import find_region
from bridge.errors import BridgeError, NotAudio
from tests.support.encoded import encode
from tests.support.fakes import RecordingControl
from tests.support.sounds import music
from tests.support.tagged import id3, named

MUTANTS = 100
HEAD_BYTES = 700
ENDINGS = ("wav", "aiff", "flac", "ogg", "mp3", "caf", "au", "w64", "m4a", "mov", "wma", "mkv", "tagged.mp3")


def original(folder: Path, ending: str) -> bytes:
    if ending == "mkv":
        return named(folder / "a.mkv", tracks=2).read_bytes()
    data = encode(folder / f"a.{ending}", music(0.15), 44_100).read_bytes()
    if ending == "tagged.mp3":
        return id3((b"TIT2", b"\x03song"), (b"APIC", b"\0image/png\0\x03\0\x89PNG\r\n\x1a\n" + bytes(99))) + data
    return data


def mutants(data: bytes, ending: str) -> Iterator[bytes]:
    """The same ones at every run: bytes changed in the head, numbers made extreme, pieces cut out, ends cut off."""
    chance = random.Random(ending)
    for number in range(MUTANTS):
        mutant = bytearray(data)
        head = min(len(data), HEAD_BYTES)
        # Of an MP4 file, the description may be the end.
        shift = max(0, len(data) - HEAD_BYTES) if ending in ("m4a", "mov") and number % 2 else 0
        for _ in range(chance.choice((1, 2, 6, 20))):
            at = min(shift + chance.randrange(head), len(mutant) - 1)
            match chance.randrange(4):
                case 0:
                    mutant[at] = chance.randrange(256)
                case 1:
                    mutant[at : at + 4] = chance.choice((b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
                case 2:
                    del mutant[at : at + chance.choice((1, 4, 40))]
                case _:
                    mutant[at] ^= 1 << chance.randrange(8)
        if chance.randrange(5) == 0:
            del mutant[chance.randrange(len(mutant)) :]
        yield bytes(mutant)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_header_is_read_or_refused_in_words(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mutant.{ending}"
    came_out: Counter[str] = Counter()
    nameless = 0
    for mutant in mutants(original(tmp_path, ending), ending):
        path.write_bytes(mutant)
        try:
            with find_region(path, 0.0, None, 60.0).open(tmp_path / "scratch", RecordingControl()) as region:
                region.signal.read(0, min(region.frames, BLOCK_FRAMES))
            came_out["read"] += 1
        except BridgeError as error:
            came_out[error.code] += 1
            nameless += path.name not in str(error)
    assert set(came_out) <= {"read", "not_audio", "too_long"}, came_out
    assert not nameless
    is_checked = ending == "ogg"  # every page has a checksum
    assert (came_out["read"] or is_checked) and came_out["not_audio"], (
        "they are too tame, or too wild, to test anything"
    )


@pytest.mark.parametrize("error", [AttributeError("rate"), UnicodeDecodeError("utf-8", b"\xf6", 0, 1, "x"), OSError(5)])
def test_whatever_a_decoder_raises_is_about_the_file(error: Exception) -> None:
    with pytest.raises(NotAudio, match=r"clip\.mp3") as told, translate_decoding_errors("clip.mp3 cannot be decoded."):
        raise error
    assert told.value.__cause__ is error


@pytest.mark.parametrize("kind", [MemoryError, KeyboardInterrupt])
def test_what_is_not_the_files_fault_passes(kind: Callable[[], BaseException]) -> None:
    with pytest.raises(kind), translate_decoding_errors("clip.mp3 cannot be decoded."):  # type: ignore[call-overload]
        raise kind()
