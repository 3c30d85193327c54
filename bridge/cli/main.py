"""The commands of `sab` by their names."""

from __future__ import annotations

import typer

from bridge import __version__
from bridge.cli import cache, calibrate, demo, doctor, install, live, models, ports, process, serve, talk

app = typer.Typer(
    name="sab",
    help="Source Audio Bridge: takes the clip in your DAW apart and plays its notes into your tracks.",
    no_args_is_help=False,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"Source Audio Bridge {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def start(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Take the clip in your DAW apart – stems, MIDI files – and play its notes into your tracks.

    Without a command, the screen opens and the bridge listens to your DAW.
    """
    del version
    if context.invoked_subcommand is None:
        serve.tui()


app.command("tui")(serve.tui)
app.command("serve")(serve.serve)
app.command("process")(process.process)
app.command("transcribe")(process.transcribe)
app.command("submit", context_settings={"ignore_unknown_options": True})(talk.submit)
app.command("send", context_settings={"ignore_unknown_options": True})(talk.send)
app.command("live")(live.live)
app.add_typer(models.app, name="models")
app.add_typer(cache.app, name="cache")
app.command("ports")(ports.ports)
app.command("calibrate")(calibrate.calibrate_ports)
app.command("doctor")(doctor.doctor)
app.command("install")(install.install_into)
app.command("demo")(demo.demo)


def main() -> None:
    """Runs the command line."""
    app()
