"""Which songs folders, files and lists name, in which order, and where their results go."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.errors import NotFound, NotReadable
from bridge.library.named import RefuseSong, read_named, songs_of
from bridge.library.song import FailedSong, Song
from bridge.library.walk import Walk


def touch(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")


class Found:
    """What a command line names."""

    def __init__(self, base: Path, *written: str | Path) -> None:
        self.failed: list[FailedSong] = []
        refuse = RefuseSong(self.failed)
        self._base = base
        self.out = base / "out"
        named = read_named([*map(str, written)], ())
        walk = Walk(self.out, named.folders, refuse.unreadable)
        self.songs: list[Song] = [*songs_of(named, walk, refuse)]

    @property
    def sources(self) -> list[str]:
        return [str(Path(song.source).relative_to(self._base)) for song in self.songs]

    @property
    def folders(self) -> list[str]:
        return [str(Path(song.folder).relative_to(self.out)) for song in self.songs]


def test_songs_come_in_natural_order_a_folders_own_before_those_in_it(tmp_path: Path) -> None:
    touch(tmp_path / "Music", "b/2.wav", "b/10.wav", "b/1.WAV", "a/x.flac", "z.mp3", "notes.txt", "b/c/y.ogg")
    found = Found(tmp_path, tmp_path / "Music")
    assert found.sources == [
        f"Music/{name}" for name in ("z.mp3", "a/x.flac", "b/1.WAV", "b/2.wav", "b/10.wav", "b/c/y.ogg")
    ]
    assert found.folders == [f"Music/{name}" for name in ("z", "a/x", "b/1", "b/2", "b/10", "b/c/y")]


def test_songs_that_differ_in_their_ending_have_folders_of_their_own(tmp_path: Path) -> None:
    touch(
        tmp_path / "Music", "song.wav", "Song.flac", "other.wav", "CON.wav", "a:b.wav" if os.name != "nt" else "ab.wav"
    )
    found = Found(tmp_path, tmp_path / "Music")
    assert sorted(found.folders) == sorted(
        [
            "Music/song.wav",
            "Music/Song.flac",
            "Music/other",
            "Music/CON_",
            "Music/a_b" if os.name != "nt" else "Music/ab",
        ]
    )


def test_hidden_ones_and_results_of_the_bridge_are_no_songs(tmp_path: Path) -> None:
    music = tmp_path / "Music"
    touch(music, "song.wav", ".hidden.wav", ".Trash/old.wav", "stems/song (Vocals).wav", "stems/mine.wav")
    (music / "stems" / "song.sab.json").write_text(
        '{"manifest":1,"job":"a","name":"song","source":{"path":"","sha256":"","start_seconds":0,"start_frame":0,'
        '"frames":1,"sample_rate_hz":1,"channels":1},"request":{},"engine":{"name":"","device":"","weights":""},'
        '"transcribers":{},"music":null,"warnings":[],"versions":{},"started":"","seconds":0,'
        '"results":[{"kind":"stem","name":"vocals","path":"song (Vocals).wav","seconds":1}]}'
    )
    assert Found(tmp_path, music).sources == ["Music/song.wav", "Music/stems/mine.wav"]


def test_the_folder_of_the_results_is_no_part_of_the_library(tmp_path: Path) -> None:
    touch(tmp_path, "song.wav", "out/song/song (Bass).wav")
    assert Found(tmp_path, tmp_path).sources == ["song.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="makes links")
def test_links_are_followed_once_and_never_in_a_circle(tmp_path: Path) -> None:
    music, drive = tmp_path / "Music", tmp_path / "drive"
    touch(music, "a/1.wav")
    touch(drive, "2.wav")
    (music / "a" / "up").symlink_to(music)
    (music / "b").symlink_to(music / "a")
    (music / "c").symlink_to(drive)
    (music / "d").symlink_to(drive)
    (drive / "back").symlink_to(music)
    (drive / "self").symlink_to(drive)
    (music / "gone").symlink_to(tmp_path / "nowhere")
    (music / "3.wav").symlink_to(drive / "2.wav")
    (music / "4.wav").symlink_to(tmp_path / "nowhere")
    found = Found(tmp_path, music)
    assert found.sources == ["Music/3.wav", "Music/a/1.wav", "Music/c/2.wav"]
    assert [failed.song.source for failed in found.failed] == [str(music / "4.wav")]


@pytest.mark.skipif(sys.platform == "win32", reason="has no such permissions")
def test_a_folder_that_cannot_be_read_is_told_and_the_others_are_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touch(tmp_path / "Music", "a/1.wav", "b/2.wav")
    locked, scandir = str(tmp_path / "Music" / "a"), os.scandir

    def refusing(path: str) -> object:  # for root, every folder can be read
        if path == locked:
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr("bridge.library.walk.os.scandir", refusing)
    found = Found(tmp_path, tmp_path / "Music")
    assert found.sources == ["Music/b/2.wav"]
    assert [(failed.song.source, failed.code) for failed in found.failed] == [(locked, "not_readable")]
    assert "Permission denied" in found.failed[0].message


def test_a_list_names_files_and_folders_from_its_own_on(tmp_path: Path) -> None:
    touch(tmp_path, "lists/here/1.wav", "lists/all/2.wav", "lists/all/3.wav", "far/4.anything", "far/4.wav", "5.wav")
    (tmp_path / "lists" / "my.txt").write_bytes(
        "\ufeffhere/1.wav\r\n# a remark\n\nall\n".encode() + f"{tmp_path}/far/4.anything\nnowhere.wav\n".encode()
    )
    found = Found(tmp_path, f"@{tmp_path}/lists/my.txt", tmp_path / "5.wav")
    assert found.sources == ["5.wav", "lists/here/1.wav", "lists/all/2.wav", "lists/all/3.wav", "far/4.anything"]
    far = str(tmp_path / "far").strip("/")
    assert found.folders == ["5", "here/1", "all/2", "all/3", f"{far}/4"]
    assert [(failed.song.source, failed.code) for failed in found.failed] == [
        (str(tmp_path / "lists" / "nowhere.wav"), "not_found")
    ]


def test_what_cannot_be_looked_at_is_a_problem_and_no_fault(tmp_path: Path) -> None:
    """A name that is too long here stands for a folder that may not be entered: root, who may run this, enters all."""
    touch(tmp_path, "1.wav")
    too_long = tmp_path / ("a" * 300)
    (tmp_path / "my.txt").write_text(f"{too_long}\n1.wav\n")
    found = Found(tmp_path, f"@{tmp_path}/my.txt")
    assert found.sources == ["1.wav"]
    assert [(failed.song.source, failed.code) for failed in found.failed] == [(str(too_long), "not_readable")]
    with pytest.raises(NotReadable, match="cannot be read"):
        read_named([str(too_long)], ())
    with pytest.raises(NotFound):
        read_named([str(tmp_path / "1.wav" / "below")], ())


def test_a_song_that_lists_name_again_is_done_once(tmp_path: Path) -> None:
    touch(tmp_path, "Music/1.wav", "Music/2.wav")
    lines = ["Music/1.wav", "Music", "Music/../Music/2.wav", "Music/1.wav"]
    for name in ("one.txt", "two.txt"):
        (tmp_path / name).write_text("\n".join(lines))
    found = Found(tmp_path, tmp_path / "Music", f"@{tmp_path}/one.txt", f"@{tmp_path}/two.txt")
    assert found.sources == ["Music/1.wav", "Music/2.wav"]


def test_a_folder_inside_another_one_is_done_once(tmp_path: Path) -> None:
    touch(tmp_path / "Music", "a/1.wav")
    assert Found(tmp_path, tmp_path / "Music" / "a", tmp_path / "Music").sources == ["Music/a/1.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="has shorter paths, and no rm")
def test_folders_as_deep_as_a_path_can_be_are_walked(tmp_path: Path) -> None:
    deep = tmp_path / "Music"
    deep.mkdir()
    os.chdir(deep)
    try:
        for _ in range(1500):  # deeper than Python's own calls may be
            Path("d").mkdir()
            os.chdir("d")
            if len(os.fsencode(Path.cwd())) > 3900:
                break
        Path("song.wav").touch()
        assert len(Found(tmp_path, deep).songs) == 1
    finally:
        os.chdir("/")
        subprocess.run(["rm", "-rf", deep], check=True)  # Python's own way is not deep enough


def test_a_walk_ends_when_it_is_told_to_also_where_no_song_is(tmp_path: Path) -> None:
    asked: list[str] = []
    for name in ("a", "b", "c"):
        (tmp_path / "Music" / name / "inner").mkdir(parents=True)

    def go_on() -> bool:
        asked.append("may I?")
        return len(asked) < 3

    walk = Walk(tmp_path / "out", [tmp_path / "Music"], RefuseSong([]).unreadable, go_on)
    assert [*walk.folder(tmp_path / "Music", "Music")] == []
    assert len(asked) == 3
