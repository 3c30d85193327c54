"""The range of each argument, as numbers and lists for programs.

The tables describe ranges for people: `20–400 BPM`, `wav, aiff, flac`. The ranges of a job's options are parsed from
that text, so that they are written only once; the tests compare each with what the option itself accepts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import get_args

from bridge import PROTOCOL_VERSION
from bridge.errors import ADVICE
from bridge.model import STAGES, Kind, Outcome, PlayOutcome, State
from bridge.osc.handlers import MAX_TTL_SECONDS


@dataclass(frozen=True)
class Range:
    """The limits of an argument; None: no such limit."""

    lowest: float | None = None
    highest: float | None = None
    choices: tuple[str | int, ...] = ()
    """The only allowed values; empty: any."""


_SHARE = Range(lowest=0.0, highest=1.0)
_COUNT = Range(lowest=0)

#: By the parameter's name, or by `address name` where that address has a different range.
PARAMETERS: dict[str, Range] = {
    "protocol": Range(choices=(PROTOCOL_VERSION,)),
    "reply_port": Range(lowest=0, highest=65_535),
    "ttl_seconds": Range(lowest=1, highest=MAX_TTL_SECONDS),
    "queued": _COUNT,
    "running": _COUNT,
    "queue_position": _COUNT,
    "n": _COUNT,
    "results": _COUNT,
    "stems": _COUNT,
    "present": Range(choices=(0, 1)),
    "state": Range(choices=get_args(State)),
    "stage": Range(choices=STAGES),
    "progress": _SHARE,
    "fraction": _SHARE,
    "eta_seconds": Range(lowest=-1.0),
    "kind": Range(choices=get_args(Kind)),
    "sample_rate": _COUNT,
    "outcome": Range(choices=get_args(Outcome)),
    "/sab/midi.end outcome": Range(choices=get_args(PlayOutcome)),
    "/sab/fail code": Range(choices=tuple(ADVICE)),
}

_NUMBER = r"\d+(?:\.\d+)?"


def of_parameter(address: str, name: str) -> Range | None:
    """The range of a positional argument; None: unlimited."""
    return PARAMETERS.get(f"{address} {name}", PARAMETERS.get(name))


def of_option(values: str) -> tuple[str, Range | None]:
    """An option's type tag (`f`, `s`, or `T` for a switch) and range, parsed from `Option.values`."""
    if values == "1 or 0":
        return "T", None
    if limits := re.match(rf"({_NUMBER})–({_NUMBER}) ", values):
        return "f", Range(lowest=float(limits[1]), highest=float(limits[2]))
    if values.startswith("seconds"):
        return "f", Range(lowest=0.0)
    if values == "quarter notes":
        return "f", None
    if re.fullmatch(r"[\w./-]+(, [\w./-]+)*", values):
        return "s", Range(choices=tuple(values.split(", ")))
    return "s", None
