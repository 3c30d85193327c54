"""`python -m bridge.hearing`: started by the main process with the first sound, ends when it is gone or idle."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from functools import partial
from queue import Empty

from bridge.hearing.messages import HearingCommand, HearingReport, HearingSettings
from bridge.hearing.outputs import open_output
from bridge.hearing.player import HearingPlayer, OutputLost
from bridge.processes.log_lines import log_to_parent
from bridge.processes.parent import ParentChannel

#: The output's thread must not wait 5 ms, the default, for one that computes.
SWITCH_SECONDS = 0.001
#: To close the output and the files, once the main process has gone; a drive or a server that hangs gets no more.
EXIT_SECONDS = 2.0


def main() -> int:
    """Plays until the pipe to the main process closes, or the output is lost."""
    log_to_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the main process, which ends its children in order
    sys.setswitchinterval(SWITCH_SECONDS)
    channel = ParentChannel[HearingSettings, HearingCommand, HearingReport](
        HearingSettings, HearingCommand, on_gone=_end_soon
    )
    with channel:
        settings = channel.first()
        player = HearingPlayer(partial(open_output, settings.hear_on), channel.send, time.monotonic)
        try:
            while True:
                try:
                    command = channel.inbox.get(timeout=player.work())
                except Empty:
                    continue
                if command is None:
                    break
                player.handle(command)
        except OutputLost:
            os._exit(0)  # what hangs with the output would keep an orderly end waiting
        player.close()
    return 0


def _end_soon() -> None:
    end = threading.Timer(EXIT_SECONDS, os._exit, (0,))
    end.daemon = True
    end.start()


if __name__ == "__main__":
    sys.exit(main())
