"""`failed.csv`: each failure once, at once, whatever happens to the file."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from bridge.errors import NotWritable, OutOfSpace
from bridge.library.failures import COLUMNS, Failures
from bridge.library.song import FailedSong, Song

SETTINGS = "ab12"


def song(name: str, modified_ns: int = 5) -> Song:
    return Song(source=f"/music/{name}", folder="/out/x", size_bytes=10, modified_ns=modified_ns)


def failed(name: str, message: str = "It is a text.") -> FailedSong:
    return FailedSong(song=song(name), code="not_audio", message=message)


def rows(out: Path) -> list[list[str]]:
    with (out / "failed.csv").open(encoding="utf-8-sig", newline="") as file:
        return [*csv.reader(file)]


def test_a_failure_is_on_the_drive_at_once_and_known_to_the_next_run(tmp_path: Path) -> None:
    failures = Failures(tmp_path, SETTINGS)
    failures.add(failed('a, "b".wav', "line one\nline two"))
    assert rows(tmp_path) == [
        [*COLUMNS], ['/music/a, "b".wav', "not_audio", "line one line two", "10", "5", SETTINGS],
    ]  # fmt: skip
    later = Failures(tmp_path, SETTINGS)
    assert later.has(song('a, "b".wav'))
    assert not later.has(song('a, "b".wav', modified_ns=6))
    assert not Failures(tmp_path, "other").has(song('a, "b".wav'))
    failures.close()


def test_a_song_from_before_1970_that_has_failed_is_known_to_the_next_run(tmp_path: Path) -> None:
    failures = Failures(tmp_path, SETTINGS)
    failures.add(FailedSong(song=song("a", modified_ns=-5), code="not_audio", message="It is a text."))
    assert Failures(tmp_path, SETTINGS).has(song("a", modified_ns=-5))
    failures.close()


def test_names_that_are_no_text_are_kept_as_they_are(tmp_path: Path) -> None:
    failures = Failures(tmp_path, SETTINGS)
    failures.add(failed("caf\udce9 ♪.wav"))
    assert b"caf\xe9 \xe2\x99\xaa.wav" in (tmp_path / "failed.csv").read_bytes()
    assert Failures(tmp_path, SETTINGS).has(song("caf\udce9 ♪.wav"))
    failures.close()


def test_what_fails_again_stands_there_once_and_what_is_done_no_more(tmp_path: Path) -> None:
    failures = Failures(tmp_path, SETTINGS)
    for name in "abc":
        failures.add(failed(name))
    failures.add(failed("a", "still a text"))
    failures.forget(song("b", modified_ns=99))
    failures.close()
    assert [row[0:3] for row in rows(tmp_path)[1:]] == [
        ["/music/c", "not_audio", "It is a text."], ["/music/a", "not_audio", "still a text"],
    ]  # fmt: skip
    last = Failures(tmp_path, SETTINGS)
    last.forget(song("a"))
    last.forget(song("c"))
    last.close()
    assert not (tmp_path / "failed.csv").exists()


def test_a_table_that_somebody_has_edited_is_read_as_far_as_it_can_be(tmp_path: Path) -> None:
    failures = Failures(tmp_path, SETTINGS)
    failures.add(failed("a"))
    failures.add(failed("b"))
    failures.close()
    text = (tmp_path / "failed.csv").read_text(encoding="utf-8")
    (tmp_path / "failed.csv").write_text(f"{text}half a row\n/music/c,x,y,many,-,{SETTINGS}\n\n", encoding="utf-8")
    edited = Failures(tmp_path, SETTINGS)
    assert [edited.has(song(name)) for name in "abc"] == [True, True, False]
    (tmp_path / "failed.csv").unlink()
    (tmp_path / "failed.csv").mkdir()
    with pytest.raises(NotWritable, match="cannot be read"):
        Failures(tmp_path, SETTINGS)


def test_a_full_drive_leaves_no_half_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = Failures(tmp_path, SETTINGS)
    failures.add(failed("a"))
    before = (tmp_path / "failed.csv").read_bytes()
    writer = csv.writer

    class FullDrive:
        def __init__(self, file: object) -> None:
            self._file = file

        def writerow(self, _: tuple[object, ...]) -> None:
            self._file.write("half")  # type: ignore[attr-defined]
            self._file.flush()  # type: ignore[attr-defined]
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("bridge.library.failures.csv.writer", FullDrive)
    with pytest.raises(OutOfSpace):
        failures.add(failed("b"))
    assert (tmp_path / "failed.csv").read_bytes() == before
    monkeypatch.setattr("bridge.library.failures.csv.writer", writer)
    failures.add(failed("b"))
    assert [row[0] for row in rows(tmp_path)[1:]] == ["/music/a", "/music/b"]
    failures.close()


@pytest.mark.parametrize("half", ["/music/b.wav,not_au", '"/music/b, c', "/music/b.wav,x,y,10,5,ab1"])
def test_half_a_row_that_a_power_cut_has_left_spoils_no_other(tmp_path: Path, half: str) -> None:
    failures = Failures(tmp_path, SETTINGS)
    failures.add(failed("a.wav"))
    failures.close()
    with (tmp_path / "failed.csv").open("a", newline="") as file:
        file.write(half)
    later = Failures(tmp_path, SETTINGS)
    later.add(failed("c.wav"))
    later.add(failed("d.wav"))
    assert [row[0] for row in rows(tmp_path)[1:]] == ["/music/a.wav", "/music/c.wav", "/music/d.wav"]
    later.close()
    last = Failures(tmp_path, SETTINGS)
    assert [last.has(song(name)) for name in ("a.wav", "c.wav", "d.wav")] == [True, True, True]
