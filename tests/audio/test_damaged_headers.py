"""Files with damaged headers are read, or refused with a clear message; no decoder exception escapes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.audio.decoding.header import BLOCK_FRAMES, translate_decoding_errors
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
    """Deterministic mutations: changed header bytes, extreme numbers, deleted bytes, truncated files."""
    rng = random.Random(ending)
    for number in range(MUTANTS):
        mutant = bytearray(data)
        head = min(len(data), HEAD_BYTES)
        # The header of an MP4 file may be at its end.
        shift = max(0, len(data) - HEAD_BYTES) if ending in ("m4a", "mov") and number % 2 else 0
        for _ in range(rng.choice((1, 2, 6, 20))):
            at = min(shift + rng.randrange(head), len(mutant) - 1)
            match rng.randrange(4):
                case 0:
                    mutant[at] = rng.randrange(256)
                case 1:
                    mutant[at : at + 4] = rng.choice((b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\x80\0\0\0"))
                case 2:
                    del mutant[at : at + rng.choice((1, 4, 40))]
                case _:
                    mutant[at] ^= 1 << rng.randrange(8)
        if rng.randrange(5) == 0:
            del mutant[rng.randrange(len(mutant)) :]
        yield bytes(mutant)


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_damaged_header_is_read_or_refused_with_a_message(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"mutant.{ending}"
    outcomes: Counter[str] = Counter()
    without_name = 0
    for mutant in mutants(original(tmp_path, ending), ending):
        path.write_bytes(mutant)
        try:
            with find_region(path, 0.0, None, 60.0).open(tmp_path / "scratch", RecordingControl()) as region:
                region.signal.read(0, min(region.frames, BLOCK_FRAMES))
            outcomes["read"] += 1
        except BridgeError as error:
            outcomes[error.code] += 1
            without_name += path.name not in str(error)
    assert set(outcomes) <= {"read", "not_audio", "too_long"}, outcomes
    assert not without_name
    is_checked = ending == "ogg"  # every page has a checksum
    assert (outcomes["read"] or is_checked) and outcomes["not_audio"], "the mutations must give both outcomes"


@pytest.mark.parametrize("error", [AttributeError("rate"), UnicodeDecodeError("utf-8", b"\xf6", 0, 1, "x"), OSError(5)])
def test_any_decoder_exception_becomes_not_audio(error: Exception) -> None:
    with (
        pytest.raises(NotAudio, match=r"clip\.mp3") as caught,
        translate_decoding_errors("clip.mp3 cannot be decoded."),
    ):
        raise error
    assert caught.value.__cause__ is error


@pytest.mark.parametrize("kind", [MemoryError, KeyboardInterrupt])
def test_errors_unrelated_to_the_file_pass_through(kind: Callable[[], BaseException]) -> None:
    with pytest.raises(kind), translate_decoding_errors("clip.mp3 cannot be decoded."):  # type: ignore[call-overload]
        raise kind()
