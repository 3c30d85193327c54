"""Writes a stem in the requested format, once its scratch file is complete.

The scratch file of floats is needed because a stem is never rescaled or clipped: whether its samples fit an integer
format is known only after the last sample.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np
import soundfile

from bridge.audio import riff
from bridge.audio.encoders import ENCODED_FORMATS, as_encoded, check_encoder, write_encoded
from bridge.audio.scratch import Scratch
from bridge.audio.tags import NO_TAGS, Tags, id3_tag
from bridge.audio.targets import NotedErrors, Target, opened
from bridge.errors import BadArguments

if TYPE_CHECKING:
    from bridge.protocols import Samples, Signal

BLOCK_FRAMES = 1 << 16
#: Bytes that are moved at a time where a tag is inserted.
MOVED_BYTES = 1 << 20
#: The limit of a WAV header's 32 bits. A longer file becomes RF64, with the same file name extension.
WAV_LIMIT_BYTES = (1 << 32) - (1 << 16)

MAJOR_FORMATS = {"wav": "WAV", "aiff": "AIFF", "flac": "FLAC", "mp3": "MP3", "ogg": "OGG"}
LOSSY_SUBTYPES = {
    "mp3": "MPEG_LAYER_III",
    "ogg": "VORBIS",
    **{name: encoded.subtype for name, encoded in ENCODED_FORMATS.items()},
}
#: Formats whose tags libsndfile writes well; in an MP3 file they would be 30 bytes each, in no known encoding.
TEXT_FORMATS = frozenset({"aiff", "flac", "ogg"})
#: The highest rates of encoders that do not refuse others themselves: they crash, or fail at the last moment.
HIGHEST_RATES_HZ = {"ogg": 200_000, "flac": 655_350}
#: FLAC counts rates that do not fit 16 bits in tens (RFC 9639, section 9.1.2).
_FLAC_FINE_RATES_HZ = 65_535
#: The loudest sample that lossy encoders are given, 60 dB above full scale: on louder ones LAME aborts the process, and
#: FFmpeg's AAC encoder searches for minutes and more.
LOUDEST_ENCODED = 1000.0
DEPTHS = {"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}
BITS = {"PCM_16": 16, "PCM_24": 24, "PCM_32": 32}


def subtype_for(file_format: str, depth: str, source_subtype: str) -> str:
    """The sample format of a stem, in libsndfile's words.

    Raises:
        BadArguments: the file format does not support the depth.
    """
    if file_format in LOSSY_SUBTYPES:
        return LOSSY_SUBTYPES[file_format]
    if file_format == "flac" and depth == "32f":
        raise BadArguments("FLAC files cannot hold 32-bit float.", advice="Choose the format wav, or the depth 24.")
    wanted = source_subtype if depth == "source" else DEPTHS[depth]
    if file_format == "flac" and wanted not in ("PCM_16", "PCM_24"):
        return "PCM_24"
    return wanted


def would_clip(stem: Scratch, subtype: str) -> bool:
    """True if an integer format would clip the stem, or if it is too loud for a lossy encoder."""
    if subtype in LOSSY_SUBTYPES.values():
        return max(stem.highest, -stem.lowest) > LOUDEST_ENCODED
    bits = BITS.get(subtype)
    if bits is None:
        return False
    full_scale = 2.0 ** (bits - 1)
    return round(stem.highest * full_scale) > full_scale - 1 or round(stem.lowest * full_scale) < -full_scale


def write_audio(
    target: Target,
    stem: Scratch,
    file_format: str,
    subtype: str,
    chunks: Sequence[tuple[bytes, bytes]] = (),
    tags: Tags = NO_TAGS,
    checkpoint: Callable[[], None] = lambda: None,
) -> None:
    """Writes a finished stem as a file of `file_format` (of `MAJOR_FORMATS` or `ENCODED_FORMATS`).

    The same stem gives the same bytes: libsndfile's time stamps are overwritten. Only the pages of an Ogg file have a
    random serial number.

    Args:
        target: a path, or an empty file that is open for reading and writing.
        chunks: appended to a WAV file (see `riff.append_chunks`); ignored for other formats.
        tags: written to files other than WAV, whose tags are one of the chunks; AIFF has no album.
        checkpoint: called now and then; may raise to stop.

    Raises:
        BadArguments: the format does not support the number of channels or the sample rate.
        OSError: the disk is full or the folder is gone.
    """
    signal = stem.signal()
    if file_format in ENCODED_FORMATS:
        write_encoded(target, as_encoded(file_format, signal), file_format, tags, checkpoint)
        return
    with opened(target, "w+b") as file:
        major = _write_samples(file, signal, file_format, subtype, tags, checkpoint)
        if subtype == "FLOAT":
            riff.clear_peak_timestamp(file)
        if major == "WAV":
            riff.append_chunks(file, chunks)
        if major == "MP3":
            _insert(file, id3_tag(tags))


def _write_samples(
    file: BinaryIO, signal: Signal, file_format: str, subtype: str, tags: Tags, checkpoint: Callable[[], None]
) -> str:
    """Writes the samples with libsndfile; returns its name of the format."""
    major = MAJOR_FORMATS[file_format]
    if major == "WAV" and signal.frames * signal.channels * 4 > WAV_LIMIT_BYTES:
        major = "RF64"
    noted = NotedErrors(file)
    try:
        with _open(noted, major, subtype, signal.channels, signal.sample_rate_hz) as sound:
            if file_format in TEXT_FORMATS:
                for name, text in tags.present.items():
                    setattr(sound, name, text)
            for start in range(0, signal.frames, BLOCK_FRAMES):
                checkpoint()
                block = signal.read(start, min(start + BLOCK_FRAMES, signal.frames))
                sound.write(_quantised(block, subtype))
    except (soundfile.LibsndfileError, AssertionError) as error:  # soundfile asserts that all frames were written
        lost = OSError(errno.EIO, f"writing stopped before the end of the file ({error})")
        raise noted.error or lost from error
    if noted.error is not None:
        raise noted.error
    file.flush()
    return major


def check_format(file_format: str, subtype: str, channels: int, sample_rate_hz: int) -> None:
    """Checks, before a long job starts, that the format supports the stems.

    Raises:
        BadArguments: it does not.
    """
    if file_format in ENCODED_FORMATS:
        check_encoder(file_format, channels, sample_rate_hz)
        return
    highest = HIGHEST_RATES_HZ.get(file_format, sample_rate_hz)
    is_too_fine = file_format == "flac" and sample_rate_hz > _FLAC_FINE_RATES_HZ and sample_rate_hz % 10
    if sample_rate_hz > highest or is_too_fine:
        raise _unsupported(MAJOR_FORMATS[file_format], channels, sample_rate_hz)
    _open(io.BytesIO(), MAJOR_FORMATS[file_format], subtype, channels, sample_rate_hz).close()


def _open(
    target: NotedErrors | io.BytesIO, major: str, subtype: str, channels: int, sample_rate_hz: int
) -> soundfile.SoundFile:
    try:
        return soundfile.SoundFile(target, "w", sample_rate_hz, channels, format=major, subtype=subtype)
    except soundfile.LibsndfileError as error:
        raise _unsupported(major, channels, sample_rate_hz) from error


def _unsupported(major: str, channels: int, sample_rate_hz: int) -> BadArguments:
    return BadArguments(
        f"The format {major} does not support {channels} channels at {sample_rate_hz} Hz.",
        advice="Choose the format wav.",
    )


def _quantised(block: Samples, subtype: str) -> np.ndarray[tuple[int, ...], np.dtype[np.int16 | np.int32 | np.float32]]:
    """Integers for integer formats, scaled by 2^(bits - 1), the inverse of what readers do.

    libsndfile's own conversion multiplies by 2^(bits - 1) - 1, which makes every stem slightly quieter, so that 16-bit
    stems would not sum to their source.
    """
    bits = BITS.get(subtype)
    if bits is None:
        return block
    full_scale = 2.0 ** (bits - 1)
    rounded = np.clip(np.rint(block.astype(np.float64) * full_scale), -full_scale, full_scale - 1)
    if bits == 16:
        return rounded.astype(np.int16)
    return (rounded.astype(np.int64) << (32 - bits)).astype(np.int32)


def _insert(file: BinaryIO, head: bytes) -> None:
    """Inserts bytes at the start of a file, by moving its content, block by block, from the end."""
    if not head:
        return
    end = file.seek(0, io.SEEK_END)
    while end > 0:
        start = max(0, end - MOVED_BYTES)
        file.seek(start)
        block = file.read(end - start)
        file.seek(start + len(head))
        file.write(block)
        end = start
    file.seek(0)
    file.write(head)
