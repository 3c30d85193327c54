"""A job that plays while it works: what it sends, and that its files are those of any other job."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.errors import EngineFailed
from bridge.events import LiveNotes, Progressed
from bridge.midi.schedule import is_note_on
from bridge.model import Job
from bridge.pipeline.live.live_notes import BROKEN
from bridge.request import PlayRequest
from bridge.smf.reading import read_midi
from bridge.transcription.registry import TranscriberRegistry
from bridge.worker.messages import CancelJob, Happened, WorkerReport
from tests.support.bench import Bench, CachingBench
from tests.support.requests import request_for
from tests.support.separators import OneEngine, OneNoteTranscriber, SharesSeparator
from tests.support.sounds import music, write

BLOCK_SECONDS = 2.0
RATE_HZ = 44_100
STEMS = ("vocals", "drums", "bass", "other")
Message = tuple[float, bytes]


@pytest.fixture(scope="module")
def transcribers() -> TranscriberRegistry:
    return TranscriberRegistry()


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return Path(shutil.copy(str(files("bridge.demo") / "clip.ogg"), tmp_path / "song.ogg"))


def bench_of(transcribers: TranscriberRegistry | None = None, **options: object) -> Bench:
    """A worker whose engine gives blocks of two seconds."""
    separator = SharesSeparator(block=round(BLOCK_SECONDS * RATE_HZ))
    return Bench(OneEngine(separator), transcribers=transcribers, **options)  # type: ignore[arg-type]


def told(bench: Bench) -> list[LiveNotes]:
    return [report for report in bench.reports if isinstance(report, LiveNotes)]


def contents(job: Job) -> dict[str, bytes]:
    """Every file of a job but its manifest, which has times and names."""
    made = sorted(Path(job.output_dir).iterdir())
    return {path.name: path.read_bytes() for path in made if path.suffix != ".json"}


def sent(reports: Iterable[LiveNotes], stem: str) -> list[Message]:
    return [message for report in reports for message in report.parts.get(stem, ())]


def note_ons(messages: Iterable[Message]) -> set[tuple[int, int]]:
    """Pitch, and the time in hundredths of a second."""
    return {(data[1], round(at * 100)) for at, data in messages if is_note_on(data)}


def test_the_notes_come_while_the_stems_are_made_and_the_files_are_those_of_any_job(
    song: Path, tmp_path: Path, transcribers: TranscriberRegistry
) -> None:
    live, plain = bench_of(transcribers), bench_of(transcribers)
    played = live.run(song, out=str(tmp_path / "live"), play="live", tempo_bpm=112.0)
    expected = plain.run(song, out=str(tmp_path / "plain"), tempo_bpm=112.0)
    assert contents(played) == contents(expected)
    assert len(contents(expected)) == 9
    assert told(plain) == []
    first, *others = told(live)
    assert (first.parts, first.until_seconds, first.is_last) == (dict.fromkeys(STEMS, ()), 0.0, False)
    assert [report.heard_seconds for report in others] == pytest.approx(
        [4, 6, 8, first.clip_seconds]
    )  # too little is known at 2 s
    horizons = [report.until_seconds for report in others]
    assert horizons == sorted(horizons)
    assert horizons[-1] == first.clip_seconds
    assert all(report.until_seconds <= report.heard_seconds for report in others)
    assert [report.is_last for report in others] == [False] * 3 + [True]
    assert not any(report.failure for report in others)
    ends = [index for index, report in enumerate(live.reports) if isinstance(report, Happened)]
    assert live.reports.index(others[0]) < ends[-1]
    for before, report in zip([0.0, *horizons], others, strict=False):
        for messages in report.parts.values():
            assert all(before - 0.001 <= at for at, _ in messages)
            assert report.is_last or all(at < report.until_seconds for at, _ in messages)
    for stem in STEMS:
        file = next(path for path in contents(expected) if path.endswith(f"({stem.title()}).mid"))
        final = note_ons((one.seconds, one.data) for one in read_midi(Path(expected.output_dir, file)).messages)
        found = note_ons(sent(others, stem))
        assert len(final) > 10, stem
        assert len(found & final) >= 0.9 * len(final), stem
        assert sum(is_note_on(data) for _, data in sent(others, stem)) == sum(
            data[0] & 0xF0 == 0x80 for _, data in sent(others, stem)
        )


def test_what_was_read_while_the_stems_grew_is_not_computed_again(song: Path, tmp_path: Path) -> None:
    transcriber = OneNoteTranscriber()
    bench = bench_of(transcriber=transcriber)
    bench.run(song, out=str(tmp_path / "out"), play="live", tempo_bpm=112.0)
    assert transcriber.analysed == list(STEMS)


def test_a_clip_that_is_not_separated_is_read_piece_by_piece(tmp_path: Path) -> None:
    source = write(tmp_path / "a.wav", music(20.0))
    bench = bench_of()
    bench.run(source, out=str(tmp_path / "out"), play="live", stems=(), transcribe_as="vocals")
    assert [round(report.heard_seconds, 3) for report in told(bench)] == [0.0, 8.0, 16.0, 20.0]
    assert {tuple(report.parts) for report in told(bench)} == {("vocals",)}
    shown = [event for event in bench.events if isinstance(event, Progressed)]
    assert [event.stage for event in shown][-3:] == ["transcribing", "transcribing", "writing"]
    assert len(note_ons(sent(told(bench), "vocals"))) == 1


def test_what_an_earlier_job_has_made_is_not_made_again_and_is_not_told(song: Path, tmp_path: Path) -> None:
    bench = CachingBench(tmp_path / "cache")
    bench.run(song, out=str(tmp_path / "a"))
    bench.run(song, out=str(tmp_path / "b"), play="live")
    assert not bench.separated
    assert told(bench.last) == []


def test_without_notes_nothing_is_told(song: Path, tmp_path: Path) -> None:
    bench = bench_of()
    bench.run(song, out=str(tmp_path / "out"), play="live", midi=())
    assert told(bench) == []


class FailingStream(OneNoteTranscriber):
    """A transcriber that cannot read a stem that grows."""

    def stream(self, *_: object, **__: object) -> object:  # type: ignore[override]
        raise EngineFailed("It cannot.")


def test_if_the_live_notes_fail_the_take_ends_with_a_reason_and_the_files_come(song: Path, tmp_path: Path) -> None:
    bench, plain = bench_of(transcriber=FailingStream()), bench_of()
    job = bench.run(song, out=str(tmp_path / "out"), play="live")
    assert job.state == "done"
    assert [report.failure for report in told(bench)] == ["", BROKEN]
    assert contents(job) == contents(plain.run(song, out=str(tmp_path / "plain")))


def test_a_job_that_is_cancelled_while_its_notes_play_ends_as_cancelled(song: Path, tmp_path: Path) -> None:
    def cancel(report: WorkerReport) -> None:
        if isinstance(report, LiveNotes) and report.until_seconds:
            bench.worker.interrupt(CancelJob(job="a"))

    bench = bench_of(on_report=cancel)
    job = bench.run(song, out=str(tmp_path / "out"), play="live")
    assert job.state == "cancelled"
    assert not any(report.is_last for report in told(bench))
    assert not [path for path in (tmp_path / "out").rglob("*") if path.suffix in (".wav", ".mid")]


def test_notes_on_a_grid_and_in_a_scale_are_so_in_the_take_too(
    song: Path, tmp_path: Path, transcribers: TranscriberRegistry
) -> None:
    bench = bench_of(transcribers)
    options = {"tempo_bpm": 112.0, "quantise": "1/16", "scale": "F major", "bends": "none"}
    bench.run(song, out=str(tmp_path / "out"), play="live", **options)
    step = 60 / 112 / 4
    for stem in STEMS:
        onsets = [at for at, data in sent(told(bench), stem) if is_note_on(data)]
        assert onsets
        assert all(abs(at / step - round(at / step)) < 0.01 for at in onsets)
    in_f = {5, 7, 9, 10, 0, 2, 4}
    assert {data[1] % 12 for _, data in sent(told(bench), "other") if is_note_on(data)} <= in_f


def test_without_a_tempo_a_take_that_starts_now_waits_for_no_estimate(song: Path, tmp_path: Path) -> None:
    bench = bench_of()
    bench.run(song, out=str(tmp_path / "out"), play="live")
    assert {report.tempo_bpm for report in told(bench)} == {120.0}


def test_a_job_that_is_only_shown_tells_the_same_as_one_that_plays(
    song: Path, transcribers: TranscriberRegistry, tmp_path: Path
) -> None:
    shown, live, plain = (bench_of(transcribers, previews=tmp_path / name) for name in "abc")
    files = []
    for bench, play in (
        (shown, PlayRequest(is_shown=True)),
        (live, PlayRequest(when_done="live")),
        (plain, PlayRequest()),
    ):
        request = replace(request_for(song), play=play)
        files.append(contents(bench.run_request(request)))
    assert files[0] == files[1] == files[2]
    assert [sent(told(shown), stem) for stem in STEMS] == [sent(told(live), stem) for stem in STEMS]
    assert told(shown)[-1].is_last
    assert told(plain) == []


def test_a_long_clip_is_not_shown_while_it_works(
    song: Path, transcribers: TranscriberRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.pipeline.job.LONGEST_SHOWN_SECONDS", 1.0)
    bench = bench_of(transcribers)
    assert bench.run_request(replace(request_for(song), play=PlayRequest(is_shown=True))).state == "done"
    assert told(bench) == []
