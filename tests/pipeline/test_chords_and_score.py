"""Chords, the clean reading and a score come from the notes that a job has read, and are told with its other files."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import mido  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest

from bridge.cli.output.job_report import outcome_of
from bridge.model import Job, Note
from bridge.pipeline.manifest import Manifest, decode_manifest
from bridge.request import NoteSettings
from tests.support.bench import Bench
from tests.support.notes import note
from tests.support.separators import OneNoteTranscriber
from tests.support.sounds import write


class CadenceTranscriber(OneNoteTranscriber):
    """Hears two bars of chords at 240 BPM in every stem, a little late."""

    def notes(self, analysis: object, stem: str, settings: NoteSettings) -> list[Note]:  # noqa: ARG002 - of the seam
        bars = ((60, 64, 67), (55, 59, 62))
        return [note(bar + 0.01, bar + 0.9, pitch) for bar, chord in enumerate(bars) for pitch in chord]


def run(clip: Path, **options: object) -> Job:
    job = Bench(transcriber=CadenceTranscriber()).run(clip, tempo_bpm=240.0, **options)
    assert job.state == "done", job.failure
    return job


def manifest_of(job: Job) -> Manifest:
    (path,) = Path(job.output_dir).glob("*.sab.json")
    return decode_manifest(path.read_bytes())


def markers(job: Job, file: str) -> list[str]:
    tracks = mido.MidiFile(Path(job.output_dir) / file).tracks
    return [message.text for track in tracks for message in track if message.type == "marker"]


def test_chords_are_in_the_manifest_the_job_and_the_file_of_all_stems(clip: Path) -> None:
    job = run(clip)
    assert [(chord.name, chord.start_seconds) for chord in manifest_of(job).chords] == [("C", 0.0), ("G", 1.0)]
    assert job.music is not None and job.music.chords == "C G"
    assert markers(job, "clip.mid") == ["C", "G"]
    assert markers(job, "clip (Other).mid") == []


def test_a_file_of_chords_that_cannot_be_is_told(clip: Path) -> None:
    job = run(clip, chords="file", midi=("vocals",))
    assert [warning.code for warning in job.warnings] == ["no_chords"]
    assert "chords" not in {result.kind for result in job.results}


def test_without_chords_nothing_tells_any(clip: Path) -> None:
    job = run(clip, chords="none")
    assert (manifest_of(job).chords, job.music and job.music.chords, markers(job, "clip.mid")) == ((), "", [])


def test_block_chords_and_a_score_are_results_of_their_own(clip: Path) -> None:
    job = run(clip, chords="file", score=True)
    written = {result.kind: result for result in job.results if result.kind in ("chords", "score")}
    assert {kind: (one.name, one.file) for kind, one in written.items()} == {
        "chords": ("all", "clip (Chords).mid"), "score": ("all", "clip.musicxml"),
    }  # fmt: skip
    assert not any(one.is_part for one in written.values())
    outcome = outcome_of(job)
    assert outcome["chords"] == [{"name": "all", "path": written["chords"].path, "notes": 8}]
    assert outcome["scores"] == [{"name": "all", "path": written["score"].path, "notes": 0}]
    assert {result.file for result in manifest_of(job).results} >= {"clip (Chords).mid", "clip.musicxml"}
    root = ElementTree.fromstring(Path(written["score"].path).read_bytes())
    assert [kind.get("text") for kind in root.iter("kind")] == ["", ""]


@pytest.mark.parametrize(("reading", "onsets"), [("played", [0.01, 1.01]), ("clean", [0.0, 1.0])])
def test_a_clean_reading_lies_on_the_grid(clip: Path, reading: str, onsets: list[float]) -> None:
    job = run(clip, reading=reading, note_lists=("json",))
    content = (Path(job.output_dir) / "clip (Other).notes.json").read_text()
    assert all(f'"onset_seconds": {onset}' in content for onset in onsets)


def test_a_clean_reading_without_a_tempo_says_so(tmp_path: Path) -> None:
    tone = 0.3 * np.sin(2 * np.pi * 220 * np.arange(88_200) / 44_100)
    clip = write(tmp_path / "clip.wav", np.stack([tone, tone], axis=1).astype(np.float32))
    job = Bench(transcriber=CadenceTranscriber()).run(clip, reading="clean")
    (warning,) = job.warnings
    assert (warning.code, "no grid" in warning.message) == ("tempo_assumed", True)
