from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bridge.processes.child import Child
from tests.support.echo import Die, EchoCommand, EchoReport, Freeze, Greet, Print, Say, Urgent

pytestmark = pytest.mark.end_to_end


class Listener:
    """Collects a child's reports, and waits for them."""

    def __init__(self) -> None:
        self.reports: asyncio.Queue[str] = asyncio.Queue()
        self.exits: asyncio.Queue[str] = asyncio.Queue()
        self.starts = 0
        self.failing = False

    def on_report(self, report: EchoReport) -> None:
        if self.failing:
            raise ZeroDivisionError
        self.reports.put_nowait(report.text)

    async def next(self) -> str:
        return await asyncio.wait_for(self.reports.get(), 30)

    async def exit(self) -> str:
        return await asyncio.wait_for(self.exits.get(), 30)

    def first(self) -> Greet:
        self.starts += 1
        return Greet(text=f"hello {self.starts}")


@asynccontextmanager
async def running(
    heartbeat_timeout_seconds: float = 30.0,
) -> AsyncIterator[tuple[Child[EchoCommand, EchoReport], Listener]]:
    listener = Listener()
    child: Child[EchoCommand, EchoReport] = Child(
        "tests.support.echo",
        EchoReport,
        first=listener.first,
        on_report=listener.on_report,
        on_exit=listener.exits.put_nowait,
        heartbeat_timeout_seconds=heartbeat_timeout_seconds,
    )
    await child.start()
    try:
        assert (await listener.next()).startswith("hello")
        yield child, listener
    finally:
        await child.close()


async def test_commands_and_reports_keep_their_order() -> None:
    async with running() as (child, listener):
        for number in range(100):
            child.send(Say(text=f"ä {number}"))
        assert [await listener.next() for _ in range(100)] == [f"ä {number}" for number in range(100)]


async def test_a_large_message_arrives_whole() -> None:
    async with running() as (child, listener):
        child.send(Say(text="x" * 3_000_000))
        assert len(await listener.next()) == 3_000_000


async def test_what_libraries_print_does_not_break_the_channel() -> None:
    async with running() as (child, listener):
        child.send(Print(text="Loading model …"))
        assert await listener.next() == "printed"
        child.send(Say(text="still here"))
        assert await listener.next() == "still here"


async def test_an_urgent_command_is_handled_first() -> None:
    async with running() as (child, listener):
        child.send(Urgent())
        assert await listener.next() == "urgent"


async def test_a_child_that_dies_is_restarted_and_its_last_line_is_reported() -> None:
    async with running() as (child, listener):
        child.send(Die(text="the ceiling fell down"))
        assert await listener.exit() == "the ceiling fell down"
        assert await listener.next() == "hello 2"
        child.send(Say(text="back"))
        assert await listener.next() == "back"
        assert listener.starts == 2


async def test_the_first_message_precedes_every_command() -> None:
    listener = Listener()
    child: Child[EchoCommand, EchoReport] = Child(
        "tests.support.echo",
        EchoReport,
        first=listener.first,
        on_report=listener.on_report,
        on_exit=listener.exits.put_nowait,
    )
    await child.start()
    child.send(Say(text="at once"))
    assert [await listener.next(), await listener.next()] == ["hello 1", "at once"]
    await child.close()


def test_a_child_whose_parent_goes_before_the_first_message_ends_by_itself() -> None:
    child = subprocess.run([sys.executable, "-m", "tests.support.echo"], check=False, capture_output=True, input=b"")
    assert (child.returncode, child.stdout, child.stderr) == (0, b"", b"")


async def test_a_child_that_is_killed_is_restarted() -> None:
    async with running() as (child, listener):
        child.kill()
        assert "SIGKILL" in await listener.exit()
        assert (await listener.next()).startswith("hello")


async def test_a_signal_without_a_name_is_reported_by_its_number() -> None:
    async with running() as (child, listener):
        assert child.pid is not None
        os.kill(child.pid, signal.SIGRTMIN + 2)
        assert await listener.exit() == f"ended by signal {signal.SIGRTMIN + 2}"
        assert (await listener.next()).startswith("hello")


async def test_an_error_in_a_callback_does_not_end_the_supervision(caplog: pytest.LogCaptureFixture) -> None:
    async with running() as (child, listener):
        listener.failing = True
        child.send(Say(text="one"))
        child.send(Die(text="two"))
        assert await listener.exit() == "two"
        listener.failing = False
        assert (await listener.next()).startswith("hello")
    assert "a callback failed" in caplog.text


async def test_a_child_that_hangs_is_replaced() -> None:
    async with running(heartbeat_timeout_seconds=2.5) as (child, listener):
        child.send(Freeze())
        assert "SIGKILL" in await listener.exit()
        assert (await listener.next()).startswith("hello")


async def test_a_child_ends_when_its_pipe_closes() -> None:
    async with running() as (child, listener):
        assert child.pid is not None
        await child.close()
        assert listener.exits.empty()
    assert child.pid is None


async def test_commands_to_a_child_that_is_down_are_dropped() -> None:
    async with running() as (child, _):
        await child.close()
        child.send(Say(text="nobody receives this"))
