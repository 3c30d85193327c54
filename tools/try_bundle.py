"""Runs the frozen folder's demo on a machine with nothing else: `python -m tools.try_bundle FOLDER`, as root on Linux.

The machine is an empty folder (chroot) with the frozen folder, the C library of this system, /proc and four devices,
and no network but its own loopback. Prints what the folder weighs and how long the demo took.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: The parts of glibc, and zlib, to which PyInstaller's starter is linked; every other library must be in the folder.
SYSTEM_LIBRARIES = (
    "libz.so.1",
    *("ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0"),
    *("librt.so.1", "libutil.so.1", "libresolv.so.2", "libnss_files.so.2", "libnss_dns.so.2"),
)
DEVICES = ("null", "zero", "urandom", "random")
PLACES = ("proc", "dev", "tmp", "home", "etc", "sab")
#: Runs in namespaces of its own; $1 the root, $2 the frozen folder, then the command.
ENTER = """
set -e
root=$1 folder=$2; shift 2
ip link set lo up
mount --bind "$folder" "$root/sab"
mount -t proc proc "$root/proc"
exec chroot "$root" "$@"
"""


def empty_machine(root: Path) -> None:
    """Fills `root` with what no program brings along."""
    for place in PLACES:
        (root / place).mkdir()
    for name in SYSTEM_LIBRARIES:
        for folder in ("/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib"):
            if (found := Path(folder, name)).is_file():
                (target := root / str(found)[1:]).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(found, target)
                target.chmod(0o755)
                break
    (root / "etc" / "hosts").write_text("127.0.0.1 localhost\n")
    (root / "tmp").chmod(0o1777)
    for name in DEVICES:
        number = Path("/dev", name).stat().st_rdev
        os.mknod(root / "dev" / name, 0o666 | 0o020000, number)


def run(folder: Path, *command: str) -> int:
    """Runs `command` on the empty machine; returns its status."""
    with tempfile.TemporaryDirectory(prefix="sab-machine-") as root:
        empty_machine(Path(root))
        unshare = ["unshare", "--mount", "--net", "--pid", "--fork", "sh", "-c", ENTER, "sh", root, str(folder)]
        environment = {"HOME": "/home", "LANG": "C.UTF-8", "PATH": os.environ["PATH"]}
        return subprocess.run([*unshare, *command], check=False, env=environment, stdin=subprocess.DEVNULL).returncode


def main(arguments: list[str]) -> int:
    folder = Path(arguments[0]).resolve()
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    print(f"{folder}: {sum(sizes) / 1e6:.0f} MB in {len(sizes)} files", flush=True)
    start = time.monotonic()
    status = run(folder, "/sab/sab", "demo", "--out", "/tmp/out")
    print(f"sab demo ended with {status} after {time.monotonic() - start:.0f} s", flush=True)
    return status or run(folder, "/sab/sab", "doctor")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
