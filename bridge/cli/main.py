"""The commands of `sab`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from typing import Any, cast

import typer
from typer._completion_classes import completion_init

from bridge import __version__
from bridge.cli import (
    cache,
    calibrate,
    demo,
    install,
    live,
    models,
    notes,
    ports,
    process,
    serve,
    shared,
    submit,
)
from bridge.cli.attaching import quitting
from bridge.cli.diagnosis import doctor, log
from bridge.cli.farm import commands as farm
from bridge.cli.libraries import library
from bridge.cli.listening import hear
from bridge.cli.output.terminal import OutputClosed, drop_output, prepare_terminal, write_error, write_line, writing
from bridge.cli.sending import secret, token, watch
from bridge.cli.shell import completion
from bridge.errors import BadArguments, NotWritable
from bridge.options.table import JOB, OPTIONS

app = typer.Typer(
    name="sab",
    help="Source Audio Bridge: separates the clip in your DAW into stems and plays its notes into your tracks.",
    no_args_is_help=False,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode="rich",
)
#: The error that typer raises for a mistake in the command line. It has no public name; it is `BadParameter`'s base.
_UsageError = cast("type[Exception]", typer.BadParameter.__bases__[0])


def _print_version(wanted: bool) -> None:
    if wanted:
        write_line(f"Source Audio Bridge {__version__}")
        raise typer.Exit


def _with_screen_options(function: Callable[..., None]) -> Callable[..., None]:
    """Gives the command `sab` every option of `sab tui`, taken from its signature."""
    signature = inspect.signature(function, eval_str=True)
    *named, _ = signature.parameters.values()
    # An argument would take the name of a command.
    added = [
        parameter
        for parameter in inspect.signature(serve.tui, eval_str=True).parameters.values()
        if parameter.annotation is not serve.Address
    ]
    parameters = [*named, *(parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in added)]
    # Typer reads both the signature and the annotations.
    function.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return function


@app.callback(invoke_without_command=True)
@_with_screen_options
def start_command(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
    **options: Any,
) -> None:
    """Separate the clip in your DAW into stems and MIDI files, and play its notes into your tracks.

    Without a command, the screen opens and the bridge listens to your DAW.
    """
    del version
    if context.invoked_subcommand is None:
        serve.tui(**options)
    else:
        _reject_options_before(context.invoked_subcommand, context, options)


@shared.guarded
def _reject_options_before(command: str, context: typer.Context, options: dict[str, object]) -> None:
    """Raises BadArguments for an option before the command's name: the command would not receive it."""
    names = {parameter.name: parameter.opts[0] for parameter in context.command.params}
    given = [names[name] for name, value in options.items() if value not in (None, False, [])]
    if given:
        raise BadArguments(
            f"{given[0]} before {command} has no effect.", advice=f"Write it after: sab {command} {given[0]} …"
        )


app.command("tui")(serve.tui)
app.command("serve")(serve.serve)
app.command("quit")(quitting.quit_bridge)
app.command("process")(process.process)
app.command("transcribe")(process.transcribe)
app.command("library")(library.library)
app.command("watch")(watch.watch)
app.command("submit", context_settings={"ignore_unknown_options": True})(submit.submit)
app.command("send", context_settings={"ignore_unknown_options": True})(submit.send)
app.command("live")(live.live)
app.command("notes")(notes.notes)
app.command("hear")(hear.hear)
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
app.add_typer(completion.app, name="completion")
app.add_typer(secret.app, name="secret")
app.add_typer(farm.app, name="farm")
app.command("token")(token.show_token)
app.command("ports")(ports.ports)
app.command("calibrate")(calibrate.calibrate_ports)
app.command("doctor")(doctor.doctor)
app.command("log")(log.show_log)
app.command("install")(install.install_into)
app.command("demo")(demo.demo)


def main() -> None:
    """Runs the command line."""
    prepare_terminal()
    completion_init()  # typer leaves it out with its two options, in whose place `sab completion` is
    sys.exit(_status())


def _status() -> int:
    """Runs the command; returns the exit status. Errors are printed here: typer would print arguments unescaped."""
    try:
        with writing():  # for the help, which typer prints
            status = app(
                standalone_mode=False, prog_name="sab"
            )  # also as `python -m bridge`, for the shell's completion
    except _UsageError as error:
        write_error(BadArguments.code, _usage_words(error))
        return shared.USAGE
    except typer.Abort:  # a question was not answered
        return shared.INTERRUPTED
    except SystemExit as end:  # typer: after it has done what completion asks for, or when standard output is closed
        if end.code == 0:
            return shared.DONE
        drop_output()
        return shared.UNREAD
    except OutputClosed:
        drop_output()
        return shared.UNREAD
    except NotWritable as error:
        write_error(error.code, str(error))
        return shared.FAILED
    return status if isinstance(status, int) else shared.DONE


def _usage_words(error: Exception) -> str:
    """What is wrong with the command line, and what to do."""
    context = getattr(error, "ctx", None)
    option = OPTIONS.get(getattr(error, "option_name", "").lstrip("-"))
    if option is not None and option.field.startswith("play.") and getattr(context, "info_name", "") in JOB:
        return (
            f"`{context.command_path}` opens no MIDI ports, so it plays nothing. Start `sab`, and say in another "  # type: ignore[union-attr]
            "terminal: sab submit FILE play live"
        )
    advice = "" if context is None else f" `{context.command_path} --help` lists the options."
    words: str = error.format_message().rstrip(".")  # type: ignore[attr-defined]
    return f"{words}{'' if words.endswith('?') else '.'}{advice}"
