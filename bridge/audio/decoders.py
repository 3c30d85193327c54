"""Audio files opened by the library that reads them best, and decoded block by block.

libsndfile reads what studios exchange (WAV, AIFF, FLAC, Ogg …). FFmpeg's libraries, through PyAV, read what it cannot
(M4A, MP4, WMA …), and what libsndfile does not know the length of: FLAC from a pipe, and MP3, where it guesses.
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

from bridge.errors import BridgeError, NotAudio, NotReadable

if TYPE_CHECKING:
    from bridge.protocols import Samples

BLOCK_FRAMES = 1 << 16

#: What a lossy file is decoded to has no depth of its own; 24 bits lie below any codec's noise.
LOSSY_SUBTYPE = "PCM_24"
#: The sample formats that stems can keep; all others become the nearest of them.
STEM_SUBTYPES = frozenset({"PCM_16", "PCM_24", "PCM_32", "FLOAT"})
NEAREST_SUBTYPE = {
    **dict.fromkeys(("PCM_S8", "PCM_U8", "ALAW", "ULAW", "ALAC_16"), "PCM_16"),
    "ALAC_32": "PCM_32",
    "DOUBLE": "FLOAT",
}
#: FFmpeg's sample formats of decoders that lose nothing.
FFMPEG_SUBTYPE = {"s16": "PCM_16", "s16p": "PCM_16"}

#: Containers in which libsndfile finds each frame by multiplication, and the sample formats of which that holds.
IN_PLACE_FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU"})
FLOAT_SUBTYPES = frozenset({"FLOAT", "DOUBLE"})
IN_PLACE_SUBTYPES = FLOAT_SUBTYPES | {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ALAW", "ULAW"}
#: libsndfile's word for a length that the file does not tell.
UNKNOWN_FRAMES = (1 << 63) - 1
#: Options for FFmpeg: a playlist that calls itself a song leads nowhere but into files.
LOCAL_ONLY = {"protocol_whitelist": "file"}


@dataclass(frozen=True)
class Header:
    """What a file says about itself before it is decoded."""

    sample_rate_hz: int
    channels: int
    stem_subtype: str
    """The sample format that stems keep: PCM_16, PCM_24, PCM_32 or FLOAT."""
    frames: int | None
    """Its length; None where only decoding tells."""
    expected_frames: int
    """A guess where `frames` is None, 0 where there is none; only for reckoning how much room it takes."""
    in_place: bool = False
    """True where libsndfile can read the samples from any frame, as they lie in the file."""
    may_hold_nan: bool = True


class Decoder(Protocol):
    """A file that is known to be audio."""

    @property
    def path(self) -> Path: ...

    @property
    def header(self) -> Header: ...

    def blocks(self, start: int) -> Iterator[tuple[int, Samples]]:
        """Decodes from frame `start` or before: each block with the number of its first frame.

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
        damaged = translate_decoding_errors(f"{self.path.name} is damaged and cannot be decoded.")
        with damaged, soundfile.SoundFile(str(self.path)) as file:
            # Ogg Vorbis lands beside the frame that was asked for, so it is decoded from its start.
            position = file.seek(start) if self.seeks_exactly else 0
            while len(block := file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)):
                yield position, block
                position += len(block)


@dataclass(frozen=True)
class FFmpegDecoder:
    """Decodes the first stream of sound with FFmpeg, which skips what the encoder put before the first sample."""

    path: Path
    header: Header

    def blocks(self, start: int) -> Iterator[tuple[int, Samples]]:  # noqa: ARG002 - it always starts at the first
        import av  # only where it is needed: it loads all of FFmpeg

        position = 0
        unknown = translate_decoding_errors(f"{self.path.name} is not audio that can be decoded.")
        with unknown, _open_with_ffmpeg(self.path) as container:
            stream = _audio_stream(container)
            rate = self.header.sample_rate_hz
            plain = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)  # changes the sample type
            for packed, following in pairwise(chain(container.decode(stream), (None,))):
                frames = _valid_frames(packed, rate) if following is None else packed.samples
                for frame in plain.resample(packed):
                    block = np.ascontiguousarray(frame.to_ndarray().T)[:frames]
                    yield position, block
                    position += len(block)


def open_audio(path: Path) -> SoundFileDecoder | FFmpegDecoder:
    """The decoder for a file that is there.

    Raises:
        NotAudio: no decoder knows the file, or it holds no audio.
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
def translate_decoding_errors(words: str) -> Iterator[None]:
    """Whatever a decoder raises within is the file's fault: the one boundary to their errors, which have no end.

    libsndfile, FFmpeg and the libraries around them meet damage that nobody has thought of with `AttributeError`,
    `UnicodeDecodeError`, `OverflowError` … To the user all of it is a file that cannot be decoded.

    Raises:
        NotAudio: with these words.
        NotReadable: a library is missing.
    """
    try:
        yield
    except (BridgeError, MemoryError):
        raise
    except ImportError as error:  # the installation's fault
        raise NotReadable(f"FFmpeg's libraries do not load ({error}).", advice=_WITHOUT_FFMPEG) from error
    except Exception as error:
        raise NotAudio(words) from error


def _libsndfile_decoder(path: Path, file: soundfile.SoundFile) -> SoundFileDecoder:
    if file.samplerate < 1 or file.channels < 1 or file.frames < 0:
        raise ValueError("the header holds nonsense")
    header = Header(
        file.samplerate,
        file.channels,
        _stem_subtype(file.subtype),
        file.frames,
        expected_frames=file.frames,
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
            raise NotAudio(f"{path.name} has no sound in it.")
        stream = _audio_stream(container)
        rate, channels = int(stream.rate), int(stream.layout.nb_channels)
        subtype = FFMPEG_SUBTYPE.get(stream.format.name, LOSSY_SUBTYPE)
        expected = round((container.duration or 0) / av.time_base * rate)
        return FFmpegDecoder(path, Header(rate, channels, subtype, None, expected))


def _open_with_ffmpeg(path: Path) -> Any:
    """The file as FFmpeg sees it; names and tags, of it and of its streams, may be in any encoding or none."""
    import av

    return av.open(str(path), options=LOCAL_ONLY, metadata_errors="ignore")


def _audio_stream(container: Any) -> Any:
    """The first stream of sound that there is a decoder for and that says what it is; others may be anything.

    Raises:
        ValueError: there is none.
    """
    for stream in container.streams.audio:
        # Without a codec nothing else of a stream may be asked for.
        if stream.codec_context is not None and stream.rate and stream.layout.nb_channels and stream.format:
            return stream
    raise ValueError("no stream of sound has a decoder")


def _valid_frames(last: Any, rate: int) -> int:
    """How much of a file's last packet is audio, where its container tells to the frame: the rest is padding."""
    told = last.duration if last.time_base is not None and last.time_base * rate == 1 else 0
    return int(told) or int(last.samples)


def _stem_subtype(subtype: str) -> str:
    return subtype if subtype in STEM_SUBTYPES else NEAREST_SUBTYPE.get(subtype, LOSSY_SUBTYPE)
