"""Decodes with libsndfile, which reads the formats that studios exchange: WAV, AIFF, FLAC, Ogg …"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import soundfile

from bridge.audio.decoding.damage import Damage
from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.header import (
    BLOCK_FRAMES,
    LOSSY_SUBTYPE,
    Decoder,
    Header,
    IncompleteError,
    check_header,
    translate_decoding_errors,
)
from bridge.audio.tags import cleaned_tags, read_info
from bridge.errors import NotAudio

if TYPE_CHECKING:
    from bridge.protocols import Samples
from bridge.system.files import open_to_read

#: Sample formats that stems can keep; any other format becomes the nearest of these.
STEM_SUBTYPES = frozenset({"PCM_16", "PCM_24", "PCM_32", "FLOAT"})
NEAREST_SUBTYPE = {
    **dict.fromkeys(("PCM_S8", "PCM_U8", "ALAW", "ULAW", "ALAC_16"), "PCM_16"),
    "ALAC_32": "PCM_32",
    "DOUBLE": "FLOAT",
}
#: Containers and sample formats of fixed frame size, in which libsndfile can seek to any frame.
IN_PLACE_FORMATS = frozenset({"WAV", "WAVEX", "RF64", "W64", "AIFF", "CAF", "AU"})
#: Containers with a list of chunks for tags, whose encoding libsndfile takes for UTF-8 even where it is not.
INFO_FORMATS = frozenset({"WAV", "WAVEX", "RF64"})
FLOAT_SUBTYPES = frozenset({"FLOAT", "DOUBLE"})
IN_PLACE_SUBTYPES = FLOAT_SUBTYPES | {"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "PCM_32", "ALAW", "ULAW"}
#: libsndfile's value for an unknown length.
UNKNOWN_FRAMES = (1 << 63) - 1
#: By the number of channels, where Vorbis has the channels of a WAV file (Vorbis I, section 4.3.9).
VORBIS_ORDERS = {
    3: (0, 2, 1),
    5: (0, 2, 1, 3, 4),
    6: (0, 2, 1, 5, 3, 4),
    7: (0, 2, 1, 6, 5, 3, 4),
    8: (0, 2, 1, 7, 5, 6, 3, 4),
}


@dataclass(frozen=True)
class SoundFileDecoder:
    """Decodes with libsndfile. If it cannot decode the whole file, `instead` opens a decoder that gets more of it."""

    part: FilePart
    header: Header
    seeks_exactly: bool
    instead: Callable[[], Decoder]
    order: tuple[int, ...] | None = None
    """The file's channels in the order of a WAV file; None if they are in it."""

    def blocks(self, start: int, damage: Damage) -> Iterator[tuple[int, Samples]]:
        """See `Decoder.blocks`."""
        name = self.part.path.name
        with translate_decoding_errors(f"{name} is damaged and cannot be decoded."), open_sound(self.part) as file:
            # Seeking in Ogg Vorbis is inexact, so it is decoded from the start.
            position = self._at(file, start if self.seeks_exactly else 0)
            while len(block := self._read(file)):
                yield position, block if self.order is None else block[:, self.order]
                position += len(block)
            if position < (self.header.frames or 0):
                self._give_up()
                damage.broke_off = True

    def _at(self, file: soundfile.SoundFile, frame: int) -> int:
        try:
            return int(file.seek(frame))
        except soundfile.LibsndfileError:
            self._give_up()
            raise

    def _read(self, file: soundfile.SoundFile) -> Samples:
        try:
            block: Samples = file.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            self._give_up()
            raise
        return block

    def _give_up(self) -> None:
        """Raises IncompleteError, if there is another decoder for the file."""
        try:
            other = self.instead()
        except NotAudio:
            return
        raise IncompleteError(other)


def open_with_libsndfile(
    part: FilePart, missing: float, instead: Callable[[], Decoder], *, vorbis_order: bool
) -> SoundFileDecoder | None:
    """The decoder for a file that libsndfile reads to its end; None for other files.

    Args:
        missing: the part of the audio that the file counts but lacks; see `stated_size.missing_share`.

    Raises:
        NotAudio: rate or channels are out of reason.
    """
    try:
        with translate_decoding_errors(""), open_sound(part) as file:
            if file.subtype.startswith("MPEG") or file.frames == UNKNOWN_FRAMES:
                return None
            header = _header(part, file, missing)
            seeks_exactly = file.format == "FLAC"
            order = VORBIS_ORDERS.get(header.channels) if vorbis_order else None
    except NotAudio:
        return None
    check_header(part.path.name, header)
    return SoundFileDecoder(part, header, seeks_exactly, instead, order)


@contextmanager
def open_sound(part: FilePart) -> Iterator[soundfile.SoundFile]:
    """The file, open in libsndfile until the block ends. Raises whatever libsndfile raises."""
    with ExitStack() as held:
        if part.is_whole:  # libsndfile reads a descriptor faster than it reads through Python
            source = held.enter_context(open_to_read(part.path)).fileno()
            yield held.enter_context(soundfile.SoundFile(source, closefd=False))
        else:
            yield held.enter_context(soundfile.SoundFile(held.enter_context(part.open())))


def _header(part: FilePart, file: soundfile.SoundFile, missing: float) -> Header:
    if file.frames < 0:
        raise ValueError("the header is invalid")
    return Header(
        file.samplerate,
        file.channels,
        _stem_subtype(file.subtype),
        file.frames,
        expected_frames=file.frames,
        promised_frames=round(file.frames / (1 - missing)) if missing < 1 else None,
        tags=read_info(part.path) if file.format in INFO_FORMATS else cleaned_tags(file.copy_metadata()),
        in_place=file.format in IN_PLACE_FORMATS and file.subtype in IN_PLACE_SUBTYPES,
        may_hold_nan=file.subtype in FLOAT_SUBTYPES,
    )


def _stem_subtype(subtype: str) -> str:
    return subtype if subtype in STEM_SUBTYPES else NEAREST_SUBTYPE.get(subtype, LOSSY_SUBTYPE)
