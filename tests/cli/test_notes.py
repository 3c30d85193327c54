"""`sab notes`: the notes of files and results, drawn or as JSON."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bridge.cli.main import app
from bridge.model import Note, Result
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode_manifest
from bridge.smf.writing import midi_file

BASS = (Note(onset_seconds=0.5, offset_seconds=1.0, pitch=40, velocity=90),)
HITS = (Note(onset_seconds=0.0, offset_seconds=0.1, pitch=36, velocity=127),)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "song.mid"
    path.write_bytes(midi_file({"bass": BASS, "drums": HITS}, seconds=8.0))
    return path


def run(*arguments: str, columns: int = 60) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["notes", *arguments], env={"COLUMNS": str(columns)}, catch_exceptions=False)
    return done.exit_code, done.stdout, done.stderr


@pytest.mark.parametrize("columns", [20, 60, 200])
def test_the_roll_is_as_wide_as_the_terminal(file: Path, columns: int) -> None:
    status, out, _ = run(str(file), columns=columns)
    lines = out.splitlines()
    assert status == 0
    assert lines[:3] == ["Bass: 1 notes", "Drums: 1 notes", "0:00"]
    assert max(map(len, lines)) == columns
    assert any(line.startswith(" Kick █") for line in lines)


def test_only_a_stem_and_a_part_of_the_time(file: Path) -> None:
    _, out, _ = run(str(file), "--stem", "bass", "--from", "0.25", "--seconds", "2")
    assert "Drums" not in out and "Kick" not in out
    assert sum(line.startswith("0:0") for line in out.splitlines()) == 1


def test_json_has_the_numbers(file: Path) -> None:
    _, out, _ = run(str(file), "--json")
    parts = json.loads(out)["parts"]
    assert parts["bass"] == [{"onset": 0.5, "offset": 1.0, "pitch": 40, "velocity": 90, "bends": []}]


def test_a_folder_of_results_shows_its_stems(file: Path) -> None:
    results = tuple(
        Result(kind="midi", name=stem, file=f"{stem}.mid", seconds=8.0, notes=1) for stem in ("bass", "drums")
    )
    for stem, notes in (("bass", BASS), ("drums", HITS)):
        (file.parent / f"{stem}.mid").write_bytes(midi_file({stem: notes}, seconds=8.0))
    source = SourceRecord(path="a", sha256="", start_seconds=0, start_frame=0, frames=1, sample_rate_hz=1, channels=1)
    manifest = Manifest(
        job="a", name="song", source=source, request={}, engine=EngineRecord(name="", device="", weights=""),
        transcribers={}, music=None, warnings=(), results=results, versions={}, started="", seconds=1.0,
    )  # fmt: skip
    (file.parent / "song.sab.json").write_bytes(encode_manifest(manifest))
    for path in (file.parent, file.parent / "song.sab.json"):
        assert run(str(path))[1].startswith("Bass: 1 notes\nDrums: 1 notes\n")


def test_a_file_that_claims_days_is_drawn_in_parts_only(tmp_path: Path) -> None:
    path = tmp_path / "days.mid"
    path.write_bytes(midi_file({"bass": BASS}, seconds=4 * 86400.0))
    status, out, errors = run(str(path))
    assert (status, out) == (2, "")
    assert "96:00:00 long" in errors and "--seconds" in errors
    assert run(str(path), "--seconds", "4")[0] == 0


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.mid", b"RIFF", (), "not_readable: a.mid is not a MIDI file, or a broken one."),
        ("a.sab.json", b"{}", (), "not_readable: a.sab.json is not a record of the bridge"),
        (
            "song.mid",
            None,
            ("--stem", "bass,violin"),
            "bad_arguments: There are no notes of violin. It has notes of: bass",
        ),
        ("song.mid", None, ("--from", "99"), "bad_arguments: It ends at 8 s"),
        ("nothing.mid", None, (), "not_found: There is no file"),
        (".", None, (), "not_found:"),
    ],
)
def test_what_cannot_be_drawn_gets_one_line(
    file: Path, name: str, content: bytes | None, options: tuple[str, ...], message: str
) -> None:
    if content is not None:
        (file.parent / name).write_bytes(content)
    status, out, errors = run(str(file.parent / name), *options)
    assert status in (1, 2)
    assert not out
    assert message in errors
    assert len(errors.splitlines()) == 1
