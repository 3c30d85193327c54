"""Signals ask for an orderly end; the second one ends at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

if sys.platform == "win32":
    pytest.skip("Windows has no such signals", allow_module_level=True)

SCRIPT = """
import asyncio, signal
from bridge.system import ending

async def main():
    async with ending.interruption() as interrupted:
        for name in {names}:
            signal.raise_signal(getattr(signal, name))
            await asyncio.sleep(0)
        await asyncio.wait_for(interrupted.wait(), 0.1)
        print("in order")

{before}
asyncio.run(main())
"""


def end_of(*names: str, before: str = "") -> tuple[int, str]:
    """The exit status and output of a program that gets these signals one after the other."""
    script = SCRIPT.format(names=names, before=before)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, done.stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_asks_for_an_orderly_end(name: str) -> None:
    assert end_of(name) == (0, "in order\n")


@pytest.mark.parametrize("names", [("SIGTERM", "SIGTERM"), ("SIGHUP", "SIGINT"), ("SIGINT", "SIGTERM")])
def test_the_second_signal_ends_at_once(names: tuple[str, str]) -> None:
    status, output = end_of(*names, before="ending.TOGETHER_SECONDS = -1")
    assert (status, output) == (-{"SIGINT": 2, "SIGTERM": 15}[names[1]], "")


@pytest.mark.parametrize("names", [("SIGTERM", "SIGTERM"), ("SIGINT", "SIGTERM", "SIGINT")])
def test_signals_of_one_moment_are_one_wish(names: tuple[str, ...]) -> None:
    """As `timeout` sends them, to its child and then to the child's group."""
    assert end_of(*names, before="ending.TOGETHER_SECONDS = 60") == (0, "in order\n")


def test_a_closed_window_says_so_more_than_once() -> None:
    """The shell passes SIGHUP on, and the system sends it again when the shell has ended."""
    assert end_of("SIGHUP", "SIGHUP", "SIGHUP") == (0, "in order\n")


def test_what_nohup_ignores_stays_ignored() -> None:
    status, output = end_of("SIGHUP", before="signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    assert (status, output) == (1, "")  # nothing has interrupted it, so the waiting is given up


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_command_without_an_end_of_its_own_closes_what_is_open(name: str) -> None:
    script = f"""if True:
        import asyncio, signal
        from bridge.system.ending import signals_as_ctrl_c

        async def main():
            try:
                signal.raise_signal(signal.{name})
                await asyncio.sleep(30)
            finally:
                signal.raise_signal(signal.SIGHUP)  # maybe for the second time
                print("closed")

        with signals_as_ctrl_c():
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
    """
    script = script if name == "SIGHUP" else script.replace("signal.raise_signal(signal.SIGHUP)", "pass")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "closed\ninterrupted\n"), done.stderr


def test_a_command_in_the_background_of_a_script_ends_too() -> None:
    """A shell without job control lets such a command ignore Ctrl-C."""
    script = """if True:
        import asyncio, signal
        from bridge.system.ending import signals_as_ctrl_c

        signal.signal(signal.SIGINT, signal.SIG_IGN)

        async def main():
            try:
                signal.raise_signal(signal.SIGTERM)
                await asyncio.sleep(30)
            finally:
                print("closed")

        with signals_as_ctrl_c():
            try:
                asyncio.run(main())
            except KeyboardInterrupt:
                print("interrupted")
    """
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=30, check=False)
    assert (done.returncode, done.stdout) == (0, "closed\ninterrupted\n"), done.stderr
