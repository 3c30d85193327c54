"""A fake REAPER with the bridge's scripts, and a fake `sab` that records what it is sent."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace

from bridge.integrations.daws import DAWS, BridgeAddress, lua_text
from bridge.model import TOGETHER, Music, Result
from bridge.options.record import to_record
from bridge.options.request import build_request
from bridge.pipeline.manifest import EngineRecord, Manifest, SourceRecord, encode_manifest
from bridge.project_paths import stem_file_name
from bridge.request import JobRequest

LUA = shutil.which("lua5.3") or shutil.which("lua5.4") or shutil.which("lua")
FAKE = Path(__file__).with_name("fake_reaper.lua")
SEND, KARAOKE, IMPORT = (f"source_audio_bridge_{name}.lua" for name in ("take_apart", "karaoke", "import"))
BRING = "bring.lua"
STEMS = ("Vocals", "Drums", "Bass", "Other")
MUSIC = Music(tempo_bpm=120.0, tempo_source="given")
#: In place of `sab`: logs its clips as JSON lines; refuses "lost" files; "nobody" finds no bridge, "killed" ends early.
COMMAND = """
import sys
from pathlib import Path
from bridge.integrations.clip_list import AnswerFile, read_list
from bridge.errors import NotFound
command, *options = sys.argv[1:]
assert command == "submit" and options[:4] == ["--host", "127.0.0.1", "--port", "9720"], sys.argv
given = dict(zip(options[::2], options[1::2]))
if "killed" in Path(given["--list"]).read_text():
    Path(given["--answers"]).write_text('{"answer":"begun"}\\n{"answer":"job","cl')
    sys.exit()
with AnswerFile(Path(given["--answers"])) as answers:
    for number, clip in enumerate(read_list(Path(given["--list"])), 1):
        if "nobody" in clip["file"]: raise NotFound("No bridge answers.")
        if "lost" in clip["file"]:
            answers.refused(number, NotFound('There is no "such" file.', advice="Look."))
            continue
        with open(LOG, "a") as log: print(__import__("json").dumps(clip), file=log)
        answers.accepted(number, f"job{number}")
"""


class Studio:
    """A REAPER with our scripts installed and a saved project."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project = folder / "My Song's project"
        self.resources = folder / "REAPER's files"
        for made in (self.project, self.resources):
            made.mkdir()
        self._log = folder / "asked"
        command = folder / "command.py"
        command.write_text(COMMAND.replace("LOG", repr(str(self._log))))
        here = BridgeAddress("127.0.0.1", 9720, (sys.executable, str(command)))
        for name, content in DAWS["reaper"].contents(here).items():
            (folder / name).write_bytes(content)

    def run(self, items: str, *scripts: str, **more: object) -> list[list[str]]:
        """Runs the scripts; returns the fake's output. `items` are Lua tables; `more` of its plan as Lua."""
        plan: dict[str, object] = {
            "file": lua_text(str(self.project / "song.rpp")),
            "resources": lua_text(str(self.resources)),
            "tempo": 120.0,
            "items": f"{{ {items} }}",
            **more,
        }
        path = self.folder / "plan.lua"
        path.write_text(f"return {{ {', '.join(f'{key} = {value}' for key, value in plan.items())} }}")
        assert LUA is not None
        command = [LUA, str(FAKE), str(path), *(str(self.folder / script) for script in scripts)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stderr
        assert not list(self.resources.iterdir())  # nothing is left behind
        output = [line.split("\t") for line in ended.stdout.splitlines()]
        assert not [line for line in output if line[0] == "blocked"]
        return output

    def written(self) -> list[dict[str, str]]:
        """The clips as they were sent."""
        return [json.loads(line) for line in self._log.read_text().splitlines()] if self._log.exists() else []

    def submitted(self) -> list[SimpleNamespace]:
        """The submitted jobs, parsed as the bridge parses them."""
        requests = (build_request(clip.pop("file"), clip, JobRequest(source="")) for clip in self.written())
        return [SimpleNamespace(**to_record(request)) for request in requests]

    def finish(self, *names: str, stems: Sequence[str] = STEMS, opposites: Sequence[str] = ()) -> None:
        """Lets the bridge finish these jobs when the script BRING runs; `opposites` by their names in records."""
        moves = []
        for name in names:
            out = self.project / "stems" / name
            out.mkdir(parents=True)
            kinds = (("stem", "wav"), ("midi", "mid"))
            files = [(kind, stem, f"{name} ({stem}).{ending}") for stem in stems for kind, ending in kinds]
            files += [("stem", opposite, stem_file_name(name, opposite, "wav")) for opposite in opposites]
            files += [("midi", TOGETHER, f"{name}.mid"), ("picture", TOGETHER, f"{name}.svg")]
            for _, _, file in files:
                (out / file).touch()
            results = tuple(
                Result(kind=kind, name=stem.lower(), file=file, seconds=1.5)  # type: ignore[arg-type]
                for kind, stem, file in files
            )
            kept = self.folder / f"manifest of {name}"
            kept.write_bytes(encode_manifest(manifest(name, results)))
            moves.append(f"assert (os.rename ({lua_text(str(kept))}, {lua_text(str(out / f'{name}.sab.json'))}))\n")
        (self.folder / BRING).write_text("".join(moves))


def manifest(name: str, results: tuple[Result, ...]) -> Manifest:
    source = SourceRecord(
        path="/x.wav", sha256="", start_seconds=0, start_frame=0, frames=1, sample_rate_hz=48000, channels=2
    )
    return Manifest(
        job="job1", name=name, source=source, request=to_record(JobRequest(source="/x.wav")),
        engine=EngineRecord(name="draft", device="cpu", weights=""), transcribers={}, warnings=(), results=results,
        versions={}, started="", seconds=1.0, music=MUSIC,
    )  # fmt: skip


def item(file: object = "/clips/it's.wav", *, name: object = "loop.wav", **more: object) -> str:
    values = {"start": 2.5, "place": 8.25, "length": 1.5, "rate": 1.0, **more}
    words = ", ".join(f"{key} = {value}" for key, value in values.items())
    return f"{{ file = {lua_text(str(file))}, name = {lua_text(str(name))}, {words} }}"


def messages(output: list[list[str]]) -> list[str]:
    return [line[1] for line in output if line[0] == "message"]


def placed(output: list[list[str]], sources: int = 1) -> list[list[str]]:
    """The items that the import has added: track, take, position, length, rate and file of each."""
    return [line[1:] for line in output if line[0] == "item"][sources:]
