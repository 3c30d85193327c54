"""Checks the tokens of a script for anything later than ES5, which Max's `js` would reject.

The tests use a full parser, in Node; this check needs no other program, so it runs in every build.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_TOKEN = re.compile(
    r"""(?P<space>\s+|//[^\n]*|/\*.*?\*/)
    |(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')
    |(?P<template>`)
    |(?P<word>[A-Za-z_$][\w$]*)
    |(?P<number>0[xX][0-9a-fA-F]+|0[bBoO]\w+|\d[\d_]*(?:\.\d*)?(?:[eE][+-]?\d+)?n?|\.\d+)
    |(?P<arrow>=>)|(?P<spread>\.\.\.)|(?P<later>\?\.(?!\d)|\?\?|\*\*)
    |(?P<sign>[{}()\[\];,<>=!+\-*%&|^~?:./])""",
    re.VERBOSE | re.DOTALL,
)
_LATER_WORDS = frozenset({"let", "const", "class", "async", "await", "yield", "import", "export", "extends", "super"})
#: After these a slash is a division; after anything else it starts a regular expression.
_VALUE_ENDS = re.compile(r"[\w$)\]}\"']$")
_BEFORE_PATTERN = frozenset({"return", "typeof", "case", "in", "of", "delete", "void", "throw", "new"})
_PATTERN = re.compile(r"/(?:[^/\\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*")
_PAIRS = {")": "(", "]": "[", "}": "{"}


def es5_faults(script: str) -> Iterator[str]:
    """Yields each token that is not ES5, and each unbalanced bracket, with its line."""
    open_brackets: list[tuple[str, int]] = []
    at, last, line = 0, "", 1
    while at < len(script):
        is_pattern = script[at] == "/" and script[at : at + 2] not in ("//", "/*") and (
            last in _BEFORE_PATTERN or not _VALUE_ENDS.search(last)
        )  # fmt: skip
        match = (_PATTERN if is_pattern else _TOKEN).match(script, at)
        if match is None:
            yield f"line {line}: {script[at : at + 20]!r} is not JavaScript"
            return
        kind, found = ("pattern", match[0]) if is_pattern else (match.lastgroup or "", match[0])
        is_name = last == "." or script[match.end() :].lstrip().startswith(":")  # as in `x.class`, `{class: 1}`
        is_later_word = kind == "word" and found in _LATER_WORDS and not is_name
        is_later_number = kind == "number" and re.search(r"^0[bBoO]|_|n$", found)
        if kind in ("template", "arrow", "spread", "later") or is_later_word or is_later_number:
            yield f"line {line}: {found} is later than ES5"
        elif kind == "sign" and found in _PAIRS.values():
            open_brackets.append((found, line))
        elif kind == "sign" and found in _PAIRS and (not open_brackets or open_brackets.pop()[0] != _PAIRS[found]):
            yield f"line {line}: {found} closes nothing"
            return
        if kind != "space":
            last = '"' if kind in ("text", "pattern") else found
        line += found.count("\n")
        at = match.end()
    for bracket, opened in open_brackets:
        yield f"line {opened}: {bracket} is never closed"
