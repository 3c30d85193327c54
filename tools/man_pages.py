"""Makes the manual pages in `man/`, a page for each command, from the command line's own tables.

    python -m tools.man_pages          # writes them
    man -l man/sab-process.1           # shows one

They are installed with the wheel under `share/man/man1`. Equal tables give equal pages: they have no date.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from bridge.cli.main import app
from bridge.cli.shared import EXIT_STATUSES

FOLDER = Path(__file__).parents[1] / "man"
_CODE = re.compile(r"`([^`]*)`")
#: The panel of options without one.
_OTHER = "Other options"
#: Typer's own, whose words follow its version; `sab completion` does the same.
_TYPERS = ("install_completion", "show_completion")


def pages() -> dict[str, str]:
    """File name → page, for `sab` and each of its commands."""
    program = typer.main.get_command(app)
    return {f"{name.replace(' ', '-')}.1": page(name, command) for name, command in _commands("sab", program)}


def page(name: str, command: Any) -> str:
    """The page of one command, in the macros of man(7)."""
    summary, _, rest = (command.help or "").strip().partition("\n")
    title = name.replace(" ", "-")
    lines = [
        f'.TH {title.upper()} 1 "" "Source Audio Bridge"',
        ".SH NAME",
        f"{_plain(title)} \\- {_text(summary.rstrip('.'))}",
        ".SH SYNOPSIS",
        f".B {_plain(name)}",
        *_synopsis(command),
        ".SH DESCRIPTION",
        _text(summary),
        *(f".PP\n{_text(part)}" for part in re.split(r"\n\s*\n", rest.strip()) if part),
        *_arguments(command),
        *_options(command),
        *_list("COMMANDS", [(each, _first_line(sub)) for each, sub in getattr(command, "commands", {}).items()]),
        *_list("EXIT STATUS", [(str(status), words) for status, words in EXIT_STATUSES.items()]),
        ".SH SEE ALSO",
        *_others(name, command),
    ]
    return "\n".join(lines) + "\n"


def _commands(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    for each, sub in getattr(command, "commands", {}).items():
        yield from _commands(f"{name} {each}", sub)


def _synopsis(command: Any) -> Iterator[str]:
    yield "[\\fIOPTIONS\\fR]"
    for parameter in command.params:
        if parameter.param_type_name == "argument":
            words = f"\\fI{_plain(_value(parameter))}\\fR"
            yield words if parameter.required else f"[{words}]"
    if hasattr(command, "commands"):
        yield "[\\fICOMMAND\\fR]"


def _arguments(command: Any) -> Iterator[str]:
    given = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    yield from _list("ARGUMENTS", [(_value(parameter), parameter.help or "") for parameter in given])


def _options(command: Any) -> Iterator[str]:
    """Every option below its panel, as the help has them."""
    panels: dict[str, list[tuple[str, str]]] = {}
    for parameter in command.params:
        if parameter.param_type_name == "option" and not parameter.hidden and parameter.name not in _TYPERS:
            names = ", ".join((*parameter.opts, *parameter.secondary_opts))
            value = "" if parameter.is_flag else f" {_value(parameter)}"
            panels.setdefault(parameter.rich_help_panel or _OTHER, []).append((names + value, parameter.help or ""))
    for index, (panel, rows) in enumerate(panels.items()):
        if index == 0:
            yield ".SH OPTIONS"
        yield f'.SS "{_plain(panel)}"'
        yield from _rows(rows)


def _value(parameter: Any) -> str:
    """What stands for the value."""
    return str(parameter.metavar or parameter.name.rpartition("_")[2].upper())


def _list(title: str, rows: list[tuple[str, str]]) -> Iterator[str]:
    if rows:
        yield f".SH {title}"
        yield from _rows(rows)


def _rows(rows: list[tuple[str, str]]) -> Iterator[str]:
    for name, words in rows:
        yield f".TP\n.B {_plain(name)}\n{_text(words)}"


def _others(name: str, command: Any) -> Iterator[str]:
    above = name.rpartition(" ")[0]
    below = [f"{name} {each}" for each in getattr(command, "commands", {})]
    named = [each.replace(" ", "-") for each in (above, *below) if each]
    yield ",\n".join(f"\\fB{_plain(each)}\\fR(1)" for each in named)


def _first_line(command: Any) -> str:
    return (command.help or "").strip().partition("\n")[0]


def _text(words: str) -> str:
    """Words as they stand, with code in bold; no line of theirs is taken for a macro."""
    parts = _CODE.split(" ".join(words.split()))
    text = "".join(f"\\fB{_plain(part)}\\fR" if index % 2 else _plain(part) for index, part in enumerate(parts))
    return f"\\&{text}" if text.startswith((".", "'")) else text


def _plain(words: str) -> str:
    return words.replace("\\", "\\e").replace("-", "\\-").replace('"', "\\(dq")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    made = pages()
    for path in FOLDER.glob("*.1"):
        if path.name not in made:
            path.unlink()
    for name, content in made.items():
        (FOLDER / name).write_text(content, encoding="utf-8")
    print(f"{len(made)} pages in {FOLDER}")


if __name__ == "__main__":
    main()
