"""The options of a job on the command line, generated from the table of `bridge.options`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, TypeAlias, TypeVar

import typer

from bridge.cli import shared
from bridge.errors import BadArguments
from bridge.options.kinds import Switch
from bridge.options.readers import one_of
from bridge.options.table import OPTIONS, Command, Option
from bridge.stems import STEMS, opposite_of

P = ParamSpec("P")
R = TypeVar("R")
#: A job's options by their names in `OPTIONS`; None: not given.
Given: TypeAlias = dict[str, object]

ONE_LINE = Annotated[
    bool | None,
    typer.Option(
        "--one-line/--many",
        help="The same as --voices one, --voices many.",
        rich_help_panel=shared.NOTES_PANEL,
        show_default=False,
    ),
]
TWO_STEMS = Annotated[
    str | None,
    typer.Option(
        "--two-stems",
        metavar=f"[{'|'.join(STEMS)}]",
        help="That stem, and the mix without it; for vocals the same as --stems vocals,instrumental.",
        rich_help_panel=shared.JOB_PANEL,
        show_default=False,
    ),
]


def takes(
    command: Command, without: Collection[str] = ()
) -> Callable[[Callable[Concatenate[Given, P], R]], Callable[..., R]]:
    """Adds the options whose rows name `command`; its function receives their values as its first argument.

    Args:
        without: options that make no sense there.
    """

    def decorate(function: Callable[Concatenate[Given, P], R]) -> Callable[..., R]:
        own = inspect.signature(function, eval_str=True)
        _, *others = own.parameters.values()
        options = {
            name: option for name, option in OPTIONS.items() if command in option.commands and name not in without
        }
        annotations = {_variable(name): _annotation(option) for name, option in options.items()}
        if "voices" in options:
            annotations["one_line"] = ONE_LINE
        if "stems" in options:
            annotations["two_stems"] = TWO_STEMS

        @wraps(function)
        def run(*args: Any, **values: Any) -> R:
            given: Given = {name: values.pop(_variable(name), None) for name in options}
            if (one_line := values.pop("one_line", None)) is not None:
                given["voices"] = _voices(given["voices"], one_line=one_line)
            if (two_stems := values.pop("two_stems", None)) is not None:
                given["stems"] = _two_stems(given["stems"], two_stems)
            return function(given, *args, **values)

        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in annotations.items()
        ]
        rest = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in others]
        # Typer reads both the signature and the annotations. Parameters without a default are required.
        parameters = sorted([*added, *rest], key=lambda parameter: parameter.default is not inspect.Parameter.empty)
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _variable(name: str) -> str:
    return name.replace("-", "_")


def _annotation(option: Option) -> object:
    panel = shared.NOTES_PANEL if option.about_notes else shared.JOB_PANEL
    if isinstance(option.kind, Switch):
        return Annotated[bool | None, shared.switch(option.name, panel)]
    return Annotated[str | None, shared.option(option.name, panel, *option.spellings)]


def _voices(voices: object, *, one_line: bool) -> str:
    if voices is not None:
        raise BadArguments("Say either --voices, or one of --one-line and --many.")
    return "one" if one_line else "many"


def _two_stems(stems: object, wanted: str) -> str:
    if stems is not None:
        raise BadArguments("Say either --stems or --two-stems.")
    stem = one_of("--two-stems", wanted, STEMS)
    return f"{stem},{opposite_of(stem)}"
