"""`python -m bridge.reader`: started by the main process, ends when the main process is gone."""

from __future__ import annotations

import signal
import sys
from functools import partial
from pathlib import Path

from bridge.pipeline.cache.store import ResultsCache
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel
from bridge.reader.messages import ReaderCommand, ReaderReady, ReaderReport, ReaderSettings
from bridge.reader.questions import WaitingQuestions
from bridge.reader.service import ReaderService
from bridge.system.clock import SystemClock
from bridge.transcription.registry import TranscriberRegistry


def main() -> int:
    """Serves until the pipe to the main process closes."""
    log_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its children in order
    # What the reading thread raises is handled on this one, in the middle of its work: no decoder has to look for it.
    questions = WaitingQuestions(on_question=partial(signal.raise_signal, signal.SIGINT))
    with ParentChannel[ReaderSettings, ReaderCommand, ReaderReport](
        ReaderSettings, ReaderCommand, questions.put, questions.close
    ) as channel:
        settings = channel.first()
        cache = ResultsCache(Path(settings.cache_dir), settings.cache_max_bytes, SystemClock())
        service = ReaderService(cache, TranscriberRegistry(), questions.is_wanted)
        signal.signal(signal.SIGINT, lambda *_: service.interrupt())
        channel.send(ReaderReady())
        while (command := questions.next()) is not None:
            channel.send(service.answer(command))
            service.prepare(command, lambda: not questions.are_waiting)
    return 0


if __name__ == "__main__":
    sys.exit(main())
