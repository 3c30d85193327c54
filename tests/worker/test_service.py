from __future__ import annotations

import errno
import shutil
import struct
import sys
import threading
from pathlib import Path

import pytest
from demucs.apply import BagOfModels

from bridge.audio import riff
from bridge.audio.source import find_region
from bridge.audio.wav_chunks import Origin, bext, read_origin
from bridge.errors import NotAudio
from bridge.events import Ended, Produced, Progressed, Started, Warned
from bridge.model import Job
from bridge.pipeline import job as job_module
from bridge.pipeline.manifest import decode_manifest
from bridge.smf.reading import count_notes
from bridge.stems import STEMS
from bridge.system import off_loop
from bridge.system.files import SPARE_BYTES
from bridge.worker.messages import CancelJob, Fetched, Fetching, FetchModel
from bridge.worker.service import failure_of
from tests.support.bench import Bench, files
from tests.support.encoded import encode
from tests.support.fakes import RecordingControl
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.small_models import separator_of, small_model
from tests.support.sounds import level_dbfs, music, read, write


def test_a_job_ends_with_stems_midi_files_and_a_manifest(clip: Path) -> None:
    job = Bench().run(clip)
    assert job.state == "done"
    assert job.output_dir == str(clip.parent / "stems" / "clip")
    of_stems = [f"clip ({stem}).{end}" for stem in ("Vocals", "Drums", "Bass", "Other") for end in ("wav", "mid")]
    assert files(job) == sorted([*of_stems, "clip.mid", "clip.sab.json"])
    assert [result.kind for result in job.results] == ["stem"] * 4 + ["midi"] * 5
    assert all(Path(result.path).is_file() for result in job.results)
    midi = {result.name: result for result in job.results if result.kind == "midi"}
    assert {name: result.notes for name, result in midi.items()} == dict.fromkeys(STEMS[:4], 1) | {"all": 4}
    assert all(count_notes(Path(result.path)) == result.notes for result in midi.values())


def test_events_come_in_the_order_of_the_work(clip: Path) -> None:
    bench = Bench()
    bench.run(clip)
    stages = list(dict.fromkeys(event.stage for event in bench.events if isinstance(event, Progressed)))
    assert stages == ["loading", "separating", "transcribing", "writing"]
    assert isinstance(bench.events[-1], Ended)
    kinds = [type(event).__name__ for event in bench.events if isinstance(event, (Started, Produced, Ended))]
    assert kinds == ["Started", "Started", *["Produced"] * 9, "Ended"]


@pytest.mark.parametrize("depth", ["16", "24", "32f"])
@pytest.mark.parametrize(("rate", "channels"), [(44_100, 2), (48_000, 1), (192_000, 8)])
def test_stems_have_the_regions_shape_and_sum_to_it(tmp_path: Path, depth: str, rate: int, channels: int) -> None:
    sound = music(0.5, rate, channels)
    source = write(tmp_path / "a.wav", sound, rate, "FLOAT")
    engine = OneEngine(SharesSeparator(sample_rate_hz=44_100))
    job = Bench(engine).run(source, depth=depth, start_seconds=0.1, end_seconds=0.4, midi=())
    stems = [read(Path(result.path)) for result in job.results]
    region = read(source)[round(0.1 * rate) : round(0.4 * rate)]
    assert {stem.shape for stem in stems} == {region.shape}
    assert level_dbfs(sum(stems) - region) < -85  # four stems of 16 bits, each within half a quantisation step
    assert {result.subtype for result in job.results} == {{"16": "PCM_16", "24": "PCM_24", "32f": "FLOAT"}[depth]}


@pytest.mark.parametrize("ending", ["wav", "aiff", "flac", "ogg", "mp3", "m4a", "wma"])
def test_stems_of_any_format_sum_to_the_decoded_source(tmp_path: Path, ending: str) -> None:
    path = encode(tmp_path / f"a.{ending}", music(1.0, 48_000), 48_000)
    engine = OneEngine(SharesSeparator(sample_rate_hz=44_100))
    job = Bench(engine).run(path, depth="32f", start_seconds=0.2, end_seconds=0.6, midi=())
    assert job.state == "done"
    found = find_region(path, 0.2, 0.6, 60.0)
    with found.open(tmp_path / "scratch", RecordingControl()) as region:
        decoded = region.signal.read(0, region.frames)
    stems = [read(Path(result.path)) for result in job.results]
    assert {stem.shape for stem in stems} == {(19_200, 2)}
    assert level_dbfs(sum(stems) - decoded) < -90
    assert files(job) == sorted([Path(result.path).name for result in job.results] + ["a.sab.json"])


@pytest.mark.parametrize(
    ("file_format", "depth"),
    [("wav", "24"), ("wav", "32f"), ("aiff", "32f"), ("flac", "source"), ("ogg", "source"), ("mp3", "source")],
)
def test_the_same_job_writes_the_same_bytes(clip: Path, file_format: str, depth: str) -> None:
    def content(path: Path) -> bytes:
        """The file, or the audio of an Ogg file, whose pages have a random serial number."""
        return read(path).tobytes() if path.suffix == ".ogg" else path.read_bytes()

    def run() -> list[bytes]:
        engine = OneEngine(separator_of(BagOfModels([small_model("transformer")])))
        job = Bench(engine).run(clip, format=file_format, depth=depth, tempo_bpm=98.0, start_seconds=0.5)
        assert job.state == "done"
        return [content(Path(result.path)) for result in job.results]

    assert run() == run()


def position_and_tempo(job: Job) -> tuple[int | None, bytes | None]:
    path = Path(job.results[0].path)
    return read_origin(path).time_reference, riff.find_chunk(path, b"acid", 24)


def test_stems_have_their_position_on_the_recorders_timeline(clip: Path) -> None:
    riff.append_chunks(clip, [bext("take 7", Origin("2020-02-02", "20:02:20", None), 1_000_000)])
    job = Bench().run(clip, start_seconds=0.5, tempo_bpm=98.0, beat=16.0, midi=())
    position, tempo = position_and_tempo(job)
    assert position == 1_000_000 + 22_050
    assert tempo is not None
    assert struct.unpack("<f", tempo[-4:]) == (98.0,)
    assert read_origin(Path(job.results[0].path)).date == "2020-02-02"


def test_stems_of_a_file_without_a_time_stamp_have_their_position_in_the_song(clip: Path) -> None:
    position, _ = position_and_tempo(Bench().run(clip, tempo_bpm=120.0, beat=16.0, midi=()))
    assert position == 8 * 44_100


def test_stems_without_a_known_position_have_the_one_in_their_file(clip: Path) -> None:
    assert position_and_tempo(Bench().run(clip, start_seconds=0.5, midi=())) == (22_050, None)


def test_a_full_drive_fails_the_job_before_anything_is_decoded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = encode(tmp_path / "a.flac", music(1.0), 44_100)
    usage = shutil.disk_usage(tmp_path)._replace(free=SPARE_BYTES + 100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    engine = SharesSeparator()
    job = Bench(OneEngine(engine)).run(path)
    assert job.failure is not None
    assert job.failure.code == "out_of_space"
    assert not engine.asked
    assert not (tmp_path / "stems").exists()


def test_a_source_that_is_deleted_after_decoding_is_still_separated(tmp_path: Path) -> None:
    path = encode(tmp_path / "a.flac", music(1.0), 44_100)
    engine = SharesSeparator(before_block=lambda _: path.unlink(missing_ok=True))
    job = Bench(OneEngine(engine)).run(path, midi=())
    assert job.state == "done"
    assert {result.frames for result in job.results} == {44_100}


def test_a_cancelled_job_leaves_no_decoded_source(tmp_path: Path) -> None:
    engine = SharesSeparator()
    bench = Bench(OneEngine(engine))
    engine.before_block = lambda start: bench.worker.interrupt(CancelJob(job="a")) if start > 10_000 else None  # type: ignore[assignment]
    job = bench.run(encode(tmp_path / "a.flac", music(1.0), 44_100))
    assert job.state == "cancelled"
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["a.flac"]


def test_stems_that_would_clip_become_floats_with_a_warning(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", music(0.3))
    loud = SharesSeparator(shares={"vocals": 3.0, "drums": -2.0, "bass": 0.1, "other": 0.0})
    job = Bench(OneEngine(loud)).run(source, midi=(), format="flac")
    assert {result.subtype for result in job.results} == {"FLOAT"}
    assert {Path(result.path).suffix for result in job.results} == {".wav"}
    assert [warning.code for warning in job.warnings] == ["would_clip"]
    assert level_dbfs(sum(read(Path(result.path)) for result in job.results) - read(source)) < -120


def test_only_requested_files_are_written(clip: Path) -> None:
    job = Bench().run(clip, stems=("bass",), midi=("drums",), name="take")
    assert files(job) == ["take (Bass).wav", "take (Drums).mid", "take.sab.json"]


def test_midi_defaults_to_the_chosen_stems(clip: Path) -> None:
    job = Bench().run(clip, stems=("bass",))
    assert [(result.kind, result.name) for result in job.results] == [("stem", "bass"), ("midi", "bass")]


def test_a_stem_that_the_engine_does_not_provide_is_refused(clip: Path) -> None:
    job = Bench().run(clip, stems=("piano",))
    assert job.failure is not None
    assert job.failure.code == "bad_arguments"
    assert "piano" in job.failure.message
    assert not Path(job.output_dir).exists()


def test_transcribing_alone_separates_nothing(clip: Path) -> None:
    job = Bench().run(clip, transcribe_as="mix")
    assert files(job) == ["clip.mid", "clip.sab.json"]


def test_the_manifest_records_the_whole_job(clip: Path) -> None:
    job = Bench().run(clip, start_seconds=0.5, tempo_bpm=98.0)
    manifest = decode_manifest((Path(job.output_dir) / "clip.sab.json").read_bytes())
    assert manifest.source.path == str(clip)
    assert (manifest.source.start_frame, manifest.source.frames) == (22_050, 66_150)
    assert manifest.request["tempo_bpm"] == 98.0
    assert (manifest.engine.name, manifest.engine.weights) == ("shares", "shares-1")
    assert [result.path for result in manifest.results][:1] == ["clip (Vocals).wav"]
    assert manifest.versions["source-audio-bridge"]
    assert manifest.started.startswith("2023-11-14T")


def test_a_job_cancelled_early_leaves_nothing(clip: Path) -> None:
    engine = SharesSeparator()
    bench = Bench(OneEngine(engine))
    engine.before_block = lambda start: bench.worker.interrupt(CancelJob(job="a")) if start > 50_000 else None  # type: ignore[assignment]
    job = bench.run(clip)
    assert job.state == "cancelled"
    assert not (clip.parent / "stems").exists()


def test_cancelling_one_job_does_not_affect_the_next(clip: Path) -> None:
    bench = Bench()
    bench.worker.interrupt(CancelJob(job="a"))
    assert bench.run(clip).state == "cancelled"
    bench.reports.clear()
    assert bench.run(clip).state == "done"


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotAudio("no"), "not_audio"),
        (MemoryError(), "out_of_memory"),
        (ImportError("x.so: failed to map segment from shared object"), "out_of_memory"),
        (RuntimeError("can't start new thread"), "out_of_memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory", "/x"), "out_of_memory"),
        (OSError(errno.ENOSPC, "full"), "out_of_space"),
        (PermissionError(errno.EACCES, "denied", "/x"), "not_writable"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out_of_memory"),
        (ImportError("libtorch.so: failed to map segment from shared object", name="torch"), "out_of_memory"),
        (ModuleNotFoundError("No module named 'safetensors'"), "engine_failed"),
        (ZeroDivisionError("oops"), "internal"),
    ],
)
def test_every_failure_has_a_code_and_a_one_line_message(
    error: Exception, code: str, caplog: pytest.LogCaptureFixture
) -> None:
    failure = failure_of(error, "job abc")
    assert failure.code == code
    assert "\n" not in failure.message
    assert ("job abc failed unexpectedly" in caplog.text) is (code == "internal")


def test_an_engine_that_crashes_fails_its_job_and_leaves_nothing(clip: Path) -> None:
    def explode(start: int) -> None:
        if start:
            raise ZeroDivisionError

    job = Bench(OneEngine(SharesSeparator(before_block=explode))).run(clip)
    assert job.failure is not None
    assert job.failure.code == "internal"
    assert not (clip.parent / "stems").exists()


def test_a_region_that_is_too_long_is_refused(clip: Path) -> None:
    job = Bench(max_seconds=1.0).run(clip)
    assert job.failure is not None
    assert job.failure.code == "too_long"


@pytest.mark.parametrize("seconds", [0.01, 1 / 44_100])
def test_the_shortest_clips_can_be_separated(tmp_path: Path, seconds: float) -> None:
    job = Bench().run(write(tmp_path / "a.wav", music(seconds)))
    assert job.state == "done"
    assert {result.frames for result in job.results if result.kind == "stem"} == {round(seconds * 44_100)}


def test_nan_samples_are_replaced_with_a_warning(tmp_path: Path) -> None:
    sound = music(0.1)
    sound[10] = float("nan")
    job = Bench().run(write(tmp_path / "a.wav", sound, subtype="FLOAT"), midi=())
    assert [warning.code for warning in job.warnings] == ["bad_samples"]


def test_an_engine_that_makes_values_that_are_not_numbers_fails_and_writes_no_stem(clip: Path) -> None:
    job = Bench(OneEngine(SharesSeparator(shares={"vocals": float("nan"), "other": 0.0}))).run(clip)
    assert job.failure is not None
    assert (job.failure.code, "not numbers" in job.failure.message) == ("engine_failed", True)
    assert [path.name for path in clip.parent.iterdir()] == ["clip.wav"]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot move a folder with an open file in it")
@pytest.mark.parametrize("is_linked", [False, True])
def test_a_folder_that_is_moved_away_during_the_job_keeps_nothing_of_it(clip: Path, is_linked: bool) -> None:
    outside = clip.parent / "outside"
    outside.mkdir()

    def move(start: int) -> None:
        if start == 1000:
            (clip.parent / "stems" / "clip").rename(outside / "moved")
            if is_linked:
                (clip.parent / "stems" / "clip").symlink_to(outside, target_is_directory=True)

    job = Bench(OneEngine(SharesSeparator(before_block=move))).run(clip)
    assert job.failure is not None
    assert (job.failure.code, "was moved" in job.failure.message) == ("not_writable", True)
    assert [path for path in clip.parent.rglob("*") if path.is_file()] == [clip]


def test_a_drive_that_hangs_fails_its_job_and_the_next_one_runs(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = threading.Event()
    monkeypatch.setattr(off_loop, "POLL_SECONDS", 0.001)
    with monkeypatch.context() as hanging:
        hanging.setattr(job_module, "LOOK_SECONDS", 0.003)
        hanging.setattr(job_module, "find_source", lambda *_, **__: answers.wait())
        job = Bench().run(clip)
    answers.set()
    assert job.failure is not None
    assert (job.failure.code, "does not answer" in job.failure.message) == ("not_readable", True)
    assert Bench().run(clip).state == "done"


def test_a_warning_is_in_the_manifest(tmp_path: Path) -> None:
    bench = Bench(OneEngine(SharesSeparator(shares={"vocals": 9.0, "other": 0.0})))
    job = bench.run(write(tmp_path / "a.wav", music(0.1)), midi=())
    assert decode_manifest((Path(job.output_dir) / "a.sab.json").read_bytes()).warnings == job.warnings
    assert sum(isinstance(event, Warned) for event in bench.events) == 1


def test_fetching_a_model_reports_its_progress_and_end() -> None:
    bench = Bench()
    bench.worker.execute(FetchModel(token="t", name="htdemucs"))
    assert bench.reports == [Fetching(token="t", fraction=1.0), Fetched(token="t")]


@pytest.mark.parametrize(
    ("options", "rate"), [({"format": "mp3"}, 44_100), ({"format": "flac", "depth": "32f"}, 44_100)]
)
def test_a_format_that_cannot_hold_the_stems_is_refused_before_the_work(
    tmp_path: Path, options: dict[str, str], rate: int
) -> None:
    separator = SharesSeparator()
    job = Bench(OneEngine(separator)).run(write(tmp_path / "a.wav", music(0.2, rate, 8), rate), **options)
    assert job.failure is not None
    assert job.failure.code == "bad_arguments"
    assert separator.asked == []


def test_midi_all_includes_stems_that_are_not_written(clip: Path) -> None:
    job = Bench().run(clip, stems=("bass",), midi=("all",))
    assert [result.name for result in job.results if result.is_part] == ["vocals", "drums", "bass", "other"]


def test_abandoning_cancels_the_running_and_later_jobs(clip: Path) -> None:
    engine = SharesSeparator()
    bench = Bench(OneEngine(engine))
    engine.before_block = lambda start: bench.worker.abandon() if start > 50_000 else None
    assert bench.run(clip).state == "cancelled"
    assert bench.run(clip).state == "cancelled"
