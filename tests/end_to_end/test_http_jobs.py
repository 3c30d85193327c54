"""curl against a real server: a clip is sent, its events are followed, its files are fetched."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from bridge.osc.access.keys import read_token
from bridge.osc.access.proofs import http_token
from tests.support.programs import Server, sab, serving

pytestmark = [
    pytest.mark.end_to_end,
    pytest.mark.skipif(shutil.which("curl") is None, reason="this machine has no curl"),
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home folder, because the results of clips go into the music folder."""
    folder = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("HOME", str(folder))
        environment.setenv("XDG_MUSIC_DIR", str(folder / "Music"))
        yield folder


@pytest.fixture(scope="module")
def server(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    assert home.is_dir()
    with serving(tmp_path_factory.mktemp("server"), "--engine", "draft", "--no-midi") as running:
        yield running


def command(server: Server, path: str, *options: str | Path) -> list[str]:
    token = http_token(read_token(server.folder))
    said = ("--silent", "--show-error", "--noproxy", "*", "--max-time", "90", "-H", f"Authorization: Bearer {token}")
    return ["curl", *said, *map(str, options), f"http://127.0.0.1:{server.port}{path}"]


def curl(server: Server, path: str, *options: str | Path) -> bytes:
    return subprocess.run(command(server, path, *options), capture_output=True, check=True, timeout=100).stdout


@contextmanager
def following(server: Server, path: str) -> Iterator[Iterator[tuple[str, dict[str, Any]]]]:
    """The events of a stream that has begun."""
    with subprocess.Popen(command(server, path, "--no-buffer"), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = events_in(process.stdout)
        try:
            yield found
        finally:
            process.terminate()


def events_in(lines: Iterable[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    kind = ""
    for line in lines:
        name, _, value = line.strip().partition(": ")
        if name == "event":
            kind = value
        elif name == "data":
            yield kind, json.loads(value)


def end_of(server: Server, job: str) -> str:
    """How a job has ended, once it has."""
    with following(server, f"/events?job={job}") as told:
        (kind, last) = list(told)[-1]
    return str(last["outcome"] if kind == "ended" else last["jobs"][0]["state"])


def until_no_clip_is_left(server: Server) -> None:
    """They are removed in the background."""
    for _ in range(200):
        if not [path for path in (server.folder / "0" / "uploads").rglob("*") if path.is_file()]:
            return
        curl(server, "/jobs")
    pytest.fail("a clip is left")


def until_ended(told: Iterable[tuple[str, dict[str, Any]]], job: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for kind, data in told:
        if data.get("job") == job:
            yield kind, data
            if kind == "ended":
                return


@pytest.mark.parametrize("way", ["body", "form"])
def test_a_clip_is_sent_followed_and_its_stems_are_fetched(
    server: Server, home: Path, clip: Path, tmp_path: Path, way: str
) -> None:
    key = ("-H", f"Idempotency-Key: {way}")
    if way == "body":
        how = (
            "/jobs?filename=clip.wav&stems=vocals,bass",
            "-H",
            "Content-Type: audio/wav",
            "--data-binary",
            f"@{clip}",
        )
    else:
        how = ("/jobs", "-F", f"file=@{clip};filename=in a form.wav", "-F", "stems=vocals,bass")
    path, *options = how
    with following(server, "/events") as stream:
        assert next(stream)[0] == "jobs"
        answers = [json.loads(curl(server, path, *options, *key)) for _ in range(2)]
        job = answers[0]["id"]
        assert answers[0] == answers[1]
        told = [(kind, data) for kind, data in until_ended(stream, job)]
    assert told[-1][1]["outcome"] == "done"
    assert [kind for kind, _ in told].count("submitted") == 1
    assert end_of(server, job) == "done"
    shown = json.loads(curl(server, f"/jobs/{job}"))
    on_disk = {Path(result["path"]).name: Path(result["path"]) for result in shown["results"]}
    folder = Path(shown["output_dir"])
    assert folder.is_relative_to(home / "Music" / "Source Audio Bridge")
    for file in shown["files"]:
        fetched = curl(server, file["href"])
        assert fetched == on_disk.get(file["name"], folder / file["name"]).read_bytes()
        assert len(fetched) > 20
    names = {file["name"] for file in shown["files"]}
    stem = folder.name
    assert {f"{stem} (Vocals).wav", f"{stem} (Bass).wav", f"{stem}.sab.json"} <= names
    curl(server, shown["files"][0]["href"], "--remote-name", "--remote-header-name", "--output-dir", tmp_path)
    assert (tmp_path / shown["files"][0]["name"]).is_file()
    part = curl(server, f"/jobs/{job}/files/{quote(stem)}%20(Bass).wav", "--range", "0-3")
    assert part == b"RIFF"
    until_no_clip_is_left(server)
    assert curl(server, f"/jobs/{job}", "-X", "DELETE") == b""
    assert json.loads(curl(server, f"/jobs/{job}"))["code"] == "not_found"
    assert on_disk[f"{stem} (Bass).wav"].exists()


def test_a_clip_that_is_no_audio_is_refused_and_not_kept(server: Server, tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("no audio")
    answer = json.loads(curl(server, "/jobs", "-F", f"file=@{text}"))
    assert answer["code"] == "not_audio"
    until_no_clip_is_left(server)


def test_the_token_is_private_and_a_new_one_counts_at_once(server: Server) -> None:
    file = server.folder / "token"
    if sys.platform != "win32":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    old = sab("token", "--state-dir", server.folder).stdout.strip()
    assert old not in file.read_text()  # what is sent is not the key itself
    renewed = sab("token", "--new", "--state-dir", server.folder)
    assert renewed.stdout.strip() != old
    assert json.loads(curl(server, "/jobs"))["jobs"] is not None  # asks with the new one
    refused = subprocess.run(
        [word.replace(renewed.stdout.strip(), old) for word in command(server, "/jobs")],
        capture_output=True,
        check=True,
    )
    assert json.loads(refused.stdout)["code"] == "not_allowed"
    shown = json.loads(sab("token", "--json", "--state-dir", server.folder, "--port", "9777").stdout)
    assert shown == {"token": renewed.stdout.strip(), "address": "http://127.0.0.1:9777"}


def test_clips_may_be_sent_where_only_some_folders_are_allowed(
    tmp_path: Path, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ("allowed", "server"):
        (tmp_path / folder).mkdir()
    monkeypatch.setenv("SAB_ROOTS", str(tmp_path / "allowed"))
    with serving(tmp_path / "server", "--engine", "draft", "--no-midi") as server:
        job = json.loads(curl(server, "/jobs?midi=none", "-H", "Content-Type: audio/wav", "--data-binary", f"@{clip}"))[
            "id"
        ]
        assert end_of(server, job) == "done"
        assert Path(json.loads(curl(server, f"/jobs/{job}"))["output_dir"]).is_relative_to(tmp_path / "allowed")
        answer = json.loads(
            curl(server, "/jobs", "-H", "Content-Type: application/json", "-d", json.dumps({"path": str(clip)}))
        )
        assert answer["code"] == "outside_roots"


@pytest.mark.parametrize("program", ["http_client.py", "http_client.mjs"])
def test_the_examples_of_the_page_work(server: Server, clip: Path, tmp_path: Path, program: str) -> None:
    environment = {
        **os.environ,
        "BRIDGE": f"http://127.0.0.1:{server.port}",
        "TOKEN": http_token(read_token(server.folder)),
    }
    example = Path(__file__).parents[2] / "docs" / "examples" / program
    runs = [sys.executable] if program.endswith(".py") else ["node"]
    if shutil.which(runs[0]) is None:
        pytest.skip("this machine has no Node")
    done = subprocess.run(
        [*runs, str(example), str(clip), str(tmp_path / "fetched")],
        capture_output=True, text=True, env=environment, timeout=100, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "done"), done.stderr
    if program.endswith(".py"):
        assert {path.suffix for path in (tmp_path / "fetched").iterdir()} == {".wav", ".mid", ".json"}
    else:
        assert len([line for line in done.stdout.splitlines() if Path(line).is_file()]) >= 4
