"""The clips that a command line names."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.audio.clip_names import AUDIO_ENDINGS, natural_order
from bridge.cli.clips import find_clips, new_group_name
from bridge.cli.output.group_report import tracks_of
from bridge.cli.submit import files_and_pairs
from bridge.errors import BadArguments, NotFound
from bridge.model import Job, Result
from bridge.options.request import build_request
from bridge.pipeline.clips_in_folder import clips_in
from bridge.pipeline.manifest import EngineRecord, SourceRecord, encode_manifest, manifest_of
from bridge.request import JobRequest


def touch(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()


def test_a_folder_is_its_audio_files_in_natural_order(tmp_path: Path) -> None:
    touch(tmp_path, "take 10.wav", "Take 9.FLAC", "take 2.mp3", "b.aiff", "notes.txt", ".hidden.wav", "cover.jpg")
    touch(tmp_path / "stems", "inside.wav")
    (tmp_path / "folder.wav").mkdir()
    assert [clip.name for clip in clips_in(tmp_path)] == ["b.aiff", "take 2.mp3", "Take 9.FLAC", "take 10.wav"]


def test_results_of_the_bridge_are_no_clips_but_files_that_are_only_named_like_them_are(tmp_path: Path) -> None:
    made = Result(kind="stem", name="vocals", folder=str(tmp_path), file="song (Vocals).wav", seconds=1.0)
    job = Job(id="a", name="song", request=JobRequest(source="/song.wav"), submitted_unix=0.0, results=(made,))
    source = SourceRecord(
        path="/song.wav", sha256="", start_seconds=0, start_frame=0, frames=1, sample_rate_hz=44_100, channels=2
    )
    engine = EngineRecord(name="draft", device="cpu", weights="1")
    manifest = manifest_of(job, source=source, engine=engine, chords=(), transcribers={}, seconds=1.0, cache_key="")
    (tmp_path / "song.sab.json").write_bytes(encode_manifest(manifest))
    (tmp_path / "damaged.sab.json").write_text("{")
    touch(tmp_path, "song.wav", "song (Vocals).wav", "song (Live).wav", "other (Vocals).wav")
    assert [clip.name for clip in clips_in(tmp_path)] == ["other (Vocals).wav", "song (Live).wav", "song.wav"]


@pytest.mark.parametrize("names", [(), ("notes.txt", ".hidden.wav")])
def test_a_folder_without_audio_is_one_clear_error(tmp_path: Path, names: tuple[str, ...]) -> None:
    touch(tmp_path / "empty", *names)
    with pytest.raises(NotFound, match="There is no audio file in the folder"):
        clips_in(tmp_path / "empty")


async def test_one_file_is_no_group_and_a_folder_with_one_file_is(tmp_path: Path) -> None:
    touch(tmp_path / "takes", "a.wav")
    alone, folder = str(tmp_path / "takes" / "a.wav"), str(tmp_path / "takes")
    assert await find_clips([alone]) == ([Path(alone)], False, None)
    assert await find_clips([folder]) == ([Path(alone)], True, Path(folder))
    assert await find_clips([folder, alone]) == ([Path(alone), Path(alone)], True, None)


async def test_an_empty_argument_is_not_the_current_folder() -> None:
    with pytest.raises(BadArguments):
        await find_clips([""])


async def test_a_path_that_is_none_stays_among_several_to_be_refused_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    good = tmp_path / "a.wav"
    assert (await find_clips(["https://example.org/a.wav", str(good)])).files[1] == good


async def test_a_path_that_cannot_be_looked_at_stays_to_be_refused_alone(tmp_path: Path) -> None:
    touch(tmp_path, "a.wav")
    good, bad = tmp_path / "a.wav", tmp_path / ("a" * 300)
    assert (await find_clips([str(bad), str(good)])).files == [bad, good]
    assert (await find_clips([str(bad)])).files == [bad]


@pytest.mark.skipif(sys.platform != "linux", reason="file names are bytes on Linux only")
async def test_a_name_that_is_not_text_is_found_in_a_folder(tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"bad\xff.wav")).touch()
    touch(tmp_path, "good.wav")
    assert len((await find_clips([str(tmp_path)])).files) == 2


@given(st.lists(st.integers(0, 10**30), min_size=1), st.sampled_from(["take ", "", "Ä"]))
def test_numbers_sort_by_their_value(numbers: list[int], word: str) -> None:
    names = [f"{word}{number}.wav" for number in numbers]
    assert sorted(names, key=natural_order) == [f"{word}{number}.wav" for number in sorted(numbers)]


@given(st.lists(st.text(), unique=True), st.randoms(use_true_random=False))
def test_any_names_have_one_order(names: list[str], random: Random) -> None:
    shuffled = random.sample(names, len(names))
    assert sorted(names, key=natural_order) == sorted(shuffled, key=natural_order)


@given(st.one_of(st.none(), st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=200).map(Path)))
def test_a_new_name_is_one_that_the_option_takes(folder: Path | None) -> None:
    name = new_group_name(folder)
    assert build_request("/a.wav", {"group": name}, JobRequest(source="")).group.name == name
    assert name != new_group_name(folder)


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["a.wav"], 1),
        (["a", "tempo", "98"], 1),
        (["a.wav", "b.wav", "tempo", "98.5"], 2),
        (["a.wav", "takes/b", "stems", "vocals"], 2),
        (["stems", "b.wav"], 2),
        (["a.wav", "magic", "1"], 1),
        (["a.wav", "here", "tempo", "98"], 2),
    ],
)
def test_files_end_where_the_options_begin(
    words: list[str], files: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    touch(tmp_path, "here", "stems")
    assert files_and_pairs(words) == (words[:files], words[files:])


def test_the_tracks_of_a_group_have_one_file_of_each_clip_in_order() -> None:
    def job(position: int, *stems: str) -> Job:
        results = tuple(
            Result(kind=kind, name=stem, folder=f"/{position}", file=f"{stem}.{kind}", seconds=1.0)
            for kind in ("midi", "stem")
            for stem in stems
        )
        request = JobRequest(source="/a")
        return Job(id=str(position), name="a", request=request, submitted_unix=0, position=position, results=results)

    tracks = tracks_of([job(1, "bass", "vocals"), job(3, "vocals"), job(4, "bass", "all")])
    assert [(track["kind"], track["name"]) for track in tracks] == [
        ("stem", "vocals"), ("stem", "bass"), ("stem", "all"), ("midi", "vocals"), ("midi", "bass"), ("midi", "all"),
    ]  # fmt: skip
    assert tracks[0]["files"] == [{"clip": 1, "path": "/1/vocals.stem"}, {"clip": 3, "path": "/3/vocals.stem"}]
    assert tracks[1]["files"] == [{"clip": 1, "path": "/1/bass.stem"}, {"clip": 4, "path": "/4/bass.stem"}]


def test_every_format_that_the_bridge_writes_is_audio_in_a_folder() -> None:
    from bridge.audio.sink import MAJOR_FORMATS

    assert {f".{name}" for name in MAJOR_FORMATS} <= AUDIO_ENDINGS
