"""A worker waits for the one of a bridge that was killed, and ends one that hangs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.worker.predecessor import follow_predecessor

_HOLD = """
import sys
from pathlib import Path
from bridge.worker.predecessor import follow_predecessor
lock = follow_predecessor(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def holder(lock: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(lock)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_worker_begins_when_the_one_before_has_ended(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as before:
        assert before.stdin is not None
        before.stdin.close()  # its bridge is gone
        file = follow_predecessor(tmp_path / "lock")
        assert before.wait(30) == 0
    assert file is not None
    file.seek(0)
    assert file.read() == str(os.getpid()).encode()
    file.close()


def test_one_that_hangs_is_killed(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as before:
        file = follow_predecessor(tmp_path / "lock", grace_seconds=0.0)
        assert before.wait(30) == -signal.SIGKILL
    assert file is not None
    file.close()


def test_one_that_cannot_be_killed_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    with holder(tmp_path / "lock") as before:
        (tmp_path / "lock").write_text("no number")
        file = follow_predecessor(tmp_path / "lock", grace_seconds=0.0, give_up_seconds=0.01)
        assert file is not None
        assert before.poll() is None
        before.kill()
        file.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes of this kind")
def test_a_pipe_in_the_place_of_the_lock_is_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "lock")
    assert follow_predecessor(tmp_path / "lock") is None


def test_without_a_folder_there_is_no_lock(tmp_path: Path) -> None:
    assert follow_predecessor(tmp_path / "nowhere" / "lock") is None
