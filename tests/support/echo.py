"""A child process for tests: echoes commands, and fails in the ways that children fail."""

from __future__ import annotations

import os
import signal
import sys
from typing import TypeAlias

from bridge.processes.parent import ParentChannel
from bridge.value import Value


class Greet(Value, frozen=True, kw_only=True, tag="greet"):
    """The first message."""

    text: str


class Say(Value, frozen=True, kw_only=True, tag="say"):
    text: str


class Print(Value, frozen=True, kw_only=True, tag="print"):
    """Writes to descriptor 1 as a C++ library does, to standard output, and to standard error."""

    text: str


class Die(Value, frozen=True, kw_only=True, tag="die"):
    text: str


class Freeze(Value, frozen=True, kw_only=True, tag="freeze"):
    """Stops the whole process, including its heartbeat."""


class Urgent(Value, frozen=True, kw_only=True, tag="urgent"):
    """Answered on the reading thread, ahead of all queued commands."""


class Echoed(Value, frozen=True, kw_only=True, tag="said"):
    text: str


EchoCommand: TypeAlias = Say | Print | Die | Freeze | Urgent
EchoReport: TypeAlias = Echoed


def main() -> None:
    def at_once(command: EchoCommand) -> bool:
        if isinstance(command, Urgent):
            channel.send(Echoed(text="urgent"))
            return True
        return False

    channel = ParentChannel[Greet, EchoCommand, EchoReport](Greet, EchoCommand, on_command=at_once)
    with channel:
        channel.send(Echoed(text=channel.first().text))
        while (command := channel.inbox.get()) is not None:
            match command:
                case Say(text=text):
                    channel.send(Echoed(text=text))
                case Print(text=text):
                    os.write(1, text.encode())
                    print(text, file=sys.stdout, flush=True)  # noqa: T201
                    channel.send(Echoed(text="printed"))
                case Die(text=text):
                    sys.stderr.write(text + "\n")
                    sys.stderr.flush()
                    os._exit(3)
                case Freeze():
                    os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    main()
