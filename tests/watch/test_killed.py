"""A watch that is killed at every place where something was, or was just not, written down: each clip is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from bridge.request import JobRequest
from bridge.watch.ledger import ClipLedger, read_ledger
from bridge.watch.values import WatchedClip
from tests.watch.bench import PATIENCE_SECONDS, WatchBench

NAMES = ("a.wav", "b.wav", "c.wav")
#: Each clip is written as about to be submitted, with its job, and as done.
WRITES = range(1, 3 * len(NAMES) + 1)


class Killed(BaseException):  # as nothing that a program expects
    """Ends the watch at once."""


async def killed(bench: WatchBench) -> None:
    """Watches until the watch is killed."""
    async with bench.watching(is_polled=True):
        await bench.until(lambda: "watched no more" in bench.words())


async def check(bench: WatchBench) -> None:
    """The next watch does what is left, and nothing twice."""
    async with bench.watching(is_polled=True) as watch:
        bench.bridge.work_through()
        await asyncio.wait_for(watch.until_idle(), PATIENCE_SECONDS)
    assert sorted(bench.bridge.sources) == [*NAMES]
    assert {clip.state for clip in read_ledger(bench.root / "state", bench.folder).values()} == {"done"}


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("number", WRITES)
async def test_at_each_write_to_the_ledger(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, moment: str
) -> None:
    bench, put, count = WatchBench(tmp_path), ClipLedger.put, 0
    bench.put(*NAMES)

    def put_and_die(ledger: ClipLedger, clips: Iterable[WatchedClip]) -> None:
        nonlocal count
        count += 1
        if count == number and moment == "before":
            raise Killed
        put(ledger, clips)
        if count == number:
            raise Killed

    monkeypatch.setattr(ClipLedger, "put", put_and_die)
    await killed(bench)
    await check(bench)


@pytest.mark.parametrize("number", range(1, len(NAMES) + 1))
async def test_while_the_bridge_has_the_job_and_has_not_said_so(tmp_path: Path, number: int) -> None:
    bench = WatchBench(tmp_path)
    bench.put(*NAMES)
    submit = bench.bridge.submit

    async def submit_and_die(request: JobRequest, sender: str = "", origin: str = "") -> Any:
        answer = await submit(request, sender, origin)
        if len(bench.bridge.sources) == number:
            raise Killed
        return answer

    bench.bridge.submit = submit_and_die  # type: ignore[method-assign]
    await killed(bench)
    await check(bench)
