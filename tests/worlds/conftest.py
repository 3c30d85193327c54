"""Prints the table of commands and worlds at the end of a run."""

from __future__ import annotations

from collections import defaultdict

import pytest

from tests.worlds.places import WORLDS
from tests.worlds.table import COMMANDS, DoesNotRun

MARKS = {"passed": "✓", "failed": "✗", "skipped": "s"}


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    results: dict[str, dict[str, str]] = defaultdict(dict)
    total_seconds = 0.0
    for outcome, mark in MARKS.items():
        for report in terminalreporter.getreports(outcome):
            properties = dict(report.user_properties)
            if "world" in properties:
                seconds = float(properties.get("seconds", 0.0))
                total_seconds += seconds
                results[properties["command"]][properties["world"]] = f"{mark}{seconds:.0f}s"
    if not results:
        return
    terminalreporter.section("commands that README and docs show, in the worlds that users have")
    width = max(map(len, WORLDS)) + 1
    terminalreporter.write_line(" " * 58 + "".join(name.rjust(width) for name in WORLDS))
    for command in COMMANDS:
        if command in results:
            cells = (results[command].get(world, "·").rjust(width) for world in WORLDS)
            terminalreporter.write_line(command[:57].ljust(58) + "".join(cells))
    for command, row in COMMANDS.items():
        if isinstance(row, DoesNotRun):
            terminalreporter.write_line(f"{command[:57].ljust(58)} not run: {row.why}")
    terminalreporter.write_line(f"{sum(map(len, results.values()))} runs in {total_seconds:.0f} s")
