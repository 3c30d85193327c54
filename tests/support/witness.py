"""Runs commands in a network of loopback only, and records which hosts they try to reach, from Python or C."""

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

#: A socket address as strace prints it.
_ADDRESS = re.compile(
    r"(?:connect|sendto|sendmsg|sendmmsg)\(.*?sin6?_port=htons\((\d+)\)"
    r'.*?(?:inet_addr\("|inet_pton\(AF_INET6, ")([^"]+)"'
)
_LOOPBACK = re.compile(r"(127\.[0-9.]+|::1|::ffff:127\.[0-9.]+|0\.0\.0\.0|::|localhost):(?!53$)\d+")
#: A local resolver, which would query other hosts.
_RESOLVER = re.compile(r'connect\(.*sun_path="[^"]*systemd/resolve')
_AUDIT = """
import os, sys
_log = os.open({log!r}, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
def _on_event(event, arguments):
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        os.write(_log, f"{{arguments[0]!r}} 53\\n".encode())
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        os.write(_log, f"{{arguments[1][0]!r}} {{arguments[1][1]}}\\n".encode())
sys.addaudithook(_on_event)
"""


@dataclass
class WatchedRun:
    """The outcome of a command."""

    returncode: int
    output: str
    foreign_hosts: list[str]
    """The hosts beyond this machine that it tried to reach, as `10.1.2.3:443`; port 53 means a name lookup."""


def method() -> str:
    """`strace`, which sees every library, where it is permitted; else `audit`, which sees only Python."""
    return "strace" if _can_trace() else "audit"


@functools.cache
def _can_trace() -> bool:
    if shutil.which("strace") is None:
        return False
    return subprocess.run(["strace", "-qq", "-f", "true"], capture_output=True, check=False).returncode == 0


@functools.cache
def _isolated() -> tuple[str, ...]:
    """The prefix that runs a command in a network namespace with only loopback; empty if that is not permitted."""
    for unshare in (("unshare", "-n"), ("unshare", "-rn")):
        command = (*unshare, "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
        try:
            if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
                return command
        except OSError:
            break
    return ()


def watch(command: Sequence[str], log: Path, environment: dict[str, str], timeout: float = 300) -> WatchedRun:
    """Runs a command and all its child processes, and records the hosts they try to reach.

    Args:
        log: a file that does not exist yet.
    """
    if method() == "strace":
        # With --seccomp-bpf all other system calls run at full speed.
        calls = "trace=connect,sendto,sendmsg,sendmmsg"
        strace: list[str] = ["strace", "-f", "-qq", "--seccomp-bpf", "-s", "64", "-e", calls, "-o", str(log)]
        command = [*_isolated(), *strace, *command]
    else:
        hook = log.with_suffix(".hook")
        hook.mkdir()
        (hook / "sitecustomize.py").write_text(_AUDIT.format(log=str(log)))
        environment = {**environment, "PYTHONPATH": os.pathsep.join((str(hook), environment.get("PYTHONPATH", "")))}
        command = [*_isolated(), *command]
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        output, _ = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise
    return WatchedRun(
        process.returncode, output, foreign_hosts(log.read_text(errors="replace") if log.exists() else "")
    )


def foreign_hosts(log: str) -> list[str]:
    """The hosts in a log of either kind, each once, without this machine."""
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
