"""Finds the commands that README and docs show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: The pages for users and developers; decision records show no commands to run.
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
#: The first words of commands, in code blocks and inline code.
PROGRAMS = (
    *("sab", ".venv/bin/sab", ".venv/bin/uv", "make", "uv", "pip", "pipx", "python", "pytest", "bash", "git"),
    *("jackd", "pw-jack", "ardour7-lua", "oscsend", "sudo", "xcode-select", "killall", "systemctl", "pre-commit"),
)
_BEGINS = "|".join(map(re.escape, PROGRAMS))
_BLOCK_LINE = re.compile(rf"^(?: {{4,}}|\t)((?:{_BEGINS})(?: .*)?)$", re.MULTILINE)
_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FENCED_LINE = re.compile(rf"^ *((?:{_BEGINS})(?: .*)?)$", re.MULTILINE)
_IN_A_SENTENCE = re.compile(rf"`((?:{_BEGINS})(?: [^`]*)?)`")
_COMMENT = re.compile(r"\s+#\s.*$")
#: Text that only names a program, or is part of a drawing.
_NO_COMMAND = re.compile(r"make|uv|python|pip|pip install|oscsend|ardour7-lua|.*[…─].*")
#: Languages of fenced blocks without commands.
_OTHER_LANGUAGES = frozenset({"lua", "toml", "json", "js", "mermaid"})


def shown_in(text: str) -> Iterator[str]:
    """Yields every command in a page of Markdown, as one line without its comment."""
    found = [match[1] for match in _BLOCK_LINE.finditer(text)]
    for fenced in _FENCED.finditer(text):
        if fenced[1] not in _OTHER_LANGUAGES:
            found += [match[1] for match in _FENCED_LINE.finditer(fenced[2])]
    found += [match[1] for match in _IN_A_SENTENCE.finditer(_FENCED.sub("", text))]
    for command in (" ".join(_COMMENT.sub("", line).split()) for line in found):
        if not _NO_COMMAND.fullmatch(command):
            yield command


def shown() -> dict[str, list[str]]:
    """Every command shown → the pages that show it."""
    pages: dict[str, list[str]] = {}
    for page in PAGES:
        for command in shown_in(page.read_text(encoding="utf-8")):
            names = pages.setdefault(command, [])
            if (name := str(page.relative_to(ROOT))) not in names:
                names.append(name)
    return pages
