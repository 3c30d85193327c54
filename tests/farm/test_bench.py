"""A machine's store of clips, and its folders of songs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.errors import NotReadable, OutOfSpace
from bridge.farm.carrying.bench import Bench
from bridge.farm.carrying.sending import clip_of
from tests.support.bench import Bench as WorkerBench
from tests.support.bench import files
from tests.support.requests import request_for

SONG = "song"


def test_the_store_of_clips_is_private_bounded_and_forgets_what_was_not_used(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "scratch", max_clips_bytes=2500)
    clips = []
    for number in range(4):
        path = tmp_path / f"{number}.wav"
        path.write_bytes(bytes([number]) * 1000)
        clips.append(clip_of(path))
        bench.wants(clips[-1])
        bench.take(clips[-1], 0, path.read_bytes())
        os.utime(tmp_path / "scratch" / "clips" / clips[-1].sha256, (number + 1, number + 1))
        if number == 2:
            bench.wants(clips[1])  # used again
    assert [bench.has(clip) for clip in clips] == [False, True, False, True]
    assert (tmp_path / "scratch" / "clips").stat().st_mode & 0o077 == 0
    with pytest.raises(OutOfSpace):
        bench.wants(replace(clips[0], size_bytes=3000))


def test_a_clip_with_other_content_than_announced_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"right")
    bench, clip = Bench(tmp_path / "scratch"), clip_of(tmp_path / "a.wav")
    bench.wants(clip)
    with pytest.raises(NotReadable):
        bench.take(clip, 0, b"wrong")
    assert bench.wants(clip) == 0
    assert bench.take(clip, 0, b"right") == 5
    assert bench.has(clip)


@pytest.mark.parametrize("name", ["../../x.wav", "/etc/passwd", "a/b", "a\\b", "..", ".x", "", "x\0", "x" * 300])
def test_names_that_lead_elsewhere_are_refused(tmp_path: Path, clip: Path, name: str) -> None:
    bench, sent = Bench(tmp_path / "scratch"), clip_of(clip)
    bench.wants(sent)
    bench.take(sent, 0, clip.read_bytes())
    with pytest.raises(NotReadable):
        bench.prepare(SONG, request_for(clip), replace(sent, name=name))
    bench.prepare(SONG, request_for(clip), sent)
    for place in ("results", "picture"):
        with pytest.raises(NotReadable):
            bench.give(SONG, place, name, 0)
    with pytest.raises(NotReadable):
        bench.give(SONG, "../clips", sent.sha256, 0)  # type: ignore[arg-type]
    with pytest.raises(NotReadable):
        bench.give("../songs", "results", "x.wav", 0)
    with pytest.raises(NotReadable):
        bench.has(replace(sent, sha256="../../clips"))


def test_a_song_writes_only_into_its_own_folder(tmp_path: Path, clip: Path) -> None:
    bench, sent = Bench(tmp_path / "scratch"), clip_of(clip)
    bench.wants(sent)
    bench.take(sent, 0, clip.read_bytes())
    request = request_for(clip, out="/home/me/stems", project="/home/me/song.als", picture="/home/me/notes.svg")
    here = bench.prepare(SONG, request, sent)
    own = str(tmp_path / "scratch" / "songs" / SONG)
    assert here.place.project is None
    for path in (here.source, here.place.folder, here.note_files.picture):
        assert path is not None and path.startswith(own)
    job = WorkerBench().run_request(here)
    assert job.state == "done" and files(job)
    bench.forget(SONG)
    assert not Path(own).exists()
    assert bench.has(sent)


def test_results_that_nobody_fetches_are_removed_when_the_machine_gets_its_next_songs(
    clip: Path, tmp_path: Path
) -> None:
    now = [0.0]
    bench, sent = Bench(tmp_path / "scratch", now=lambda: now[0]), clip_of(clip)
    bench.wants(sent)
    bench.take(sent, 0, clip.read_bytes())
    for song in ("left", "fetched", "computed"):
        request = bench.prepare(song, request_for(clip), sent)
        (Path(request.place.folder or "") / "bass.wav").write_bytes(b"bass")
    for song in ("left", "fetched"):
        bench.results(song)
    now[0] = 500.0
    assert bench.give("fetched", "results", "bass.wav", 0) == b"bass"
    now[0] = 601.0
    bench.prepare("next", request_for(clip), sent)
    assert sorted(path.name for path in (tmp_path / "scratch" / "songs").iterdir()) == ["computed", "fetched", "next"]


def test_an_empty_file_arrives_too(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").touch()
    bench, clip = Bench(tmp_path / "scratch"), clip_of(tmp_path / "empty.wav")
    assert bench.wants(clip) == 0
    assert bench.has(clip)


@pytest.mark.parametrize("content", [b"right", b"wrong", b"too long"])
def test_a_clip_whose_machine_died_before_it_got_its_name_is_taken_up_or_sent_anew(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "a.wav").write_bytes(b"right")
    bench, clip = Bench(tmp_path / "scratch"), clip_of(tmp_path / "a.wav")
    (tmp_path / "scratch" / "clips" / f"{clip.sha256}.part").write_bytes(content)
    if (start := bench.wants(clip)) < clip.size_bytes:
        bench.take(clip, start, b"right"[start:])
    assert bench.has(clip)
