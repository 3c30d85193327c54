"""Reading the region of an audio file that a job is about.

libsndfile reads what studios exchange (WAV, AIFF, FLAC, Ogg, MP3 …); FFmpeg's libraries, through PyAV, read what it
cannot (M4A, MP4, WMA …).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from bridge.audio.check import check_source
from bridge.audio.signal import ArraySignal
from bridge.errors import BadArguments, NotAudio, TooLong
from bridge.units import seconds_to_frames

if TYPE_CHECKING:
    from bridge.protocols import Samples

BLOCK_FRAMES = 1 << 16

#: What a lossy file is decoded to has no depth of its own; 24 bits lie below any codec's noise.
LOSSY_SUBTYPE = "PCM_24"
#: The sample formats that stems can keep; all others become the nearest of them (see `_kept_subtype`).
KEPT_SUBTYPES = frozenset({"PCM_16", "PCM_24", "PCM_32", "FLOAT"})
NEAREST_SUBTYPE = {"PCM_S8": "PCM_16", "PCM_U8": "PCM_16", "DOUBLE": "FLOAT", "ALAW": "PCM_16", "ULAW": "PCM_16"}


@dataclass(frozen=True)
class Region:
    """A region of a file in memory, and what its stems should look like."""

    signal: ArraySignal
    start_frame: int
    subtype: str
    """The sample format that stems keep: PCM_16, PCM_24, PCM_32 or FLOAT."""
    mended_samples: int
    """How many samples were no numbers (NaN, infinity) and have been made silent."""

    @property
    def seconds(self) -> float:
        return self.signal.frames / self.signal.sample_rate_hz


def read_region(path: Path, start_seconds: float, end_seconds: float | None, max_seconds: float) -> Region:
    """The frames from `start_seconds` to `end_seconds` (None or beyond the end: the file's end).

    Raises:
        NotFound, NotReadable: see `check_source`.
        NotAudio: no decoder knows the file, or it holds no audio.
        TooLong: the region is longer than `max_seconds`.
        BadArguments: the region starts where the file is already over.
    """
    check_source(path)
    if path.stat().st_size == 0:
        raise NotAudio(f"{path.name} is empty.")
    try:
        region = _read_with_soundfile(path, start_seconds, end_seconds, max_seconds)
    except soundfile.LibsndfileError:
        region = _read_with_av(path, start_seconds, end_seconds, max_seconds)
    if region.signal.frames == 0:
        raise NotAudio(f"{path.name} holds no audio in that region.")
    return region


def sha256_of(path: Path) -> str:
    """The hash of a file's bytes, as hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _read_with_soundfile(path: Path, start_seconds: float, end_seconds: float | None, max_seconds: float) -> Region:
    with soundfile.SoundFile(str(path)) as file:
        rate = file.samplerate
        start, stop = _frame_range(path, start_seconds, end_seconds, rate, max_seconds, total=file.frames)
        file.seek(start)
        wanted = file.frames if stop is None else stop
        samples = file.read(wanted - start, dtype="float32", always_2d=True)
        subtype = _kept_subtype(file.subtype)
    return _region(samples, rate, start, subtype)


def _read_with_av(path: Path, start_seconds: float, end_seconds: float | None, max_seconds: float) -> Region:
    import av  # only where it is needed: it loads all of FFmpeg

    try:
        with av.open(str(path)) as container:
            if not container.streams.audio:
                raise NotAudio(f"{path.name} has no sound in it.")
            stream = container.streams.audio[0]
            rate = int(stream.rate)
            start, stop = _frame_range(path, start_seconds, end_seconds, rate, max_seconds, total=None)
            limit = start + seconds_to_frames(max_seconds, rate)
            parts: list[Samples] = []
            position = 0
            for block in _decoded(container, rate):
                parts.append(block[max(0, start - position) :])
                position += len(block)
                if stop is not None and position >= stop:
                    break
                if position > limit:
                    raise _too_long(path, max_seconds)
            subtype = "PCM_16" if stream.format.name in ("s16", "s16p") else LOSSY_SUBTYPE
    except av.FFmpegError as error:
        raise NotAudio(f"{path.name} is not audio that can be decoded.") from error
    if start >= position > 0:
        raise _starts_late(path, start_seconds, position / rate)
    if not parts:
        raise NotAudio(f"{path.name} holds no audio.")
    samples = np.concatenate(parts)
    return _region(samples if stop is None else samples[: stop - start], rate, start, subtype)


def _decoded(container: object, rate: int) -> Iterator[Samples]:
    import av

    resampler = av.AudioResampler(format="fltp", rate=rate)  # only changes the sample type
    for frame in container.decode(audio=0):  # type: ignore[attr-defined]
        for plain in resampler.resample(frame):
            yield np.ascontiguousarray(plain.to_ndarray().T)


def _frame_range(
    path: Path, start_seconds: float, end_seconds: float | None, rate: int, max_seconds: float, *, total: int | None
) -> tuple[int, int | None]:
    """First frame and the one after the last; the latter None where only decoding will tell."""
    start = seconds_to_frames(start_seconds, rate)
    stop = None if end_seconds is None else seconds_to_frames(end_seconds, rate)
    if total is not None:
        if start >= total > 0:
            raise _starts_late(path, start_seconds, total / rate)
        stop = total if stop is None else min(stop, total)
    if stop is not None and stop - start > seconds_to_frames(max_seconds, rate):
        raise _too_long(path, max_seconds)
    return start, stop


def _too_long(path: Path, max_seconds: float) -> TooLong:
    return TooLong(f"The region of {path.name} is longer than {max_seconds / 60:g} minutes.")


def _starts_late(path: Path, start_seconds: float, length_seconds: float) -> BadArguments:
    return BadArguments(
        f"The region starts at {start_seconds:g} s, but {path.name} is only {length_seconds:g} s long.",
        advice="Choose an earlier start.",
    )


def _region(samples: Samples, rate: int, start: int, subtype: str) -> Region:
    broken = ~np.isfinite(samples)
    mended = int(np.count_nonzero(broken))
    if mended:
        samples[broken] = 0.0
    return Region(ArraySignal(samples, rate), start, subtype, mended)


def _kept_subtype(subtype: str) -> str:
    return subtype if subtype in KEPT_SUBTYPES else NEAREST_SUBTYPE.get(subtype, LOSSY_SUBTYPE)
