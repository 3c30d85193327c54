"""What is told of a farm and its machines."""

from __future__ import annotations

from typing import Literal, TypeAlias

from bridge.value import Value

#: Under this name a Dask worker of the farm has what computes songs.
PLUGIN = "source-audio-bridge"
Kind: TypeAlias = Literal["cpu", "gpu"]


class FarmMachine(Value, frozen=True, kw_only=True):
    """A worker of the farm; a machine may run several."""

    name: str
    kind: Kind
    slots: int = 1
    """How many songs it computes at once."""
    running: int = 0
    """How many it computes now, whoever asked for them."""
    problem: str = ""
    """Why it gets no songs from here, a sentence; empty: it does."""

    @property
    def is_busy(self) -> bool:
        return self.running >= self.slots


class FarmState(Value, frozen=True, kw_only=True):
    """A farm as it was a second ago."""

    is_reachable: bool = False
    machines: tuple[FarmMachine, ...] = ()
    problem: str = ""
    """Why nothing is computed there, a sentence; empty: it is."""

    @property
    def slots(self) -> int:
        """How many songs it should be given at once: all that it computes, and one that waits for each machine."""
        return sum(machine.slots + 1 for machine in self.machines if not machine.problem)
