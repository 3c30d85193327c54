"""Audio files of every format that the bridge reads."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import soundfile

from bridge.audio.source import OpenRegion, find_region
from tests.support.fakes import RecordingControl
from tests.support.sounds import Samples

LAYOUTS = {1: "mono", 2: "stereo", 6: "5.1"}
#: File name extensions that libsndfile cannot write → codec.
CODECS = {".aac": "aac", ".mkv": "aac", ".m4a": "aac", ".mp4": "aac", ".mov": "alac", ".wma": "wmav2"}
BIT_RATE = 192_000


def impulse(frames: int, channels: int, at: int) -> Samples:
    """A click at frame `at`, slightly softer from channel to channel."""
    sound = np.zeros((frames, channels), np.float32)
    sound[at] = 0.8 - 0.05 * np.arange(channels)
    return sound


def encode(path: Path, samples: Samples, rate: int, subtype: str | None = None) -> Path:
    """Writes `samples` in the format of the path's extension; `subtype` is libsndfile's."""
    codec = CODECS.get(path.suffix)
    if codec is None:
        soundfile.write(str(path), samples, rate, subtype=subtype)
        return path
    layout = LAYOUTS[samples.shape[1]]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        stream.bit_rate = BIT_RATE
        context = stream.codec_context
        whole = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples.T), format="fltp", layout=layout)
        whole.sample_rate, whole.pts = rate, 0  # the muxer needs pts to store the encoder delay
        parts = av.AudioResampler(format=context.format.name, layout=layout, rate=rate, frame_size=context.frame_size)
        for frame in (*parts.resample(whole), *parts.resample(None), None):
            container.mux(stream.encode(frame))
    return path


HOUR = 3600.0


def decoded(path: Path, start: float = 0.0, end: float | None = None) -> tuple[OpenRegion, Samples]:
    """Opens a region (seconds) of a file and reads it: float32 (frames, channels)."""
    found = find_region(path, start, end, HOUR)
    with found.open(path.with_suffix(".scratch"), RecordingControl()) as region:
        return region, region.signal.read(0, region.frames)
