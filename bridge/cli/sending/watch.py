"""`sab watch`: a folder whose audio files become jobs, each once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from bridge.cli import shared
from bridge.cli.attaching.opening import Host, found_or_new_bridge
from bridge.cli.job_options import Given, takes
from bridge.cli.logs import log_into
from bridge.cli.output.terminal import OutputClosed
from bridge.cli.output.watch_report import WatchReport, write_list
from bridge.cli.serve import report_event
from bridge.config import Settings
from bridge.errors import BridgeError, InternalError, NotFound, NotWritable, unresponsive_drive
from bridge.events import Event, JobEvent
from bridge.options.paths import absolute_path, current_folder, is_folder
from bridge.options.request import check_for_several, check_request, with_options
from bridge.system.clock import SystemClock
from bridge.system.ending import interruption
from bridge.system.off_loop import ANSWER_SECONDS, off_loop
from bridge.watch.folder_watch import watching
from bridge.watch.ledger import read_ledger
from bridge.watch.turns import WATCH, Turns
from bridge.watch.values import WatchChoice

_PANEL = "What is watched"
Watched = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder to watch, with its subfolders.")]
Out = Annotated[
    str | None,
    typer.Option(
        "--out", metavar="FOLDER", help="Where results go, in the same subfolders; else beside each clip.",
        rich_help_panel=_PANEL, show_default=False,
    ),
]  # fmt: skip
Settle = Annotated[
    float | None,
    typer.Option(
        "--settle", min=0.1, metavar="SECONDS", help="A file that does not change for so long is complete.",
        rich_help_panel=_PANEL, show_default=False,
    ),
]  # fmt: skip
Poll = Annotated[
    bool | None,
    typer.Option(
        "--poll/--no-poll", help="Look the folder through every 5 seconds; network shares are polled by themselves.",
        rich_help_panel=_PANEL, show_default=False,
    ),
]  # fmt: skip
Again = Annotated[bool, typer.Option("--again", help="Try those again that have failed.", rich_help_panel=_PANEL)]
Once = Annotated[
    bool, typer.Option("--once", help="End when everything that is there is done.", rich_help_panel=_PANEL)
]
List = Annotated[
    bool,
    typer.Option("--list", help="Only say how many clips are done, and which have failed.", rich_help_panel=_PANEL),
]


@shared.command
@takes("process", without=("project", "name", "out", "beat"))
async def watch(
    options: Given,
    folder: Watched,
    out: Out = None,
    settle: Settle = None,
    poll: Poll = None,
    again: Again = False,
    once: Once = False,
    only_list: List = False,
    json: shared.Json = False,
    host: shared.Host = None,
    port: shared.Port = None,
    no_midi: shared.NoMidi = False,
    no_http: shared.NoHttp = False,
    state_dir: shared.StateDir = None,
    models_dir: shared.ModelsDir = None,
    trust_pickles: shared.TrustPickles = False,
) -> int:
    """Separate every song that lands in a folder, once: also what is copied slowly, and whatever ends in between.

    A bridge that runs already does the work; else this command runs one. Clips from your DAW always go first.
    """
    settings = shared.settings_from(
        host=host, port=port, no_midi=no_midi, no_http=no_http, state_dir=state_dir, models_dir=models_dir,
        trust_pickles=trust_pickles, watch_settle_seconds=settle,
    )  # fmt: skip
    request = with_options(settings.defaults, options)  # a mistake is told before anything begins
    check_request(request)
    check_for_several(request)
    choice = await _choice(folder, out, settings, polls=poll, again=again)
    report = WatchReport(choice.folder, json=json)
    if only_list:
        write_list(choice.folder, await off_loop(lambda: read_ledger(settings.state_dir, choice.folder)), json=json)
        return shared.DONE
    log_into(settings.state_dir, "watch")
    async with interruption() as interrupted:
        run = _Run(choice, settings, options, report)
        if await run.until(interrupted, once=once) and once:
            return shared.FAILED if report.failed else shared.DONE
    return shared.DONE if not once else shared.INTERRUPTED


async def _choice(folder: str, out: str | None, settings: Settings, *, polls: bool | None, again: bool) -> WatchChoice:
    """Raises NotFound, NotReadable: there is no such folder, or it cannot be looked at."""

    def find() -> WatchChoice:
        base = current_folder()
        path = Path(absolute_path("FOLDER", folder, base))
        if not is_folder(path):
            raise NotFound(f"There is no folder {path}.")
        return WatchChoice(
            folder=path,
            out=None if out is None else Path(absolute_path("--out", out, base)),
            settle_seconds=settings.watch_settle_seconds,
            is_polled=(settings.watch_poll or None) if polls is None else polls,
            again=again,
        )

    try:
        return await off_loop(find, timeout_seconds=ANSWER_SECONDS)
    except TimeoutError:
        raise unresponsive_drive(folder) from None


class _Run:
    """Watches with the bridge that runs, or with one of its own; where that bridge goes, with the next."""

    def __init__(self, choice: WatchChoice, settings: Settings, options: Given, report: WatchReport) -> None:
        self._choice = choice
        # A bridge of this process does not watch the same folder by its own setting.
        others = tuple(folder for folder in settings.watch if folder != choice.folder)
        self._settings = replace(settings, watch=others)
        self._options = options
        self._report = report
        self._output_lost = asyncio.Event()
        self._output_problem: Exception | None = None
        """Why nothing can be told any more; it says nothing about the clip that was to be told of."""

    async def until(self, interrupted: asyncio.Event, *, once: bool) -> bool:
        """Returns when interrupted, or once everything is done: True."""
        while not interrupted.is_set():
            async with found_or_new_bridge(self._settings) as host:
                is_done = await self._with(host, interrupted, once=once)
            if is_done is not None:
                return is_done
            self._report.note("The bridge has ended; the next one goes on with the folder.")
        return False

    async def _with(self, host: Host, interrupted: asyncio.Event, *, once: bool) -> bool | None:
        """Watches with one bridge. True: all is done; False: interrupted; None: the bridge has ended."""
        end_reports = host.bridge.subscribe(lambda event: self._write(lambda: self._on_event(host, event)))
        gone = asyncio.create_task(_until_gone(host))
        async with watching(
            self._choice,
            host.bridge,
            lambda path: host.request(path, self._options),
            state_dir=self._settings.state_dir,
            clock=SystemClock(),
            turns=Turns(host.bridge),
            tell=lambda news: self._write(lambda: self._report.tell(news)),
            is_lost=gone.done,
        ) as folder:
            self._report.begin(host.address, is_attached=host.is_attached)
            events = (interrupted, folder.is_broken, self._output_lost)
            ends = [gone, *(asyncio.create_task(event.wait()) for event in events)]
            if once:
                ends.append(asyncio.create_task(folder.until_idle()))
            try:
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                has_gone, is_done = gone.done(), once and ends[-1].done()
            finally:
                end_reports()
                for end in ends:
                    end.cancel()
            if self._output_problem is not None:
                raise self._output_problem
            if folder.is_broken.is_set():
                raise InternalError(f"{self._choice.folder} is watched no more.")
            if has_gone and not interrupted.is_set():
                return None
            self._report.conclude(folder.known)
            return is_done

    def _write(self, tell: Callable[[], None]) -> None:
        """Tells something; where that is impossible, the watch ends."""
        try:
            tell()
        except (OutputClosed, NotWritable) as error:
            self._output_problem = self._output_problem or error
            self._output_lost.set()

    def _on_event(self, host: Host, event: Event) -> None:
        """Reports what happens to the clips; of a bridge of this process, everything."""
        if isinstance(event, JobEvent):
            with suppress(NotFound):
                job = host.bridge.job(event.job)
                if job.origin == WATCH:
                    self._report.event(event, job)
                    return
        if not self._report.is_json and not host.is_attached:
            report_event(event)


async def _until_gone(host: Host) -> None:
    with suppress(BridgeError):
        await host.until_ended()
