"""The commands with unusual encodings, widths, pipes, names and folders."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from bridge.plain import plain
from tests.support.hostile import is_harmless
from tests.support.programs import Server, serving
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end

SAB = (sys.executable, "-m", "bridge")
#: Characters that a file name can contain.
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
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
}


@pytest.mark.parametrize("encoding", ENCODINGS.values(), ids=ENCODINGS.keys())
def test_every_command_works_in_every_encoding(
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
            status = done.returncode if done.returncode in (0, 1, 2) else status  # its name cannot be encoded there
        assert done.returncode == status, (command, done.stderr)
        assert b"Traceback" not in done.stderr
        assert b"UnicodeEncodeError" not in done.stderr
        assert done.stdout or done.stderr


def test_characters_that_the_encoding_lacks_are_question_marks_except_in_json(hebrew: Path) -> None:
    environment = {"PYTHONIOENCODING": "cp1252"}
    done = run("process", hebrew, *DRAFT, environment=environment)
    assert done.returncode == 0, done.stderr
    assert "??? – Björk (Vocals).wav" in done.stdout.decode("cp1252")
    done = run("process", hebrew, *DRAFT, "--json", environment=environment)
    result = json.loads(done.stdout.splitlines()[-1])
    assert all(Path(stem["path"]).is_file() for stem in result["stems"])


@pytest.mark.skipif(sys.platform == "win32", reason="Windows encodes a pipe by its code page")
def test_a_script_gets_the_exact_path_in_any_encoding(server: Server, hebrew: Path) -> None:
    words = ("stems", "bass", "midi", "none", "--wait", "--port", str(server.port))
    done = run("submit", hebrew, *words, environment={"PYTHONIOENCODING": "cp437"})
    assert done.returncode == 0, done.stderr
    _, path = done.stdout.splitlines()
    assert Path(os.fsdecode(path)).is_file()


@pytest.mark.parametrize("size", [{"COLUMNS": "0"}, {"COLUMNS": "abc"}, {"COLUMNS": "0", "LINES": "0"}])
@pytest.mark.parametrize("command", [("models",), ("--help",), ("cache",), ("process", "--help")], ids=" ".join)
def test_an_invalid_width_silences_no_command(command: tuple[str, ...], size: dict[str, str]) -> None:
    done = run(*command, environment=size)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("json_wanted", [(), ("--json",)], ids=["words", "json"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGPIPE")
def test_a_job_whose_reader_has_gone_is_cancelled_with_one_line(clip: Path, json_wanted: tuple[str, ...]) -> None:
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
    assert error == b"sab: The job was cancelled, because nothing reads its output any more.\n"
    assert [entry.name for entry in clip.parent.iterdir()] == [clip.name]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "command", [("process", "clip.wav", *DRAFT), ("process", "clip.wav", *DRAFT, "--json"), ("models",), ("--help",)]
)
def test_output_to_a_full_drive_is_an_error_of_one_line(clip: Path, command: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*SAB, *command], stdout=full, stderr=subprocess.PIPE, cwd=clip.parent, timeout=100, check=False
        )
    assert done.returncode == 1
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("sab: not_writable: The output cannot be written: No space left on device.")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such shell")
def test_a_list_whose_reader_has_gone_ends_without_an_error() -> None:
    for command in ("models", "--help"):
        script = f"'{sys.executable}' -m bridge {command} | :; echo ${{PIPESTATUS[0]}}"
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=100, check=False)
        assert done.stderr == ""
        assert done.stdout in ("141\n", "0\n")  # 0: it ended before the reader


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGHUP")
def test_a_closed_window_cancels_a_job(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    write(clip, music(60.0))  # so that it does not end before a busy machine sends the signal
    environment = {**os.environ, "SAB_STATE_DIR": str(tmp_path_factory.mktemp("state"))}
    process = subprocess.Popen(
        [*SAB, "process", str(clip), *DRAFT, "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment
    )
    assert process.stdout is not None
    process.stdout.readline()
    for _ in range(2):  # the shell passes it on, and the system sends it again
        process.send_signal(signal.SIGHUP)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert json.loads(out.splitlines()[-1])["state"] == "cancelled"
    assert [entry.name for entry in clip.parent.iterdir()] == [clip.name]
    assert ": cancelled" in run("log", environment=environment).stdout.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other ways to close a stream")
def test_closed_streams_are_no_error(clip: Path) -> None:
    script = f"'{sys.executable}' -m bridge process '{clip}' --engine draft >&- 2>&-"
    assert subprocess.run(["bash", "-c", script], timeout=100, check=False).returncode == 0
    assert (clip.parent / "stems" / "clip" / "clip (Bass).wav").is_file()


@ON_POSIX
@pytest.mark.parametrize("name", ["~take.wav", "file:a.wav", "Disk:/a.wav", "[/b].wav"])
def test_a_clip_in_the_current_folder_is_found_by_its_name(clip: Path, name: str) -> None:
    path = clip.parent / name
    path.parent.mkdir(exist_ok=True)
    clip.rename(path)
    done = run("process", name, *DRAFT, "--stems", "bass", "--json", cwd=clip.parent)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "done"


@ON_POSIX
def test_in_a_deleted_folder_absolute_paths_work_and_others_are_refused(tmp_path: Path, clip: Path) -> None:
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
def test_no_name_controls_a_terminal_or_forges_a_line(tmp_path: Path, clip: Path) -> None:
    song = clip.rename(clip.parent / f"{NAME}.wav")
    folder = clip.parent / "[" / f"b] {NAME}\n12:00:00 forged: done"
    state = tmp_path / "state"
    state.mkdir()
    with serving(state, *DRAFT, "--no-midi") as server:
        port = ("--port", str(server.port))
        done = run("submit", song, "out", folder, "stems", "bass", "--wait", *port)
        assert done.returncode == 0, done.stderr
        assert is_harmless(done.stderr.decode())
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
            run("doctor", "--state-dir", state / NAME),
            run("log", "--state-dir", state),
            run("log", "--job", NAME, "--state-dir", state / NAME),
        ]
    for answer in answers:
        for output in (answer.stdout.decode(), answer.stderr.decode()):
            assert is_harmless(output), (answer.args, output)
            assert "forged" not in "".join(line for line in output.splitlines() if line.startswith("12:00:00"))
            assert "Traceback" not in output
    for log in state.rglob("*.log"):
        written = log.read_text(encoding="utf-8")
        assert is_harmless(written), written
        assert not any(line.startswith("12:00:00 forged") for line in written.splitlines())
    assert plain(NAME) in (state / "server.log").read_text(encoding="utf-8")
