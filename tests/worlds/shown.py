"""The commands that README and docs show, as they are written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: What a person reads; decisions tell of the past, and show no commands to type.
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
#: What a line of a code block, or a piece of code in a sentence, begins with where it is to be typed.
PROGRAMS = (
    *("sab", ".venv/bin/sab", "make", "uv", "pip", "python", "pytest", "bash", "git"),
    *("jackd", "pw-jack", "ardour7-lua", "oscsend", "sudo", "xcode-select", "killall", "systemctl", "pre-commit"),
)
_BEGINS = "|".join(map(re.escape, PROGRAMS))
_BLOCK_LINE = re.compile(rf"^(?: {{4,}}|\t)((?:{_BEGINS})(?: .*)?)$", re.MULTILINE)
_FENCED = re.compile(r"^ *```(\w*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
_FENCED_LINE = re.compile(rf"^ *((?:{_BEGINS})(?: .*)?)$", re.MULTILINE)
_IN_A_SENTENCE = re.compile(rf"`((?:{_BEGINS})(?: [^`]*)?)`")
_COMMENT = re.compile(r"\s+#\s.*$")
#: Where a program is only named, or drawn.
_NO_COMMAND = re.compile(r"make|uv|pip install|oscsend|ardour7-lua|.*[…─].*")
#: Fenced blocks in which a line is no command.
_OTHER_LANGUAGES = frozenset({"lua", "toml", "json", "js", "mermaid"})


def shown_in(text: str) -> Iterator[str]:
    """Every command in a page of Markdown, on one line and without its comment."""
    found = [match[1] for match in _BLOCK_LINE.finditer(text)]
    for fenced in _FENCED.finditer(text):
        if fenced[1] not in _OTHER_LANGUAGES:
            found += [match[1] for match in _FENCED_LINE.finditer(fenced[2])]
    found += [match[1] for match in _IN_A_SENTENCE.finditer(_FENCED.sub("", text))]
    for command in (" ".join(_COMMENT.sub("", line).split()) for line in found):
        if not _NO_COMMAND.fullmatch(command):
            yield command


def shown() -> dict[str, list[str]]:
    """Every command that is shown, and on which pages."""
    pages: dict[str, list[str]] = {}
    for page in PAGES:
        for command in shown_in(page.read_text(encoding="utf-8")):
            names = pages.setdefault(command, [])
            if (name := str(page.relative_to(ROOT))) not in names:
                names.append(name)
    return pages
