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
from bridge.cli.output.terminal import write_json, write_line, write_path, write_report
from bridge.options.readers import one_of
from bridge.separation.catalogue import catalogue
from bridge.separation.throughput import EngineSpeeds
from bridge.stems import FOUR_STEMS
from bridge.system.ending import interruption

Name = Annotated[str, typer.Argument(help="A name from `sab models list`.", autocompletion=one_of_these(engines))]

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
    listed = plain_table("Model", "Stems", "Here", "Size", "Speed", "Licence", right=numbers, whole=("Model",))
    for model in models:
        speed = "" if model.speed is None else f"{model.speed:.1f}×"
        here = "yes" if model.present else "no"
        listed.add_row(model.name, stems_in_short(model.stems), here, model.size_text, speed, model.licence)
    PlainConsole().print(listed)
    write_report("4 stems: vocals, drums, bass, other. `sab models show NAME` tells more of each.")


@app.command("show")
@shared.guarded
def show_model(name: Name, json: shared.Json = False, models_dir: shared.ModelsDir = None) -> None:
    """Show what a model is good for, and everything else that is known of it."""
    settings = shared.settings_from(models_dir=models_dir)
    models = catalogue(settings.models_dir, speeds=EngineSpeeds.in_folder(settings.cache_dir).fastest())
    found = {model.name: model for model in models}
    model = found[one_of("model", name, tuple(found))]
    if json:
        write_json(model)
        return
    here = "here" if model.present else f"not here; `sab models pull {model.name}` fetches it"
    speed = "not measured on this machine" if model.speed is None else f"{model.speed:.1f} times real time, as measured"
    shown = plain_table("label", "words", whole=("label",))
    shown.show_header = False
    for label, words in (
        ("Model", model.name),
        ("Stems", ", ".join(model.stems) or "known once it is loaded"),
        ("Weights", ", ".join(filter(None, (here, model.size_text, model.licence)))),
        ("Speed", speed),
        ("About", model.note),
    ):
        shown.add_row(label, words)
    PlainConsole().print(shown)


@app.command("path")
@shared.guarded
def print_model_path(models_dir: shared.ModelsDir = None) -> None:
    """Print the folder for your own models."""
    write_path(shared.settings_from(models_dir=models_dir).models_dir)


@app.command("pull")
@shared.command
async def pull_model(
    name: Name,
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


def stems_in_short(stems: tuple[str, ...]) -> str:
    """`4`, `6 +guitar +piano`, or the names of fewer than four."""
    if not set(FOUR_STEMS) <= set(stems):
        return " ".join((str(len(stems)), *stems)) if stems else "?"
    return " ".join((str(len(stems)), *(f"+{stem}" for stem in stems if stem not in FOUR_STEMS)))
