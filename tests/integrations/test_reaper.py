"""REAPER's scripts, in a real Lua interpreter with a fake REAPER and a fake `sab` that records its arguments."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

import pytest

from bridge.integrations.daws import DAWS, BridgeAddress, lua_text
from bridge.model import TOGETHER, Music, Result
from bridge.options.record import to_record
from bridge.options.request import build_request
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode_manifest
from bridge.project_paths import stem_file_name
from bridge.request import JobRequest

LUA = shutil.which("lua5.3") or shutil.which("lua5.4") or shutil.which("lua")
FAKE = Path(__file__).with_name("fake_reaper.lua")
SEND, IMPORT = "source_audio_bridge_take_apart.lua", "source_audio_bridge_import.lua"
STEMS = ("Vocals", "Drums", "Bass", "Other")
MUSIC = Music(tempo_bpm=120.0, tempo_source="given")
#: In place of `sab`: logs its arguments as JSON lines; fails for a file with "lost" in its name.
COMMAND = """
import json, sys
open(LOG, "a").write(json.dumps(sys.argv[1:]) + "\\n")
if any("lost" in word for word in sys.argv): sys.exit("sab: not_found: there is no such file")
print("job1")
"""

pytestmark = pytest.mark.skipif(LUA is None, reason="no Lua interpreter is installed (Debian: lua5.3)")


class Studio:
    """A REAPER with our scripts installed and a saved project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "My Song's project"
        self.project.mkdir()
        self._log = folder / "asked"
        command = folder / "command.py"
        command.write_text(COMMAND.replace("LOG", repr(str(self._log))))
        here = BridgeAddress("127.0.0.1", 9720, (sys.executable, str(command)))
        for name, content in DAWS["reaper"].contents(here).items():
            (folder / name).write_bytes(content)

    def run(self, items: str, *scripts: str, tempo: float = 120.0) -> list[list[str]]:
        """Runs the scripts; returns the fake's output. `items` are Lua tables."""
        file = lua_text(str(self.project / "song.rpp"))
        plan = self.folder / "plan.lua"
        plan.write_text(f"return {{ file = {file}, tempo = {tempo}, items = {{ {items} }} }}")
        assert LUA is not None
        command = [LUA, str(FAKE), str(plan), *(str(self.folder / script) for script in scripts)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        return [line.split("\t") for line in ended.stdout.splitlines()]

    def submitted(self) -> list[SimpleNamespace]:
        """The submitted jobs, parsed as the bridge parses them."""
        lines = [json.loads(line) for line in self._log.read_text().splitlines()]
        assert all(line[:5] == ["submit", "--host", "127.0.0.1", "--port", "9720"] for line in lines)
        return [
            SimpleNamespace(**to_record(build_request(line[5], options, JobRequest(source=""))))
            for line in lines
            for options in [dict(zip(line[6::2], line[7::2], strict=True))]
        ]

    def finish(self, name: str, opposites: Sequence[str] = ()) -> None:
        """Writes the results of the job of that name; `opposites` are more stems, by their names in records."""
        out = self.project / "stems" / name
        out.mkdir(parents=True)
        kinds = (("stem", "wav"), ("midi", "mid"))
        files = [(kind, stem, f"{name} ({stem}).{ending}") for stem in STEMS for kind, ending in kinds]
        files += [("stem", opposite, stem_file_name(name, opposite, "wav")) for opposite in opposites]
        files += [("midi", TOGETHER, f"{name}.mid"), ("picture", TOGETHER, f"{name}.svg")]
        for _, _, file in files:
            (out / file).touch()
        results = tuple(Result(kind=kind, name=stem, file=file, seconds=1.5) for kind, stem, file in files)  # type: ignore[arg-type]
        (out / f"{name}.sab.json").write_bytes(encode_manifest(manifest(name, results)))


def manifest(name: str, results: tuple[Result, ...]) -> Manifest:
    source = SourceRecord(
        path="/x.wav", sha256="", start_seconds=0, start_frame=0, frames=1, sample_rate_hz=48000, channels=2
    )
    return Manifest(
        job="job1", name=name, source=source, request=to_record(JobRequest(source="/x.wav")),
        engine=EngineRecord(name="draft", device="cpu", weights=""), transcribers={}, warnings=(), results=results,
        versions={}, started="", seconds=1.0, music=MUSIC,
    )  # fmt: skip


@pytest.fixture
def studio(tmp_path: Path) -> Studio:
    return Studio(tmp_path)


def item(file: str = "/clips/it's.wav", *, name: str = "loop.wav", rate: float = 1.0, section: str = "nil") -> str:
    return (
        f"{{ file = {lua_text(file)}, name = {lua_text(name)}, start = 2.5, place = 8.25, length = 1.5, "
        f"rate = {rate}, section = {section} }}"
    )


def test_the_part_of_the_file_that_the_item_plays_is_submitted(studio: Studio) -> None:
    studio.run(item(), SEND)
    (job,) = studio.submitted()
    assert (job.source, job.start_seconds, job.end_seconds) == ("/clips/it's.wav", 2.5, 4.0)
    assert (job.name, job.tempo_bpm) == ("loop", 120.0)
    assert job.out == str(studio.project / "stems" / "loop")
    assert job.project == str(studio.project / "song.rpp")


def test_a_take_that_plays_faster_uses_more_of_its_file_at_a_lower_tempo(studio: Studio) -> None:
    studio.run(item(rate=2.0), SEND)
    (job,) = studio.submitted()
    assert (job.start_seconds, job.end_seconds, job.tempo_bpm) == (2.5, 5.5, 60.0)


def test_a_section_starts_within_its_file(studio: Studio) -> None:
    studio.run(item(section="10"), SEND)
    (job,) = studio.submitted()
    assert (job.start_seconds, job.end_seconds) == (12.5, 14.0)


def test_two_items_of_one_name_get_separate_folders(studio: Studio) -> None:
    studio.run(f"{item()}, {item()}", SEND)
    assert [Path(job.out or "").name for job in studio.submitted()] == ["loop", "loop 2"]


def test_a_rejection_is_shown_and_no_job_waits(studio: Studio) -> None:
    output = studio.run(item("/clips/lost.wav"), SEND)
    assert ["waiting", "0"] in output
    assert "not_found: there is no such file" in output[0][1]


def test_an_unfinished_job_keeps_waiting(studio: Studio) -> None:
    output = studio.run(item(), SEND, IMPORT)
    assert "Not done yet: loop" in output[0][1]
    assert ["waiting", "1"] in output


@pytest.mark.parametrize("name", ["loop", "a [b] (c) {d}", "it's 50 % ~ ü", "Fu\u0308r E\u0301lise"])
def test_results_are_placed_where_the_item_was_and_named_after_their_stems(studio: Studio, name: str) -> None:
    studio.finish(name)
    (studio.project / "stems" / name / f"{name}.sab.json").rename(studio.folder / "manifest")
    bring = studio.folder / "bring.lua"  # the bridge finishes between the two scripts
    to = studio.project / "stems" / name / f"{name}.sab.json"
    bring.write_text(f"assert (os.rename ({lua_text(str(studio.folder / 'manifest'))}, {lua_text(str(to))}))")
    output = studio.run(item(name=name, rate=2.0), SEND, "bring.lua", IMPORT)
    assert output[:2] == [["undo", "Import stems and notes"], ["waiting", "0"]]
    items = [line[1:] for line in output if line[0] == "item"]
    folder = studio.project / "stems" / name
    assert items[1:5] == [
        [f"{name} ({s})", f"{name} ({s})", "8.25", "0.75", "2", str(folder / f"{name} ({s}).wav")] for s in STEMS
    ]
    assert items[5:] == [
        [f"{name} ({s})", f"{name} ({s})", "8.25", "2", "1", str(folder / f"{name} ({s}).mid")] for s in STEMS
    ]


def test_opposites_get_tracks_too(studio: Studio) -> None:
    studio.finish("loop", ["instrumental", "no_drums"])
    folder = studio.project / "stems" / "loop"
    (folder / "loop.sab.json").rename(studio.folder / "manifest")
    bring = studio.folder / "bring.lua"
    to = folder / "loop.sab.json"
    bring.write_text(f"assert (os.rename ({lua_text(str(studio.folder / 'manifest'))}, {lua_text(str(to))}))")
    output = studio.run(item(), SEND, "bring.lua", IMPORT)
    placed = [line[1] for line in output if line[0] == "item"][1:]
    stems = [f"loop ({stem})" for stem in STEMS]
    assert placed == [*stems, "loop (Instrumental)", "loop (No Drums)", *stems]


def test_a_missing_result_is_reported_and_the_others_are_placed(studio: Studio) -> None:
    studio.finish("loop")
    folder = studio.project / "stems" / "loop"
    (folder / "loop.sab.json").rename(studio.folder / "manifest")
    (folder / "loop (Drums).wav").unlink()
    bring = studio.folder / "bring.lua"
    to = folder / "loop.sab.json"
    bring.write_text(f"assert (os.rename ({lua_text(str(studio.folder / 'manifest'))}, {lua_text(str(to))}))")
    output = studio.run(item(), SEND, "bring.lua", IMPORT)
    assert output[:3] == [
        ["undo", "Import stems and notes"],
        ["message", "Not imported, because these files no longer exist: loop (Drums).wav"],
        ["waiting", "0"],
    ]
    assert [line[1] for line in output if line[0] == "item"][1:5] == [
        "loop (Vocals)", "loop (Bass)", "loop (Other)", "loop (Vocals)",
    ]  # fmt: skip


def test_importing_without_a_job_shows_a_message(studio: Studio) -> None:
    assert studio.run(item(), IMPORT)[0] == ["message", "Nothing to import: no item of this project was sent."]
