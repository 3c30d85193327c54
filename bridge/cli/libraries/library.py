"""`sab library`: the songs of folders, be they ten or a hundred thousand."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bridge.cli import shared
from bridge.cli.farm.commands import Insecure
from bridge.cli.job_options import Given, takes
from bridge.cli.libraries.report import library_report_for
from bridge.cli.logs import log_into
from bridge.cli.output.event_lines import log_event
from bridge.cli.output.terminal import write_error
from bridge.config import Settings
from bridge.errors import BadArguments, unresponsive_drive
from bridge.events import JobEvent, LiveNotes
from bridge.farm.client import FarmComputer
from bridge.inspector.client import InspectorClient
from bridge.library.place import LibraryPlace
from bridge.library.session import Library, LibraryEnd
from bridge.options.paths import current_folder
from bridge.options.request import check_for_several, check_request, with_options
from bridge.project_paths import check_roots
from bridge.protocols.computing import JobComputer
from bridge.protocols.looking import FileLook
from bridge.request import GroupChoice, JobRequest, OutputPlace, PlayRequest
from bridge.separation.catalogue import check_engine
from bridge.system.clock import SystemClock
from bridge.system.ending import interruption
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.worker.pool import WorkerPool

#: A farm without machines is waited for so long: its scheduler may be started anew, its machines may sleep.
FARM_PATIENCE_SECONDS = 600.0

Folders = Annotated[
    list[str],
    typer.Argument(
        metavar="FOLDER…", help="Folders with songs, songs, or lists of either: @list.txt has a path in each line."
    ),
]
Cluster = Annotated[
    str | None,
    typer.Option(
        "--cluster",
        help="Let the machines of a farm do it, whose scheduler has this address, as tls://studio.local:8786.",
        rich_help_panel=shared.JOB_PANEL,
    ),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        help="How many songs at once on this machine; each loads models of its own, and has its share of the cores.",
        min=1,
        max=64,
        rich_help_panel=shared.JOB_PANEL,
    ),
]
Again = Annotated[
    bool, typer.Option("--again", help="Try the songs again that have failed.", rich_help_panel=shared.JOB_PANEL)
]


@shared.command
@takes("process", without=("project", "name"))
async def library(
    options: Given,
    folders: Folders,
    again: Again = False,
    workers: Workers = 1,
    cluster: Cluster = None,
    insecure: Insecure = False,
    json: shared.Json = False,
    models_dir: shared.ModelsDir = None,
    trust_pickles: shared.TrustPickles = False,
) -> int:
    """Do all songs of folders: ten or a hundred thousand. Interrupt it when you like; said again, it goes on.

    The results lie below the folder of --out as the songs do in theirs, each in a folder of its own.
    """
    settings = shared.settings_from(models_dir=models_dir, trust_pickles=trust_pickles)
    log_into(settings.state_dir, "library")
    try:
        request = await off_loop(
            lambda: _request(options, settings, on_farm=cluster is not None), timeout_seconds=ANSWER_SECONDS
        )
    except TimeoutError:
        raise unresponsive_drive(settings.models_dir) from None
    assert request.place.folder is not None
    out = Path(request.place.folder)
    report = library_report_for(out, json=json)
    asked = Library(
        folders,
        out,
        msgspec.structs.replace(request, place=OutputPlace()),
        roots=settings.roots,
        again=again,
        tick_seconds=report.tick_seconds,
    )
    async with interruption() as interrupted:
        with report:
            end = await asked.run(
                partial(_open_computer, settings, workers, cluster, is_insecure=insecure),
                partial(_look, settings),
                report,
                interrupted,
                SystemClock(),
                _log,
            )
        report.conclude(end)
    if end.problem is not None:
        write_error(*end.problem)
    return _status(end)


def _request(options: Given, settings: Settings, *, on_farm: bool) -> JobRequest:
    """What is asked for of each song; may wait for a drive.

    Raises:
        BadArguments: an option is wrong, or missing, or no engine has that name.
        OutsideRoots: the results would lie outside the roots.
    """
    request = with_options(settings.defaults, options, current_folder())
    folder = request.place.folder
    if options.get("out") is None or folder is None:
        raise BadArguments("A library needs a folder for its results.", advice="Say --out DIR.")
    check_for_several(request)
    request = msgspec.structs.replace(request, source="", play=PlayRequest(), group=GroupChoice())
    check_request(request)
    if not on_farm:  # whose machines may have other models
        check_engine(request.engine.name, settings.models_dir)
    check_roots(Path(folder), settings.roots)
    return request


async def _open_computer(
    settings: Settings, workers: int, cluster: str | None, place: LibraryPlace, *, is_insecure: bool
) -> JobComputer:
    """This machine's workers, or the farm. Raises BadArguments: there is no way to the farm."""
    if cluster is not None:
        return await FarmComputer.open(
            cluster, settings, patience_seconds=FARM_PATIENCE_SECONDS, is_insecure=is_insecure
        )
    return await WorkerPool.open(settings, workers, locks=place.own)


async def _look(settings: Settings, paths: Sequence[str]) -> Sequence[FileLook]:
    """What the headers of some files say."""
    inspector = InspectorClient(settings)
    await inspector.start()
    try:
        return await inspector.look(paths)
    finally:
        await inspector.close()


def _log(event: JobEvent | LiveNotes) -> None:
    if not isinstance(event, LiveNotes):
        log_event(event)


def _status(end: LibraryEnd) -> int:
    if end.is_interrupted:
        return shared.INTERRUPTED
    return shared.FAILED if end.problem is not None or end.all_failed else shared.DONE
