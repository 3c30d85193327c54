"""Decodes with FFmpeg's libraries, through PyAV: what libsndfile cannot read, or not to its end.

That is M4A, MP4, WMA …; MP3, and FLAC from a pipe, whose lengths libsndfile guesses; and damaged files, of which FFmpeg
gets everything that is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from bridge.audio.decoding.conform import Conform
from bridge.audio.decoding.containers import audio_stream, open_container
from bridge.audio.decoding.damage import Damage
from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.header import BLOCK_FRAMES, LOSSY_SUBTYPE, Header, check_header, translate_decoding_errors
from bridge.audio.decoding.packets import decoded_frames
from bridge.audio.decoding.promise import promised_frames
from bridge.audio.decoding.time_stamps import TimeStamps
from bridge.audio.tags import Tags, cleaned_tags
from bridge.errors import NotAudio

if TYPE_CHECKING:
    from bridge.protocols import Samples

#: FFmpeg's sample formats of lossless decoders.
FFMPEG_SUBTYPE = {"s16": "PCM_16", "s16p": "PCM_16"}


@dataclass(frozen=True)
class FFmpegDecoder:
    """Decodes the first audio stream with FFmpeg, which skips the encoder delay before the first sample."""

    part: FilePart
    header: Header

    def blocks(self, start: int, damage: Damage) -> Iterator[tuple[int, Samples]]:  # noqa: ARG002 - always from frame 0
        """See `Decoder.blocks`. Positions count from the start of the file, which may be before that of the sound."""
        not_audio = f"{self.part.path.name} is not audio that can be decoded."
        with translate_decoding_errors(not_audio), open_container(self.part) as container:
            stream, rate = audio_stream(container), self.header.sample_rate_hz
            stamps, conform = TimeStamps(container, rate), Conform(stream.layout, rate)
            position, frame_count, lost_count = 0, 0, 0
            for decoded, following in pairwise(chain(decoded_frames(self.part, container, stream, damage), (None,))):
                assert decoded is not None
                packed = decoded.frame
                silent = stamps.silence_before(packed, position, decoded.lost_seconds)
                if silent and not frame_count and stamps.may_be_late:
                    damage.starts_late = silent
                elif silent:
                    damage.lose(position, silent)
                frame_count, lost_count = frame_count + 1, lost_count + decoded.lost_packets
                for block in chain(self._silence(silent), conform.blocks(packed)):
                    if following is None and packed.sample_rate == rate:
                        block = block[: self._valid_frames(packed, position, damage)]
                    yield position, block
                    position += len(block)
            for block in conform.rest():
                yield position, block
                position += len(block)
            damage.converted += conform.changes
            if frame_count <= lost_count:
                raise NotAudio(not_audio)

    def _silence(self, frames: int) -> Iterator[Samples]:
        for start in range(0, frames, BLOCK_FRAMES):
            yield np.zeros((min(BLOCK_FRAMES, frames - start), self.header.channels), np.float32)

    def _valid_frames(self, last: Any, position: int, damage: Damage) -> int:
        """The frames of the last packet before the encoder's padding, if the container states its exact duration."""
        rate, promised = self.header.sample_rate_hz, self.header.promised_frames
        if damage.lost and promised is not None and 0 < promised - position < last.samples:
            return promised - position
        duration = last.duration if last.time_base is not None and last.time_base * rate == 1 else 0
        return int(duration) or int(last.samples)


def open_with_ffmpeg(part: FilePart) -> FFmpegDecoder:
    """The decoder for a file whose audio FFmpeg knows.

    Raises:
        NotAudio: it is no such file, or its rate or channels are out of reason.
    """
    name = part.path.name
    with translate_decoding_errors(f"{name} is not audio that can be decoded."), open_container(part) as container:
        import av  # imported late: it loads all of FFmpeg

        if not container.streams.audio:
            raise NotAudio(f"{name} contains no audio.")
        stream = audio_stream(container)
        rate, channels = int(stream.rate), int(stream.layout.nb_channels)
        header = Header(
            rate,
            channels,
            FFMPEG_SUBTYPE.get(stream.format.name, LOSSY_SUBTYPE),
            frames=None,
            expected_frames=max(0, round((container.duration or 0) / av.time_base * rate)),
            promised_frames=promised_frames(part, container, stream),
            tags=_tags(container, stream),
        )
    check_header(name, header)
    return FFmpegDecoder(part, header)


def _tags(container: Any, stream: Any) -> Tags:
    """The file's tags, else the stream's, where Ogg has them."""
    found = {key.lower(): text for key, text in (*stream.metadata.items(), *container.metadata.items())}
    return cleaned_tags({"artist": found.get("author"), **found})
