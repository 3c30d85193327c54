"""One folder with two names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadArguments
from bridge.events import LiveNotes, Preview, Produced, Started
from bridge.farm.paths import Mount, PathMap, mount_of
from bridge.model import Result
from bridge.request import JobRequest, NoteFiles, OutputPlace

WINDOWS = PathMap([Mount("/srv/music", "Z:\\music"), Mount("/srv/music/live", "/mnt/live")])


@pytest.mark.parametrize(
    ("there", "here"),
    [
        ("/srv/music/a/song.wav", "Z:\\music\\a\\song.wav"),
        ("/srv/music", "Z:\\music"),
        ("/srv/music/live/x.wav", "/mnt/live/x.wav"),
        ("/srv/musical/x.wav", "/srv/musical/x.wav"),
        ("/elsewhere/x.wav", "/elsewhere/x.wav"),
    ],
)
def test_the_longest_folder_that_fits_is_renamed(there: str, here: str) -> None:
    assert WINDOWS.here(there) == here
    assert WINDOWS.there(here) == there


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1), max_size=4))
def test_on_one_system_every_name_comes_back(parts: list[str]) -> None:
    paths = PathMap([Mount("/srv/music", "/Volumes/Music")])
    there = "/".join(["/srv/music", *parts])
    assert paths.there(paths.here(there)) == there


def test_all_paths_of_a_request_are_renamed_and_all_of_its_events_named_back() -> None:
    request = JobRequest(
        source="/srv/music/a.wav",
        place=OutputPlace(project="/srv/music/p.als", folder="/srv/music/out"),
        note_files=NoteFiles(picture="/srv/music/notes.svg"),
    )
    here = WINDOWS.request_here(request)
    assert (here.source, here.place.project, here.place.folder, here.note_files.picture) == (
        "Z:\\music\\a.wav",
        "Z:\\music\\p.als",
        "Z:\\music\\out",
        "Z:\\music\\notes.svg",
    )
    assert WINDOWS.request_here(JobRequest(source="/x", note_files=NoteFiles(picture=""))).note_files.picture == ""
    started = Started(job="j", engine="", device="", output_dir="Z:\\music\\out", created=("Z:\\music\\out",))
    shown = WINDOWS.event_there(started)
    assert isinstance(shown, Started) and (shown.output_dir, shown.created) == ("/srv/music/out", ("/srv/music/out",))
    made = Produced(job="j", result=Result(kind="stem", name="bass", folder="Z:\\music\\out", file="b", seconds=1.0))
    shown = WINDOWS.event_there(made)
    assert isinstance(shown, Produced) and shown.result.folder == "/srv/music/out"


def test_files_that_grow_on_another_machine_are_not_told_of() -> None:
    growing = (Preview(stem="bass", path="/tmp/x", sample_rate_hz=44100, channels=2),)
    notes = LiveNotes(
        job="j", parts={}, until_seconds=1, heard_seconds=1, clip_seconds=2, tempo_bpm=120, previews=growing
    )
    shown = PathMap().event_there(notes)
    assert isinstance(shown, LiveNotes) and shown.previews == ()


@pytest.mark.parametrize("written", ["", "/a", "/a=", "=/b", "/a=b"])
def test_a_mount_has_two_names(written: str) -> None:
    with pytest.raises(BadArguments, match="which folder"):
        mount_of(written)


def test_a_mount_is_written_with_an_equals_sign() -> None:
    assert mount_of("/srv/music/=/Volumes/Music/") == Mount("/srv/music", "/Volumes/Music")


def test_the_longest_folder_that_fits_is_renamed_back_too() -> None:
    paths = PathMap([Mount("/a/long/name", "/x"), Mount("/b", "/x/songs")])
    assert paths.here("/b/song.wav") == "/x/songs/song.wav"
    assert paths.there("/x/songs/song.wav") == "/b/song.wav"


@pytest.mark.parametrize(
    ("mount", "there", "here"),
    [
        (Mount("/", "/host"), "/music/a.wav", "/host/music/a.wav"),
        (Mount("/", "/host"), "/", "/host/"),
        (Mount("/srv/music", "/"), "/srv/music/a.wav", "/a.wav"),
        (Mount("C:\\", "/mnt/c"), "C:\\music\\a.wav", "/mnt/c/music/a.wav"),
        (Mount("/srv/music", "Z:"), "/srv/music/live/a.wav", "Z:\\live\\a.wav"),
        (Mount("/srv/music", "Z:"), "/srv/music", "Z:\\"),
    ],
)
def test_a_whole_drive_has_another_name_too(mount: Mount, there: str, here: str) -> None:
    paths = PathMap([mount])
    assert paths.here(there) == here
    assert paths.there(here).rstrip("/") == there.rstrip("/")
