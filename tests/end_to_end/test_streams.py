"""The commands where nothing is as a developer has it: odd encodings, widths, pipes, names and folders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bridge.plain import plain
from tests.support.hostile import is_harmless
from tests.support.programs import Server, serving

pytestmark = pytest.mark.end_to_end

SAB = (sys.executable, "-m", "bridge")
#: What a name can hold on a disk.
NAME = "x\x1b[31m\x9b2J [key=F#m][v=+3dB]\u202e:smile: שיר"
DRAFT = ("--engine", "draft")
ON_POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows allows no such names")


def run(
    *arguments: str | Path, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> subprocess.CompletedProcess[bytes]:
    everything = {**os.environ, **(environment or {})}
    command = [*SAB, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=100, env=everything, cwd=cwd, check=False)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server"), *DRAFT, "--no-midi") as running:
        yield running


@pytest.fixture
def hebrew(clip: Path) -> Path:
    return clip.rename(clip.parent / "שיר – Björk.wav")


ENCODINGS = {
    "cp437": {"PYTHONIOENCODING": "cp437"},
    "cp1252": {"PYTHONIOENCODING": "cp1252"},
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "C": {"LC_ALL": "C"},
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_every_command_speaks_into_every_encoding(
    server: Server, clip: Path, tmp_path: Path, encoding: dict[str, str]
) -> None:
    port = ("--port", str(server.port))
    for command, status in (
        (("process", clip, *DRAFT), 0),
        (("process", "no such ♪.wav"), 1),
        (("submit", clip, "stems", "bass", "--wait", *port), 0),
        (("send", "/sab/ping", "♪", *port), 0),
        (("models",), 0),
        (("ports", *port, "--state-dir", tmp_path), 0),
        (("cache",), 0),
        (("doctor", "--state-dir", tmp_path, *port), 0),
        (("--help",), 0),
        (("process", "--help"), 0),
        (("nonsense ♪",), 2),
    ):
        done = run(*command, environment=encoding)
        if "♪" in "".join(map(str, command)) and "PYTHONUTF8" in encoding:
            status = done.returncode if done.returncode in (0, 1, 2) else status  # its name is no text there
        assert done.returncode == status, (command, done.stderr)
        assert b"Traceback" not in done.stderr
        assert b"UnicodeEncodeError" not in done.stderr
        assert done.stdout or done.stderr


def test_a_name_that_the_encoding_lacks_is_said_with_marks_and_json_says_it_whole(hebrew: Path) -> None:
    environment = {"PYTHONIOENCODING": "cp1252"}
    done = run("process", hebrew, *DRAFT, environment=environment)
    assert done.returncode == 0, done.stderr
    assert "??? – Björk (Vocals).wav" in done.stdout.decode("cp1252")
    told = run("process", hebrew, *DRAFT, "--json", environment=environment)
    result = json.loads(told.stdout.splitlines()[-1])
    assert all(Path(stem["path"]).is_file() for stem in result["stems"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows encodes a pipe by its code page")
def test_a_script_gets_the_very_path_whatever_the_encoding_is(server: Server, hebrew: Path) -> None:
    words = ("stems", "bass", "midi", "none", "--wait", "--port", str(server.port))
    done = run("submit", hebrew, *words, environment={"PYTHONIOENCODING": "cp437"})
    assert done.returncode == 0, done.stderr
    _, path = done.stdout.splitlines()
    assert Path(os.fsdecode(path)).is_file()


@pytest.mark.parametrize("size", [{"COLUMNS": "0"}, {"COLUMNS": "abc"}, {"COLUMNS": "0", "LINES": "0"}])
@pytest.mark.parametrize("command", [("models",), ("--help",), ("cache",), ("process", "--help")], ids=" ".join)
def test_a_width_of_nothing_silences_no_command(command: tuple[str, ...], size: dict[str, str]) -> None:
    done = run(*command, environment=size)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("json_wanted", [(), ("--json",)], ids=["words", "json"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE to be reported")
def test_a_job_that_nobody_reads_is_cancelled_in_one_line(clip: Path, json_wanted: tuple[str, ...]) -> None:
    process = subprocess.Popen(
        [*SAB, "process", str(clip), *DRAFT, *json_wanted], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    process.stderr.close()
    assert process.wait(60) == 141
    assert error == b"sab: The job was cancelled, because nobody reads what it says.\n"
    assert [entry.name for entry in clip.parent.iterdir()] == [clip.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command", [("process", "clip.wav", *DRAFT), ("process", "clip.wav", *DRAFT, "--json"), ("models",), ("--help",)]
)
def test_an_output_on_a_full_drive_is_told_in_one_line(clip: Path, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*SAB, *command], stdout=full, stderr=subprocess.PIPE, cwd=clip.parent, timeout=100, check=False
        )
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("sab: not_writable: The output cannot be written: No space left on device.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such shell")
def test_a_list_that_nobody_reads_ends_without_a_word() -> None:
    for command in ("models", "--help"):
        script = f"'{sys.executable}' -m bridge {command} | :; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=100, check=False)
        assert done.stderr == ""
        assert done.stdout in ("141\n", "0\n")  # 0: it was quicker than the reader


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other ways to close a stream")
def test_closed_streams_are_no_error(clip: Path) -> None:
    script = f"'{sys.executable}' -m bridge process '{clip}' --engine draft >&- 2>&-"
    assert subprocess.run(["bash", "-c", script], timeout=100, check=False).returncode == 0
    assert (clip.parent / "stems" / "clip" / "clip (Bass).wav").is_file()


@ON_POSIX
@pytest.mark.parametrize("name", ["~take.wav", "file:a.wav", "Disk:/a.wav", "[/b].wav"])
def test_in_its_own_folder_a_clip_is_found_by_its_name(clip: Path, name: str) -> None:
    path = clip.parent / name
    path.parent.mkdir(exist_ok=True)
    clip.rename(path)
    done = run("process", name, *DRAFT, "--stems", "bass", "--json", cwd=clip.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "done"


@ON_POSIX
def test_from_a_folder_that_is_gone_whole_paths_work_and_others_are_refused(tmp_path: Path, clip: Path) -> None:
    gone = tmp_path / "gone"
    script = f"mkdir '{gone}' && cd '{gone}' && rmdir '{gone}' && '{sys.executable}' -m bridge process"
    for words, status in ((f"'{clip}' --engine draft", 0), ("clip.wav", 2)):
        done = subprocess.run(
            ["bash", "-c", f"{script} {words}"],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == status, done.stderr
        assert "internal" not in done.stderr


@ON_POSIX
def test_no_name_from_outside_commands_a_terminal_or_forges_a_line(tmp_path: Path, clip: Path) -> None:
    song = clip.rename(clip.parent / f"{NAME}.wav")
    folder = clip.parent / "[" / f"b] {NAME}\n12:00:00 forged: done"
    state = tmp_path / "state"
    state.mkdir()
    with serving(state, *DRAFT, "--no-midi") as server:
        port = ("--port", str(server.port))
        told = run("submit", song, "out", folder, "stems", "bass", "--wait", *port)
        assert told.returncode == 0, told.stderr
        assert is_harmless(told.stderr.decode())
        answers = [
            run("send", "/sab/submit", song, "out", str(folder / "\x1b]0;x\x07"), "engine", NAME, *port),
            run("send", f"/sab/{NAME}", NAME, *port),
            run("send", "/sab/list", *port),
            run("submit", song, NAME, NAME, *port),
            run("process", song, *DRAFT, "--out", folder),
            run("process", song, "--engine", NAME),
            run("transcribe", f"{song}.gone", "--as", NAME),
            run("models", "pull", NAME),
            run(NAME),
            run("process", song, NAME),
            run("--port", NAME),
            run("cache"),
            run("demo", *DRAFT, "--no-midi", "--out", folder),
        ]
    for answer in answers:
        for said in (answer.stdout.decode(), answer.stderr.decode()):
            assert is_harmless(said), (answer.args, said)
            assert "forged" not in "".join(line for line in said.splitlines() if line.startswith("12:00:00"))
            assert "Traceback" not in said
    for log in state.rglob("*.log"):
        written = log.read_text(encoding="utf-8")
        assert is_harmless(written), written
        assert not any(line.startswith("12:00:00 forged") for line in written.splitlines())
    assert plain(NAME) in (state / "server.log").read_text(encoding="utf-8")
