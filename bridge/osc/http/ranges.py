"""The ranges of messages' positional arguments, as numbers and lists for programs."""

from __future__ import annotations

from typing import get_args

from bridge import PROTOCOL_VERSION
from bridge.errors import ADVICE
from bridge.model import STAGES, Kind, Outcome, PlayOutcome, State
from bridge.options.kinds import Range
from bridge.osc.peers import MAX_TTL_SECONDS

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


def of_parameter(address: str, name: str) -> Range | None:
    """The range of a positional argument; None: unlimited."""
    return PARAMETERS.get(f"{address} {name}", PARAMETERS.get(name))
