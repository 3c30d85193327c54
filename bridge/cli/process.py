"""`sab process` and `sab transcribe`: run one job without a server; `process_group` runs several."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from bridge.app import open_bridge
from bridge.cli import shared
from bridge.cli.clips import find_clips
from bridge.cli.completion import one_of_these
from bridge.cli.job_options import Given, takes
from bridge.cli.logs import log_into
from bridge.cli.output.event_lines import log_event
from bridge.cli.output.job_report import JobReport, report_for
from bridge.cli.output.terminal import OutputClosed, write_error, write_note
from bridge.cli.process_group import run_group
from bridge.config import Settings
from bridge.errors import BadArguments, BridgeError, NotWritable
from bridge.events import Ended, Event
from bridge.model import Job
from bridge.stems import MIX, STEMS
from bridge.system.ending import interruption

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="FILE…", help="Songs or clips: WAV, AIFF, FLAC, Ogg, MP3, M4A …; a folder: the audio files in it."
    ),
]
SOURCES = (*STEMS, MIX.name)
As = Annotated[
    str,
    typer.Option(
        "--as",
        metavar=f"[{'|'.join(SOURCES)}]",
        help="What the file is a recording of.",
        autocompletion=one_of_these(lambda: SOURCES),
    ),
]


@shared.command
@takes("process")
async def process(
    options: Given,
    files: Sources,
    json: shared.Json = False,
    models_dir: shared.ModelsDir = None,
    cluster: shared.Cluster = None,
    trust_pickles: shared.TrustPickles = False,
) -> int:
    """Separate songs or clips into stems, with a MIDI file for each of them.

    The results go into the project that the clip belongs to, or into a folder "stems" beside the clip.
    Several clips have a folder each.
    """
    settings = shared.settings_from(models_dir=models_dir, cluster=cluster, trust_pickles=trust_pickles)
    log_into(settings.state_dir, "process")
    return await _run(files, settings, options, json=json)


@shared.command
@takes("transcribe")
async def transcribe(options: Given, files: Sources, stem: As = "mix", json: shared.Json = False) -> int:
    """Turn recordings of one voice or instrument into MIDI files, without separating them first.

    The same file again with other note settings takes hardly any time.
    """
    if stem not in SOURCES:
        raise BadArguments(f"--as must be one of {', '.join(SOURCES)}, not {stem!r}.")
    settings = shared.settings_from()
    log_into(settings.state_dir, "transcribe")
    return await _run(files, settings, options, json=json, transcribe_as=stem)


async def _run(
    written: Sequence[str],
    settings: Settings,
    options: Mapping[str, object],
    *,
    json: bool,
    transcribe_as: str | None = None,
) -> int:
    try:
        clips = await find_clips(written)
    except BridgeError as error:
        if not isinstance(error, BadArguments):
            report_for(json=json).refuse(error)
        raise
    if clips.is_group:
        return await run_group(clips, settings, options, json=json, transcribe_as=transcribe_as)
    return await _run_one(clips.files[0], settings, options, json=json, transcribe_as=transcribe_as)


async def _run_one(
    file: Path, settings: Settings, options: Mapping[str, object], *, json: bool, transcribe_as: str | None
) -> int:
    report = report_for(json=json)
    async with interruption() as interrupted, open_bridge(settings, serve=False) as running:
        bridge = running.bridge
        request = await running.request(str(file), options)
        if transcribe_as is not None:
            stems = msgspec.structs.replace(request.stems, transcribe_as=transcribe_as)
            request = msgspec.structs.replace(request, stems=stems)
        ended = asyncio.Event()
        output_errors: list[OutputClosed | NotWritable] = []

        def on_event(event: Event) -> None:
            if isinstance(event, Ended):
                ended.set()
            if not output_errors:
                try:
                    report.show(event)
                except (OutputClosed, NotWritable) as error:
                    output_errors.append(error)
                    interrupted.set()

        bridge.subscribe(log_event)
        unsubscribe = bridge.subscribe(on_event)
        with report:
            try:
                job, _ = await bridge.submit(request)
            except BridgeError as error:
                unsubscribe()
                report.refuse(error)
                raise
            interrupting = asyncio.create_task(interrupted.wait())
            ending = asyncio.create_task(ended.wait())
            await asyncio.wait({interrupting, ending}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.is_set():
                bridge.cancel(job.id)
                await ending
            interrupting.cancel()
        unsubscribe()
        if output_errors:
            raise _output_lost(output_errors[0], bridge.job(job.id))
        return _finish(bridge.job(job.id), report, was_interrupted=interrupted.is_set())


def _output_lost(error: OutputClosed | NotWritable, job: Job) -> OutputClosed | NotWritable:
    """The same error, after reporting what happened to the job."""
    if job.state != "cancelled":
        return error
    if isinstance(error, NotWritable):
        return NotWritable(f"{error.message} The job was cancelled.", advice="")
    write_note("The job was cancelled, because nothing reads its output any more.")
    return error


def _finish(job: Job, report: JobReport, *, was_interrupted: bool) -> int:
    report.conclude(job)
    if job.failure is not None:
        write_error(job.failure.code, job.failure.message)
    if job.state == "done":
        return shared.DONE
    return shared.INTERRUPTED if was_interrupted else shared.FAILED
