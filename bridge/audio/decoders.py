"""Opens audio files with the most suitable library and decodes them block by block.

libsndfile reads the formats that studios exchange (WAV, AIFF, FLAC, Ogg …). FFmpeg's libraries, through PyAV, read the
formats that libsndfile cannot (M4A, MP4, WMA …) and those whose length it does not know: FLAC from a pipe, and MP3,
where it guesses.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import soundfile

from bridge.audio.tags import NO_TAGS, Tags, cleaned_tags, read_info
from bridge.errors import BridgeError, NotAudio, NotReadable

if TYPE_CHECKING:
    from bridge.protocols import Samples

BLOCK_FRAMES = 1 << 16

#: The stems' sample format for a lossy source, which has no bit depth: 24 bits are below any codec's noise.
LOSSY_SUBTYPE = "PCM_24"
#: Sample formats that stems can keep; any other format becomes the nearest of these.
STEM_SUBTYPES = frozenset({"PCM_16", "PCM_24", "PCM_32", "FLOAT"})
NEAREST_SUBTYPE = {
    **dict.fromkeys(("PCM_S8", "PCM_U8", "ALAW", "ULAW", "ALAC_16"), "PCM_16"),
    "ALAC_32": "PCM_32",
    "DOUBLE": "FLOAT",
}
#: FFmpeg's sample formats of lossless decoders.
FFMPEG_SUBTYPE = {"s16": "PCM_16", "s16p": "PCM_16"}

#: Containers and sample formats of fixed frame size, in which libsndfile can seek to any frame.
IN_PLACE_FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU"})
#: Containers with a list of chunks for tags, whose encoding libsndfile takes for UTF-8 even where it is not.
INFO_FORMATS = frozenset({"WAV", "WAVEX", "RF64"})
FLOAT_SUBTYPES = frozenset({"FLOAT", "DOUBLE"})
IN_PLACE_SUBTYPES = FLOAT_SUBTYPES | {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ALAW", "ULAW"}
#: libsndfile's value for an unknown length.
UNKNOWN_FRAMES = (1 << 63) - 1
#: Options for FFmpeg: a playlist named like a song must not open network connections.
LOCAL_ONLY = {"protocol_whitelist": "file"}


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
    tags: Tags = NO_TAGS
    in_place: bool = False
    """True if libsndfile can read the uncompressed samples directly from the file, from any frame."""
    may_hold_nan: bool = True


class Decoder(Protocol):
    """An audio file, opened and recognised."""

    @property
    def path(self) -> Path: ...

    @property
    def header(self) -> Header: ...

    def blocks(self, start: int) -> Iterator[tuple[int, Samples]]:
        """Decodes from frame `start` or earlier; yields each block with the number of its first frame.

        Raises:
            NotAudio: the file is damaged.
        """
        ...


@dataclass(frozen=True)
class SoundFileDecoder:
    """Decodes with libsndfile."""

    path: Path
    header: Header
    seeks_exactly: bool

    def blocks(self, start: int) -> Iterator[tuple[int, Samples]]:
        translated = translate_decoding_errors(f"{self.path.name} is damaged and cannot be decoded.")
        with translated, soundfile.SoundFile(str(self.path)) as file:
            # Seeking in Ogg Vorbis is inexact, so it is decoded from the start.
            position = file.seek(start) if self.seeks_exactly else 0
            while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                yield position, block
                position += len(block)


@dataclass(frozen=True)
class FFmpegDecoder:
    """Decodes the first audio stream with FFmpeg, which skips the encoder delay before the first sample."""

    path: Path
    header: Header

    def blocks(self, start: int) -> Iterator[tuple[int, Samples]]:  # noqa: ARG002 - always decodes from frame 0
        import av  # imported late: it loads all of FFmpeg

        position = 0
        translated = translate_decoding_errors(f"{self.path.name} is not audio that can be decoded.")
        with translated, _open_with_ffmpeg(self.path) as container:
            stream = _audio_stream(container)
            rate = self.header.sample_rate_hz
            to_float = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)  # changes the sample type only
            for packed, following in pairwise(chain(container.decode(stream), (None,))):
                frames = _valid_frames(packed, rate) if following is None else packed.samples
                for frame in to_float.resample(packed):
                    block = np.ascontiguousarray(frame.to_ndarray().T)[:frames]
                    yield position, block
                    position += len(block)


def open_audio(path: Path) -> SoundFileDecoder | FFmpegDecoder:
    """The decoder for an existing file.

    Raises:
        NotAudio: no decoder recognises the file, or it contains no audio.
    """
    if path.stat().st_size == 0:
        raise NotAudio(f"{path.name} is empty.")
    try:
        with translate_decoding_errors(""), soundfile.SoundFile(str(path)) as file:
            if not file.subtype.startswith("MPEG") and file.frames != UNKNOWN_FRAMES:
                return _libsndfile_decoder(path, file)
    except NotAudio:
        pass
    return _ffmpeg_decoder(path)


_WITHOUT_FFMPEG = "Export the clip as WAV, or install the bridge again."


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
    except (BridgeError, MemoryError):
        raise
    except ImportError as error:  # the installation's fault
        raise NotReadable(f"FFmpeg's libraries cannot be loaded ({error}).", advice=_WITHOUT_FFMPEG) from error
    except Exception as error:
        raise NotAudio(message) from error


def _libsndfile_decoder(path: Path, file: soundfile.SoundFile) -> SoundFileDecoder:
    if file.samplerate < 1 or file.channels < 1 or file.frames < 0:
        raise ValueError("the header is invalid")
    header = Header(
        file.samplerate,
        file.channels,
        _stem_subtype(file.subtype),
        file.frames,
        expected_frames=file.frames,
        tags=read_info(path) if file.format in INFO_FORMATS else cleaned_tags(file.copy_metadata()),
        in_place=file.format in IN_PLACE_FORMATS and file.subtype in IN_PLACE_SUBTYPES,
        may_hold_nan=file.subtype in FLOAT_SUBTYPES,
    )
    return SoundFileDecoder(path, header, seeks_exactly=file.format == "FLAC")


def _ffmpeg_decoder(path: Path) -> FFmpegDecoder:
    with (
        translate_decoding_errors(f"{path.name} is not audio that can be decoded."),
        _open_with_ffmpeg(path) as container,
    ):
        import av

        if not container.streams.audio:
            raise NotAudio(f"{path.name} contains no audio.")
        stream = _audio_stream(container)
        rate, channels = int(stream.rate), int(stream.layout.nb_channels)
        subtype = FFMPEG_SUBTYPE.get(stream.format.name, LOSSY_SUBTYPE)
        expected = round((container.duration or 0) / av.time_base * rate)
        return FFmpegDecoder(path, Header(rate, channels, subtype, None, expected, _tags(container, stream)))


def _open_with_ffmpeg(path: Path) -> Any:
    """Opens the file with FFmpeg, ignoring tags with an invalid text encoding."""
    import av

    return av.open(str(path), options=LOCAL_ONLY, metadata_errors="ignore")


def _audio_stream(container: Any) -> Any:
    """The first audio stream with a decoder and a known rate, layout and format; other streams are ignored.

    Raises:
        ValueError: there is no such stream.
    """
    for stream in container.streams.audio:
        # A stream without a codec has no valid properties.
        if stream.codec_context is not None and stream.rate and stream.layout.nb_channels and stream.format:
            return stream
    raise ValueError("no audio stream has a decoder")


def _tags(container: Any, stream: Any) -> Tags:
    """The file's tags, else the stream's, where Ogg has them."""
    found = {key.lower(): text for key, text in (*stream.metadata.items(), *container.metadata.items())}
    return cleaned_tags({"artist": found.get("author"), **found})


def _valid_frames(last: Any, rate: int) -> int:
    """The frames of the last packet before the encoder's padding, if the container states its exact duration."""
    duration = last.duration if last.time_base is not None and last.time_base * rate == 1 else 0
    return int(duration) or int(last.samples)


def _stem_subtype(subtype: str) -> str:
    return subtype if subtype in STEM_SUBTYPES else NEAREST_SUBTYPE.get(subtype, LOSSY_SUBTYPE)
