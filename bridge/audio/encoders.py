"""Writes M4A and Opus files with FFmpeg's libraries, through PyAV.

Both containers say how many frames the encoder has put in front and how many belong to the audio, so a reader that
heeds this gets the frames that were written.
"""

from __future__ import annotations

import errno
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from bridge.audio.resample import resampled
from bridge.audio.tags import NO_TAGS, Tags
from bridge.audio.targets import Target, opened
from bridge.errors import BadArguments

if TYPE_CHECKING:
    from bridge.protocols import Signal

BLOCK_FRAMES = 1 << 16
#: The speakers of a file with so many channels, in FFmpeg's words. With more channels both codecs take one for the
#: deep effects of a film, and lose its treble.
_LAYOUTS = {1: "mono", 2: "stereo"}
#: Without these, FFmpeg stores its version, the time or a random number, so that the same stem makes another file.
_SAME_BYTES = {"fflags": "+bitexact"}


@dataclass(frozen=True)
class EncodedFormat:
    """A file format that FFmpeg writes."""

    container: str
    codec: str
    sample_format: str
    subtype: str
    """As results name it, in the manner of libsndfile."""
    bits_per_second: int
    """Of each channel."""
    coder: str = ""
    """How the codec finds its coefficients; empty: as it does by itself."""
    sample_rate_hz: int | None = None
    """The only rate that it has; None: that of the audio."""
    tags_in_stream: bool = False


#: By their names in the option `format`.
ENCODED_FORMATS: dict[str, EncodedFormat] = {
    # The other coder comes 3 dB closer, and takes three times as long: 28 × real time.
    "m4a": EncodedFormat("ipod", "aac", "fltp", "AAC", 128_000, coder="fast"),
    "opus": EncodedFormat("opus", "libopus", "flt", "OPUS", 96_000, sample_rate_hz=48_000, tags_in_stream=True),
}


def as_encoded(file_format: str, signal: Signal) -> Signal:
    """The signal at the rate at which a file of this format holds it; itself for formats of any rate."""
    found = ENCODED_FORMATS.get(file_format)
    rate = None if found is None else found.sample_rate_hz
    return signal if rate is None else resampled(signal, rate)


def missing_encoder(file_format: str) -> str:
    """Why this format cannot be written here; empty if it can."""
    try:
        import av  # imported late: it loads all of FFmpeg

        av.Codec(ENCODED_FORMATS[file_format].codec, "w")
    except (ImportError, OSError) as error:
        return f"FFmpeg's libraries do not load ({error})"
    except ValueError:  # PyAV's UnknownCodecError
        return f"these libraries of FFmpeg have no encoder {ENCODED_FORMATS[file_format].codec}"
    return ""


def check_encoder(file_format: str, channels: int, sample_rate_hz: int) -> None:
    """Checks that the format can be written here, with so many channels at this rate.

    Raises:
        BadArguments: it cannot.
    """
    if why := missing_encoder(file_format):
        raise BadArguments(
            f"The format {file_format} cannot be written here: {why}.", advice="Choose another format; `sab doctor`."
        )
    rate = ENCODED_FORMATS[file_format].sample_rate_hz or sample_rate_hz
    with _encoder(io.BytesIO(), file_format, channels, rate, NO_TAGS):
        pass


def write_encoded(
    target: Target, audio: Signal, file_format: str, tags: Tags, checkpoint: Callable[[], None] = lambda: None
) -> None:
    """Writes `audio`, at the rate of `as_encoded`; the same audio gives the same bytes.

    Raises:
        BadArguments: the format does not support the number of channels or the sample rate.
        OSError: the disk is full.
    """
    rate, layout = audio.sample_rate_hz, _LAYOUTS.get(audio.channels, "")
    sample_format = ENCODED_FORMATS[file_format].sample_format
    with opened(target, "wb") as file, _encoder(file, file_format, audio.channels, rate, tags) as (container, stream):
        import av

        for start in range(0, audio.frames, BLOCK_FRAMES):
            checkpoint()
            block = audio.read(start, min(start + BLOCK_FRAMES, audio.frames))
            planes = block.T if sample_format.endswith("p") else block.reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(planes), format=sample_format, layout=layout)
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@contextmanager
def _encoder(
    file: BinaryIO, file_format: str, channels: int, sample_rate_hz: int, tags: Tags
) -> Iterator[tuple[Any, Any]]:
    """A container and its stream, open; the file is complete when the block ends."""
    import av

    row = ENCODED_FORMATS[file_format]
    # A movie counts in milliseconds unless it is told to, and then its end is not the audio's.
    options = {**_SAME_BYTES, "movie_timescale": str(sample_rate_hz)} if row.container == "ipod" else _SAME_BYTES
    try:
        container = av.open(file, "w", format=row.container, options=options)
        if channels not in _LAYOUTS:
            raise ValueError(channels)
        stream: Any = container.add_stream(row.codec, rate=sample_rate_hz, layout=_LAYOUTS[channels])
        stream.codec_context.format = av.AudioFormat(row.sample_format)
        stream.codec_context.options = {"aac_coder": row.coder} if row.coder else {}
        stream.bit_rate = channels * min(row.bits_per_second, 4 * sample_rate_hz)  # more is refused at low rates
        (stream if row.tags_in_stream else container).metadata.update(tags.present)
        stream.codec_context.open()
    except ValueError as error:  # PyAV's for an argument that the encoder refuses
        raise BadArguments(
            f"The format {file_format} does not support {channels} channels at {sample_rate_hz} Hz.",
            advice="Choose the format wav.",
        ) from error
    try:
        try:
            yield container, stream
        except BaseException:
            with suppress(Exception):  # FFmpeg writes the end of the file, which nobody will read
                container.close()
            raise
        container.close()
    except av.FFmpegError as error:
        raise OSError(error.errno or errno.EIO, f"writing stopped before the end of the file ({error})") from error
