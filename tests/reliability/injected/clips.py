"""Clips that change or vanish while they are read, and clips that are none."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from tests.reliability.case import Case
from tests.reliability.fault import Fault

KIND = "clip"
OUTCOMES = ("done", "failed")


async def _changed(case: Case, change: Callable[[Path], None]) -> None:
    """Changes the clip of a job at a random moment, from before its inspection on."""
    clip = case.clip(long=True)
    moment = case.rng.choice(("queued", "loading", "separating", "transcribing"))
    job = await case.submit(clip, ends=OUTCOMES)
    await case.reaches(job, moment, 0.2)
    change(clip)
    case.ours.add(clip)
    await case.bench.hears(lambda: bool(case.bench.jobs[job].outcome), 30)
    await case.submit(case.clip(), "midi", "none")


async def removed(case: Case) -> None:
    await _changed(case, Path.unlink)


async def cut(case: Case) -> None:
    await _changed(case, lambda clip: os.truncate(clip, case.rng.randrange(clip.stat().st_size)))


async def rewritten(case: Case) -> None:
    """It is rendered anew: other samples, another length."""

    def render(clip: Path) -> None:
        content = bytearray(clip.read_bytes())
        content[44:] = case.rng.randbytes(len(content) - 44)
        clip.write_bytes(content[: case.rng.randrange(44, len(content))])

    await _changed(case, render)


async def replaced(case: Case) -> None:
    """Something else has its name: a pipe, a folder, a link to a clip outside."""

    def replace(clip: Path) -> None:
        clip.unlink()
        match case.rng.randrange(3):
            case 0:
                os.mkfifo(clip)
            case 1:
                clip.mkdir()
                (clip / "inside.txt").touch()
                case.ours.add(clip / "inside.txt")
            case _:
                clip.symlink_to(case.bench.place.secret)

    await _changed(case, replace)


async def grows(case: Case) -> None:
    """A recorder still writes to it."""

    def append(clip: Path) -> None:
        with clip.open("ab") as file:
            file.write(case.rng.randbytes(50_000))

    await _changed(case, append)


async def no_clip(case: Case) -> None:
    """Ten paths that are no clip: each is refused in words."""
    empty, text, torn = case.folder / "empty.wav", case.folder / "text.wav", case.folder / "torn.wav"
    empty.touch()
    text.write_text("RIFF, but only in words " * 100)
    whole = case.clip()
    torn.write_bytes(whole.read_bytes()[: case.rng.randrange(1, 44)])
    loop = case.folder / "loop.wav"
    loop.symlink_to(loop)
    case.ours |= {empty, text, torn, loop}
    long_name = case.folder / ("x" * 300 + ".wav")
    deep = Path("/", *["x" * 200] * 25, "clip.wav")
    for path in (empty, text, torn, loop, case.folder, case.folder / "none.wav", long_name, deep, Path("/dev/zero")):
        if not await case.refused(path, "out", str(case.folder / "out"), "midi", "none"):
            with contextlib.suppress(IndexError):
                case.found("other", f"{path.name[:20]} was accepted")


FAULTS = (
    Fault(KIND, "it is removed in its job", removed, 15),
    Fault(KIND, "it is cut in its job", cut, 15),
    Fault(KIND, "it is rendered anew in its job", rewritten, 15, quick=True),
    Fault(KIND, "a pipe, folder or link takes its place in its job", replaced, 15),
    Fault(KIND, "it grows in its job", grows, 15),
    Fault(KIND, "nine paths that are no clip", no_clip, 25, quick=True),
)
