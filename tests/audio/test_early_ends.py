"""Which files tell that they were cut off, or are still being copied."""

from __future__ import annotations

from pathlib import Path

import av
import pytest

from bridge.audio.decoding.decoders import open_audio
from bridge.audio.decoding.early_ends import ends_early
from bridge.errors import NotAudio
from tests.support.encoded import encode
from tests.support.sounds import music

RATE = 44_100


def test_whole_files_of_every_format_do_not(tmp_path: Path) -> None:
    for ending in (".wav", ".aiff", ".flac", ".ogg", ".mp3", ".caf", ".w64", ".au", ".m4a", ".wma", ".mov"):
        whole = encode(tmp_path / f"whole{ending}", music(2.0), RATE)
        assert not ends_early(open_audio(whole)), ending


@pytest.mark.parametrize("ending", [".wav", ".aiff", ".flac", ".ogg", ".mp3", ".caf", ".w64", ".au"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_parts_of_files_do(tmp_path: Path, ending: str, share: float) -> None:
    whole = encode(tmp_path / f"whole{ending}", music(2.0), RATE).read_bytes()
    part = tmp_path / f"part{ending}"
    part.write_bytes(whole[: int(len(whole) * share)])
    try:
        decoder = open_audio(part)
    except NotAudio:  # nothing can be decoded of it
        assert ending == ".ogg"
    else:
        assert ends_early(decoder)


def test_a_part_of_an_mp4_file_whose_table_stands_at_its_beginning_does(tmp_path: Path) -> None:
    source, whole = encode(tmp_path / "source.m4a", music(2.0), RATE), tmp_path / "whole.m4a"
    with av.open(str(source)) as old, av.open(str(whole), "w", options={"movflags": "faststart"}) as new:
        stream = new.add_stream_from_template(old.streams.audio[0])
        for packet in old.demux(audio=0):
            if packet.dts is not None:
                packet.stream = stream
                new.mux(packet)
    assert not ends_early(open_audio(whole))
    part = tmp_path / "part.m4a"
    part.write_bytes(whole.read_bytes()[:-2_000])
    assert ends_early(open_audio(part))
