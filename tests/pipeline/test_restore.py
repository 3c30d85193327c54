"""The same clip again: its results come from the cache, and only where they are the same results."""

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
from bridge.pipeline.manifest import decode_manifest
from bridge.protocols import Context
from bridge.worker.messages import CancelJob
from tests.support.bench import Again, Bench, files
from tests.support.encoded import encode
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, write


@pytest.fixture
def again(tmp_path: Path) -> Again:
    return Again(tmp_path / "cache")


def contents(job: Job) -> list[bytes]:
    return [Path(result.path).read_bytes() for result in job.results]


def test_the_same_clip_again_is_not_taken_apart_again(again: Again, clip: Path) -> None:
    first, second = again.run(clip), again.run(clip)
    assert len(again.engine.asked) == 1
    assert second.results == first.results
    assert second.output_dir == first.output_dir
    assert files(second) == files(first)
    assert [path.name for path in (clip.parent / "stems").iterdir()] == ["clip"]


def test_its_events_come_in_the_same_order(again: Again, clip: Path) -> None:
    def told() -> tuple[list[Stage], list[str], str]:
        stages = list(dict.fromkeys(event.stage for event in again.bench.events if isinstance(event, Progressed)))
        kinds = [type(event).__name__ for event in again.bench.events if not isinstance(event, (Progressed, Started))]
        last = [event for event in again.bench.events if isinstance(event, Started)][-1]
        return stages, kinds, last.output_dir

    again.run(clip)
    first = told()
    again.run(clip)
    assert told() == first


@pytest.mark.parametrize(
    "options",
    [{"name": "other"}, {"out": "elsewhere"}, {"project": "."}, {"play": True}, {"sync": "bar"}, {"device": "cpu"},
     {"engine": "shares"}, {"end_seconds": 2.0}, {"stems": ("vocals", "drums", "bass", "other")}],
    ids=str,
)  # fmt: skip
def test_what_changes_no_file_costs_no_work(again: Again, clip: Path, options: dict[str, object]) -> None:
    first = again.run(clip)
    places: dict[str, object] = {
        key: str(clip.parent / str(options[key])) for key in ("out", "project") if key in options
    }
    second = again.run(clip, **(options | places))
    assert second.state == "done"
    assert not again.worked
    assert contents(second) == contents(first)
    assert len(files(second)) == len(files(first))


@pytest.mark.parametrize(
    "options",
    [{"stems": ("bass",)}, {"format": "flac"}, {"depth": "24"}, {"start_seconds": 0.5},
     {"end_seconds": 1.5}],
    ids=str,
)  # fmt: skip
def test_every_setting_that_changes_a_stem_makes_it_anew(again: Again, clip: Path, options: dict[str, object]) -> None:
    again.run(clip)
    job = again.run(clip, **options)
    assert job.state == "done"
    assert again.worked
    assert Path(job.output_dir).name == "clip 2"


ABOUT_NOTES: list[dict[str, object]] = [
    {"midi": ("bass",)}, {"midi": ()}, {"tempo_bpm": 98.0}, {"beat": 4.0}, {"shortest_seconds": 1.9},
    {"lowest": 40}, {"highest": 50}, {"sensitivity": 0.7}, {"voices": "one"}, {"quantise": "1/16"},
    {"quantise_strength": 0.5}, {"quantise_ends": True}, {"quantise_swing": False}, {"scale": "C major"},
    {"off_scale": "drop"}, {"time_signature": (3, 4)}, {"bends": "mpe"}, {"note_lists": ("csv",)}, {"picture": ""},
]  # fmt: skip


@pytest.mark.parametrize("options", ABOUT_NOTES, ids=str)
def test_every_setting_of_notes_writes_anew_what_was_heard_before(
    again: Again, clip: Path, options: dict[str, object]
) -> None:
    first = again.run(clip)
    job = again.run(clip, **options)
    assert job.state == "done"
    assert not again.worked
    assert not again.bench.transcriber.listened
    assert Path(job.output_dir).name == "clip 2"
    assert again.run(clip, **options).output_dir == job.output_dir
    assert again.run(clip).output_dir == first.output_dir


def test_a_cache_that_is_cleared_under_the_work_ends_no_job(
    again: Again, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = again.run(clip)
    opened = ResultsCache.opened

    @contextmanager
    def opened_and_cleared(cache: ResultsCache, key: str) -> Iterator[OpenEntry | None]:
        with opened(cache, key) as cached:
            if cached is not None and cached.entry.results:
                cache.clear()
            yield cached

    monkeypatch.setattr(ResultsCache, "opened", opened_and_cleared)
    job = again.run(clip, name="elsewhere")
    assert job.state == "done", job.failure
    assert contents(job) == contents(first)
    assert not again.worked


def test_notes_alone_need_no_stems(again: Again, clip: Path) -> None:
    again.run(clip)
    job = again.run(clip, stems=(), midi=("bass", "drums"))
    assert not again.worked
    assert [result.name for result in job.results] == ["bass", "drums", "all"]


def test_other_settings_of_notes_are_heeded(again: Again, clip: Path) -> None:
    notes = [
        {result.notes for result in again.run(clip, shortest_seconds=shortest).results if result.is_part}
        for shortest in (None, 2.5, 1.5)
    ]
    assert notes == [{1}, {0}, {1}]


def test_settings_of_notes_cover_every_option_that_is_about_them() -> None:
    assert {name for one in ABOUT_NOTES for name in one} == {
        option.field for option in OPTIONS.values() if option.about == "notes"
    } | {"midi"}


def test_a_stem_that_nobody_has_listened_to_is_taken_apart_for_it(again: Again, clip: Path) -> None:
    again.run(clip, stems=("vocals", "bass"), midi=("bass",))
    job = again.run(clip, stems=("vocals", "bass"), midi=("vocals", "bass"))
    assert again.worked
    assert again.bench.transcriber.listened == ["vocals"]
    assert [result.name for result in job.results] == ["vocals", "bass", "vocals", "bass", "all"]


def test_stems_that_come_back_bear_the_stamps_of_the_job_that_wants_them(again: Again, clip: Path) -> None:
    def stamps(job: Job) -> list[bytes | None]:
        return [riff.find_chunk(Path(job.results[0].path), name, 600) for name in (b"bext", b"acid")]

    there, fresh = again.run(clip), stamps(again.run(clip, tempo_bpm=120.0, beat=4.0, depth="24"))
    again.run(clip, depth="24")
    back = again.run(clip, tempo_bpm=120.0, beat=4.0, name="elsewhere", depth="24")
    assert not again.worked
    assert stamps(back) == fresh
    assert stamps(there)[1] is None


def silence_a_sample(again: Again, clip: Path) -> None:
    del again
    sound = music(2.0)
    sound[50_000] = 0.0
    write(clip, sound)


def new_weights(again: Again, clip: Path) -> None:
    del clip
    again.engine.identity = lambda: "shares-2"  # type: ignore[method-assign]


def new_device(again: Again, clip: Path) -> None:
    del clip
    again.engine.device = "cuda"


def new_date(again: Again, clip: Path) -> None:
    del again
    os.utime(clip, (1e9, 1e9))


@pytest.mark.parametrize("change", [silence_a_sample, new_weights, new_device])
def test_another_sound_or_engine_makes_it_anew(again: Again, clip: Path, change: Callable[[Again, Path], None]) -> None:
    again.run(clip)
    change(again, clip)
    again.run(clip)
    assert again.worked


def test_another_date_makes_other_stamps_only(again: Again, clip: Path) -> None:
    again.run(clip)
    new_date(again, clip)
    job = again.run(clip)
    assert not again.worked
    assert Path(job.output_dir).name == "clip 2"
    found = riff.find_chunk(Path(job.results[0].path), b"bext", 600)
    assert found is not None
    assert b"2001-09-09" in found


def test_what_the_engine_hears_around_a_region_counts_too(again: Again, clip: Path) -> None:
    sound = music(2.0)
    state = clip.stat()

    def run(frame: int) -> bool:
        sound[frame] *= -1
        write(clip, sound)
        os.utime(clip, ns=(state.st_atime_ns, state.st_mtime_ns))
        again.run(clip, start_seconds=0.5, end_seconds=1.0)
        return again.worked

    again.engine.hears = Context(4410)
    run(80_000)
    assert not run(80_000), "what lies further off is not heard"
    assert run(44_100 + 4000)
    assert run(22_050 - 4000)


def test_a_stem_that_was_deleted_is_there_again(again: Again, clip: Path) -> None:
    first = again.run(clip)
    before = contents(first)
    deleted = Path(first.results[1].path)
    deleted.unlink()
    second = again.run(clip)
    assert not again.worked
    assert second.results == first.results
    assert contents(second) == before


@pytest.mark.parametrize("change", [lambda content: content[:-100], lambda content: bytes([*content[:-1], 1])])
def test_a_stem_that_was_changed_is_left_alone_and_made_again_beside(
    again: Again, clip: Path, change: Callable[[bytes], bytes]
) -> None:
    first = again.run(clip)
    before = contents(first)
    path = Path(first.results[0].path)
    path.write_bytes(change(before[0]))
    mine = path.read_bytes()
    second = again.run(clip)
    assert not again.worked
    assert Path(second.output_dir).name == "clip 2"
    assert contents(second) == before
    assert path.read_bytes() == mine
    assert again.run(clip).output_dir == second.output_dir


def test_a_folder_that_was_thrown_away_is_there_again(again: Again, clip: Path) -> None:
    first = again.run(clip)
    before, names = contents(first), files(first)
    for entry in Path(first.output_dir).iterdir():
        entry.unlink()
    Path(first.output_dir).rmdir()
    second = again.run(clip)
    assert not again.worked
    assert (files(second), contents(second)) == (names, before)
    first_told = decode_manifest((Path(second.output_dir) / "clip.sab.json").read_bytes())
    assert first_told.transcribers == dict.fromkeys(("vocals", "drums", "bass", "other"), "one-note")
    assert len(first_told.results) == 9
    assert first_told.music is not None


def test_a_damaged_entry_is_made_again(again: Again, clip: Path) -> None:
    again.run(clip)
    (stem,) = (again.folder / "results").glob("*/bass.wav")
    stem.write_bytes(b"")
    assert again.run(clip).state == "done"
    assert again.worked
    again.run(clip)
    assert not again.worked


def test_warnings_come_again_each_once(again: Again, tmp_path: Path) -> None:
    again.engine.shares = {"vocals": 9.0, "other": 0.0}
    sound = music(0.2)
    sound[10] = float("nan")
    source = write(tmp_path / "a.wav", sound, subtype="FLOAT")
    first = again.run(source, depth="16", midi=())
    second = again.run(source, depth="16", midi=())
    assert not again.worked
    assert [warning.code for warning in second.warnings] == ["bad_samples", "would_clip"]
    assert second.warnings == first.warnings


def test_a_decoded_clip_leaves_no_scratch_behind(again: Again, tmp_path: Path) -> None:
    source = encode(tmp_path / "a.flac", music(1.0), 44_100)
    first, second = again.run(source), again.run(source)
    assert not again.worked
    assert second.output_dir == first.output_dir
    assert [path.name for path in (tmp_path / "stems").iterdir()] == ["a"]
    assert not [name for name in files(second) if name.startswith(".")]


@pytest.mark.parametrize("part", ["bass", "mix"])
def test_transcribing_alone_is_remembered_too(again: Again, clip: Path, part: str) -> None:
    first, second = again.run(clip, transcribe_as=part), again.run(clip, transcribe_as=part)
    assert second.results == first.results
    assert second.output_dir == first.output_dir
    assert not again.bench.transcriber.listened
    assert again.run(clip, transcribe_as="drums").output_dir != first.output_dir


def test_a_job_that_is_cancelled_is_not_remembered(again: Again, clip: Path) -> None:
    again.engine.before_block = lambda _: again.bench.worker.interrupt(CancelJob(job="a"))  # type: ignore[assignment]
    assert again.run(clip).state == "cancelled"
    assert not (again.folder / "results").exists()


def test_a_source_that_changes_under_the_work_is_not_remembered(again: Again, clip: Path) -> None:
    again.engine.before_block = lambda _: os.utime(clip, (1e9, 1e9))
    assert again.run(clip).state == "done"
    assert not (again.folder / "results").exists()


def test_without_a_cache_every_job_does_its_work(clip: Path) -> None:
    engine = SharesSeparator()
    folders = [Path(Bench(OneEngine(engine)).run(clip).output_dir).name for _ in range(2)]
    assert folders == ["clip", "clip 2"]
    assert len(engine.asked) == 2
