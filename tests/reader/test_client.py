"""The reader as a process: started when it is needed, replaced when it dies, ended when nobody asks."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.config import Settings
from bridge.errors import Cancelled, EngineFailed, NotFound
from bridge.model import Job, Result
from bridge.pipeline.cache.store import ResultsCache
from bridge.reader.client import ReaderClient
from bridge.transcription.registry import TranscriberRegistry
from tests.support.bench import Bench
from tests.support.fakes import FakeClock
from tests.support.requests import request_for
from tests.support.separators import OneEngine, SharesSeparator
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end


def job_in(folder: Path) -> Job:
    stem = Result(kind="stem", name="bass", folder=str(folder), file="b.wav", seconds=3.0)
    return Job(
        id="a", name="song", request=request_for(folder / "song.wav"), submitted_unix=0.0, state="done",
        output_dir=str(folder), results=(stem,),
    )  # fmt: skip


@asynccontextmanager
async def reading(
    folder: Path, idle_seconds: float = 60.0, answer_seconds: float = 60.0
) -> AsyncIterator[ReaderClient]:
    def look_up(job: str) -> Job:
        if job != "a":
            raise NotFound(f"There is no job {job}.")
        return job_in(folder)

    client = ReaderClient(
        Settings(cache_dir=folder / "cache"), look_up, idle_seconds=idle_seconds, answer_seconds=answer_seconds
    )
    try:
        yield client
    finally:
        await client.close()


async def test_it_starts_when_it_is_first_asked(tmp_path: Path) -> None:
    async with reading(tmp_path) as client:
        assert not client.pid
        view = await client.open("a")
        assert (view.job, view.seconds, [stem.stem for stem in view.stems]) == ("a", 3.0, ["bass"])
        pid = client.pid
        assert pid is not None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


async def test_an_unknown_job_is_refused_without_the_process(tmp_path: Path) -> None:
    async with reading(tmp_path) as client:
        with pytest.raises(NotFound):
            await client.open("b")
        assert client.pid is None


async def test_a_refusal_comes_back_with_its_code(tmp_path: Path) -> None:
    async with reading(tmp_path) as client:
        with pytest.raises(NotFound, match="record of song is gone"):
            await client.notes("a", job_in(tmp_path).request)


async def test_a_killed_process_fails_its_question_and_the_next_is_answered(tmp_path: Path) -> None:
    async with reading(tmp_path) as client:
        await client.open("a")
        assert client.pid is not None
        os.kill(client.pid, signal.SIGSTOP)
        asked = asyncio.ensure_future(client.open("a"))
        await asyncio.sleep(0)
        os.kill(client.pid, signal.SIGKILL)
        with pytest.raises(EngineFailed, match="has ended"):
            await asked
        view = await client.open("a")
        assert view.seconds == 3.0


async def test_of_questions_that_wait_only_the_newest_is_answered(tmp_path: Path) -> None:
    async with reading(tmp_path) as client:
        request = job_in(tmp_path).request
        answers = await asyncio.gather(
            client.open("a"), *(client.notes("a", request) for _ in range(3)), return_exceptions=True
        )
        assert [type(answer) for answer in answers[1:]] == [Cancelled, Cancelled, NotFound]


async def test_it_ends_when_nobody_asks_any_more_and_starts_again(tmp_path: Path) -> None:
    async with reading(tmp_path, idle_seconds=0.0) as client:
        await client.open("a")
        first = client.pid
        await asyncio.sleep(0)  # the timer of no seconds
        await asyncio.sleep(0)
        assert (await client.open("a")).seconds == 3.0
        assert client.pid != first


async def test_a_process_that_does_not_answer_is_not_waited_for(tmp_path: Path) -> None:
    async with reading(tmp_path, answer_seconds=0.01) as client:  # it cannot have started within that time
        with pytest.raises(EngineFailed, match="in time"):
            await client.open("a")


async def test_a_newer_question_is_answered_in_the_middle_of_an_older_one(tmp_path: Path) -> None:
    cache = ResultsCache(tmp_path / "cache", 10**9, FakeClock())
    clip = write(tmp_path / "song.wav", music(20.0))
    bench = Bench(OneEngine(SharesSeparator()), cache=cache, transcribers=TranscriberRegistry())
    job = replace(bench.run(clip, name="song"), name="song")
    request = replace(job.request, reading=replace(job.request.reading, sensitivity=0.8))
    client = ReaderClient(Settings(cache_dir=tmp_path / "cache"), lambda _: job)
    try:
        whole = await client.notes("a", request)
        older = asyncio.ensure_future(client.notes("a", job.request))
        await asyncio.sleep(0)
        span = await client.notes("a", request, 2.0, 6.0, ("bass",))
        with pytest.raises(Cancelled):
            await older
        inside = [note for note in whole.parts["bass"] if note.onset_seconds < 6.0 and note.offset_seconds > 2.0]
        assert span.parts == {"bass": tuple(inside)}
        assert await client.notes("a", request) == whole
    finally:
        await client.close()
