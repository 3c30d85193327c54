"""The same clip again: its results are restored from the cache, if and only if they are the same."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.audio import riff
from bridge.events import Progressed, Started
from bridge.model import Job, Stage
from bridge.options.table import OPTIONS
from bridge.pipeline.cache.store import OpenEntry, ResultsCache
from bridge.pipeline.manifest import decode_manifest, versions
from bridge.protocols import Context
from bridge.worker.messages import CancelJob
from tests.support.bench import Bench, CachingBench, files
from tests.support.encoded import encode
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, write


@pytest.fixture
def bench(tmp_path: Path) -> CachingBench:
    return CachingBench(tmp_path / "cache")


def contents(job: Job) -> list[bytes]:
    return [Path(result.path).read_bytes() for result in job.results]


def test_the_same_clip_is_not_separated_twice(bench: CachingBench, clip: Path) -> None:
    first, second = bench.run(clip), bench.run(clip)
    assert len(bench.engine.asked) == 1
    assert second.results == first.results
    assert second.output_dir == first.output_dir
    assert files(second) == files(first)
    assert [path.name for path in (clip.parent / "stems").iterdir()] == ["clip"]


def test_a_restored_job_has_the_same_order_of_events(bench: CachingBench, clip: Path) -> None:
    def events_of_last_job() -> tuple[list[Stage], list[str], str]:
        stages = list(dict.fromkeys(event.stage for event in bench.last.events if isinstance(event, Progressed)))
        kinds = [type(event).__name__ for event in bench.last.events if not isinstance(event, (Progressed, Started))]
        last = [event for event in bench.last.events if isinstance(event, Started)][-1]
        return stages, kinds, last.output_dir

    bench.run(clip)
    first = events_of_last_job()
    bench.run(clip)
    assert events_of_last_job() == first


@pytest.mark.parametrize(
    "options",
    [{"name": "other"}, {"out": "elsewhere"}, {"project": "."}, {"play": True}, {"sync": "bar"}, {"device": "cpu"},
     {"engine": "shares"}, {"end_seconds": 2.0}, {"stems": ("vocals", "drums", "bass", "other")}],
    ids=str,
)  # fmt: skip
def test_an_option_that_changes_no_file_causes_no_work(
    bench: CachingBench, clip: Path, options: dict[str, object]
) -> None:
    first = bench.run(clip)
    places: dict[str, object] = {
        key: str(clip.parent / str(options[key])) for key in ("out", "project") if key in options
    }
    second = bench.run(clip, **(options | places))
    assert second.state == "done"
    assert not bench.separated
    assert contents(second) == contents(first)
    assert len(files(second)) == len(files(first))


@pytest.mark.parametrize(
    "options",
    [{"stems": ("bass",)}, {"format": "flac"}, {"depth": "24"}, {"start_seconds": 0.5},
     {"end_seconds": 1.5}],
    ids=str,
)  # fmt: skip
def test_every_option_that_changes_a_stem_separates_again(
    bench: CachingBench, clip: Path, options: dict[str, object]
) -> None:
    bench.run(clip)
    job = bench.run(clip, **options)
    assert job.state == "done"
    assert bench.separated
    assert Path(job.output_dir).name == "clip 2"


NOTE_OPTIONS: list[dict[str, object]] = [
    {"midi": ("bass",)}, {"midi": ()}, {"tempo_bpm": 98.0}, {"tempo_bpm": "map"}, {"beat": 4.0},
    {"shortest_seconds": 1.9}, {"lowest": 40}, {"highest": 50}, {"sensitivity": 0.7}, {"voices": "one"},
    {"quantise": "1/16"}, {"quantise": "1/16", "quantise_strength": 0.5}, {"quantise": "1/16", "quantise_ends": True},
    {"quantise": "1/16", "quantise_swing": False}, {"scale": "C major"}, {"scale": "C major", "off_scale": "drop"},
    {"time_signature": (3, 4)}, {"bends": "mpe"}, {"note_lists": ("csv",)}, {"picture": ""},
    {"reading": "clean"}, {"chords": "none"}, {"score": True}, {"dawproject": True},
]  # fmt: skip


@pytest.mark.parametrize("options", NOTE_OPTIONS, ids=str)
def test_every_note_option_writes_new_notes_from_the_cached_analyses(
    bench: CachingBench, clip: Path, options: dict[str, object]
) -> None:
    first = bench.run(clip)
    job = bench.run(clip, **options)
    assert job.state == "done"
    assert not bench.separated
    assert not bench.last.transcriber.analysed
    assert Path(job.output_dir).name == "clip 2"
    assert bench.run(clip, **options).output_dir == job.output_dir
    assert bench.run(clip).output_dir == first.output_dir


def test_clearing_the_cache_during_a_job_does_not_fail_it(
    bench: CachingBench, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.run(clip)
    open_entry = ResultsCache.open_entry

    @contextmanager
    def opened_and_cleared(cache: ResultsCache, key: str) -> Iterator[OpenEntry | None]:
        with open_entry(cache, key) as cached:
            if cached is not None and cached.entry.results:
                cache.clear()
            yield cached

    monkeypatch.setattr(ResultsCache, "open_entry", opened_and_cleared)
    job = bench.run(clip, name="elsewhere")
    assert job.state == "done", job.failure
    assert contents(job) == contents(first)
    assert not bench.separated


def test_notes_alone_need_no_stems(bench: CachingBench, clip: Path) -> None:
    bench.run(clip)
    job = bench.run(clip, stems=(), midi=("bass", "drums"))
    assert not bench.separated
    assert [result.name for result in job.results] == ["bass", "drums", "all"]


def test_other_note_options_are_applied(bench: CachingBench, clip: Path) -> None:
    notes = [
        {result.notes for result in bench.run(clip, shortest_seconds=shortest).results if result.is_part}
        for shortest in (None, 2.5, 1.5)
    ]
    assert notes == [{1}, {0}, {1}]


def test_the_tested_note_options_are_all_note_options() -> None:
    assert {name for one in NOTE_OPTIONS for name in one} == {
        option.record for option in OPTIONS.values() if option.about_notes
    } | {"midi"}


def test_another_package_for_notes_makes_another_job_of_restored_stems(
    bench: CachingBench, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of one network and of another never stand in one folder, and no song is separated again."""
    first, stems = bench.run(clip), bench.run(clip, midi=())
    monkeypatch.setattr("bridge.pipeline.cache.keys.versions", lambda: {**versions(), "transkun": "9"})
    second, same_stems = bench.run(clip), bench.run(clip, midi=())
    assert len(bench.engine.asked) == 1
    assert second.output_dir != first.output_dir
    assert same_stems.output_dir == stems.output_dir


def test_a_stem_without_a_cached_analysis_is_separated(bench: CachingBench, clip: Path) -> None:
    bench.run(clip, stems=("vocals", "bass"), midi=("bass",))
    job = bench.run(clip, stems=("vocals", "bass"), midi=("vocals", "bass"))
    assert bench.separated
    assert bench.last.transcriber.analysed == ["vocals"]
    assert [result.name for result in job.results] == ["vocals", "bass", "vocals", "bass", "all"]


def test_restored_stems_have_the_time_stamps_of_the_current_job(bench: CachingBench, clip: Path) -> None:
    def stamps(job: Job) -> list[bytes | None]:
        return [riff.find_chunk(Path(job.results[0].path), name, 600) for name in (b"bext", b"acid")]

    there, fresh = bench.run(clip), stamps(bench.run(clip, tempo_bpm=120.0, beat=4.0, depth="24"))
    bench.run(clip, depth="24")
    back = bench.run(clip, tempo_bpm=120.0, beat=4.0, name="elsewhere", depth="24")
    assert not bench.separated
    assert stamps(back) == fresh
    assert stamps(there)[1] is None


def silence_a_sample(bench: CachingBench, clip: Path) -> None:
    del bench
    sound = music(2.0)
    sound[50_000] = 0.0
    write(clip, sound)


def new_weights(bench: CachingBench, clip: Path) -> None:
    del clip
    bench.engine.identity = lambda: "shares-2"  # type: ignore[method-assign]


def new_device(bench: CachingBench, clip: Path) -> None:
    del clip
    bench.engine.device = "cuda"


def new_date(bench: CachingBench, clip: Path) -> None:
    del bench
    os.utime(clip, (1e9, 1e9))


@pytest.mark.parametrize("change", [silence_a_sample, new_weights, new_device])
def test_other_samples_or_another_engine_separate_again(
    bench: CachingBench, clip: Path, change: Callable[[CachingBench, Path], None]
) -> None:
    bench.run(clip)
    change(bench, clip)
    bench.run(clip)
    assert bench.separated


def test_another_file_date_changes_only_the_time_stamps(bench: CachingBench, clip: Path) -> None:
    bench.run(clip)
    new_date(bench, clip)
    job = bench.run(clip)
    assert not bench.separated
    assert Path(job.output_dir).name == "clip 2"
    found = riff.find_chunk(Path(job.results[0].path), b"bext", 600)
    assert found is not None
    assert b"2001-09-09" in found


def test_the_context_around_a_region_is_part_of_the_key(bench: CachingBench, clip: Path) -> None:
    sound = music(2.0)
    state = clip.stat()

    def run(frame: int) -> bool:
        sound[frame] *= -1
        write(clip, sound)
        os.utime(clip, ns=(state.st_atime_ns, state.st_mtime_ns))
        bench.run(clip, start_seconds=0.5, end_seconds=1.0)
        return bench.separated

    bench.engine.needed_context = Context(4410)
    run(80_000)
    assert not run(80_000), "samples outside the context have no effect"
    assert run(44_100 + 4000)
    assert run(22_050 - 4000)


def test_a_deleted_stem_is_restored(bench: CachingBench, clip: Path) -> None:
    first = bench.run(clip)
    before = contents(first)
    deleted = Path(first.results[1].path)
    deleted.unlink()
    second = bench.run(clip)
    assert not bench.separated
    assert second.results == first.results
    assert contents(second) == before


@pytest.mark.parametrize("change", [lambda content: content[:-100], lambda content: bytes([*content[:-1], 1])])
def test_a_changed_stem_is_left_alone_and_restored_elsewhere(
    bench: CachingBench, clip: Path, change: Callable[[bytes], bytes]
) -> None:
    first = bench.run(clip)
    before = contents(first)
    path = Path(first.results[0].path)
    path.write_bytes(change(before[0]))
    mine = path.read_bytes()
    second = bench.run(clip)
    assert not bench.separated
    assert Path(second.output_dir).name == "clip 2"
    assert contents(second) == before
    assert path.read_bytes() == mine
    assert bench.run(clip).output_dir == second.output_dir


def test_a_deleted_folder_is_restored(bench: CachingBench, clip: Path) -> None:
    first = bench.run(clip)
    before, names = contents(first), files(first)
    for entry in Path(first.output_dir).iterdir():
        entry.unlink()
    Path(first.output_dir).rmdir()
    second = bench.run(clip)
    assert not bench.separated
    assert (files(second), contents(second)) == (names, before)
    manifest = decode_manifest((Path(second.output_dir) / "clip.sab.json").read_bytes())
    assert manifest.transcribers == dict.fromkeys(("vocals", "drums", "bass", "other"), "one-note")
    assert len(manifest.results) == 9
    assert manifest.music is not None
    assert manifest.line_margins == {"other": 0.5}


def test_a_damaged_entry_causes_a_new_separation(bench: CachingBench, clip: Path) -> None:
    bench.run(clip)
    (stem,) = (bench.folder / "results").glob("*/bass.wav")
    stem.write_bytes(b"")
    assert bench.run(clip).state == "done"
    assert bench.separated
    bench.run(clip)
    assert not bench.separated


def test_a_damaged_analysis_is_made_anew(bench: CachingBench, clip: Path) -> None:
    first = bench.run(clip)
    for analysis in (bench.folder / "results").glob("*/heard"):
        analysis.write_bytes(b"?")
    again = bench.run(clip)
    assert again.state == "done"
    assert contents(again) == contents(first)
    bench.run(clip)
    assert not bench.separated


def test_warnings_are_repeated_once_each(bench: CachingBench, tmp_path: Path) -> None:
    bench.engine.shares = {"vocals": 9.0, "other": 0.0}
    sound = music(0.2)
    sound[10] = float("nan")
    source = write(tmp_path / "a.wav", sound, subtype="FLOAT")
    first = bench.run(source, depth="16", midi=())
    second = bench.run(source, depth="16", midi=())
    assert not bench.separated
    assert [warning.code for warning in second.warnings] == ["bad_samples", "would_clip"]
    assert second.warnings == first.warnings


def test_a_decoded_clip_leaves_no_scratch_file(bench: CachingBench, tmp_path: Path) -> None:
    source = encode(tmp_path / "a.flac", music(1.0), 44_100)
    first, second = bench.run(source), bench.run(source)
    assert not bench.separated
    assert second.output_dir == first.output_dir
    assert [path.name for path in (tmp_path / "stems").iterdir()] == ["a"]
    assert not [name for name in files(second) if name.startswith(".")]


@pytest.mark.parametrize("part", ["bass", "mix"])
def test_transcription_alone_is_cached_too(bench: CachingBench, clip: Path, part: str) -> None:
    first, second = bench.run(clip, transcribe_as=part), bench.run(clip, transcribe_as=part)
    assert second.results == first.results
    assert second.output_dir == first.output_dir
    assert not bench.last.transcriber.analysed
    assert bench.run(clip, transcribe_as="drums").output_dir != first.output_dir


def test_a_cancelled_job_is_not_cached(bench: CachingBench, clip: Path) -> None:
    bench.engine.before_block = lambda _: bench.last.worker.interrupt(CancelJob(job="a"))  # type: ignore[assignment]
    assert bench.run(clip).state == "cancelled"
    assert not (bench.folder / "results").exists()


def test_a_source_that_changes_during_the_job_is_not_cached(bench: CachingBench, clip: Path) -> None:
    bench.engine.before_block = lambda _: os.utime(clip, (1e9, 1e9))
    assert bench.run(clip).state == "done"
    assert not (bench.folder / "results").exists()


def test_without_a_cache_every_job_separates(clip: Path) -> None:
    engine = SharesSeparator()
    folders = [Path(Bench(OneEngine(engine)).run(clip).output_dir).name for _ in range(2)]
    assert folders == ["clip", "clip 2"]
    assert len(engine.asked) == 2
