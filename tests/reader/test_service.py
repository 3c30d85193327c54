"""The music of jobs as the reader tells it: views, and other readings of the kept analyses."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bridge.audio.peaks import SPANS
from bridge.audio.wav_head import float_wav_head
from bridge.events import Preview
from bridge.model import Job, Note
from bridge.pipeline.cache.store import ResultsCache
from bridge.pipeline.manifest import decode_manifest, encode_manifest, manifest_name
from bridge.protocols.reading import JobView, NotesView
from bridge.reader.messages import KnownJob, OpenView, ReadView, Reread, Unanswered, Viewed
from bridge.reader.service import ReaderService
from bridge.reader.views import NO_RECORD, NOT_FINISHED, OLD_RECORD, STILL_RUNS
from bridge.request import ChordFiles, JobRequest, OffScale, Reading, Voices
from bridge.smf.notes import notes_of_file
from bridge.transcription.pitched.decoder import read_whole
from bridge.transcription.registry import TranscriberRegistry
from tests.support.bench import Bench
from tests.support.fakes import FakeClock
from tests.support.requests import request_for
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, write

SECONDS = 8.0


class Studio:
    """A job that was really done, and a reader of its results."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.cache = ResultsCache(folder / "cache", 10**9, FakeClock())
        self.transcribers = TranscriberRegistry()
        self.clip = write(folder / "clip.wav", music(SECONDS))
        self.job = self.make()
        self.newer = False
        self.service = ReaderService(self.cache, self.transcribers, lambda _: not self.newer)

    def make(self, **options: object) -> Job:
        bench = Bench(OneEngine(SharesSeparator()), cache=self.cache, transcribers=self.transcribers)
        return bench.run(self.clip, **options)

    def known(self, job: Job | None = None) -> KnownJob:
        job = job or self.job
        name = "clip"
        return KnownJob(
            job="a", name=name, results=job.results, manifest=str(Path(job.output_dir) / manifest_name(name))
        )

    def view(self, known: KnownJob | None = None) -> JobView:
        answer = self.service.answer(OpenView(token=1, known=known or self.known()))
        assert isinstance(answer, Viewed)
        return answer.view

    def ask(self, request: JobRequest, start: float = 0.0, end: float = math.inf) -> Reread | Unanswered:
        command = ReadView(token=7, known=self.known(), request=request, start_seconds=start, end_seconds=end)
        answer = self.service.answer(command)
        assert isinstance(answer, Reread | Unanswered)
        assert answer.token == 7
        return answer

    def read(self, options: dict[str, object], start: float = 0.0, end: float = math.inf) -> NotesView:
        answer = self.ask(request_for(self.clip, **options), start, end)
        assert isinstance(answer, Reread), answer
        return answer.notes


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    return Studio(tmp_path_factory.mktemp("studio"))


def pitches(view: NotesView, stem: str) -> list[tuple[int, int]]:
    return [(note.pitch, round(note.onset_seconds * 100)) for note in view.parts[stem]]


def test_a_finished_job_shows_its_stems_as_they_were_written(studio: Studio) -> None:
    view = studio.view()
    assert view.seconds == SECONDS
    assert view.unreadable == ""
    assert {stem.stem for stem in view.stems} == {result.name for result in studio.job.results if result.kind == "stem"}
    for stem in view.stems:
        assert len(stem.peaks) == SPANS
        (midi,) = [result for result in studio.job.results if result.is_part and result.name == stem.stem]
        assert len(stem.notes) == midi.notes
        assert Path(stem.audio).is_file()
    assert view.music is not None and view.music == studio.view().music


def test_opposites_and_parts_of_the_drums_can_be_heard_too(studio: Studio) -> None:
    drums = next(result for result in studio.job.results if (result.kind, result.name) == ("stem", "drums"))
    more = tuple(replace(drums, name=name) for name in ("instrumental", "kick"))
    view = studio.view(replace(studio.known(), results=(*studio.job.results, *more)))
    assert [stem.stem for stem in view.stems][-2:] == ["instrumental", "kick"]
    for stem in view.stems[-2:]:
        assert (stem.audio, stem.notes) == (drums.path, ())
        assert len(stem.peaks) == SPANS


def test_the_waveform_is_that_of_the_file(studio: Studio) -> None:
    """Kept while the stem was written, and read from the file where the record is gone."""
    kept = studio.view().stems
    read = studio.view(replace(studio.known(), manifest="/nowhere")).stems
    for one, other in zip(kept, read, strict=True):
        assert max(abs(a - b) for a, b in zip(one.peaks, other.peaks, strict=True)) <= 1
    assert max(kept[0].peaks) > 40


@pytest.mark.parametrize(
    "options",
    [{}, {"shortest_seconds": 0.3}, {"sensitivity": 0.8}, {"lowest": 45, "highest": 60}, {"voices": "many"},
     {"quantise": "1/8"}, {"scale": "auto"}, {"scale": "C minor", "off_scale": "drop"}, {"reading": "clean"},
     {"tempo_bpm": 93.0, "quantise": "1/16t"}, {"tempo_bpm": 140.0, "time_signature": (3, 4), "beat": 2.0}],
    ids=str,
)  # fmt: skip
def test_a_reading_has_the_notes_that_a_job_writes(studio: Studio, options: dict[str, object]) -> None:
    job = studio.make(**options)
    found = studio.read(options)
    assert found.music == job.music
    for result in job.results:
        if result.is_part:
            written = notes_of_file(Path(result.path))
            notes = [note for part in written.parts.values() for note in part]
            assert [note.pitch for note in notes] == [note.pitch for note in found.parts[result.name]]
            for one, other in zip(notes, found.parts[result.name], strict=True):
                assert one.onset_seconds == pytest.approx(other.onset_seconds, abs=0.003)
                assert one.velocity == other.velocity


SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "sensitivity": st.sampled_from([0.0, 0.3, 0.5, 0.7, 1.0]),
        "shortest_seconds": st.sampled_from([0.02, 0.1, 0.4]),
        "lowest": st.integers(20, 50),
        "highest": st.integers(60, 100),
        "voices": st.sampled_from(get_args(Voices)),
        "quantise": st.sampled_from(["1/4", "1/8", "1/16", "1/8t"]),
        "quantise_strength": st.sampled_from([0.3, 1.0]),
        "quantise_ends": st.booleans(),
        "scale": st.sampled_from(["auto", "A minor", "F# major"]),
        "off_scale": st.sampled_from(get_args(OffScale)),
        "reading": st.sampled_from(get_args(Reading)),
        "tempo_bpm": st.sampled_from([60.0, 123.4]),
        "chords": st.sampled_from(get_args(ChordFiles)),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(SETTINGS)
def test_whatever_the_settings_the_notes_are_those_of_a_job(studio: Studio, options: dict[str, object]) -> None:
    job, found = studio.make(**options), studio.read(options)
    assert (job.state, found.music) == ("done", job.music)
    for result in job.results:
        if result.is_part:
            file = notes_of_file(Path(result.path))
            assert lines([note for part in file.parts.values() for note in part]) == lines(found.parts[result.name])


def lines(notes: Iterable[Note]) -> dict[int, list[tuple[int, Any, Any]]]:
    """Velocity and times of the notes of each pitch; times in a file are whole ticks."""
    found: dict[int, list[tuple[int, Any, Any]]] = {}
    for note in notes:
        times = (pytest.approx(at, abs=0.003) for at in (note.onset_seconds, note.offset_seconds))
        found.setdefault(note.pitch, []).append((note.velocity, *times))  # type: ignore[arg-type]
    return found


def test_a_span_has_nearly_the_notes_of_the_whole(studio: Studio) -> None:
    service = studio.service
    studio.service = ReaderService(studio.cache, studio.transcribers)  # which has read nothing yet
    span = studio.read({"sensitivity": 0.6}, 2.0, 6.0)
    whole = studio.read({"sensitivity": 0.6})
    studio.service = service
    for stem in span.parts:
        inside = [note for note in whole.parts[stem] if note.onset_seconds < 6.0 and note.offset_seconds > 2.0]
        same = {(note.pitch, round(note.onset_seconds, 1)) for note in inside}
        found = {(note.pitch, round(note.onset_seconds, 1)) for note in span.parts[stem]}
        assert len(same ^ found) <= max(1, len(same) // 5)


def test_settings_that_leave_no_pitch_are_refused(studio: Studio) -> None:
    answer = studio.ask(request_for(studio.clip, lowest=60, highest=50))
    assert isinstance(answer, Unanswered) and answer.code == "bad_arguments"


def test_a_newer_question_ends_the_reading_of_the_whole(studio: Studio) -> None:
    studio.newer = True
    answer = studio.ask(request_for(studio.clip, sensitivity=0.111))
    studio.newer = False
    assert answer == Unanswered(token=7)


def test_it_ends_in_the_middle_of_a_stem_and_what_is_read_then_is_whole(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = studio.read({"sensitivity": 0.222})
    interrupted = ReaderService(studio.cache, studio.transcribers, lambda _: not studio.newer)
    service, studio.service = studio.service, interrupted

    def newer_comes(*arguments: Any) -> Any:
        studio.newer = True
        interrupted.interrupt()
        return read_whole(*arguments)

    monkeypatch.setattr("bridge.reader.stem_notes.read_whole", newer_comes)
    answer = studio.ask(request_for(studio.clip, sensitivity=0.222))
    monkeypatch.undo()
    studio.newer = False
    assert answer == Unanswered(token=7)
    interrupted.interrupt()  # nothing is being read
    assert studio.read({"sensitivity": 0.222}) == wanted
    studio.service = service


def test_only_the_stems_that_are_asked_for_are_told(studio: Studio) -> None:
    request = request_for(studio.clip, sensitivity=0.6)
    for start, end in ((2.0, 6.0), (0.0, math.inf)):
        command = ReadView(
            token=7,
            known=studio.known(),
            request=request,
            start_seconds=start,
            end_seconds=end,
            stems=("bass", "kazoo"),
        )
        answer = studio.service.answer(command)
        assert isinstance(answer, Reread)
        assert [*answer.notes.parts] == ["bass"]
        assert answer.notes.parts["bass"] == studio.read({"sensitivity": 0.6}, start, end).parts["bass"]


@pytest.mark.parametrize("key", ["", ".", "..", "../../clip", "a/b"])
def test_a_record_cannot_name_a_folder_outside_the_cache(tmp_path: Path, key: str) -> None:
    """An entry that cannot be read is removed: that of an edited record would be any folder."""
    studio = Studio(tmp_path)
    record = Path(studio.known().manifest)
    manifest = decode_manifest(record.read_bytes())
    edited = replace(manifest, analyses=dict.fromkeys(manifest.analyses, key))
    record.write_bytes(encode_manifest(edited))
    before = sorted(tmp_path.rglob("*"))
    answer = studio.ask(request_for(studio.clip))
    assert isinstance(answer, Unanswered) and answer.code == "not_found"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("change", [{"request": {"x": [1]}}, {"analyses": {"vocals": "x" * 5000}}])
def test_a_record_that_somebody_has_edited_is_refused_in_a_line(tmp_path: Path, change: dict[str, object]) -> None:
    studio = Studio(tmp_path)
    record = Path(studio.known().manifest)
    record.write_bytes(json.dumps({**json.loads(record.read_bytes()), **change}).encode())
    answer = studio.ask(request_for(studio.clip))
    assert isinstance(answer, Unanswered) and answer.code in ("not_readable", "not_found")


def test_a_restored_job_keeps_its_waveforms(studio: Studio) -> None:
    again = studio.make(name="again")
    manifest = decode_manifest((Path(again.output_dir) / manifest_name("again")).read_bytes())
    assert manifest.peaks == decode_manifest(Path(studio.known().manifest).read_bytes()).peaks
    assert {*manifest.peaks} == {"vocals", "drums", "bass", "other"}


def test_without_its_analyses_a_job_is_shown_and_not_read_anew(tmp_path: Path) -> None:
    studio = Studio(tmp_path)
    studio.cache.clear()
    assert len(studio.view().stems[0].notes)
    answer = studio.ask(request_for(studio.clip))
    assert isinstance(answer, Unanswered)
    assert (answer.code, "no longer in the cache" in answer.message) == ("not_found", True)


def damaged(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


def of_an_earlier_version(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b'"analyses"', b'"analyses_of_old"'))


@pytest.mark.parametrize(
    ("change", "words"),
    [(Path.unlink, NO_RECORD), (damaged, NO_RECORD), (of_an_earlier_version, OLD_RECORD)],
    ids=["gone", "damaged", "old"],
)
def test_a_record_that_tells_nothing_is_said(tmp_path: Path, change: Callable[[Path], None], words: str) -> None:
    studio = Studio(tmp_path)
    change(Path(studio.known().manifest))
    view = studio.view()
    assert view.unreadable == words
    assert view.stems[0].notes and view.stems[0].peaks
    assert isinstance(studio.ask(request_for(studio.clip)), Unanswered)


def test_a_record_holds_the_keys_and_waveforms(studio: Studio) -> None:
    manifest = decode_manifest(Path(studio.known().manifest).read_bytes())
    assert manifest.analyses.keys() == {*manifest.transcribers, "tempo"}
    assert {len(peaks) for peaks in manifest.peaks.values()} == {SPANS}


def test_a_running_job_shows_what_is_known(tmp_path: Path) -> None:
    path = tmp_path / "bass.wav"
    samples = np.full((8000, 2), 0.5, np.float32)
    path.write_bytes(float_wav_head(16000, 2, 8000) + samples.tobytes())
    preview = Preview(stem="bass", path=str(path), sample_rate_hz=8000, channels=2)
    messages = ((0.1, b"\x90\x28\x64"), (0.4, b"\x80\x28\x40"), (0.8, b"\x90\x2a\x64"))
    known = KnownJob(
        job="a", name="x", results=(), messages={"bass": messages}, previews=(preview,),
        known_seconds=1.0, clip_seconds=2.0, tempo_bpm=120.0,
    )  # fmt: skip
    service = ReaderService(ResultsCache(tmp_path, 0, FakeClock()), TranscriberRegistry())
    half = service.answer(OpenView(token=1, known=replace(known, known_seconds=0.5)))
    whole = service.answer(OpenView(token=1, known=known))
    assert isinstance(half, Viewed) and isinstance(whole, Viewed)
    assert whole.view.unreadable == STILL_RUNS
    assert (whole.view.seconds, whole.view.known_seconds) == (2.0, 1.0)
    (stem,) = whole.view.stems
    assert [(note.pitch, note.onset_seconds, note.offset_seconds) for note in stem.notes] == [
        (40, 0.1, 0.4),
        (42, 0.8, 1.0),
    ]
    assert set(stem.peaks) == {128} and len(stem.peaks) == SPANS // 2
    assert len(half.view.stems[0].peaks) == SPANS // 4


@pytest.mark.parametrize(
    ("manifest", "is_unfinished", "words", "known_seconds"),
    [("", False, STILL_RUNS, 0.0), ("/gone.sab.json", True, NOT_FINISHED, math.inf)],
    ids=["queued", "failed"],
)
def test_a_job_without_results_says_why(
    tmp_path: Path, manifest: str, is_unfinished: bool, words: str, known_seconds: float
) -> None:
    known = KnownJob(job="a", name="x", results=(), manifest=manifest, is_unfinished=is_unfinished)
    answer = ReaderService(ResultsCache(tmp_path, 0, FakeClock()), TranscriberRegistry()).answer(
        OpenView(token=1, known=known)
    )
    assert isinstance(answer, Viewed)
    assert (answer.view.unreadable, answer.view.known_seconds, answer.view.stems) == (words, known_seconds, ())


def test_a_preview_that_is_gone_has_no_waveform(tmp_path: Path) -> None:
    preview = Preview(stem="bass", path=str(tmp_path / "gone.wav"), sample_rate_hz=8000, channels=2)
    known = KnownJob(job="a", name="x", results=(), previews=(preview,), known_seconds=1.0, clip_seconds=2.0)
    answer = ReaderService(ResultsCache(tmp_path, 0, FakeClock()), TranscriberRegistry()).answer(
        OpenView(token=1, known=known)
    )
    assert isinstance(answer, Viewed) and answer.view.stems[0].peaks == b""
