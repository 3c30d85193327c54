"""Audio files with tags."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from tests.support.encoded import BIT_RATE
from tests.support.sounds import Samples, music

RATE = 44_100


def sound() -> Samples:
    return music(0.4)


def named(path: Path, *, tracks: int = 1, codec: str = "aac") -> Path:
    """A file with `tracks` identical audio streams; the title of the file and of each stream is `Bjork`."""
    with av.open(str(path), "w") as container:
        container.metadata["title"] = "Bjork"
        container.metadata["artist"] = "Bjork"
        streams = [container.add_stream(codec, rate=RATE, layout="stereo") for _ in range(tracks)]
        for stream in streams:
            stream.bit_rate = BIT_RATE
            stream.metadata["title"] = "Bjork"
            whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound().T), format="fltp", layout="stereo")
            whole.sample_rate, whole.pts = RATE, 0
            context = stream.codec_context
            parts = av.AudioResampler(context.format.name, "stereo", RATE, frame_size=context.frame_size)
            for frame in (*parts.resample(whole), *parts.resample(None), None):
                container.mux(stream.encode(frame))
    return path


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """An ID3v2.3 tag from frames (name, content)."""
    body = b"".join(name + len(content).to_bytes(4, "big") + b"\0\0" + content for name, content in frames)
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + size + body
