"""`sab models`: lists the separation models, prints their folder, and downloads one in advance."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

from bridge.app import open_bridge
from bridge.cli import shared
from bridge.cli.completion import engines, one_of_these
from bridge.cli.logs import log_into
from bridge.cli.output.console import PlainConsole, plain_table, progress_bar
from bridge.cli.output.terminal import write_json, write_line, write_path
from bridge.separation.catalogue import catalogue
from bridge.separation.throughput import EngineSpeeds
from bridge.system.ending import interruption

app = typer.Typer(help="The separation models: list them, download one, see where yours go.")


@app.callback(invoke_without_command=True)
def models_default(context: typer.Context) -> None:
    """The separation models: list them, download one, see where yours go."""
    if context.invoked_subcommand is None:
        show_models()


@app.command("list")
@shared.guarded
def show_models(json: shared.Json = False, models_dir: shared.ModelsDir = None) -> None:
    """List the models, with their size, speed and stems, and whether they are here."""
    settings = shared.settings_from(models_dir=models_dir)
    models = catalogue(settings.models_dir, speeds=EngineSpeeds.in_folder(settings.cache_dir).fastest())
    if json:
        write_json(models)
        return
    numbers = ("Size", "Speed")
    listed = plain_table("Model", "Here", "Size", "Speed", "Stems", "Note", right=numbers, whole=("Model", *numbers))
    for model in models:
        size = "" if model.size_bytes is None else f"{model.size_bytes / 1e6:.0f} MB"
        speed = "" if model.speed is None else f"{model.speed:.1f}×"
        here = "yes" if model.present else "no"
        listed.add_row(model.name, here, size, speed, ", ".join(model.stems) or "?", model.note)
    PlainConsole().print(listed)


@app.command("path")
@shared.guarded
def print_model_path(models_dir: shared.ModelsDir = None) -> None:
    """Print the folder for your own models."""
    write_path(shared.settings_from(models_dir=models_dir).models_dir)


@app.command("pull")
@shared.command
async def pull_model(
    name: Annotated[str, typer.Argument(help="A name from `sab models list`.", autocompletion=one_of_these(engines))],
    models_dir: shared.ModelsDir = None,
) -> int:
    """Download a model's weights now, so that it works offline later."""
    settings = shared.settings_from(models_dir=models_dir)
    log_into(settings.state_dir, "models pull")
    with progress_bar(PlainConsole(stderr=True)) as bar:
        task = bar.add_task(f"Fetching {name}", total=1.0, left="")
        async with interruption() as interrupted, open_bridge(settings, serve=False) as running:
            fetching = asyncio.create_task(
                running.worker.fetch(name, lambda fraction: bar.update(task, completed=fraction))
            )
            interrupting = asyncio.create_task(interrupted.wait())
            await asyncio.wait({fetching, interrupting}, return_when=asyncio.FIRST_COMPLETED)
            interrupting.cancel()
            if not fetching.done():
                fetching.cancel()
                return shared.INTERRUPTED
            fetching.result()
            bar.update(task, completed=1.0)
    write_line(f"{name} is here and works offline.")
    return shared.DONE
