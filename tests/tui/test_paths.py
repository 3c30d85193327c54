from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.paths import as_typed, paths_in


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("/music/song.wav", ["/music/song.wav"]),
        ("  /music/song.wav \n", ["/music/song.wav"]),
        ("'/music/my song.wav'", ["/music/my song.wav"]),
        ('"/music/my song.wav"', ["/music/my song.wav"]),
        ("/music/my\\ song.wav", ["/music/my song.wav"]),
        ("/music/my song.wav", ["/music/my song.wav"]),
        ("/music/don't stop.wav", ["/music/don't stop.wav"]),
        ("/music/don\\'t\\ stop.wav", ["/music/don't stop.wav"]),
        ("file:///music/my%20song.wav", ["/music/my song.wav"]),
        ("file://localhost/music/%C3%BCber.wav", ["/music/über.wav"]),
        ("'file:///music/a%20b.wav'", ["/music/a b.wav"]),
        ("file:///C:/Music/a%20b.wav", ["C:/Music/a b.wav"]),
        ("file://studio/share/a.wav", ["//studio/share/a.wav"]),
        ("file:///a.wav file:///b.wav", ["/a.wav", "/b.wav"]),
        ("/a.wav\n/b c.wav\n", ["/a.wav", "/b c.wav"]),
        ("/a.wav '/b c.wav'", ["/a.wav", "/b c.wav"]),
        ("C:\\Music\\my song.wav", ["C:\\Music\\my song.wav"]),
        ('"C:\\Music\\my song.wav" "D:\\b.wav"', ["C:\\Music\\my song.wav", "D:\\b.wav"]),
        ("\\\\studio\\share\\a b.wav", ["\\\\studio\\share\\a b.wav"]),
        ("~/song.wav", ["~/song.wav"]),
        ("my song.wav", ["my song.wav"]),
        ("", []),
        (" \n ", []),
    ],
)
def test_every_form_of_a_path(text: str, paths: list[str]) -> None:
    assert list(paths_in(text)) == paths


words = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=12)
words |= st.binary(min_size=1, max_size=4).map(lambda name: name.decode("utf-8", "surrogateescape").replace("/", ""))


@given(st.lists(words.map("/music/{}".format), min_size=1, max_size=3))
def test_typed_paths_are_read_back_unchanged(paths: list[str]) -> None:
    assert list(paths_in(as_typed(paths))) == paths


@given(st.text())
def test_no_paste_raises(text: str) -> None:
    assert isinstance(as_typed(paths_in(text)), str)
