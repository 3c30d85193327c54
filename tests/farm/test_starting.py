"""A scheduler or a machine that cannot start says why."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.errors import NotWritable
from bridge.farm.access import DANGER, LOOPBACK, FarmAddress
from bridge.farm.paths import PathMap
from bridge.farm.pool import Shared
from bridge.farm.working import MachineOptions, run_machine


@pytest.mark.parametrize(("host", "reason"), [(LOOPBACK, "in use"), ("203.0.113.9", "assign"), ("nowhere.invalid", "")])
def test_a_scheduler_that_cannot_listen_says_where_and_what_to_do(tmp_path: Path, host: str, reason: str) -> None:
    """In a process of its own, because Dask leaves sockets open then."""
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "bridge", "farm", "scheduler", "--insecure", "--host", host, "--port", port]
        environment = {**os.environ, "SAB_STATE_DIR": str(tmp_path), "SAB_CONFIG": ""}
        ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"sab: engine_failed: The farm's scheduler cannot listen at {host}:{port} (")
    assert reason in last and "--port" in last


def test_a_scheduler_without_encryption_warns_and_speaks_of_no_certificates(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "bridge", "farm", "scheduler", "--insecure", "--port", "0"]
    environment = {**os.environ, "SAB_STATE_DIR": str(tmp_path), "SAB_CONFIG": ""}
    with subprocess.Popen(
        command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as scheduler:
        assert scheduler.stdout is not None
        assert "listens at tcp://" in scheduler.stdout.readline()
        scheduler.send_signal(signal.SIGINT)
        _, told = scheduler.communicate(timeout=60)
    assert scheduler.returncode == 0
    assert f"WARNING: {DANGER}" in told
    assert "farm.pem" not in told


async def test_a_machine_whose_scratch_folder_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    options = MachineOptions(
        address=FarmAddress("tcp", "127.0.0.1", 1),
        security=None,
        kind="cpu",
        slots=1,
        name="one",
        host="",
        port=0,
        scratch=tmp_path / "file",
        shared=Shared((), PathMap()),
    )
    with pytest.raises(NotWritable, match=str(tmp_path / "file")):
        await run_machine(options, Settings(cache_dir=tmp_path / "cache"), lambda _: None, asyncio.Event())
