"""The bridge as a user runs it: a server over OSC, a command, and the start of a worker."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from bridge import PROTOCOL_VERSION
from bridge.config import load_settings
from bridge.events import Ended, Warned
from bridge.osc.addresses import ACCEPTED
from bridge.osc.client import OscClient, open_client
from bridge.osc.fields import arguments_of, event_of
from bridge.worker.client import WorkerClient
from tests.support.jack_server import JackServer

START_SECONDS = 60.0
#: Otherwise a result cached by the last run would be measured instead of the work.
NO_CACHE = {"SAB_CACHE_MAX_GB": "0"}


@asynccontextmanager
async def server(
    models: Path,
    *options: str,
    cache: Path | None = None,
    checkout: Path | None = None,
    jack: JackServer | None = None,
) -> AsyncIterator[OscClient]:
    """`sab serve` in its own process, and a client that subscribes to its jobs.

    Args:
        options: additional options of the command.
        cache: folder of the cache; None: no cache.
        checkout: another checkout of the bridge, to compare with; None: this one.
        jack: where it opens its MIDI ports; None: it has none.
    """
    with tempfile.TemporaryDirectory() as state:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bridge", "serve", "--port", "0", "--engine", "htdemucs"),
            *(("--no-midi",) if jack is None else ()),
            *("--device", "cpu", "--models-dir", str(models), "--state-dir", state, *options),
            env=os.environ
            | (NO_CACHE if cache is None else {"SAB_CACHE_DIR": str(cache)})
            | ({} if checkout is None else {"PYTHONPATH": str(checkout)})
            | ({} if jack is None else jack.environment),
            cwd=checkout,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # it logs each file
        )
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            address = urlsplit(line.decode().rsplit(maxsplit=1)[-1])
            async with open_client(address.hostname or "", address.port or 0) as client:
                await client.ask("/sab/hello", "benchmark", PROTOCOL_VERSION)
                await client.ask("/sab/subscribe", 1, 3600)
                yield client
        finally:
            process.terminate()
            await process.wait()


async def submit(client: OscClient, clip: Path, out: Path, *options: str) -> float:
    """Seconds from the request until everything is on disk."""
    began = time.perf_counter()
    (accepted,) = await client.ask("/sab/submit", str(clip), "out", str(out), *options)
    job = arguments_of(accepted, ACCEPTED)["job"]
    async for message in client.pushes():
        match event_of(message):
            case Warned(job=pushed, warning=warning) if pushed == job:
                print("warning:", warning.code, warning.message, file=sys.stderr)
            case Ended(job=pushed, outcome="done") if pushed == job:
                return time.perf_counter() - began
            case Ended(job=pushed, outcome=outcome, failure=failure) if pushed == job:
                raise SystemExit(f"the job ended as {outcome}: {failure}")
    raise SystemExit("the server has gone")


def command(models: Path, clip: Path, out: Path, *options: str) -> None:
    """`sab process`, from the start of the process to the last file."""
    process = [sys.executable, "-m", "bridge", "process", str(clip), "--out", str(out), "--models-dir", str(models)]
    subprocess.run(
        [*process, "--engine", "htdemucs", "--device", "cpu", *options],
        check=True,
        capture_output=True,
        env=os.environ | NO_CACHE,
    )


async def worker_start_seconds(models: Path) -> float:
    """From the start of a worker process until it reports that it is ready for a job."""
    ready = asyncio.Event()
    settings = load_settings({}, {"models_dir": models})
    worker = WorkerClient(
        settings,
        publish=lambda _: None,
        on_event=lambda _: None,
        on_lost=lambda words: sys.exit(f"the worker died: {words}"),
        on_ready=ready.set,
    )
    began = time.perf_counter()
    await worker.start()
    await asyncio.wait_for(ready.wait(), START_SECONDS)
    seconds = time.perf_counter() - began
    await worker.close()
    return seconds
