"""A real server that ends in every way with jobs in its queue: the next one goes on with them."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from bridge.osc.client import OscClient, open_client
from bridge.store.own_folder import LOCK, lock_folder
from tests.support.loopback import free_port
from tests.support.programs import sab, serving
from tests.support.sounds import music, write

pytestmark = pytest.mark.end_to_end

OPTIONS = ("--engine", "draft", "--no-midi", "--no-http")
QUICK = ("midi", "none", "stems", "bass")


async def submitted(client: OscClient, *clips: Path) -> list[str]:
    return [str((await client.ask("/sab/submit", str(clip), *QUICK))[0].arguments[1]) for clip in clips]


async def states(client: OscClient) -> dict[str, str]:
    listed = await client.ask("/sab/list")
    return {str(job.arguments[0]): str(job.arguments[1]) for job in listed if job.address == "/sab/job"}


async def ends_of(client: OscClient, count: int) -> list[tuple[object, ...]]:
    """Job and outcome of the next jobs to end."""
    ends: list[tuple[object, ...]] = []
    while len(ends) < count:
        push = await asyncio.wait_for(client.next_push(), 60)
        if push.address == "/sab/finished":
            ends.append(push.arguments[:2])
    return ends


@pytest.mark.parametrize("end", ["is killed", "is closed"])
async def test_jobs_go_on_after_the_bridge(tmp_path: Path, end: str) -> None:
    long, short = write(tmp_path / "long.wav", music(20.0)), write(tmp_path / "short.wav", music(1.0))
    port, state = free_port(), tmp_path / "state"
    state.mkdir()
    with serving(state, *OPTIONS, port=port, dies=end != "is closed") as server:
        async with open_client(server.host, port) as client:
            await client.ask("/sab/subscribe", 1)
            jobs = await submitted(client, short)
            assert await ends_of(client, 1) == [(jobs[0], "done")]
            jobs += await submitted(client, long, short, short)
            while (await client.next_push()).arguments[:2] != (jobs[1], "separating"):
                continue
            if end == "is killed":  # its worker, which is still at the job, has to end first
                server.process.kill()
    with serving(state, *OPTIONS, port=port) as server:
        async with open_client(server.host, port) as client:
            found = await states(client)
            assert [*found] == jobs
            assert found[jobs[0]] == "done"
            await client.ask("/sab/subscribe", 1)
            assert await ends_of(client, 3) == [(job, "done") for job in jobs[1:]]
    stems = sorted(path.name for path in (tmp_path / "stems").iterdir())
    assert stems == ["long", "short"]  # equal jobs share their folder
    assert not [path for path in tmp_path.rglob("*") if path.name.startswith(".")]


@pytest.mark.skipif(sys.platform == "darwin", reason="a Mac has only one loopback address")
async def test_bridges_at_two_addresses_of_one_port_number_take_nothing_from_each_other(tmp_path: Path) -> None:
    long = write(tmp_path / "long.wav", music(20.0))
    port, state = free_port(), tmp_path / "state"
    state.mkdir()
    (state / "other").mkdir()
    with serving(state, *OPTIONS, port=port):
        async with open_client("127.0.0.1", port) as client:
            await client.ask("/sab/subscribe", 1)
            running, waiting = await submitted(client, long, long)
            while (await client.next_push()).arguments[:2] != (running, "separating"):
                continue
            beside = ("--host", "127.0.0.2", "--state-dir", str(state))
            with serving(state / "other", *OPTIONS, *beside, port=port) as second:
                async with open_client("127.0.0.2", second.port) as other:
                    assert {*(await states(other)).values()} <= {"done"}  # the history is shared, the queue is not
            assert await ends_of(client, 2) == [(running, "done"), (waiting, "done")]
    assert {path.name for path in state.iterdir()} >= {str(port), f"{port}-127.0.0.2"}


def test_a_folder_that_another_bridge_uses_is_refused_with_advice(tmp_path: Path) -> None:
    port = free_port()
    file = lock_folder(tmp_path / str(port))
    assert file is not None
    with file:
        done = sab("serve", "--port", str(port), "--state-dir", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    assert "Another bridge is running" in done.stderr
    assert "--state-dir" in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in (tmp_path / str(port)).iterdir() if path.name != "bridge.log"] == [LOCK]
