"""The options of a job on the command line, generated from the table of `bridge.options`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Annotated, Any, Concatenate, ParamSpec, TypeAlias

import typer

from bridge.cli import shared
from bridge.errors import BadArguments

P = ParamSpec("P")
#: A job's options by their names in `bridge.options.table.OPTIONS`; None: not given.
Given: TypeAlias = dict[str, object]

REGION = ("start", "end", "tempo", "beat", "project", "out", "name")
SEPARATION = ("engine", "stems", "midi", *REGION, "format", "depth", "device")
NOTES = (
    *("shortest", "lowest", "highest", "sensitivity", "voices"),
    *("quantise", "quantise-strength", "quantise-ends", "quantise-swing", "scale", "off-scale"),
    *("time-signature", "bends", "notes", "picture"),
)
SWITCHES = ("quantise-ends", "quantise-swing")
#: Other spellings that people try.
ALSO = {"quantise": ("--quantize",)}

ONE_LINE = Annotated[
    bool | None,
    typer.Option(
        "--one-line/--many",
        help="The same as --voices one, --voices many.",
        rich_help_panel=shared.NOTES_PANEL,
        show_default=False,
    ),
]


def takes(
    *names: str,
) -> Callable[[Callable[Concatenate[Given, P], Coroutine[None, None, int]]], Callable[..., Coroutine[None, None, int]]]:
    """Adds these options to a command; its coroutine receives their values as its first argument."""

    def decorate(function: Callable[Concatenate[Given, P], Coroutine[None, None, int]]) -> Any:
        own = inspect.signature(function, eval_str=True)
        _, *others = own.parameters.values()
        options = {name.replace("-", "_"): _annotation(name) for name in names}
        if "voices" in names:
            options["one_line"] = ONE_LINE

        @wraps(function)
        async def run(*args: Any, **values: Any) -> int:
            given: Given = {name: values.pop(name.replace("-", "_")) for name in names}
            if (one_line := values.pop("one_line", None)) is not None:
                given["voices"] = _voices(given["voices"], one_line=one_line)
            return await function(given, *args, **values)

        added = [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
            for name, annotation in options.items()
        ]
        rest = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in others]
        # Typer reads both the signature and the annotations. Parameters without a default are required.
        parameters = sorted([*added, *rest], key=lambda parameter: parameter.default is not inspect.Parameter.empty)
        run.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        return run

    return decorate


def _annotation(name: str) -> object:
    panel = shared.NOTES_PANEL if name in NOTES else shared.JOB_PANEL
    if name in SWITCHES:
        return Annotated[bool | None, shared.switch(name, panel)]
    return Annotated[str | None, shared.option(name, panel, *ALSO.get(name, ()))]


def _voices(voices: object, *, one_line: bool) -> str:
    if voices is not None:
        raise BadArguments("Say either --voices, or one of --one-line and --many.")
    return "one" if one_line else "many"
