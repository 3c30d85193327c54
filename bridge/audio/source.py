"""Opens the region of an audio file that a job processes, without loading it into memory.

Uncompressed samples are read from the file itself; other files are decoded once, into a scratch file.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.audio.check import changed, check_source, size_and_time
from bridge.audio.decoding.damage import Damage, warnings_of
from bridge.audio.decoding.decoders import open_audio
from bridge.audio.decoding.header import BLOCK_FRAMES, Decoder, IncompleteError
from bridge.audio.decoding.joined_blocks import joined_blocks
from bridge.audio.file_signal import FileSignal, is_audio, mend, open_in_place
from bridge.audio.scratch import Scratch, ScratchPlace
from bridge.audio.signal import SignalSlice
from bridge.audio.tags import NO_TAGS, Tags
from bridge.audio.wav_chunks import Origin, read_origin
from bridge.audio.wav_head import BYTES_PER_SAMPLE
from bridge.errors import BadArguments, NotAudio, TooLong
from bridge.model import Warning
from bridge.units import seconds_to_frames

if TYPE_CHECKING:
    from bridge.protocols import Control, Samples, Signal

#: Audio decoded on both sides of a region, as context for the engine; Demucs' longest windows are 44 s.
CONTEXT_SECONDS = 60.0


@dataclass(frozen=True)
class OpenRegion:
    """A readable region of a file, and the format of its stems."""

    audio: Signal
    """Numbered like the file's frames. Frames more than a minute before or after the region may be missing."""
    start_frame: int
    stop_frame: int
    subtype: str
    """The stems' sample format: PCM_16, PCM_24, PCM_32 or FLOAT."""
    replaced_samples: int
    """The number of samples that were no audio (NaN, infinity, far too loud) and are now 0."""
    origin: Origin
    """When the file was recorded, and its start on the recorder's timeline."""
    tags: Tags = NO_TAGS
    """What the file says about its music."""
    warnings: tuple[Warning, ...] = ()
    """What was lost or changed, because the file is damaged or unusual."""
    silent_frames: int = 0
    """Frames between the start of the file and its first sound, if its container says that the sound begins later."""

    @property
    def signal(self) -> Signal:
        """The region without its context."""
        return SignalSlice(self.audio, self.start_frame, self.stop_frame)

    @property
    def frames(self) -> int:
        return self.stop_frame - self.start_frame

    @property
    def seconds(self) -> float:
        return self.frames / self.audio.sample_rate_hz


@dataclass(frozen=True)
class FoundRegion:
    """A region of an audio file, before decoding."""

    decoder: Decoder
    start_frame: int
    stop_frame: int | None
    """None: the end of a file whose length is unknown before decoding."""
    max_seconds: float
    file_state: tuple[int, int] | None
    """As `size_and_time` has it, from before the header was read."""

    def scratch_bytes(self) -> int:
        """The estimated size of the scratch file that `open` writes, in bytes."""
        if self.decoder.header.in_place:
            return 0
        header = self.decoder.header
        first, last = self._decoded_range()
        frames = (header.expected_frames if last is None else min(last, header.frames or last)) - first
        return max(0, frames) * header.channels * BYTES_PER_SAMPLE

    @contextmanager
    def open(self, scratch: ScratchPlace, control: Control) -> Iterator[OpenRegion]:
        """Opens the region, decoding it into the file `scratch` if necessary, which is gone after the block.

        Raises:
            NotReadable: the file has changed since its header was read.
            OutOfSpace: decoding would take the drive's last space.
            NotAudio: the file is damaged, or there is no audio in the region.
            TooLong, BadArguments: as `find_region`, if the length was unknown before decoding.
            Cancelled: by `control`.
        """
        path, header = self.decoder.part.path, self.decoder.header
        if header.in_place:
            with open_in_place(self.decoder.part) as audio:
                region = self._in_place(audio, control)
                self._check_unchanged(path)
                yield region
            return
        decoded = Scratch(scratch, header.channels, header.sample_rate_hz)
        try:
            region = self._decoded(decoded, control)
            self._check_unchanged(path)
            yield region
        finally:
            decoded.discard()

    def _check_unchanged(self, path: Path) -> None:
        if size_and_time(path) != self.file_state:
            raise changed(path)

    def _in_place(self, audio: FileSignal, control: Control) -> OpenRegion:
        stop = audio.frames if self.stop_frame is None else self.stop_frame
        replaced_count = 0
        for start in range(self.start_frame, stop, BLOCK_FRAMES) if audio.may_hold_nan else ():
            control.checkpoint(0.0)
            replaced_count += audio.count_bad(start, min(start + BLOCK_FRAMES, stop))
        return self._region(audio, stop, replaced_count, Damage(), audio.frames)

    def _decoded(self, scratch: Scratch, control: Control) -> OpenRegion:
        decoder = self.decoder
        while True:
            try:
                return self._decoded_with(decoder, scratch, control)
            except IncompleteError as incomplete:
                decoder = incomplete.instead
                scratch.clear()

    def _decoded_with(self, decoder: Decoder, scratch: Scratch, control: Control) -> OpenRegion:
        first, last = self._decoded_range()
        header, wanted_start, wanted_stop = self.decoder.header, self.start_frame, self.stop_frame
        longest = seconds_to_frames(self.max_seconds, header.sample_rate_hz)
        expected = max(1, header.expected_frames if last is None else last)
        replaced_count, end, is_end, damage = 0, 0, True, Damage()
        enough = wanted_start + longest + 1 if last is None else last
        for position, block in joined_blocks(decoder.blocks(first, damage), enough):
            control.checkpoint(min(1.0, position / expected))
            if not is_audio(block):
                replaced_count += mend(_clip(block, position, wanted_start, wanted_stop))
                mend(block)
            scratch.append(_clip(block, position, first, last))
            end = position + len(block)
            if last is not None and end >= last:
                is_end = False
                break
            if wanted_stop is None and end - wanted_start > longest:
                raise _too_long(decoder.part.path, self.max_seconds)
        scratch.close()
        if wanted_start >= end > 0:
            raise _starts_past_end(decoder, wanted_start, end)
        stop = end if wanted_stop is None else min(wanted_stop, end)
        return self._region(scratch.signal(first), stop, replaced_count, damage, end if is_end else None)

    def _decoded_range(self) -> tuple[int, int | None]:
        """The first frame of the region with its context, and the frame after its last."""
        context = seconds_to_frames(CONTEXT_SECONDS, self.decoder.header.sample_rate_hz)
        return max(0, self.start_frame - context), None if self.stop_frame is None else self.stop_frame + context

    def _region(self, audio: Signal, stop: int, replaced_count: int, damage: Damage, end: int | None) -> OpenRegion:
        path, header = self.decoder.part.path, self.decoder.header
        if stop <= self.start_frame:
            raise NotAudio(f"{path.name} contains no audio in that region.")
        damage.broke_off |= header.is_cut_off
        found = warnings_of(
            damage,
            path.name,
            start=self.start_frame,
            stop=stop,
            end=end,
            promised=header.promised_frames,
            rate=header.sample_rate_hz,
        )
        return OpenRegion(
            audio,
            self.start_frame,
            stop,
            header.stem_subtype,
            replaced_count,
            read_origin(path),
            header.tags,
            tuple(found),
            damage.starts_late,
        )


def find_region(path: Path, start_seconds: float, end_seconds: float | None, max_seconds: float) -> FoundRegion:
    """The frames from `start_seconds` to `end_seconds` (None or beyond the end: the file's end).

    Raises:
        NotFound, NotReadable: see `check_source`.
        NotAudio: no decoder recognises the file, or it contains no audio.
        TooLong: the region is longer than `max_seconds`.
        BadArguments: the region starts after the end of the file.
    """
    check_source(path)
    file_state = size_and_time(path)
    decoder = open_audio(path)
    rate, total = decoder.header.sample_rate_hz, decoder.header.frames
    start = seconds_to_frames(start_seconds, rate)
    stop = None if end_seconds is None else seconds_to_frames(end_seconds, rate)
    if total is not None:
        if start >= total > 0:
            raise _starts_past_end(decoder, start, total)
        stop = total if stop is None else min(stop, total)
    if stop is not None and stop - start > seconds_to_frames(max_seconds, rate):
        raise _too_long(path, max_seconds)
    if stop is not None and stop <= start:
        raise NotAudio(f"{path.name} contains no audio in that region.")
    return FoundRegion(decoder, start, stop, max_seconds, file_state)


def _clip(block: Samples, position: int, start: int, stop: int | None) -> Samples:
    """The part between frames `start` and `stop` of a block that starts at frame `position`, as a view."""
    return block[max(0, start - position) : None if stop is None else max(0, stop - position)]


def _too_long(path: Path, max_seconds: float) -> TooLong:
    return TooLong(f"The region of {path.name} is longer than {max_seconds / 60:g} minutes.")


def _starts_past_end(decoder: Decoder, start_frame: int, frames: int) -> BadArguments:
    rate, name = decoder.header.sample_rate_hz, decoder.part.path.name
    return BadArguments(
        f"The region starts at {start_frame / rate:g} s, but {name} is only {frames / rate:g} s long.",
        advice="Choose an earlier start.",
    )
