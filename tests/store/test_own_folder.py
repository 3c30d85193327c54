"""A bridge's own folder is named by its address, and only one process uses it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.config import Settings
from bridge.store.own_folder import LOCK, FolderInUse, lock_folder, released


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("127.0.0.1", "9720"), ("localhost", "9720"), ("0.0.0.0", "9720"), ("::", "9720"),
        ("127.0.0.2", "9720-127.0.0.2"), ("::1", "9720-__1"), ("192.168.1.20", "9720-192.168.1.20"),
        ("../../x", "9720-.._.._x"),
    ],
)  # fmt: skip
def test_each_address_that_can_be_served_at_once_has_its_own(host: str, name: str) -> None:
    assert Settings(host=host, state_dir=Path("/state")).own_folder == Path("/state") / name


def test_the_second_is_refused_until_the_first_has_ended(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "9720"
    with released(lock_folder(folder)):
        with pytest.raises(FolderInUse, match=r"9720.*--state-dir"):
            lock_folder(folder)
        with released(lock_folder(tmp_path / "new" / "9721")):
            pass
    with released(lock_folder(folder)) as nothing:
        assert nothing is None


@pytest.mark.skipif(sys.platform == "win32", reason="kills as POSIX does")
def test_a_lock_does_not_outlive_its_process(tmp_path: Path) -> None:
    code = "import sys; from pathlib import Path; from bridge.store.own_folder import lock_folder\n"
    code += "file = lock_folder(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(FolderInUse):
            lock_folder(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    file = lock_folder(tmp_path)
    assert file is not None
    file.close()


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes and links of this kind")
@pytest.mark.parametrize("kind", ["a pipe", "a link", "a file instead of the folder"])
def test_where_there_can_be_no_lock_the_bridge_goes_on(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / "9720"
    if kind == "a file instead of the folder":
        folder.write_text("x")
    else:
        folder.mkdir()
        if kind == "a pipe":
            os.mkfifo(folder / LOCK)
        else:
            (folder / LOCK).symlink_to(tmp_path / "precious")
    assert lock_folder(folder) is None
    assert not (tmp_path / "precious").exists()
