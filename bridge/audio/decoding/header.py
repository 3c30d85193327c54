"""What is known of an audio file before it is decoded, and the limits that it must keep to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bridge.audio.decoding.damage import Damage
from bridge.audio.decoding.file_part import FilePart
from bridge.audio.tags import NO_TAGS, Tags
from bridge.errors import BridgeError, NotAudio, NotReadable

if TYPE_CHECKING:
    from bridge.protocols import Samples

BLOCK_FRAMES = 1 << 16
#: Rates outside are no sound: resampling from 1 Hz or 2 GHz would take hours, or all memory.
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 1_000, 768_000
#: Seventh-order ambisonics; the largest sound systems have no more.
MOST_CHANNELS = 64

#: The stems' sample format for a lossy source, which has no bit depth: 24 bits are below any codec's noise.
LOSSY_SUBTYPE = "PCM_24"

_WITHOUT_FFMPEG = "Export the clip as WAV, or install the bridge again."


@dataclass(frozen=True)
class Header:
    """Properties of a file that are known before it is decoded."""

    sample_rate_hz: int
    channels: int
    stem_subtype: str
    """The stems' sample format: PCM_16, PCM_24, PCM_32 or FLOAT."""
    frames: int | None
    """The length; None if unknown before decoding."""
    expected_frames: int
    """Estimated length if `frames` is None, or 0; used for disk space and progress only."""
    promised_frames: int | None = None
    """The length that the file states; if there is less, it was cut off. None if it states none."""
    is_cut_off: bool = False
    """The file does not end as such files do."""
    tags: Tags = NO_TAGS
    in_place: bool = False
    """True if libsndfile can read the uncompressed samples directly from the file, from any frame."""
    may_hold_nan: bool = True


class Decoder(Protocol):
    """An audio file, opened and recognised."""

    @property
    def part(self) -> FilePart: ...

    @property
    def header(self) -> Header: ...

    def blocks(self, start: int, damage: Damage) -> Iterator[tuple[int, Samples]]:
        """Decodes from frame `start` or earlier; yields each block with the number of its first frame.

        Blocks follow each other without a gap. What was lost, and is silence now, is added to `damage`.

        Raises:
            NotAudio: the file is damaged beyond use.
            IncompleteError: another decoder gets more out of the file.
        """
        ...


class IncompleteError(Exception):
    """The file is damaged, and `instead` decodes what is left of it; blocks so far are void."""

    def __init__(self, instead: Decoder) -> None:
        super().__init__()
        self.instead = instead


def check_header(name: str, header: Header) -> None:
    """Checks that rate and channels are within reason.

    Raises:
        NotAudio: they are not.
    """
    if not LOWEST_RATE_HZ <= header.sample_rate_hz <= HIGHEST_RATE_HZ:
        raise NotAudio(
            f"{name} has a sample rate of {header.sample_rate_hz} Hz, "
            f"outside {LOWEST_RATE_HZ} to {HIGHEST_RATE_HZ} Hz; its header may be damaged."
        )
    if not 1 <= header.channels <= MOST_CHANNELS:
        raise NotAudio(f"{name} has {header.channels} channels, and at most {MOST_CHANNELS} are read.")


@contextmanager
def translate_decoding_errors(message: str) -> Iterator[None]:
    """Turns any exception of a decoder into NotAudio.

    On damaged files, libsndfile, FFmpeg and their Python wrappers raise unforeseen exceptions: `AttributeError`,
    `UnicodeDecodeError`, `OverflowError` … For the user, each of them means that the file cannot be decoded.

    Raises:
        NotAudio: with `message`.
        NotReadable: a library is missing.
    """
    try:
        yield
    except (BridgeError, MemoryError, IncompleteError):
        raise
    except ImportError as error:  # the installation's fault
        raise NotReadable(f"FFmpeg's libraries cannot be loaded ({error}).", advice=_WITHOUT_FFMPEG) from error
    except Exception as error:
        raise NotAudio(message) from error
