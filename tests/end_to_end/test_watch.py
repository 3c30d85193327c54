"""`sab watch` with real programs: files that come slowly, and ends of every kind in the middle."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import watchfiles

from bridge.cli.shared import UNREAD
from bridge.pipeline.manifest import manifest_at
from bridge.store.database import Database
from bridge.system.private_folders import private_folder
from bridge.watch.ledger import ledger_path, read_ledger
from tests.support.loopback import free_port
from tests.support.programs import sab, serving

pytestmark = pytest.mark.end_to_end

QUICK = ("--engine", "draft", "--stems", "bass", "--midi", "none")
QUIET = ("--no-midi", "--no-http")


class Watch:
    """A running `sab watch --json`."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[dict[str, object]] = []

    def until_done(self, count: int) -> set[str]:
        """Reads on until so many clips are done in all; returns their file names."""
        done = self.done()
        while len(done) < count:
            self.next_line()
            done = self.done()
        return done

    def done(self) -> set[str]:
        return {Path(str(line["file"])).name for line in self.lines if line.get("state") == "done" and "file" in line}

    def next_line(self) -> dict[str, object]:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        assert text, f"sab watch has ended with {self.process.wait()}"
        self.lines.append(json.loads(text))
        return self.lines[-1]

    def end(self) -> int:
        self.process.send_signal(signal.SIGINT)
        rest, _ = self.process.communicate(timeout=60)
        self.lines += map(json.loads, rest.splitlines())
        return self.process.returncode


@contextmanager
def watch(folder: Path, *options: str | Path, state: Path, port: int) -> Iterator[Watch]:
    where = ("--state-dir", str(state), "--port", str(port))
    words = [sys.executable, "-m", "bridge", "watch", str(folder), "--json", *where, *QUICK, *QUIET]
    with (state / "watch.log").open("a") as log:
        process = subprocess.Popen([*words, *map(str, options)], stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            running = Watch(process)
            assert running.next_line()["watching"] == str(folder)
            yield running
        finally:
            process.kill()
            process.wait()
            assert process.stdout is not None
            process.stdout.close()


def noises(folder: Path, count: int) -> list[Path]:
    """Clips of 0.3 s, each another."""
    folder.mkdir()
    noise = np.random.default_rng(20)
    files = [folder / f"take {number}.wav" for number in range(1, count + 1)]
    for file in files:
        soundfile.write(file, noise.normal(0, 0.1, (4_800, 2)), 16_000)
    return files


def copy_slowly(files: list[Path], target: Path, seconds: float) -> None:
    """Copies files in pieces, many at a time; each is opened anew for each piece, so that it looks complete."""
    chance = random.Random(4)
    waiting = [(file, file.read_bytes()) for file in files]
    pause = threading.Event()
    open_copies: list[tuple[Path, bytes]] = []
    pieces = 4 * len(files)
    while waiting or open_copies:
        while waiting and len(open_copies) < 25:
            open_copies.append(waiting.pop(0))
        file, rest = open_copies.pop(chance.randrange(len(open_copies)))
        size = len(rest) if chance.random() < 0.2 else max(1, len(rest) // 3)
        with (target / file.name).open("ab") as copy:
            copy.write(rest[:size])
        if rest[size:]:
            open_copies.append((file, rest[size:]))
        pause.wait(seconds / pieces)


def finished_jobs(state: Path) -> Counter[str]:
    """How many jobs are done of each file."""
    database = Database(state / "jobs.sqlite")
    loaded, _ = database.load("nobody", 100_000)
    database.close()
    jobs = [job for job in loaded.jobs if not isinstance(job, list)]
    assert {job.state for job in jobs} <= {"done", "cancelled"}
    return Counter(Path(job.request.source).name for job in jobs if job.state == "done")


@pytest.mark.alone
@pytest.mark.timeout(600)
def test_500_files_that_are_copied_slowly_are_done_once_though_the_watch_is_killed(tmp_path: Path) -> None:
    files = noises(tmp_path / "from", 500)
    folder, out, state, port = tmp_path / "in", tmp_path / "out", tmp_path / "state", free_port()
    folder.mkdir()
    private_folder(state)
    options = ("--out", out, "--settle", "0.5")
    copying = threading.Thread(target=copy_slowly, args=(files, folder, 25.0))
    with watch(folder, *options, state=state, port=port) as first:
        copying.start()
        before = first.until_done(120)
        first.process.kill()
    with watch(folder, *options, state=state, port=port) as second:
        while len(before | second.done()) < len(files):
            second.next_line()
        copying.join()
        assert second.end() == 0
        assert second.lines[-1]["failed"] == second.lines[-1]["waiting"] == 0
        assert second.lines[-1]["done"] == len(files)
    assert sorted(path.name for path in out.iterdir()) == sorted(file.stem for file in files)
    for file in files:
        manifest = manifest_at(out / file.stem)
        assert manifest.source.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert finished_jobs(state) == Counter(file.name for file in files)


def test_the_bridge_that_runs_does_the_work_and_when_it_dies_the_watch_goes_on_with_one_of_its_own(
    tmp_path: Path,
) -> None:
    folder, out, state, port = tmp_path / "in", tmp_path / "out", tmp_path / "state", free_port()
    files = noises(folder, 2)
    private_folder(state)
    with (
        serving(state, *QUIET, port=port, dies=True) as server,
        watch(folder, "--out", out, "--settle", "0.2", state=state, port=port) as running,
    ):
        assert running.lines[0]["attached"] is True
        running.until_done(2)
        server.process.kill()
        while running.next_line().get("attached") is not False:
            continue
        late = folder / "late.wav"
        late.write_bytes(files[0].read_bytes())
        running.until_done(3)
        assert running.end() == 0
    assert finished_jobs(state) == Counter({file.name: 1 for file in (*files, late)})


def test_a_setting_makes_every_bridge_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, state, port = tmp_path / "in", tmp_path / "state", free_port()
    (file,) = noises(folder, 1)
    private_folder(state)
    monkeypatch.setenv("SAB_WATCH", str(folder))
    monkeypatch.setenv("SAB_WATCH_SETTLE_SECONDS", "0.2")
    results = folder / "stems" / file.stem
    with serving(state, *QUICK, *QUIET, port=port):
        refused = sab("watch", folder, "--port", str(port), "--state-dir", state)
        assert (refused.returncode, "is watched already" in refused.stderr) == (1, True)
        deadline = time.monotonic() + 30.0
        for _ in watchfiles.watch(folder, rust_timeout=100, yield_on_timeout=True):
            if (results / f"{file.stem}.sab.json").exists():
                break
            assert time.monotonic() < deadline
    assert f"Every song that lands in {folder} becomes a job" in (state / "server.log").read_text()
    listed = sab("watch", folder, "--list", "--json", "--state-dir", state)
    assert json.loads(listed.stdout) == {"folder": str(folder), "done": 1, "failed": 0, "waiting": 0, "refused": []}


def test_what_cannot_be_done_is_listed_with_its_reason(tmp_path: Path) -> None:
    folder, state, port = tmp_path / "in", tmp_path / "state", free_port()
    (file,) = noises(folder, 1)
    private_folder(state)
    (folder / "cut.wav").write_bytes(file.read_bytes()[:9_000])
    with watch(folder, "--settle", "0.2", state=state, port=port) as running:
        while not any(line.get("state") == "waiting" for line in running.lines):
            running.next_line()
        running.until_done(1)
        assert running.end() == 0
    last: dict[str, Any] = running.lines[-1]
    (refused,) = last["refused"]
    assert (refused["file"], refused["state"]) == (str(folder / "cut.wav"), "waiting")
    assert "less audio" in refused["message"]
    assert not (folder / "stems" / "cut").exists()


def test_when_nobody_reads_any_more_it_ends_and_blames_no_song(tmp_path: Path) -> None:
    folder, state, port = tmp_path / "in", tmp_path / "state", free_port()
    (file,) = noises(folder, 1)
    private_folder(state)
    first = sab("watch", folder, "--once", "--settle", "0.2", "--port", str(port), "--state-dir", state, *QUICK, *QUIET)
    assert first.returncode == 0
    ledger_path(state, folder).unlink()
    with watch(folder, "--settle", "0.2", state=state, port=port) as running:
        assert running.process.stdout is not None
        running.process.stdout.close()
        assert running.process.wait(60) == UNREAD
    known = read_ledger(state, folder)
    assert known[file.name].state == "done"
