"""All rows of the table of faults."""

from __future__ import annotations

from tests.reliability.fault import Fault
from tests.reliability.injected import cancels, clips, drives, floods, folders, hanging, kills, pairs, playing, state

FAULTS: tuple[Fault, ...] = (
    *kills.FAULTS,
    *cancels.FAULTS,
    *drives.FAULTS,
    *folders.FAULTS,
    *state.FAULTS,
    *hanging.FAULTS,
    *clips.FAULTS,
    *pairs.FAULTS,
    *floods.FAULTS,
    *playing.FAULTS,
)
