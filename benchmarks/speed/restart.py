"""How long a bridge with a long history needs until it answers: `python -m benchmarks.speed.restart --jobs 20000`.

A real `sab serve` is started several times with that many finished jobs, and with none; the time is from the start of
the process to the first pong. The ratio between the two is what the history costs, and depends little on the machine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bridge.events import Ended, JobEvent, Produced, Started, Submitted
from bridge.lifecycle import fold
from bridge.model import Result
from bridge.osc.addresses import Message
from bridge.osc.codec import encode
from bridge.request import JobRequest
from bridge.scheduler import ID_LETTERS
from bridge.stems import STEMS
from bridge.store.database import NAME, Database
from bridge.store.rows import entry_of

RUNS = 5
STEMS_OF_A_JOB = STEMS[:4]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        empty, full = Path(name) / "empty", Path(name) / "full"
        port = _free_port()
        write_history(full, options.jobs, owner=str(port))
        start_seconds(empty, port)  # the programs come from the drive for the first time
        seconds = {"empty": [], "full": []}  # type: dict[str, list[float]]
        for _ in range(options.runs):  # in turns, so that what else the machine does falls on both
            seconds["empty"].append(start_seconds(empty, port))
            seconds["full"].append(start_seconds(full, port))
    found = {
        "jobs": options.jobs,
        "empty_seconds": round(statistics.median(seconds["empty"]), 3),
        "full_seconds": round(statistics.median(seconds["full"]), 3),
    }
    found["ratio"] = round(found["full_seconds"] / found["empty_seconds"], 2)
    if options.json:
        print(json.dumps(found))
    else:
        print(
            f"{options.jobs} jobs: {found['full_seconds']} s until the first answer; none: {found['empty_seconds']} s"
        )
    return 0


def write_history(folder: Path, jobs: int, owner: str) -> None:
    """A history of that many finished jobs, each with four stems."""
    database = Database(folder / NAME)
    entries = []
    for number in range(jobs):
        events = events_of(_id(number), float(number))
        entries += [entry_of(event, fold(events) if isinstance(event, Ended) else None) for event in events]
    database.write(entries, owner, limit=max(1, jobs))
    database.close()


def events_of(job: str, unix_seconds: float) -> list[JobEvent]:
    """The history of a job that has made four stems."""
    folder = f"/music/stems/{job}"
    return [
        Submitted(job=job, name="song", request=JobRequest(source=f"/music/{job}.wav"), unix_seconds=unix_seconds),
        Started(job=job, engine="draft", device="cpu", output_dir=folder),
        *(
            Produced(
                job=job,
                result=Result(
                    kind="stem", name=stem, folder=folder, file=f"song ({stem}).wav", seconds=180.0,
                    sample_rate_hz=44_100, frames=180 * 44_100, channels=2, subtype="PCM_24",
                ),
            )
            for stem in STEMS_OF_A_JOB
        ),
        Ended(job=job, outcome="done", unix_seconds=unix_seconds + 1.0),
    ]  # fmt: skip


def start_seconds(state: Path, port: int) -> float:
    """From the start of `sab serve` to its first pong; then it is closed."""
    command = [sys.executable, "-m", "bridge", "serve", "--port", str(port), "--state-dir", str(state), "--no-midi"]
    environment = {**os.environ, "SAB_HISTORY_LIMIT": "1000000"}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        client.settimeout(0.01)
        began = time.perf_counter()
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                while True:
                    with suppress(OSError):  # nobody listens yet
                        client.send(encode(Message("/sab/ping", ("x",))))
                        if client.recv(2000):
                            return time.perf_counter() - began
                    if server.poll() is not None:
                        raise RuntimeError(f"sab serve has ended with status {server.returncode}")
            finally:
                server.send_signal(signal.SIGTERM)


def _id(number: int) -> str:
    letters = []
    for _ in range(8):
        number, digit = divmod(number, len(ID_LETTERS))
        letters.append(ID_LETTERS[digit])
    return "".join(reversed(letters))


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    sys.exit(main())
