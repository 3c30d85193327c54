"""Whether plain pip can install the bridge on every system: `python -m tools.check_platforms`, some minutes.

For each system and Python it resolves the requirements twice: from wheels alone, and as pip does, which takes the
newest release even where that must be compiled. Both must agree, so that nothing is compiled; and nothing that the
bridge must not bring along may be among them. It asks the package index for descriptions, and downloads no package.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from uv import find_uv_bin

from tools.lock import ROOT, read_project

PYTHONS = ("3.10", "3.11", "3.12", "3.13")
#: As users know them → as uv does. macOS 14 is the first with wheels of every package for Apple's processors.
SYSTEMS: Mapping[str, str] = {
    "Linux x86-64": "x86_64-manylinux_2_28",
    "Linux ARM64": "aarch64-manylinux_2_28",
    "macOS, Apple": "aarch64-apple-darwin",
    "macOS, Intel": "x86_64-apple-darwin",
    "Windows x86-64": "x86_64-pc-windows-msvc",
}
#: What cannot be: docs/platforms.md says why.
IMPOSSIBLE = {("macOS, Intel", "3.13")}
UNWANTED = {"tensorflow", "tensorflow-macos", "tflite-runtime", "coremltools", "basic-pitch"}
SHOWN = ("torch", "numpy", "onnxruntime", "openvino", "demucs", "python-rtmidi")


@dataclass(frozen=True)
class Resolved:
    """What one system and Python get."""

    packages: Mapping[str, str]
    """Name → version; empty: it cannot be resolved."""
    compiled: Sequence[str]
    """What pip would have to compile."""

    @property
    def unwanted(self) -> set[str]:
        return UNWANTED & self.packages.keys()


def resolve(requirements: Path, system: str, python: str) -> Resolved:
    """Resolves for a system of `SYSTEMS`."""
    wheels = _compile(requirements, system, python, "--only-binary", ":all:")
    plain = _compile(requirements, system, python) if wheels else {}
    return Resolved(wheels, [f"{name} {plain[name]}" for name in plain if plain[name] != wheels.get(name)])


def _compile(requirements: Path, system: str, python: str, *how: str) -> dict[str, str]:
    environment = {name: value for name, value in os.environ.items() if name not in ("UV_FIND_LINKS", "PIP_FIND_LINKS")}
    done = subprocess.run(
        [find_uv_bin(), "pip", "compile", "--quiet", "--no-config", "--no-header", "--no-annotate", *how,
         "--python-platform", SYSTEMS[system], "--python-version", python, str(requirements)],
        capture_output=True, text=True, check=False, env={**environment, "MACOSX_DEPLOYMENT_TARGET": "14.0"},
        cwd=requirements.parent,
    )  # fmt: skip
    pins = (line.split(" ")[0].partition("==") for line in done.stdout.splitlines() if "==" in line)
    return {} if done.returncode else {name: version for name, _, version in pins}


def fault_of(system: str, python: str, found: Resolved) -> str:
    """What is wrong with a cell; empty: nothing."""
    if (system, python) in IMPOSSIBLE:
        return "it can be installed after all: take it out of IMPOSSIBLE" if found.packages else ""
    if not found.packages:
        return "cannot be resolved"
    if found.unwanted:
        return f"brings {', '.join(sorted(found.unwanted))}"
    return f"has to compile {', '.join(found.compiled)}" if found.compiled else ""


def main() -> int:
    cells = [(system, python) for system in SYSTEMS for python in PYTHONS]
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(4) as pool:
        requirements = Path(folder, "requirements.in")
        requirements.write_text("\n".join(read_project(ROOT)["project"]["dependencies"]), encoding="utf-8")
        results = list(pool.map(lambda cell: resolve(requirements, *cell), cells))
    print("".join(name.ljust(17) for name in ("system", "Python", "packages", *SHOWN)))
    faults = []
    for (system, python), found in zip(cells, results, strict=True):
        versions = (found.packages.get(name, "–") for name in SHOWN)
        print("".join(word.ljust(17) for word in (system, python, str(len(found.packages) or "none"), *versions)))
        if fault := fault_of(system, python, found):
            faults.append(f"{system}, Python {python}: {fault}")
    print("\n".join(faults) or "Nothing has to be compiled anywhere.")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
