"""Opens audio files with the most suitable decoder.

libsndfile reads the formats that studios exchange (WAV, AIFF, FLAC, Ogg …), if the file is whole. FFmpeg's libraries,
through PyAV, read the formats that libsndfile cannot (M4A, MP4, WMA …), those whose length it does not know (MP3, FLAC
from a pipe), and files that are damaged, cut or joined.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from bridge.audio.decoding.chained import chained
from bridge.audio.decoding.ffmpeg import FFmpegDecoder, open_with_ffmpeg
from bridge.audio.decoding.file_part import FilePart
from bridge.audio.decoding.flac_frames import is_whole
from bridge.audio.decoding.header import Decoder, translate_decoding_errors
from bridge.audio.decoding.ogg_pages import HEAD_BYTES, MOST_LINKS, OggPages, has_vorbis_order, read_pages
from bridge.audio.decoding.sound_file import SoundFileDecoder, open_with_libsndfile
from bridge.audio.decoding.stated_size import missing_share
from bridge.audio.decoding.wav_sizes import mended
from bridge.errors import NotAudio
from bridge.system.files import open_to_read


def open_audio(path: Path) -> Decoder:
    """The decoder for an existing file.

    Raises:
        NotAudio: no decoder recognises the file, it contains no audio, or its header is out of reason.
    """
    if path.stat().st_size == 0:
        raise NotAudio(f"{path.name} is empty.")
    with translate_decoding_errors(f"{path.name} is not audio that can be decoded."):
        pages = read_pages(path)
        if pages is not None:
            return _open_ogg(path, pages)
        if _begins_with(path, b"fLaC") and not is_whole(path):
            return open_with_ffmpeg(FilePart(path))
        part = mended(path)
        return _open(part or FilePart(path), 0.0 if part else missing_share(path))


def _open(part: FilePart, missing: float = 0.0, *, vorbis_order: bool = False) -> SoundFileDecoder | FFmpegDecoder:
    instead = partial(open_with_ffmpeg, part)
    if (decoder := open_with_libsndfile(part, missing, instead, vorbis_order=vorbis_order)) is not None:
        return decoder
    other = instead()
    return replace(other, header=replace(other.header, is_cut_off=missing > 0)) if missing else other


def _open_ogg(path: Path, pages: OggPages) -> Decoder:
    if len(pages.links) > MOST_LINKS:
        raise NotAudio(f"{path.name} is more than {MOST_LINKS} recordings in a row.")
    if len(pages.links) == 1:
        decoder = _open_link(FilePart(path), pages)
        return replace(decoder, header=replace(decoder.header, is_cut_off=not pages.ended))
    links: list[Decoder] = []
    for start, stop in pages.links:
        with suppress(NotAudio):
            links.append(_open_link(FilePart(path, start, stop), pages))
    if not links:
        raise NotAudio(f"{path.name} is not audio that can be decoded.")
    return chained(FilePart(path), links, len(pages.links) - len(links))


def _open_link(part: FilePart, pages: OggPages) -> SoundFileDecoder | FFmpegDecoder:
    if not pages.unbroken:
        return open_with_ffmpeg(part)
    with part.open() as file:
        head = file.read(HEAD_BYTES)
    return _open(part, vorbis_order=has_vorbis_order(head))


def _begins_with(path: Path, magic: bytes) -> bool:
    with open_to_read(path) as file:
        return file.read(len(magic)) == magic
