"""A child for tests: says back what it hears, and does the bad things that children do."""

from __future__ import annotations

import os
import signal
import sys
from typing import TypeAlias

from bridge.model import Value
from bridge.processes.parent import ParentChannel


class Say(Value, frozen=True, kw_only=True, tag="say"):
    text: str


class Print(Value, frozen=True, kw_only=True, tag="print"):
    """Writes to descriptor 1 as a C++ library does, to standard output, and to standard error."""

    text: str


class Die(Value, frozen=True, kw_only=True, tag="die"):
    text: str


class Freeze(Value, frozen=True, kw_only=True, tag="freeze"):
    """Stops the whole process, heartbeat and all."""


class Urgent(Value, frozen=True, kw_only=True, tag="urgent"):
    """Answered on the reading thread, past all that waits."""


class Said(Value, frozen=True, kw_only=True, tag="said"):
    text: str


EchoCommand: TypeAlias = Say | Print | Die | Freeze | Urgent
EchoReport: TypeAlias = Said


def main() -> None:
    def at_once(command: EchoCommand) -> bool:
        if isinstance(command, Urgent):
            channel.send(Said(text="urgent"))
            return True
        return False

    channel = ParentChannel[EchoCommand, EchoReport](EchoCommand, on_command=at_once)
    with channel:
        channel.send(Said(text=f"hello from {os.getpid()}"))
        while (command := channel.inbox.get()) is not None:
            match command:
                case Say(text=text):
                    channel.send(Said(text=text))
                case Print(text=text):
                    os.write(1, text.encode())
                    print(text, file=sys.stdout, flush=True)  # noqa: T201
                    channel.send(Said(text="printed"))
                case Die(text=text):
                    sys.stderr.write(text + "\n")
                    sys.stderr.flush()
                    os._exit(3)
                case Freeze():
                    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main()
