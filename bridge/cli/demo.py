"""`sab demo`: runs one complete job on the bundled clip, through a server started for it."""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
import typer

from bridge import PROTOCOL_VERSION
from bridge.cli import shared
from bridge.cli.diagnosis.log import records_in
from bridge.cli.logs import log_into, log_path
from bridge.cli.output.job_report import TextReport
from bridge.errors import EngineFailed
from bridge.events import Ended, MidiEnded, Produced
from bridge.model import Result
from bridge.options.paths import absolute_path, current_folder
from bridge.osc.access.keys import keys_for
from bridge.osc.addresses import ACCEPTED, FAIL, STATUS_REPLY
from bridge.osc.client import OscClient, open_client
from bridge.osc.fields import arguments_of, event_of
from bridge.system import sockets
from bridge.system.own_program import own_sab
from bridge.system.waiting import within

log = logging.getLogger(__name__)

TEMPO_BPM = 112.0
EXPECTED_STEMS = 4
LEAST_MIDI_FILES = 3
#: A server that has not printed its address by then has failed to start.
START_SECONDS = 30.0

Out = Annotated[Path, typer.Option("--out", help="Folder for the results; an existing folder is never overwritten.")]


@shared.command
async def demo(
    engine: shared.Engine = None,
    out: Out = Path("sab-demo"),
    no_midi: shared.NoMidi = False,
    models_dir: shared.ModelsDir = None,
) -> int:
    """Separate the clip that comes with the bridge, and play its notes. Takes less than a minute."""
    log_into(shared.settings_from().state_dir, "demo")
    options = [*(["--no-midi"] if no_midi else []), *(["--models-dir", str(models_dir)] if models_dir else [])]
    keys = keys_for(shared.settings_from())
    report = TextReport.for_people()
    with as_file(files("bridge.demo") / "clip.ogg") as clip:
        async with (
            _server(options) as (host, port),
            open_client(host, port, keys) as client,
        ):
            where = sockets.url("osc.udp", host, port)
            report.say(f"A bridge listens on {where}. It gets four bars of drums, bass, chords and a voice.")
            await client.ask("/sab/hello", "sab demo", PROTOCOL_VERSION)
            await client.ask("/sab/subscribe", 1)
            request: list[str | float] = [
                "out",
                absolute_path("--out", str(out), current_folder()),
                "tempo",
                TEMPO_BPM,
                "play",
                1,
                "req",
                "demo",
            ]
            if engine is not None:
                request += ["engine", engine]
            (accepted,) = await client.ask("/sab/submit", str(clip), *request)
            with report:
                results = await _results(client, arguments_of(accepted, ACCEPTED)["job"], report)
            _check(results)
            (status,) = await client.ask("/sab/status")
            await _wait_played(client, results, arguments_of(status, STATUS_REPLY)["midi_backend"], report)
    midi = [result for result in results if result.kind == "midi"]
    notes = sum(result.notes for result in midi if result.is_part)
    report.say(f"{len(results) - len(midi)} stems and {len(midi)} MIDI files with {notes} notes are in")
    report.say(results[0].folder)
    return shared.DONE


@asynccontextmanager
async def _server(options: list[str]) -> AsyncIterator[tuple[str, int]]:
    """Runs its own `sab serve` on a free port; yields host and port, and ends the server afterwards."""
    with tempfile.TemporaryDirectory(prefix="sab-demo-") as state, (Path(state) / "log").open("w+b") as log:
        process = await asyncio.create_subprocess_exec(
            *(*own_sab(), "serve", "--port", "0", "--state-dir", state, *options),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
        assert process.stdout is not None
        try:
            line = await within(process.stdout.readline(), START_SECONDS)
            if not line:
                await process.wait()
                log.seek(0)
                reason = log.read().decode("utf-8", "replace").strip().splitlines() or ["it gave no reason"]
                raise EngineFailed(f"The demo's server did not start: {reason[-1]}", advice="See `sab doctor`.")
            url = urlsplit(line.decode().removeprefix("listening on ").strip())
            assert url.hostname is not None
            assert url.port is not None
            yield url.hostname, url.port
        except asyncio.TimeoutError:
            raise EngineFailed("The demo's server did not start in time.", advice="Try again.") from None
        finally:
            if process.returncode is None:
                process.terminate()
            await process.wait()
            _keep_log(log_path(Path(state)))


def _keep_log(path: Path) -> None:
    """Takes what is serious from the log of the demo's server, whose folder is about to be deleted, into our own."""
    for record in records_in(path):
        if record.is_serious:
            head, *trace = record.lines
            log.warning("%s", head, extra={"trace": [line.strip() for line in trace]})


async def _results(client: OscClient, job: str, report: TextReport) -> list[Result]:
    """Shows the job's pushes until it ends; returns its files.

    Raises:
        EngineFailed: the job failed.
    """
    results: list[Result] = []
    failure = ""
    async for push in client.pushes():
        if push.address == FAIL.address:
            failure = arguments_of(push, FAIL)["message"]
        match event := event_of(push):
            case Ended(outcome="done"):
                return results
            case Ended(outcome=outcome):
                raise EngineFailed(failure or f"The demo's job ended as {outcome}.", advice="")
            case Produced(result=Result(kind="midi") as result):
                notes = await asyncio.to_thread(_count_notes, result.path)
                event = Produced(job=job, result=msgspec.structs.replace(result, notes=notes))
        if isinstance(event, Produced):
            results.append(event.result)
        if event is not None:
            report.show(event)
    return results


def _count_notes(path: str) -> int:
    from bridge.smf.reading import count_notes

    return count_notes(Path(path))


def _check(results: list[Result]) -> None:
    """Checks that the job has written the expected files.

    Raises:
        EngineFailed: files are missing.
    """
    stems = [result for result in results if result.kind == "stem"]
    midi = [result for result in results if result.is_part and result.notes]
    missing = [result.path for result in results if not Path(result.path).is_file()]
    if missing:
        raise EngineFailed(f"{missing[0]} was reported but does not exist.")
    if len(stems) < EXPECTED_STEMS or len(midi) < LEAST_MIDI_FILES:
        raise EngineFailed(f"Only {len(stems)} stems and {len(midi)} MIDI files with notes were made.")


async def _wait_played(client: OscClient, results: list[Result], backend: str, report: TextReport) -> None:
    """Waits until the notes have been played to the ports; returns at once if there is no MIDI back-end.

    Raises:
        EngineFailed: there are ports, but the notes were not played.
    """
    if backend == "none":
        report.say("No MIDI ports on this machine, so nothing is played; `sab doctor` says why.")
        return
    waiting = {result.name for result in results if result.is_part}
    seconds = max(result.seconds for result in results)
    report.say(f"Playing the notes to the MIDI ports ({backend}) for {seconds:.0f} s …")
    try:
        await within(_receive_ends(client, waiting), seconds + START_SECONDS)
    except asyncio.TimeoutError:
        raise EngineFailed(f"The notes of {', '.join(sorted(waiting))} were not played.") from None


async def _receive_ends(client: OscClient, waiting: set[str]) -> None:
    """Waits until each of the stems in `waiting` has been played to its end.

    Raises:
        EngineFailed: one of them was not.
    """
    async for push in client.pushes():
        match event_of(push):
            case MidiEnded(stem=stem, outcome="finished"):
                waiting.discard(stem)
            case MidiEnded(stem=stem, outcome=outcome):
                raise EngineFailed(f"Playing {stem} ended as {outcome}.")
        if not waiting:
            return
