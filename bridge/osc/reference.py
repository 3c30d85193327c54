"""Generates the tables of `docs/osc.md` from the tables that the code uses.

`python -m bridge.osc.reference docs/osc.md` brings the file up to date.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from bridge.model import WARNINGS
from bridge.options.table import OPTIONS
from bridge.osc.addresses import FAIL_CODES, OUTGOING, PUSHES, REQUESTS, Outgoing, Request


def updated(document: str) -> str:
    """`document` with each table, between `<!-- table: NAME -->` and `<!-- end -->`, regenerated.

    Raises:
        KeyError: there is no table of that name.
    """

    def table(match: re.Match[str]) -> str:
        return f"{match[1]}\n{TABLES[match[2]]()}\n{match[3]}"

    return re.sub(r"(<!-- table: (\w+) -->)\n.*?(<!-- end -->)", table, document, flags=re.DOTALL)


def requests() -> str:
    return _table(("request", "answer", "what it does"), (_request_row(request) for request in REQUESTS.values()))


def answers() -> str:
    return _messages(outgoing for outgoing in OUTGOING if outgoing not in PUSHES)


def pushes() -> str:
    return _messages(PUSHES)


def keys() -> str:
    rows = [(f"`{option.name}`", option.words, option.help) for option in OPTIONS.values()]
    req = (
        "`req`",
        "text",
        "Your token for this request: it comes back in the answer, and a repeated message has no effect.",
    )
    return _table(("key", "values", "what it does"), [*rows, req])


def codes() -> str:
    return _table(("code", "what to do"), ((f"`{code}`", advice) for code, advice in FAIL_CODES.items()))


def warnings() -> str:
    return _table(("code", "what happened"), ((f"`{code}`", words) for code, words in WARNINGS.items()))


TABLES: dict[str, Callable[[], str]] = {
    "requests": requests,
    "answers": answers,
    "pushes": pushes,
    "keys": keys,
    "warnings": warnings,
    "codes": codes,
}


def _request_row(request: Request) -> tuple[str, ...]:
    addresses = ", ".join(f"`{reply.address}`" for reply in request.replies)
    return _call(request), addresses, request.help


def _messages(messages: Iterable[Outgoing]) -> str:
    return _table(("message", "meaning"), ((_call(message), message.help) for message in messages))


def _call(row: Request | Outgoing) -> str:
    more = " [key value]…" if isinstance(row, Request) and row.keys else ""
    return f"`{row.address} {row.signature}{more}`".replace(" `", "`")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        page = Path(name)
        page.write_text(updated(page.read_text(encoding="utf-8")), encoding="utf-8")
