"""`python -m bridge.inspector`: started by the main process, ends when the main process is gone."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

from bridge.audio.decoding.early_ends import ends_early
from bridge.audio.source import find_region
from bridge.errors import BridgeError
from bridge.inspector.messages import (
    Inspect,
    Inspected,
    InspectorCommand,
    InspectorReady,
    InspectorReport,
    InspectorSettings,
    Look,
    Looked,
    Refusal,
)
from bridge.model import Failure
from bridge.pipeline.source_lookup import find_source
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.project_paths import check_roots
from bridge.protocols.looking import FileLook
from bridge.separation.catalogue import check_engine

log = logging.getLogger(__name__)


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its children in order
    with ParentChannel[InspectorSettings, InspectorCommand, InspectorReport](
        InspectorSettings, InspectorCommand
    ) as channel:
        settings = channel.first()
        channel.send(InspectorReady())
        while (command := channel.inbox.get()) is not None:
            # Each in its own daemon thread: one that hangs with its drive delays no other, and not the exit.
            threading.Thread(target=_report, args=(channel, command, settings), daemon=True).start()
    return 0


def _report(
    channel: ParentChannel[InspectorSettings, InspectorCommand, InspectorReport],
    command: InspectorCommand,
    settings: InspectorSettings,
) -> None:
    match command:
        case Inspect():
            channel.send(Inspected(token=command.token, refusal=refusal_of(command, settings)))
        case Look():
            channel.send(Looked(token=command.token, look=look_at(command.path, settings)))


def refusal_of(command: Inspect, settings: InspectorSettings) -> Refusal | None:
    """Why a request is refused; None if it is accepted, or if the check itself failed."""
    try:
        if command.request.stems.transcribe_as is None:
            check_engine(command.request.engine.name, Path(settings.models_dir))
        find_source(command.request, max_seconds=settings.max_seconds, roots=tuple(map(Path, settings.roots)))
    except BridgeError as error:
        return Refusal(code=error.code, message=error.message, advice=error.advice)
    except Exception:  # the worker will meet it too, and will report it
        log.exception("%s could not be checked", command.request.source)
    return None


def look_at(path: str, settings: InspectorSettings) -> FileLook:
    """What the header of a file says, or why it cannot become a job."""
    source = Path(path)
    try:
        check_roots(source, tuple(map(Path, settings.roots)))
        decoder = find_region(source, 0.0, None, settings.max_seconds).decoder
        header, is_cut_off = decoder.header, ends_early(decoder)
    except BridgeError as error:
        return FileLook(path=path, refusal=Failure(code=error.code, message=error.message))
    except Exception:
        log.exception("%s could not be looked at", path)
        return FileLook(path=path)
    return FileLook(
        path=path,
        seconds=(header.frames or header.expected_frames) / header.sample_rate_hz,
        sample_rate_hz=header.sample_rate_hz,
        channels=header.channels,
        title=header.tags.title,
        artist=header.tags.artist,
        is_cut_off=is_cut_off,
    )


if __name__ == "__main__":
    sys.exit(main())
