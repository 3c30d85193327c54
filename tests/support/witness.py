"""Runs commands where nothing can leave the machine, and tells whom they tried to reach, in Python or in C."""

from __future__ import annotations

import functools
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

#: Sockets' addresses as strace writes them.
_ADDRESS = re.compile(
    r"(?:connect|sendto|sendmsg|sendmmsg)\(.*?sin6?_port=htons\((\d+)\)"
    r'.*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"'
)
_LOOPBACK = re.compile(r"(127\.[0-9.]+|::1|::ffff:127\.[0-9.]+|0\.0\.0\.0|::|localhost):(?!53$)\d+")
#: A local resolver, which would ask others.
_RESOLVER = re.compile(r'connect\(.*sun_path="[^"]*systemd/resolve')
_AUDIT = """
import os, sys
_log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def _heard(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os.write(_log, f"{{arguments[0]!r}} 53\\n".encode())
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        os.write(_log, f"{{arguments[1][0]!r}} {{arguments[1][1]}}\\n".encode())
sys.addaudithook(_heard)
"""


@dataclass
class Seen:
    """What came of a command."""

    returncode: int
    output: str
    strangers: list[str]
    """Whom it tried to reach beyond this machine, as `10.1.2.3:443`; port 53 is a name that was to be looked up."""


def means() -> str:
    """`strace`, which sees every library, where Linux lets us; else `audit`, which sees Python alone."""
    return "strace" if _can_trace() else "audit"


@functools.cache
def _can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-f", "true"], capture_output=True, check=False).returncode == 0


@functools.cache
def _apart() -> tuple[str, ...]:
    """What runs a command in a network of its own that has nothing but loopback; nothing where that is not allowed."""
    for unshare in (("unshare", "-n"), ("unshare", "-rn")):
        command = (*unshare, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            break
    return ()


def watched(command: Sequence[str], log: Path, environment: dict[str, str], timeout: float = 300) -> Seen:
    """Runs a command, and all that it starts, to its end, and reads who was called.

    Args:
        log: a file that is not there yet.
    """
    if means() == "strace":
        # To the kernel, a command without these calls runs at its usual speed (--seccomp-bpf).
        calls = "trace=connect,sendto,sendmsg,sendmmsg"
        watch: list[str] = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "64", "-e", calls, "-o", str(log)]
        command = [*_apart(), *watch, *command]
    else:
        hook = log.with_suffix(".hook")
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(_AUDIT.format(log=str(log)))
        environment = {**environment, "PYTHONPATH": os.pathsep.join((str(hook), environment.get("PYTHONPATH", "")))}
        command = [*_apart(), *command]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return Seen(process.returncode, output, strangers(log.read_text(errors="replace") if log.exists() else ""))


def strangers(log: str) -> list[str]:
    """Whom a log of either kind names, each once, but for this machine itself."""
    found: dict[str, None] = {}
    for line in log.splitlines():
        if address := _ADDRESS.search(line):
            port, host = address.groups()
        elif _RESOLVER.search(line):
            port, host = "53", "resolver"
        elif audited := re.fullmatch(r"b?'(.*)' (\d+)", line):
            host, port = audited.groups()
        else:
            continue
        if not _LOOPBACK.fullmatch(f"{host}:{port}"):
            found[f"{host}:{port}"] = None
    return list(found)
