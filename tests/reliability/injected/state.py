"""A state folder with hostile or damaged content, found at the start.

The bridge must start, keep what can be read, write nothing outside, and do a job. What lies in the folder is decided
by the fault's dice, over the names that the folder has and names that a bridge may look for.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.reliability.bench import Bench
from tests.reliability.case import ANY, Case
from tests.reliability.fault import Fault

KIND = "state"
#: Names that bridges have used, in the state folder or the folder of a port.
NAMES: tuple[str, ...] = (
    *("jobs.sqlite", "jobs.sqlite-wal", "jobs.sqlite-shm", "jobs.sqlite-journal", "listeners.json", "bridge.log"),
    *("unended-notes.json", "midi-offsets.json", "lock", "bridge.lock", "paces.json", "token"),
)
SPARSE_BYTES = 4 << 30
#: A start may read a state folder for so long.
READY_SECONDS = 10.0


async def _restart_with(case: Case, plant: Callable[[], None]) -> None:
    """Ends the bridge, puts something into its state folder, and starts it again; a job must be done afterwards."""
    await case.bench.kill()
    await case.bench.gone()
    kept = case.bench.place.folder / "home" / "state"
    shutil.rmtree(kept, ignore_errors=True)
    plant()
    seconds = await case.bench.start()
    if seconds > READY_SECONDS:
        case.found("stuck", f"it started after {seconds:.0f} s")
    job = await case.submit(case.clip(), "midi", "none")
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)


def _folders(bench: Bench) -> list[Path]:
    """The folders in which the bridge keeps its state."""
    state = bench.place.state
    return [state, state / str(bench.port), state / "jobs", state / str(bench.port) / "jobs"]


def _free_path(case: Case, ending: str = "") -> Path:
    """A path in the state folder: an expected name, or a journal of a job. What lies there is removed."""
    folder = case.rng.choice(_folders(case.bench))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / (ending or case.rng.choice((*NAMES, "abcdefgh.jsonl")))
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    with contextlib.suppress(FileNotFoundError):
        path.unlink()
    return path


async def pipe(case: Case) -> None:
    """A FIFO, which waits for a writer for ever, or a link to one."""

    def plant() -> None:
        path = _free_path(case)
        if case.rng.random() < 0.5:
            os.mkfifo(path)
        else:
            pipe = case.bench.place.folder / "home" / "pipe"
            with contextlib.suppress(FileExistsError):
                os.mkfifo(pipe)
            path.symlink_to(pipe)

    await _restart_with(case, plant)


async def sparse(case: Case) -> None:
    """A file of 4 GB that occupies nothing."""

    def plant() -> None:
        with _free_path(case).open("wb") as file:
            file.truncate(SPARSE_BYTES)

    await _restart_with(case, plant)


async def folder_for_file(case: Case) -> None:
    """A folder where a file is expected."""
    await _restart_with(case, lambda: _free_path(case).mkdir())


async def link_outside(case: Case) -> None:
    """A link to somebody's file where the bridge writes its own."""
    await _restart_with(case, lambda: _free_path(case).symlink_to(case.bench.place.outside / "letter.txt"))


async def garbage(case: Case) -> None:
    """Bytes that mean nothing: random, deeply nested, not UTF-8, half a database."""
    contents = (
        case.rng.randbytes(case.rng.randrange(5000)),
        b'{"type":"ended","x":' + b"[" * 50_000,
        b'{"type":"Bj\xf6rk"}\n' * 3,
        b"SQLite format 3\0" + case.rng.randbytes(4000),
        b"",
        b"{" + b'"a":{' * 3000,
        b"9" * 5000,
    )
    await _restart_with(case, lambda: _write(_free_path(case), case.rng.choice(contents)))


async def flipped(case: Case) -> None:
    """Bytes of the bridge's own files have flipped, or a file is cut; it starts, and an unharmed job is done."""
    for _ in range(3):
        await case.submit(case.clip(), "midi", "none", ends=ANY)
    for job in case.expected:
        await case.bench.hears(lambda job=job: bool(case.bench.jobs[job].outcome), 30)  # type: ignore[misc]
    case.expected.clear()

    def plant() -> None:
        files = [path for path in case.bench.place.state.rglob("*") if path.is_file() and path.stat().st_size]
        if files:
            _damage(case.rng.choice(sorted(files)), case.rng)

    await _restart_with(case, plant)


async def planted_id(case: Case) -> None:
    """A journal whose job or output folder is a path that leads outside; nothing there may be removed."""
    outside = case.bench.place.outside
    victim = outside / "folder" / ".abcdefgh.vocals.partial"
    victim.write_text("a file that only looks like a temporary")
    case.watch_again()
    job = case.rng.choice(("abcdefgh", "../../outside/letter", "..", "/etc/passwd", "a" * 300))
    out = case.rng.choice((str(outside / "folder"), "../outside/folder", "/", str(outside)))
    line = f'{{"type":"submitted","job":"{job}","name":"x","request":{{"source":"/x.wav"}},"unix_seconds":1}}\n'
    line += f'{{"type":"started","job":"{job}","engine":"draft","device":"cpu","output_dir":"{out}","frames":1}}\n'
    await _restart_with(case, lambda: _write(_free_path(case, "abcdefgh.jsonl"), line.encode()))


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _damage(path: Path, rng: random.Random) -> None:
    content = bytearray(path.read_bytes())
    match rng.randrange(4):
        case 0:
            content = content[: rng.randrange(len(content))]
        case 1:
            content = bytearray(rng.randbytes(len(content)))
        case _:
            for _ in range(rng.choice((1, 20))):
                content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content)


FAULTS = (
    Fault(KIND, "a pipe in the state folder, or a link to one", pipe, 20, quick=True),
    Fault(KIND, "a file of 4 GB that occupies nothing", sparse, 12),
    Fault(KIND, "a folder where a file is expected", folder_for_file, 15),
    Fault(KIND, "a link to somebody's file where the bridge writes", link_outside, 15),
    Fault(KIND, "random, deeply nested or half content", garbage, 25),
    Fault(KIND, "flipped bytes, cut files", flipped, 20),
    Fault(KIND, "a planted job whose id or folder leads outside", planted_id, 15),
)
