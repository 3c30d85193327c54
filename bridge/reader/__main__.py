"""`python -m bridge.reader`: started by the main process, ends when the main process is gone."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

from bridge.pipeline.cache.store import ResultsCache
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.reader.messages import ReaderCommand, ReaderReady, ReaderReport, ReaderSettings
from bridge.reader.service import ReaderService
from bridge.system.clock import SystemClock
from bridge.transcription.registry import TranscriberRegistry


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its children in order
    with ParentChannel[ReaderSettings, ReaderCommand, ReaderReport](ReaderSettings, ReaderCommand) as channel:
        settings = channel.first()
        cache = ResultsCache(Path(settings.cache_dir), settings.cache_max_bytes, SystemClock())
        service = ReaderService(cache, TranscriberRegistry(), lambda: not channel.inbox.empty())
        channel.send(ReaderReady())
        while (command := channel.inbox.get()) is not None:
            channel.send(service.answer(command))
    return 0


if __name__ == "__main__":
    sys.exit(main())
