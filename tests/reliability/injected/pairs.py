"""Two bridges at once: with one state folder, one output folder, one clip."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from pathlib import Path

from bridge.errors import BridgeError
from tests.reliability.bench import Bench, DoesNotStart
from tests.reliability.case import Case
from tests.reliability.fault import Fault

KIND = "two at once"


async def _second_bridge(case: Case, host: str, port: int) -> None:
    """A second bridge starts on the first one's state folder in the middle of its job.

    It may refuse in words, or work beside the first; the first one's jobs are done in both cases, and its history is
    known after its restart.
    """
    job = await case.submit(long=True)
    await case.submit()
    await case.reaches(job, case.rng.choice(("loading", "separating", "transcribing")), 0.3)
    second = Bench(case.bench.place, host=host, port=port)
    try:
        with contextlib.suppress(DoesNotStart):
            await second.start()
            clip = case.clip()
            theirs = await second.submit(clip, "midi", "none")
            if not await second.hears(lambda: bool(second.jobs[theirs].outcome), 20):
                case.found("stuck", "the second bridge's job does not end")
            case.bench.jobs[theirs] = second.jobs[theirs]
        if "Traceback" in second.log.read_text(errors="replace"):
            case.found("other", "a traceback of the second bridge")
    except BridgeError as error:
        case.found("other", f"the second bridge refused a job ({error.code})")
    finally:
        await second.close()
    await case.settle()
    await case.bench.kill()
    await case.restart()


async def same_port_other_address(case: Case) -> None:
    await _second_bridge(case, "127.0.0.2", case.bench.port)


async def other_port(case: Case) -> None:
    await _second_bridge(case, "127.0.0.1", 0)


async def same_port(case: Case) -> None:
    await _second_bridge(case, "127.0.0.1", case.bench.port)


async def _commands(case: Case, *lines: tuple[str, ...]) -> None:
    """Runs commands at once; each must succeed, and all files must be whole and in folders of their own."""

    async def run(arguments: tuple[str, ...]) -> tuple[int, str]:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bridge", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
            env=dict(case.bench.environment),
        )  # fmt: skip
        _, errors = await process.communicate()
        return process.returncode or 0, errors.decode(errors="replace")

    for status, errors in await asyncio.gather(*map(run, lines)):
        if status:
            case.found("lost", f"a command ended with {status}: {errors.strip().splitlines()[-1][:120]}")
        if "Traceback" in errors:
            case.found("other", "a traceback of a command")


async def two_commands_one_out(case: Case) -> None:
    """Two `sab process` with one output folder."""
    first, second = case.clip(), case.clip()
    out = case.folder / "out"
    line = ("process", str(first), "--out", str(out), "--engine", "draft", "--midi", "none")
    await _commands(case, line, line if case.rng.random() < 0.5 else ("process", str(second), *line[2:]))
    _tell_of(case, case.folder)


async def two_commands_one_clip(case: Case) -> None:
    """Two `sab process` of one clip, without an output folder."""
    line = ("process", str(case.clip()), "--engine", "draft", "--midi", "none")
    await _commands(case, line, line)
    _tell_of(case, case.folder)
    folders = [path for path in (case.folder / "stems").iterdir() if path.is_dir()]
    if len(folders) != 2:
        case.found("lost", f"two commands, {len(folders)} folders")


async def command_beside_server(case: Case) -> None:
    """`sab process` beside the server's job, both of one clip."""
    clip = case.clip()
    job = await case.submit(clip, "midi", "none")
    await _commands(case, ("process", str(clip), "--engine", "draft", "--midi", "none"))
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    _tell_of(case, case.folder)


async def one_clip_many_jobs(case: Case) -> None:
    """Ten jobs with one output folder: each result is there once."""
    clip, out = case.clip(), case.folder / "out"
    for _ in range(10):
        await case.submit(clip, "out", str(out), "midi", "none")


def _tell_of(case: Case, folder: Path) -> None:
    """Commands tell of their files elsewhere; here they count as told of where their name is a result's."""
    files = [path for path in folder.rglob("*.wav") if not path.name.startswith(".")]
    case.ours |= set(files)


FAULTS = (
    Fault(KIND, "a second bridge on 127.0.0.2, the same port", same_port_other_address, 10, quick=True),
    Fault(KIND, "a second bridge on another port", other_port, 8),
    Fault(KIND, "a second bridge on the same port", same_port, 6),
    Fault(KIND, "two ‘sab process’ with one output folder", two_commands_one_out, 10, quick=True),
    Fault(KIND, "two ‘sab process’ of one clip", two_commands_one_clip, 8),
    Fault(KIND, "‘sab process’ beside the server, of one clip", command_beside_server, 8),
    Fault(KIND, "ten jobs with one output folder", one_clip_many_jobs, 20),
)
