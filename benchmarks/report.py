"""Reports of measurements: medians of alternating runs, their ratio, and the machine."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median


@dataclass(frozen=True)
class Comparison:
    """One row: seconds of each run of the bridge and of a peer, measured alternately."""

    name: str
    peer: str
    ours: list[float]
    theirs: list[float]
    target: float
    """The target ratio."""
    note: str = ""

    @property
    def ratio(self) -> float:
        """The peer's median divided by ours."""
        return median(self.theirs) / median(self.ours)

    def line(self) -> str:
        text = (
            f"{self.name}: {_spread(self.ours)}; {self.peer}: {_spread(self.theirs)}; "
            f"{self.ratio:.2f} times faster (aim: {self.target:g})"
        )
        return f"{text} – {self.note}" if self.note else text


@dataclass(frozen=True)
class Figure:
    """One row without a peer, compared with a target."""

    name: str
    unit: str
    values: list[float]
    target: str
    details: Mapping[str, float] = field(default_factory=dict)

    def line(self) -> str:
        details = "".join(f"; {key} {value:.3g}" for key, value in self.details.items())
        return f"{self.name}: {_spread(self.values)} {self.unit} (aim: {self.target}){details}"


Row = Comparison | Figure


def in_turns(ours: Callable[[], float], theirs: Callable[[], float], times: int) -> tuple[list[float], list[float]]:
    """Runs both alternately, so that other load on the machine affects both equally."""
    pairs = [(theirs(), ours()) for _ in range(times)]
    return [ours for _, ours in pairs], [theirs for theirs, _ in pairs]


def timed(work: Callable[[], object]) -> float:
    """Runs `work`; returns its duration in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def show(rows: list[Row], *, as_json: bool) -> None:
    """Prints all rows, as text or as JSON."""
    if as_json:
        named = [asdict(row) | ({"ratio": row.ratio} if isinstance(row, Comparison) else {}) for row in rows]
        json.dump({"machine": machine(), "rows": named}, sys.stdout, indent=2)
        print()
        return
    print("; ".join(f"{key} {value}" for key, value in machine().items()))
    for row in rows:
        print(row.line())


def machine() -> dict[str, str]:
    """The machine and its current load."""
    load = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load": load,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _spread(values: list[float]) -> str:
    """The median, and the range if there are several values."""
    if len(values) == 1:
        return f"{values[0]:.3g}"
    return f"{median(values):.3g} ({min(values):.3g}–{max(values):.3g})"
