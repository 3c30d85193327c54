"""The beginning of a 32-bit float WAV file whose length is known before its samples are."""

from __future__ import annotations

import struct

from bridge.audio.riff import MAX_UINT32

BYTES_PER_SAMPLE = 4
#: WAVE_FORMAT_IEEE_FLOAT, of the Multimedia Registration Kit.
_FLOAT = 3
#: Format, channels, frames a second, bytes a second, bytes a frame, bits a sample, size of the extension: none.
_FMT = struct.Struct("<HHIIHHH")
#: Size of the file, of its data and its frames in 64 bits, and an empty table (EBU Tech 3306).
_DS64 = struct.Struct("<QQQI")


def float_wav_head(frames: int, channels: int, sample_rate_hz: int) -> bytes:
    """The bytes before the samples of a file that will hold `frames` frames; RF64 where 32 bits are too few for it.

    A program that opens it earlier finds a file that is cut off, and reads what is there.
    """
    frame_bytes = channels * BYTES_PER_SAMPLE
    data_bytes = frames * frame_bytes
    fmt = _FMT.pack(
        _FLOAT, channels, sample_rate_hz, sample_rate_hz * frame_bytes, frame_bytes, 8 * BYTES_PER_SAMPLE, 0
    )
    chunks = _chunk(b"fmt ", fmt) + _chunk(b"fact", struct.pack("<I", min(frames, MAX_UINT32)))
    size = len(b"WAVE") + len(chunks) + 8 + data_bytes
    if size < MAX_UINT32:
        return b"RIFF" + struct.pack("<I", size) + b"WAVE" + chunks + b"data" + struct.pack("<I", data_bytes)
    ds64 = _chunk(b"ds64", _DS64.pack(size + 8 + _DS64.size, data_bytes, frames, 0))
    unknown = struct.pack("<I", MAX_UINT32)
    return b"RF64" + unknown + b"WAVE" + ds64 + chunks + b"data" + unknown


def _chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content
