"""What counts as a clip in a folder, whatever else lies in it."""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from pathlib import Path

import pytest

from bridge.watch.names import is_clip_name
from bridge.watch.scan import follow, look_again, scan, unchanged_seconds


def made(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"sound")


@pytest.mark.parametrize("name", ["a.wav", "A.WAV", "a.part.b.flac", "a~.mp3", "take 1.partial mix.wav", "ä.ogg"])
def test_names_of_clips(name: str) -> None:
    assert is_clip_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("a.wav.part", "a.part.wav", "a.wav.crdownload", "a.TMP.wav", ".a.wav", "~a.wav", "~$a.wav", "a.wav~"),
        *(".abcdefgh.a (Vocals).wav.partial", "a.txt", "wav", ".wav", "a.mid", "a.wav.asd"),
    ],
)
def test_names_of_what_is_no_clip_or_not_finished(name: str) -> None:
    assert not is_clip_name(name)


def test_clips_are_found_in_natural_order_below_the_folder_but_not_in_stems_and_hidden_folders(tmp_path: Path) -> None:
    made(tmp_path, "take 10.wav", "take 2.wav", "notes.txt", ".hidden/a.wav", "stems/a/a (Bass).wav", "Stems/b.wav")
    made(tmp_path, "album 2/b.flac", "album 10/c.mp3", "album 2/stems/x.wav", "out/r.wav")
    found = scan(tmp_path, [tmp_path / "out"])
    expected = ["take 2.wav", "take 10.wav", f"album 2{os.sep}b.flac", f"album 10{os.sep}c.mp3"]
    assert [*found.clips] == expected
    assert found.clips["take 2.wav"].size == 5
    assert not found.unreadable


@pytest.mark.parametrize("record", ["song.sab.json", "song.unfinished.json"])
def test_results_that_lie_among_clips_are_none(tmp_path: Path, record: str) -> None:
    made(tmp_path, "song.wav", "song (Bass).wav")
    (tmp_path / record).write_text(
        json.dumps({"results": [{"kind": "stem", "name": "bass", "file": "song (Bass).wav"}]})
    )
    assert [*scan(tmp_path).clips] == ["song.wav"]
    assert look_again(tmp_path, ["song (Bass).wav"]) == {"song (Bass).wav": None}


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b'{"results": 3}', b"\xff\xfe"], ids=list("abcde"))
def test_a_broken_record_hides_nothing(tmp_path: Path, content: bytes) -> None:
    made(tmp_path, "song.wav")
    (tmp_path / "song.sab.json").write_bytes(content)
    assert [*scan(tmp_path).clips] == ["song.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need rights there")
def test_links_lead_nowhere_in_circles(tmp_path: Path) -> None:
    made(tmp_path / "songs", "a.wav")
    made(tmp_path, "elsewhere.wav")
    (tmp_path / "songs/around").symlink_to(tmp_path / "songs")
    (tmp_path / "songs/b.wav").symlink_to(tmp_path / "elsewhere.wav")
    (tmp_path / "songs/c.wav").symlink_to(tmp_path / "nothing.wav")
    (tmp_path / "songs/d.wav").symlink_to(tmp_path / "songs/d.wav")
    (tmp_path / "songs/e.wav").mkdir()
    assert [*scan(tmp_path / "songs").clips] == ["a.wav", "b.wav"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux takes any bytes")
def test_names_that_are_no_text_are_found_as_they_are(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"sound")
    assert [os.fsencode(path) for path in scan(tmp_path).clips] == [b"caf\xe9.wav"]


def test_a_subfolder_that_cannot_be_read_is_told_and_the_others_are_scanned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made(tmp_path, "a.wav", "closed/b.wav", "open/c.wav")
    scandir = os.scandir

    def refusing(folder: str) -> object:  # as the system refuses anybody but root, who runs the tests in places
        if Path(folder).name == "closed":
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), folder)
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    found = scan(tmp_path)
    assert [*found.clips] == ["a.wav", f"open{os.sep}c.wav"]
    assert [*found.unreadable] == [f"closed{os.sep}"]


def test_an_empty_file_only_holds_a_place(tmp_path: Path) -> None:
    (tmp_path / "a.wav").touch()
    assert not scan(tmp_path).clips
    assert look_again(tmp_path, ["a.wav"]) == {"a.wav": None}


def test_a_folder_that_is_away_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        scan(tmp_path / "gone")


def test_hints_lead_to_clips_and_new_folders_and_to_nothing_else(tmp_path: Path) -> None:
    made(tmp_path, "a.wav", "b.txt", "new/deep/c.wav", "stems/d.wav", ".x/e.wav", "out/f.wav")
    paths = ["a.wav", "b.txt", "new", "stems", "stems/d.wav", ".x", ".x/e.wav", "out/f.wav", "gone.wav", "out"]
    found = follow(tmp_path, [str(tmp_path / path) for path in paths], [tmp_path / "out"])
    assert found is not None
    assert [*found.clips] == ["a.wav", str(Path("new/deep/c.wav"))]
    assert follow(tmp_path, [str(tmp_path.parent)]) is None
    assert follow(tmp_path, [str(tmp_path)]) is not None


def test_hints_of_an_album_lead_to_its_tracks_in_their_order(tmp_path: Path) -> None:
    tracks = [f"track {number}.wav" for number in range(1, 13)]
    made(tmp_path, *tracks)
    found = follow(tmp_path, {str(tmp_path / track) for track in tracks})
    assert found is not None
    assert [*found.clips] == tracks


@pytest.mark.skipif(sys.platform == "win32", reason="makes links")
def test_hints_from_linked_folders_are_passed_over_as_a_scan_does(tmp_path: Path) -> None:
    """inotify's are: what watchfiles stands on follows links."""
    made(tmp_path, "elsewhere/a.wav", "elsewhere/deep/b.wav", "in/deep/c.wav")
    root = tmp_path / "in"
    (root / "linked").symlink_to(tmp_path / "elsewhere")
    (root / "deep" / "linked").symlink_to(tmp_path / "elsewhere" / "deep")
    paths = ["linked", "linked/a.wav", "linked/deep", "linked/deep/b.wav", "deep/linked/b.wav", "deep/c.wav"]
    found = follow(root, [str(root / path) for path in paths])
    assert found == scan(root)
    assert [*found.clips] == [str(Path("deep/c.wav"))]


def test_thousands_of_files_are_looked_through_in_a_moment(tmp_path: Path) -> None:
    """50 000 take 0.6 s of a processor; the limit is coarse."""
    for folder in range(2):
        (tmp_path / f"{folder}").mkdir()
        for number in range(1000):
            (tmp_path / f"{folder}/{number}.wav").write_bytes(b"sound")
    began = time.process_time()
    assert len(scan(tmp_path).clips) == 2_000
    assert time.process_time() - began < 2.0


def test_a_file_is_as_old_as_it_lies_there_whatever_its_date_says(tmp_path: Path) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(b"sound")
    os.utime(song, (1, 1))  # as a copy keeps the date of what it copies
    now = song.stat().st_ctime
    assert unchanged_seconds(song, now + 600.0) == pytest.approx(600.0, abs=1.0)
    assert unchanged_seconds(song, now - 600.0) == 0.0
    assert unchanged_seconds(tmp_path / "gone.wav", now) == 0.0
