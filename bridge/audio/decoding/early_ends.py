"""Whether a file ends before its audio does: it is damaged, or somebody still copies it."""

from __future__ import annotations

import os

from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.flac_frames import is_whole
from bridge.audio.decoding.header import Decoder
from bridge.audio.decoding.promise import lacks_mp3_bytes

#: An ID3 tag may stand before an MP3's first packet, whose first eleven bits are set.
_ID3 = b"ID3"
_MOST_BOXES = 10_000


def ends_early(decoder: Decoder) -> bool:
    """Whether a file that `open_audio` has opened holds less audio than it says, as far as its headers tell.

    MP3 files without a table of contents, ADTS and WMA do not tell; FLAC does up to its last frame.

    Raises:
        OSError: the file cannot be read.
    """
    part, header = decoder.part, decoder.header
    if header.is_cut_off or (header.frames is not None and header.frames < (header.promised_frames or 0)):
        return True
    if not part.is_whole:
        return False
    with part.open() as file:
        head = file.read(8)
    if head.startswith(b"fLaC"):
        return header.promised_frames is not None and not is_whole(part.path)
    if head.startswith(_ID3) or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        return lacks_mp3_bytes(part)
    return head[4:] == b"ftyp" and _lacks_boxes(part)


def _lacks_boxes(part: FilePart) -> bool:
    """Whether the last box of an MP4 file reaches beyond its end (ISO/IEC 14496-12, 4.2)."""
    with part.open() as file:
        length = file.seek(0, os.SEEK_END)
        position = 0
        for _ in range(_MOST_BOXES):
            file.seek(position)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:], "big")
            if len(head) < 8 or size < 8:  # the end, or a box up to the end
                break
            position += size
    return position > length
