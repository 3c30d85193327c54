"""Writes the tables of `docs/reliability.md` from the results in `build/reliability`.

    python -m tests.reliability.report docs/reliability.md

Each JSON file there is a list of rows, or `{"origin": …, "rows": …}`; a row says how often a fault was injected, in how
many injections everything held, and in how many something was lost, stuck, partial, or written outside.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

RESULTS = Path("build", "reliability")
COUNTS = ("times", "held", "lost", "stuck", "partial", "outside")
_BETWEEN = re.compile(r"(<!-- table: reliability -->\n).*?(<!-- end -->)", re.DOTALL)
Row: TypeAlias = Mapping[str, object]


def origin() -> str:
    """The commit, the day and the machine of a run, in words."""
    described = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    ).stdout.strip()
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%d %B %Y").lstrip("0")
    return f"commit {described or 'unknown'}, {day}, {os.cpu_count()} cores, {platform.system()} {platform.machine()}"


def read(file: Path) -> tuple[str, list[Row]]:
    """The origin of a file of results, and its rows.

    Raises:
        ValueError: it is no such file.
    """
    content = json.loads(file.read_text(encoding="utf-8"))
    rows = content["rows"] if isinstance(content, dict) else content
    if not isinstance(rows, list) or any(not {"kind", "fault", *COUNTS} <= row.keys() for row in rows):
        raise ValueError(f"{file} holds no rows of faults")
    return (content.get("origin", "") if isinstance(content, dict) else ""), rows


def table(rows: Sequence[Row]) -> str:
    """A Markdown table: a heading row for each kind, its faults, and a sum."""
    lines = ["| what was done | times | held | lost | stuck | partial | outside |", "|---|" + "---:|" * len(COUNTS)]
    kinds = dict.fromkeys(str(row["kind"]) for row in rows)
    for kind in kinds:
        lines.append(f"| **{_text(kind)}** |" + " |" * len(COUNTS))
        lines += [_line(str(row["fault"]), row) for row in rows if row["kind"] == kind]
    lines.append(_line("**all**", {name: sum(_number(row, name) for row in rows) for name in COUNTS}))
    return "\n".join(lines)


def with_tables(page: str, files: Iterable[Path]) -> str:
    """The page with a table for each file of results.

    Raises:
        ValueError: the page has no place for them, or a file is none.
    """
    parts = []
    for file in files:
        where, rows = read(file)
        parts.append(f"`{file.name}`{': ' if where else ''}{where}.\n\n{table(rows)}\n")
        notes = [f"- {_text(str(row['fault']))}: {_text(str(row['note']))}" for row in rows if row.get("note")]
        if notes:
            parts.append("\n".join(["What did not hold, or was not tried:", "", *notes, ""]))
    if not _BETWEEN.search(page):
        raise ValueError("the page has no place for the table")
    return _BETWEEN.sub(lambda match: match[1] + "\n" + "\n".join(parts) + "\n" + match[2], page)


def _line(name: str, row: Row) -> str:
    shown = [_text(name), *(f"{_number(row, column):,}".replace(",", " ") for column in COUNTS)]
    return f"| {' | '.join(shown)} |"


def _number(row: Row, name: str) -> int:
    return int(str(row[name]))


def _text(words: str) -> str:
    return words.replace("|", "/").replace("\n", " ").replace("<", "‹").replace("[", "(").replace("]", ")")


def main() -> int:
    page = Path(sys.argv[1])
    files = sorted(RESULTS.glob("*.json"))
    if not files:
        print(f"There are no results in {RESULTS}: python -m tests.reliability.faults")
        return 1
    page.write_text(with_tables(page.read_text(encoding="utf-8"), files), encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
