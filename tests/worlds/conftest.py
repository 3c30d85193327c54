"""Prints the table of commands and worlds at the end of a run."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.worlds.places import WORLDS
from tests.worlds.table import COMMANDS, DoesNotRun

SIGNS = {"passed": "✓", "failed": "✗", "skipped": "s"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    ran: dict[str, dict[str, str]] = defaultdict(dict)
    spent = 0.0
    for outcome, sign in SIGNS.items():
        for report in terminalreporter.getreports(outcome):
            told = dict(report.user_properties)
            if "world" in told:
                seconds = float(told.get("seconds", 0.0))
                spent += seconds
                ran[told["command"]][told["world"]] = f"{sign}{seconds:.0f}s"
    if not ran:
        return
    terminalreporter.section("commands that README and docs show, in the worlds that users have")
    width = max(map(len, WORLDS)) + 1
    terminalreporter.write_line(" " * 58 + "".join(name.rjust(width) for name in WORLDS))
    for command in COMMANDS:
        if command in ran:
            cells = (ran[command].get(world, "·").rjust(width) for world in WORLDS)
            terminalreporter.write_line(command[:57].ljust(58) + "".join(cells))
    for command, row in COMMANDS.items():
        if isinstance(row, DoesNotRun):
            terminalreporter.write_line(f"{command[:57].ljust(58)} not run: {row.why}")
    terminalreporter.write_line(f"{sum(map(len, ran.values()))} runs in {spent:.0f} s")
