"""The option `kit`: the drums' parts are files like stems, sum to the drums, and come from the cache with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile

from bridge.model import Job, Result
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import decode_manifest
from bridge.pipeline.steps.splitting import CLIPS, NO_DRUMS, NO_HITS
from bridge.stems import DRUMS, KIT, label_of
from bridge.transcription.transcribers import DrumTranscriber
from tests.support.bench import Bench, files
from tests.support.dawproject_reader import DawProject
from tests.support.fakes import FakeClock
from tests.support.instruments import beat
from tests.support.separators import OneEngine, OneTranscriber, SharesSeparator
from tests.support.sounds import Samples, read, write

#: An engine whose drums are the clip, so that the real drum transcriber finds its hits.
SHARES = {"vocals": 0.0, "drums": 0.5, "bass": 0.25}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    mix = np.sum([*beat(2).values()], axis=0) * 0.5
    return write(tmp_path / "song.wav", np.stack([mix, 0.6 * mix], 1).astype(np.float32))


class Kits:
    """Runs jobs with one cache, one engine, and the real drum transcriber; counts its readings."""

    def __init__(self, folder: Path, shares: dict[str, float] | None = None) -> None:
        self.engine = SharesSeparator(SHARES if shares is None else shares)
        self.transcriber = DrumTranscriber()
        self.folder = folder

    def run(self, source: Path, **options: object) -> Job:
        cache = ResultsCache(self.folder / "cache", 10**9, FakeClock())
        bench = Bench(OneEngine(self.engine), cache=cache, transcribers=OneTranscriber(self.transcriber))
        return bench.run(source, **{"kit": True, "midi": ("drums",), **options})

    @property
    def separations(self) -> int:
        return len(self.engine.asked)


@pytest.fixture
def kits(tmp_path: Path) -> Kits:
    return Kits(tmp_path)


def parts(job: Job) -> list[Result]:
    return [result for result in job.results if result.name in KIT]


def steps(path: str, bits: int) -> Samples:
    """Whole numbers, as a format of that many bits holds them; doubles, so that their sums are exact."""
    samples: Samples = soundfile.read(path, dtype="int32", always_2d=True)[0] / 2.0 ** (32 - bits)
    return samples


def drums_of(job: Job) -> str:
    return next(result.path for result in job.results if (result.kind, result.name) == ("stem", DRUMS))


def contents(job: Job) -> dict[str, bytes]:
    return {result.file: Path(result.path).read_bytes() for result in job.results}


@pytest.mark.parametrize(("depth", "bits"), [("source", 16), ("24", 24)])
def test_the_parts_are_files_of_the_stem_s_format_and_sum_to_it(kits: Kits, song: Path, depth: str, bits: int) -> None:
    job = kits.run(song, depth=depth)
    assert (job.state, [result.name for result in parts(job)]) == ("done", [*KIT])
    assert {"song (Drums Kick).wav", "song (Drums Cymbals).wav"} <= set(files(job))
    drums = next(result for result in job.results if (result.kind, result.name) == ("stem", DRUMS))
    assert {(one.kind, one.frames, one.channels, one.subtype) for one in parts(job)} == {
        ("stem", drums.frames, 2, drums.subtype)
    }
    total = np.sum([steps(result.path, bits) for result in parts(job)], axis=0)
    assert np.array_equal(total, steps(drums.path, bits))
    kick = next(result for result in parts(job) if result.name == "kick")
    assert np.abs(read(Path(kick.path))).max() > 0.1


@pytest.mark.parametrize("file_format", ["wav", "aiff"])
def test_floats_sum_to_the_stem_but_for_the_last_bit(kits: Kits, song: Path, file_format: str) -> None:
    job = kits.run(song, depth="32f", format=file_format)
    assert {result.subtype for result in parts(job)} == {"FLOAT"}
    assert {Path(result.path).suffix for result in (*parts(job), job.results[0])} == {f".{file_format}"}
    total = np.sum([read(Path(result.path)).astype(np.float64) for result in parts(job)], axis=0)
    assert np.abs(total - read(Path(drums_of(job)))).max() <= 2.0**-25


def test_the_record_has_them_and_they_are_announced_before_the_notes(kits: Kits, song: Path) -> None:
    job = kits.run(song)
    record = decode_manifest((Path(job.output_dir) / "song.sab.json").read_bytes())
    assert record.request["kit"] is True
    assert [result.name for result in record.results if result.kind == "stem"][-5:] == [*KIT]
    assert [result.kind for result in job.results].index("midi") > max(job.results.index(one) for one in parts(job))


def test_everything_is_restored_from_the_cache(kits: Kits, song: Path, tmp_path: Path) -> None:
    first = kits.run(song)
    again, elsewhere = kits.run(song), kits.run(song, out=str(tmp_path / "here"))
    assert (kits.separations, again.results) == (1, first.results)
    assert contents(elsewhere) == contents(first)


def test_stems_from_the_cache_are_split_without_separating_again(kits: Kits, song: Path, tmp_path: Path) -> None:
    """And give the same parts as if they had just been separated."""
    kits.run(song, kit=False)
    late = kits.run(song)
    assert kits.separations == 1
    fresh = Kits(tmp_path / "other").run(song, out=str(tmp_path / "here"))
    assert {name: data for name, data in contents(late).items() if "Drums" in name} == {
        name: data for name, data in contents(fresh).items() if "Drums" in name
    }


def test_lossy_stems_are_separated_anew_because_they_are_not_the_sound_that_was_split(kits: Kits, song: Path) -> None:
    kits.run(song, kit=False, format="ogg")
    job = kits.run(song, format="ogg")
    assert (kits.separations, len(parts(job))) == (2, 5)


def test_the_hits_are_read_where_no_notes_are_wanted_and_the_drums_need_not_be_written(kits: Kits, song: Path) -> None:
    job = kits.run(song, midi=(), stems=("vocals",))
    assert {result.name for result in job.results} == {"vocals", *KIT}
    alone = kits.run(song, midi=(), stems=())
    assert (alone.state, {result.name for result in alone.results}) == ("done", {*KIT})


def test_note_settings_do_not_change_the_parts(kits: Kits, song: Path, tmp_path: Path) -> None:
    job = kits.run(song)
    quantised = Kits(tmp_path / "other").run(song, quantise="1/4", tempo_bpm=77.0, shortest_seconds=0.5)
    for one, other in zip(parts(quantised), parts(job), strict=True):
        assert np.array_equal(read(Path(one.path)), read(Path(other.path)))


def test_a_clip_that_is_transcribed_as_drums_is_split_itself(kits: Kits, song: Path) -> None:
    job = kits.run(song, transcribe_as="drums", midi=())
    assert [(result.kind, result.name) for result in job.results if result.kind == "stem"] == [
        ("stem", part) for part in KIT
    ]
    assert np.array_equal(np.sum([steps(one.path, 16) for one in parts(job)], axis=0), steps(str(song), 16))
    assert contents(kits.run(song, transcribe_as="drums", midi=())) == contents(job)


def test_without_a_drum_stem_it_says_so_once(kits: Kits, song: Path, tmp_path: Path) -> None:
    singer = Kits(tmp_path / "other", {"vocals": 0.5})
    for job in (singer.run(song, midi=()), kits.run(song, transcribe_as="mix", midi=())):
        assert [warning.message for warning in job.warnings if warning.code == "no_kit"] == [NO_DRUMS]
        assert (job.state, parts(job)) == ("done", [])


def test_without_hits_it_says_so_every_time(kits: Kits, tmp_path: Path) -> None:
    silent = write(tmp_path / "silent.wav", np.zeros((44_100, 2), np.float32))
    for _ in range(2):
        job = kits.run(silent)
        assert [warning.message for warning in job.warnings if warning.code == "no_kit"] == [NO_HITS]
        assert (job.state, parts(job)) == ("done", [])
    assert kits.separations == 1


def test_a_part_that_would_clip_makes_all_parts_floats(tmp_path: Path) -> None:
    """A mix that was clipped has parts that are louder than it."""
    waves = beat(2)
    loud: Samples = np.clip(3.0 * np.sum([*waves.values()], axis=0), -0.999, 0.999)[:, np.newaxis].astype(np.float32)
    source = write(tmp_path / "loud.wav", loud)
    first = Kits(tmp_path / "loud", {"drums": 1.0})
    for job in (first.run(source), first.run(source, out=str(tmp_path / "here"))):
        assert {result.subtype for result in parts(job)} == {"FLOAT"}
        assert [warning.message for warning in job.warnings if warning.code == "would_clip"] == [CLIPS]
        total = np.sum([read(Path(one.path)) for one in parts(job)], axis=0)
        assert np.array_equal(total, read(Path(drums_of(job))))
    assert first.separations == 1


def test_drums_that_were_floats_because_they_would_clip_are_split_into_floats(tmp_path: Path) -> None:
    """Also when they come from the cache."""
    mix = np.sum([*beat(2).values()], axis=0)[:, np.newaxis]
    source = write(tmp_path / "song.wav", (0.9 * mix / np.abs(mix).max()).astype(np.float32))
    late = Kits(tmp_path, {"vocals": 0.1, "drums": 1.4})
    late.run(source, kit=False, format="aiff")
    for job in (late.run(source, format="aiff"), Kits(tmp_path / "other", {"drums": 1.4}).run(source, format="aiff")):
        assert {(result.subtype, Path(result.path).suffix) for result in parts(job)} == {("FLOAT", ".wav")}
        total = np.sum([read(Path(one.path)).astype(np.float64) for one in parts(job)], axis=0)
        assert np.abs(total - read(Path(drums_of(job)))).max() <= 2.0**-24
    assert late.separations == 1


def test_a_folder_that_holds_such_a_file_is_left_alone(kits: Kits, song: Path, tmp_path: Path) -> None:
    theirs = tmp_path / "here" / "song (Drums Kick).wav"
    theirs.parent.mkdir()
    theirs.write_text("the user's own")
    job = kits.run(song, out=str(theirs.parent))
    assert (Path(job.output_dir).name, theirs.read_text()) == ("here 2", "the user's own")


def test_a_project_has_the_parts_muted_beside_the_drums(kits: Kits, song: Path, tmp_path: Path) -> None:
    """However they come: with the stems, from restored stems, or restored themselves."""
    kits.run(song, kit=False)
    late = kits.run(song, dawproject=True)
    restored = kits.run(song, dawproject=True, out=str(tmp_path / "here"))
    fresh = Kits(tmp_path / "other").run(song, dawproject=True, out=str(tmp_path / "there"))
    for job in (late, restored, fresh):
        project = DawProject(next(Path(result.path) for result in job.results if result.kind == "dawproject"))
        assert [track.name for track in project.tracks if track.is_muted] == [label_of(part) for part in KIT]
        assert not project.track("Drums").is_muted
        assert project.track("Drums Kick").audio[0].path == "audio/song (Drums Kick).wav"
    assert contents(restored)["song.dawproject"] == contents(late)["song.dawproject"]
