"""Networks of their own for processes of one Linux machine, joined by a bridge; only root can make them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import NamedTuple

BRIDGE, NETWORK = "sabfarm0", "10.77.0"
#: The address of the network that all others join, which is the machine's own.
GATEWAY = f"{NETWORK}.1"


class Namespace(NamedTuple):
    """One network with one address."""

    name: str
    address: str

    @property
    def enter(self) -> tuple[str, ...]:
        """What to say before a command that is to run in it."""
        return ("ip", "netns", "exec", self.name)


def can_have_namespaces() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("ip") is not None


@contextmanager
def namespaces(names: Sequence[str]) -> Iterator[list[Namespace]]:
    """Makes a network for each name, and removes all at the end.

    Raises:
        CalledProcessError: the system has no bridges or no pairs of network devices.
    """
    with ExitStack() as made:
        _ip("link", "add", BRIDGE, "type", "bridge")
        made.callback(_remove, "link", "del", BRIDGE)
        _ip("addr", "add", f"{GATEWAY}/24", "dev", BRIDGE)
        _ip("link", "set", BRIDGE, "up")
        yield [_namespace(f"sab-{name}", number, made) for number, name in enumerate(names, 11)]


def _namespace(name: str, number: int, made: ExitStack) -> Namespace:
    outer, inner = f"sabo{number}", f"sabi{number}"
    _ip("netns", "add", name)
    made.callback(_remove, "netns", "del", name)
    _ip("link", "add", outer, "type", "veth", "peer", "name", inner, "netns", name)
    _ip("link", "set", outer, "master", BRIDGE, "up")
    within = ("-n", name)
    _ip(*within, "addr", "add", f"{NETWORK}.{number}/24", "dev", inner)
    _ip(*within, "link", "set", inner, "up")
    _ip(*within, "link", "set", "lo", "up")
    return Namespace(name, f"{NETWORK}.{number}")


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _remove(*words: str) -> None:
    with suppress(subprocess.CalledProcessError):  # gone with what it belonged to
        _ip(*words)
