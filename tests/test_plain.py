"""Text from outside is sanitised, and only a few modules may write to the terminal."""

from __future__ import annotations

import ast
import functools
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import BadArguments
from bridge.plain import REPLACEMENT, plain
from tests.support.hostile import NAMES, names

ROOT = Path(__file__).parent.parent


@given(names)
def test_plain_text_is_one_printable_line(text: str) -> None:
    shown = plain(text)
    assert shown.isprintable()
    assert len(shown) == len(text)
    assert plain(shown) == shown
    shown.encode()


@given(st.text(st.characters(categories=("L", "M", "N", "P", "S"), include_characters=" ")))
def test_printable_text_is_unchanged(text: str) -> None:
    assert plain(text) == text or any(unicodedata.category(character) == "Cn" for character in text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b[31mb", f"a{REPLACEMENT}[31mb"),
        ("a\x9b31mb", f"a{REPLACEMENT}31mb"),
        ("a\r\nb\u2028c", "a  b c"),
        ("no-break\u00a0space", "no-break space"),
        ("\u202egpj.wav", f"{REPLACEMENT}gpj.wav"),
        ("a\u200bb", "a b"),
        ("\udcff.wav", f"{REPLACEMENT}.wav"),
        ("שיר [v] 夜.wav", "שיר [v] 夜.wav"),
    ],
)
def test_each_kind_of_character_is_replaced(text: str, shown: str) -> None:
    assert plain(text) == shown


@pytest.mark.parametrize("name", NAMES)
def test_an_error_message_is_printable(name: str) -> None:
    error = BadArguments(f"There is no {name}.", advice=f"Rename {name}.")
    assert error.message.isprintable()
    assert str(error).isprintable()


#: Functions that write to a terminal or a log, or read a string as markup → the only modules that may use them.
OUTPUT_MODULES = {
    "print": ("bridge/midi/ports/jack_process.py",),  # one line into the pipe to the player
    "pprint": (),
    "typer.echo": (),
    "typer.secho": (),
    "typer.prompt": (),
    "typer.confirm": ("bridge/cli/output/terminal.py",),
    "typer.progressbar": (),
    # an outline goes into the pipe to the main process
    "sys.stdout": ("bridge/cli/output/terminal.py", "bridge/processes/parent.py", "bridge/inspector/outline.py"),
    "sys.stderr": (
        "bridge/cli/output/terminal.py",
        "bridge/processes/log_lines.py",
        "bridge/processes/parent.py",
    ),
    "sys.__stdout__": ("bridge/cli/output/terminal.py",),
    "sys.__stderr__": ("bridge/cli/output/terminal.py",),
    # into a pipe, whose lines the main process logs
    "logging.basicConfig": ("bridge/processes/log_lines.py",),
    "logging.Formatter": ("bridge/cli/logs.py", "bridge/processes/log_lines.py"),
    "logging.StreamHandler": ("bridge/processes/log_lines.py",),
    "warnings.showwarning": (),
    "rich.print": (),
    # the screen's own lines become escapes there, after every text has been made plain
    "rich.console.Console": ("bridge/cli/output/console.py", "tui/terminal/painting.py"),
    "rich.progress.Progress": ("bridge/cli/output/console.py",),
    "rich.progress.TextColumn": ("bridge/cli/output/console.py",),
    "rich.progress.track": (),
    "rich.prompt": (),
    "rich.markup": (),
    "textual.content": (),
    "textual.widgets.Static": ("tui/widgets/plain_text.py",),
    "textual.widgets.Label": (),
    "textual.widgets.Markdown": (),
    "textual.widgets.RichLog": (),
    "textual.widgets.Log": (),
    "textual.widgets.DataTable": (),
    "textual.widgets.option_list.Option": ("tui/widgets/plain_text.py",),
}
#: Attributes that Textual reads as markup, or that make markup of a string.
MARKUP = {
    "border_title": ("tui/widgets/plain_text.py",),
    "border_subtitle": ("tui/widgets/plain_text.py",),
    "tooltip": ("tui/screens/add/form.py", "tui/widgets/key_bar.py"),  # our own words
    "from_markup": (),
    "from_ansi": (),
}


@functools.cache
def sources() -> Sequence[tuple[str, ast.Module]]:
    paths = [path for room in ("bridge", "tui") for path in sorted((ROOT / room).rglob("*.py"))]
    return [(path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))) for path in paths]


def used(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Every imported name that a module uses, in full: `typer.echo`, `rich.console.Console`."""
    known: dict[str, str] = {}
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            known |= {(name.asname or name.name): name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            known |= {(name.asname or name.name): f"{node.module}.{name.name}" for name in node.names}
            yield from ((f"{node.module}.{name.name}", node.lineno) for name in node.names)
            yield str(node.module), node.lineno
    for node in ast.walk(module):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            yield f"{known.get(node.value.id, node.value.id)}.{node.attr}", node.lineno
        elif isinstance(node, ast.Name):
            yield known.get(node.id, node.id), node.lineno


def test_only_listed_modules_print_or_make_markup() -> None:
    found = [
        f"{path}:{line}: {name}"
        for path, module in sources()
        for name, line in used(module)
        if name in OUTPUT_MODULES and path not in OUTPUT_MODULES[name]
    ]
    found += [
        f"{path}:{node.lineno}: .{node.attr}"
        for path, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and node.attr in MARKUP and path not in MARKUP[node.attr]
    ]
    found += [
        f"{path}:{node.lineno}: markup=True"
        for path, module in sources()
        for node in ast.walk(module)
        if isinstance(node, ast.keyword)
        and node.arg == "markup"
        and not (isinstance(node.value, ast.Constant) and node.value.value is False)
    ]
    assert not found


def test_listed_modules_use_what_they_are_listed_for() -> None:
    """Otherwise the table would be out of date and check nothing."""
    names_of = {path: {name for name, _ in used(module)} for path, module in sources()}
    for name, modules in OUTPUT_MODULES.items():
        for path in modules:
            assert name in names_of[path], (name, path)


def test_every_label_of_a_button_is_a_constant() -> None:
    """Textual reads labels as markup."""
    for path, module in sources():
        for node in ast.walk(module):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Button":
                assert all(isinstance(argument, ast.Constant) for argument in node.args), (path, node.lineno)
