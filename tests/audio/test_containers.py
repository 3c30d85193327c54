"""FFmpeg opens files that hold audio, and no file that another one names."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from bridge.audio.decoding.containers import CONTAINERS, open_container
from bridge.audio.decoding.file_part import FilePart
from bridge.errors import NotAudio
from tests.support.encoded import decoded, encode
from tests.support.sounds import music

HLS = "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\n{0}\n#EXT-X-ENDLIST\n"
CONCAT = "ffconcat version 1.0\nfile '{0}'\n"
DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"
mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="audio/mp4"><Representation id="1"
bandwidth="1000"><BaseURL>{0}</BaseURL>
</Representation></AdaptationSet></Period></MPD>"""
SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
SMIL = '<smil><body><audio src="{0}"/></body></smil>'
M3U = "#EXTM3U\n{0}\n"
SUBTITLES = "1\n00:00:00,000 --> 00:00:02,000\n{0}\n"
METADATA = ";FFMETADATA1\ntitle={0}\n"
IMAGE2 = "P5 1 1 255\n\0"
PLAYLISTS = {
    "hls": HLS,
    "concat": CONCAT,
    "dash": DASH,
    "sdp": SDP,
    "smil": SMIL,
    "m3u": M3U,
    "subtitles": SUBTITLES,
    "metadata": METADATA,
    "picture": IMAGE2,
}


@pytest.mark.parametrize("ending", ["m3u8", "ts", "mp3", "wav", "mpd", "m4a", "txt", "aac"])
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_list_that_names_another_file_is_not_audio(tmp_path: Path, kind: str, ending: str) -> None:
    outside = encode(tmp_path / "secret.m4a", music(0.1), 44_100)
    path = tmp_path / "roots" / f"song.{ending}"
    path.parent.mkdir()
    path.write_text(PLAYLISTS[kind].format(outside))
    with pytest.raises(NotAudio):
        decoded(path)


@pytest.mark.skipif(sys.platform != "linux", reason="a pipe that says whether it was opened")
@pytest.mark.parametrize("kind", ["hls", "concat", "dash"])
def test_the_other_file_is_not_even_opened(tmp_path: Path, kind: str) -> None:
    """Another process's end of a pipe can be opened only while somebody has the other."""
    pipe = tmp_path / "secret.ts"
    os.mkfifo(pipe)
    path = tmp_path / "song.m3u8"
    path.write_text(PLAYLISTS[kind].format(pipe))
    with pytest.raises(NotAudio):
        decoded(path)  # would wait for a writer for ever
    with pytest.raises(OSError, match="No such device"):
        os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)


def test_a_movie_whose_sound_is_in_another_file_has_none(tmp_path: Path) -> None:
    outside = encode(tmp_path / "secret.mov", music(0.2), 44_100)
    data = bytearray(outside.read_bytes())
    at = data.index(b"url \0\0\0\x01")
    data[at + 4 : at + 8] = bytes(4)  # the flag "in this file" is gone, so that the name of a file is expected
    path = tmp_path / "a.mov"
    path.write_bytes(data)
    outside.unlink()
    with open_container(FilePart(path)) as container:
        assert container.format.name.startswith("mov")


@pytest.mark.parametrize("name", ["concat:song.m4a", "http:song.m4a", "file:song.m4a", "data:song.m4a", "%03d.m4a"])
def test_a_name_like_an_address_is_just_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    if sys.platform == "win32":
        pytest.skip("such names are not allowed there")
    monkeypatch.chdir(tmp_path)
    encode(tmp_path / "a.m4a", music(0.1), 44_100).rename(tmp_path / name)
    assert decoded(Path(name))[0].frames == 4410


def test_no_container_names_other_files() -> None:
    lists = {"hls", "concat", "dash", "sdp", "rtsp", "image2", "lavfi", "imf", "webm_dash_manifest", "tee", "data"}
    assert lists.isdisjoint(CONTAINERS)
