"""The process that looks at files first: what it refuses, and what becomes of a look that hangs or crashes."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import BridgeError, NotReadable
from bridge.inspector.__main__ import refusal_of
from bridge.inspector.client import MOST_LOOKS, InspectorClient
from bridge.inspector.messages import Inspect, Limits
from bridge.model import JobRequest
from tests.support.bench import Bench
from tests.support.far_away import out_of_reach
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end


@asynccontextmanager
async def inspecting(answer_seconds: float = 60.0) -> AsyncIterator[InspectorClient]:
    inspector = InspectorClient(Settings(), answer_seconds=answer_seconds)
    await inspector.start()
    try:
        yield inspector
    finally:
        await inspector.close()


def request(path: Path) -> JobRequest:
    return JobRequest(source=str(path))


def broken(folder: Path) -> dict[str, dict[str, object]]:
    """Requests that cannot be done, by their code."""
    clip, text = write(folder / "clip.wav", music(2.0)), folder / "text.wav"
    text.write_text("I am a text file.")
    return {
        "not_found": {"source": str(folder / "gone.wav")},
        "not_readable": {"source": str(folder)},
        "not_audio": {"source": str(text)},
        "too_long": {"source": str(clip)},
        "bad_arguments": {"source": str(clip), "start_seconds": 99.0},
        "not_writable": {"source": str(clip), "end_seconds": 0.5, "picture": str(folder / "nowhere" / "a.svg")},
    }


@pytest.mark.parametrize(
    "code", ["not_found", "not_readable", "not_audio", "too_long", "bad_arguments", "not_writable"]
)
def test_what_it_refuses_the_worker_would_have_refused_by_the_same_words(tmp_path: Path, code: str) -> None:
    wanted = broken(tmp_path)[code]
    refusal = refusal_of(Inspect(token=1, request=JobRequest(**wanted)), Limits(max_seconds=1.0))  # type: ignore[arg-type]
    failure = Bench(max_seconds=1.0).run(Path(str(wanted.pop("source"))), **wanted).failure
    assert refusal is not None
    assert failure is not None
    assert (refusal.code, f"{refusal.message} {refusal.advice}".strip()) == (failure.code, failure.message)
    assert refusal.code == code


def test_results_outside_the_roots_are_refused(tmp_path: Path, clip: Path) -> None:
    inside, outside = JobRequest(source=str(clip)), JobRequest(source=str(clip), out=str(tmp_path.parent))
    limits = Limits(max_seconds=60.0, roots=(str(clip.parent),))
    assert refusal_of(Inspect(token=1, request=inside), limits) is None
    refusal = refusal_of(Inspect(token=2, request=outside), limits)
    assert refusal is not None
    assert refusal.code == "outside_roots"


async def test_a_good_file_passes_and_a_bad_one_comes_back_as_an_error(clip: Path) -> None:
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with pytest.raises(BridgeError, match="is empty") as caught:
            (clip.parent / "empty.wav").touch()
            await inspector.inspect(request(clip.parent / "empty.wav"))
        assert caught.value.code == "not_audio"
        assert caught.value.advice.startswith("Name a WAV")


async def test_a_file_that_does_not_answer_is_refused_and_others_are_looked_at_meanwhile(clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(0.1))
    async with inspecting() as inspector:
        with out_of_reach(hanging):
            await inspector.inspect(request(clip))
            inspector._answer_seconds = 0.05
            with pytest.raises(NotReadable, match="does not answer"):
                await inspector.inspect(request(hanging))
            inspector._answer_seconds = 60.0
            await inspector.inspect(request(clip))


async def test_a_process_that_hangs_altogether_is_replaced(clip: Path) -> None:
    (clip.parent / "far").mkdir()
    hanging = write(clip.parent / "far" / "away.wav", music(0.1))
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        before = inspector.pid
        with out_of_reach(hanging):
            inspector._answer_seconds = 0.05
            looks = [inspector.inspect(request(hanging), f"sender {number}") for number in range(MOST_LOOKS)]
            ends = await asyncio.gather(*looks, return_exceptions=True)
            assert NotReadable in {type(end) for end in ends}
            inspector._answer_seconds = 60.0
            await inspector.inspect(request(clip))
        assert inspector.pid not in (before, None)


async def test_a_file_that_ends_the_process_is_let_through_to_the_worker(clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(0.1))
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with out_of_reach(hanging):
            look = asyncio.create_task(inspector.inspect(request(hanging)))
            await asyncio.wait({look}, timeout=0.2)  # it is on its way, and will not come back by itself
            assert inspector._looks
            assert inspector.pid is not None
            os.kill(inspector.pid, signal.SIGSEGV)
            await asyncio.wait_for(look, 30)
        await inspector.inspect(request(clip))


async def test_a_drive_that_hangs_holds_up_neither_others_nor_long_its_own_folder(clip: Path) -> None:
    (clip.parent / "far away").mkdir()
    album = [write(clip.parent / "far away" / f"{number}.wav", music(0.1)) for number in range(12)]
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with contextlib.ExitStack() as away:
            for song in album:
                away.enter_context(out_of_reach(song))
            inspector._answer_seconds = 1.0
            dropped = [asyncio.create_task(inspector.inspect(request(song), "me")) for song in album]
            await asyncio.sleep(0)  # they are on their way
            inspector._answer_seconds = 60.0
            await inspector.inspect(request(clip), "somebody else")
            assert not all(look.done() for look in dropped)
            ends = await asyncio.gather(*dropped, return_exceptions=True)
        assert {type(end) for end in ends[:2]} == {NotReadable}
        assert {type(end) for end in ends[2:]} <= {NotReadable, type(None)}, "refused at once, or taken unseen"


async def test_closing_lets_go_of_who_waits(clip: Path) -> None:
    hanging = write(clip.parent / "far away.wav", music(0.1))
    async with inspecting() as inspector:
        await inspector.inspect(request(clip))
        with out_of_reach(hanging):
            look = asyncio.create_task(inspector.inspect(request(hanging)))
            await asyncio.wait({look}, timeout=0.2)  # it is on its way, and will not come back by itself
            assert inspector._looks
            await inspector.close()
            await asyncio.wait_for(look, 30)
