"""Finding Live's User Library: each system's Library.cfg, moved libraries, OneDrive; broken and hostile files."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.integrations import places
from bridge.integrations.live_library import MAX_BYTES, Unreadable, find_library, named_library

PREFERENCES = {"darwin": "Library/Preferences/Ableton/Live {}", "win32": "AppData/Roaming/Ableton/Live {}/Preferences"}


def configuration(parent: str, name: str = "User Library") -> str:
    """A Library.cfg in the form of Live's, with a project of another block before and a second one after."""
    decoy = '<LibraryProject Id="9"><ProjectName Value="Decoy"/><ProjectPath Value="/decoy"/></LibraryProject>'
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Ableton MajorVersion="5" MinorVersion="12.0_12203" Creator="Ableton Live 12.2.5">
  <ContentLibrary>
    <OtherBlock>{decoy}</OtherBlock>
    <UserLibrary>
      <LibraryProject Id="0">
        <ProjectLocation />
        <ProjectName Value="{name}" />
        <ProjectPath Value="{parent}" />
      </LibraryProject>
      {decoy}
    </UserLibrary>
  </ContentLibrary>
</Ableton>
"""


def noted(home: Path, platform: str, version: str, content: str | bytes) -> Path:
    """Writes what a version of Live has noted; returns the file."""
    file = home / PREFERENCES[platform].format(version) / "Library.cfg"
    file.parent.mkdir(parents=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return file


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """A User Library on another drive."""
    library = tmp_path / "Big & Drive Ü" / "User Library"
    library.mkdir(parents=True)
    return library


def escaped(path: Path) -> str:
    return str(path).replace("&", "&amp;")


def test_a_moved_library_is_found_through_lives_own_note(tmp_path: Path, moved: Path) -> None:
    (tmp_path / "Music" / "Ableton" / "User Library").mkdir(parents=True)
    noted(tmp_path, "darwin", "12.2.5", configuration(escaped(moved.parent) + "/"))
    assert find_library(tmp_path, {}, "darwin").library == moved
    assert places.live_devices(tmp_path, {}, "darwin") == [moved / "Presets" / "Audio Effects" / "Max Audio Effect"]


def test_windows_has_its_preferences_where_appdata_says(tmp_path: Path) -> None:
    file = noted(tmp_path, "win32", "12.1", configuration("D:\\Ableton\\"))
    library = Path("D:\\Ableton\\") / "User Library"
    search = find_library(tmp_path / "elsewhere", {"APPDATA": str(tmp_path / "AppData" / "Roaming")}, "win32")
    assert search.library is None
    assert search.remarks == (f"{file} names {library}, which is not there.",)


def test_the_newest_version_counts_and_its_beta_comes_before_it(tmp_path: Path) -> None:
    for version in ("9.7.7", "12.2", "12.10b3", "12.10", "12.9.9"):
        (tmp_path / version / "User Library").mkdir(parents=True)
        noted(tmp_path, "darwin", version, configuration(str(tmp_path / version)))
    (tmp_path / "Library" / "Preferences" / "Ableton" / "Live Reports").mkdir()
    assert find_library(tmp_path, {}, "darwin").library == tmp_path / "12.10" / "User Library"


def test_where_the_newest_note_is_of_no_use_the_next_one_counts(tmp_path: Path, moved: Path) -> None:
    noted(tmp_path, "darwin", "12.4", configuration("/no/such/drive"))
    noted(tmp_path, "darwin", "12.3", "<Ableton>")
    noted(tmp_path, "darwin", "11.3", configuration(escaped(moved.parent)))
    search = find_library(tmp_path, {}, "darwin")
    assert search.library == moved
    assert ["which is not there" in search.remarks[0], "cannot be read" in search.remarks[1]] == [True, True]


@pytest.mark.parametrize(
    ("platform", "folder", "variable"),
    [
        ("darwin", "Music", ""),
        ("win32", "Documents", ""),
        ("win32", "OneDrive/Documents", ""),
        ("win32", "OneDrive - Band/Documents", "OneDriveCommercial"),
    ],
)
def test_without_a_note_the_usual_places_are_looked_at(
    tmp_path: Path, platform: str, folder: str, variable: str
) -> None:
    environment = {variable: str(tmp_path / Path(folder).parts[0])} if variable else {}
    assert find_library(tmp_path, environment, platform).library is None
    library = tmp_path / folder / "Ableton" / "User Library"
    library.mkdir(parents=True)
    assert find_library(tmp_path, environment, platform).library == library


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
    '<Ableton><UserLibrary><LibraryProject><ProjectPath Value="/&c;"/></LibraryProject></UserLibrary></Ableton>'
)
OUTSIDE = '<!DOCTYPE a SYSTEM "file:///etc/passwd"><Ableton/>'


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "cannot be read"),
        (b"\x00\xff" * 100, "cannot be read"),
        (b"<Ableton><UserLibrary>", "cannot be read"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "cannot be read"),
        (b'<?xml version="1.0" encoding="shift_jis"?><a/>', "cannot be read"),
        (b"<a>" * 100_000, "cannot be read"),
        (LAUGHS.encode(), "document type"),
        (OUTSIDE.encode(), "document type"),
        (b"<Ableton><UserLibrary/></Ableton>", "names no User Library"),
        (configuration("").encode(), "names no User Library"),
        (configuration("Music/Ableton").encode(), "no full path"),
        (configuration("../..").encode(), "no full path"),
        (configuration("/Users/me", "../../../etc").encode(), "no name of a folder"),
        (configuration("/Users/me", "..").encode(), "no name of a folder"),
        (configuration("/Users/me&#10;x").encode(), "no name of a folder"),
    ],
)
def test_a_broken_or_hostile_file_is_refused_in_words(content: bytes, words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        named_library(content, "darwin")


def test_a_path_of_another_system_is_no_full_path() -> None:
    with pytest.raises(Unreadable, match="no full path"):
        named_library(configuration("/Users/me").encode(), "win32")
    assert named_library(configuration("C:/Users/me/Documents/Ableton").encode(), "win32").name == "User Library"


def test_a_library_whose_name_is_too_long_is_not_there(tmp_path: Path) -> None:
    noted(tmp_path, "darwin", "12.0", configuration("/Users/me", "a" * 5000).encode())
    search = find_library(tmp_path, {}, "darwin")
    assert search.library is None
    assert "not there" in search.remarks[0]


def test_a_file_that_is_far_too_large_is_not_read(tmp_path: Path) -> None:
    noted(tmp_path, "darwin", "12.0", b" " * (MAX_BYTES + 1))
    (remark,) = find_library(tmp_path, {}, "darwin").remarks
    assert "far too large" in remark
