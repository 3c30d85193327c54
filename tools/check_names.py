"""Fails where two modules of the product define a public class or function of the same name: `make check` runs it.

A reader who searches for a name finds one thing. A duplicate that is right stands in `EXCEPTIONS`, with the reason.
"""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).parents[1]
PRODUCT = ("bridge", "tui", "max_for_live")
MOST_MODULES = 18
#: Name → why it may be defined more than once.
EXCEPTIONS: Mapping[str, str] = {
    "main": "the entry point of each `python -m`",
    "submit": "the command `sab submit` and the handler of `/sab/submit` each bear their address's name",
    "Port": "`jack_client.Port` has the names of the package JACK-Client, in whose place it stands",
}


def public_names(root: Path) -> dict[str, list[Path]]:
    """Each public class and function at the top level of a module → the modules that define it."""
    found: dict[str, list[Path]] = defaultdict(list)
    for room in PRODUCT:
        for file in sorted((root / room).rglob("*.py")):
            for node in ast.parse(file.read_text(encoding="utf-8")).body:
                if isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)) and node.name[0] != "_":
                    found[node.name].append(file.relative_to(root))
    return found


def faults(root: Path) -> list[str]:
    """What is wrong, a line each: names that stand twice, exceptions that nothing needs, folders that are too full."""
    twice = {name: files for name, files in public_names(root).items() if len(files) > 1}
    wrong = [
        f"{name} is defined in {', '.join(map(str, files))}" for name, files in twice.items() if name not in EXCEPTIONS
    ]
    wrong += [f"{name} needs no exception any more" for name in EXCEPTIONS if name not in twice]
    for room in PRODUCT:
        for folder in [root / room, *(path for path in (root / room).rglob("*") if path.is_dir())]:
            modules = [file for file in folder.glob("*.py") if not file.name.startswith("__")]
            if len(modules) > MOST_MODULES:
                wrong.append(f"{folder.relative_to(root)} has {len(modules)} modules; {MOST_MODULES} are the limit")
    return sorted(wrong)


def main() -> int:
    found = faults(ROOT)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
