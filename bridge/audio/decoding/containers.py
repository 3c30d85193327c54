"""Which files FFmpeg may open, and how: containers of audio and video only, and no file but the one that was named.

FFmpeg also reads playlists, scripts and descriptions (HLS, DASH, concat, SDP, numbered pictures …) that name other
files or hosts, whatever the file is called. The settings `roots` would mean little if one of them were followed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bridge.audio.decoding.file_part import FilePart

#: FFmpeg's demuxers of files that hold their audio themselves.
CONTAINERS = (
    *("aac", "ac3", "adx", "aiff", "amr", "amrnb", "amrwb", "ape", "asf", "ast", "au", "avi", "avr", "binka", "bonk"),
    *("brstm", "caf", "codec2", "dsf", "dss", "dts", "dtshd", "dv", "eac3", "flac", "flv", "g729", "gsm", "gxf", "hca"),
    *("iff", "ircam", "lvf", "matroska", "mlp", "mmf", "mov", "mp3", "mpc", "mpc8", "mpeg", "mpegts", "mxf"),
    *("nistsphere", "nsv", "nut", "oma", "ogg", "pvf", "qcp", "qoa", "rm", "rso", "shn", "sox", "spdif"),
    *("tak", "truehd", "tta", "voc", "vqf", "w64", "wav", "wavarc", "wsd", "wtv", "wv", "xa", "xwma"),
)
#: No protocol at all: FFmpeg is given the open file. Other files that a movie refers to stay closed.
_OPTIONS = {
    "format_whitelist": ",".join(CONTAINERS),
    "protocol_whitelist": "none",
}


@contextmanager
def open_container(part: FilePart) -> Iterator[Any]:
    """The container, open in FFmpeg until the block ends; tags with an invalid text encoding are ignored.

    Raises whatever PyAV raises.
    """
    import av  # imported late: it loads all of FFmpeg

    with part.open() as file, av.open(file, options=dict(_OPTIONS), metadata_errors="ignore") as container:
        yield container


def audio_stream(container: Any) -> Any:
    """The first audio stream with a decoder and a known rate, layout and format; other streams are ignored.

    Raises:
        ValueError: there is no such stream.
    """
    for stream in container.streams.audio:
        # A stream without a codec has no valid properties.
        if stream.codec_context is not None and stream.rate and stream.layout.nb_channels and stream.format:
            return stream
    raise ValueError("no audio stream has a decoder")
