"""Writes `requirements.lock`, every package that the bridge and its tools need, with hashes: `python -m tools.lock`.

It asks the package index; `--check`, which `make check` runs, only reads the files. The lock is used as a constraint
(`uv pip install --constraint`), because torch needs other packages with CUDA than without: docs/decisions/0151.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from uv import find_uv_bin

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
LOCK = "requirements.lock"
OLDEST_PYTHON = "3.10"
GROUPS = ("dev", "bench", "bundle")
#: The CPU build of the same torch, which some machines offer besides the index: `torch-2.13.0+cpu-cp311-…_x86_64.whl`.
MORE_HASHES: Mapping[str, Sequence[str]] = {
    "torch==2.13.0": ("sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",),
}
_HEAD = """\
# Every package of the bridge, its extras and its tools, with hashes. Written by `python -m tools.lock`.
# requirements: {digest}
"""
_PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", re.IGNORECASE)


def read_project(root: Path) -> dict[str, Any]:
    """`pyproject.toml` in a folder."""
    project: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    return project


def requirements_digest(project: Mapping[str, Any]) -> str:
    """The hash of all that decides about the lock in `pyproject.toml`."""
    own, uv = project["project"], project.get("tool", {}).get("uv", {})
    decides = {
        "dependencies": own["dependencies"],
        "extras": own.get("optional-dependencies", {}),
        "groups": project.get("dependency-groups", {}),
        "python": own["requires-python"],
        "overrides": uv.get("override-dependencies", []),
        "constraints": uv.get("constraint-dependencies", []),
    }
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()


def lock_faults(lock: str, project: Mapping[str, Any]) -> list[str]:
    """What is wrong with a lock, a line each."""
    wrong = []
    if f"# requirements: {requirements_digest(project)}\n" not in lock:
        wrong.append(f"{LOCK} is not that of pyproject.toml: python -m tools.lock")
    if re.search(r"://|--index|--extra-index|--find-links| @ ", lock):
        wrong.append(f"{LOCK} names where packages lie; it must fit every index")
    for pin in _pins(lock):
        name = pin.splitlines()[0].rstrip(" \\")
        if "--hash=sha256:" not in pin:
            wrong.append(f"{name} has no hash")
        if not _PIN.match(pin):
            wrong.append(f"{name} is not pinned")
    return wrong


def with_more_hashes(lock: str) -> str:
    """Adds `MORE_HASHES`.

    Raises:
        ValueError: the lock has another version, so the table is out of date.
    """
    for pinned, hashes in MORE_HASHES.items():
        head = re.search(rf"^{re.escape(pinned)}(?= |$).*\\$", lock, re.MULTILINE)
        if head is None:
            raise ValueError(f"MORE_HASHES has {pinned}, which the lock has not")
        lock = lock[: head.end()] + "".join(f"\n    --hash={value} \\" for value in hashes) + lock[head.end() :]
    return lock


def _pins(lock: str) -> list[str]:
    """The requirements, each with its hashes."""
    joined = re.sub(r"\\\n\s*", "\\\\\n", lock)
    blocks = re.split(r"(?<!\\)\n", joined)
    return [block for block in blocks if block and not block.startswith("#")]


def _resolved() -> str:
    """Asks the index, without what this machine offers besides: the lock must not depend on it."""
    environment = {name: value for name, value in os.environ.items() if name not in ("UV_FIND_LINKS", "PIP_FIND_LINKS")}
    compile_ = [find_uv_bin(), "pip", "compile", "pyproject.toml", "--quiet", "--universal"]
    which = ["--python-version", OLDEST_PYTHON, "--all-extras"]
    groups = [word for group in GROUPS for word in ("--group", group)]
    form = ["--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    command = [*compile_, *which, *groups, *form]
    done = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=environment)
    return done.stdout


def main(arguments: Sequence[str]) -> int:
    project = read_project(ROOT)
    path = ROOT / LOCK
    if list(arguments) != ["--check"]:
        head = _HEAD.format(digest=requirements_digest(project))
        path.write_text(head + with_more_hashes(_resolved()), encoding="utf-8")
    found = lock_faults(path.read_text(encoding="utf-8"), project)
    for line in found:
        print(line)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
