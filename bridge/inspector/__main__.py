"""`python -m bridge.inspector`: started by the main process, ends when the main process is gone."""

from __future__ import annotations

import logging
import signal
import sys
import threading
from pathlib import Path

from bridge.errors import BridgeError
from bridge.inspector.messages import (
    Inspect,
    Inspected,
    InspectorReady,
    InspectorReport,
    InspectorSettings,
    Refusal,
)
from bridge.pipeline.source_lookup import find_source
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.separation.catalogue import check_engine

log = logging.getLogger(__name__)


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its children in order
    with ParentChannel[InspectorSettings, Inspect, InspectorReport](InspectorSettings, Inspect) as channel:
        settings = channel.first()
        channel.send(InspectorReady())
        while (command := channel.inbox.get()) is not None:
            # Each in its own daemon thread: one that hangs with its drive delays no other, and not the exit.
            threading.Thread(target=_report, args=(channel, command, settings), daemon=True).start()
    return 0


def _report(
    channel: ParentChannel[InspectorSettings, Inspect, InspectorReport], command: Inspect, settings: InspectorSettings
) -> None:
    channel.send(Inspected(token=command.token, refusal=refusal_of(command, settings)))


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


if __name__ == "__main__":
    sys.exit(main())
