"""What a scheduler says of itself and its machines, read without trust."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bridge import __version__
from bridge.farm.values import FarmMachine, FarmState, Kind
from bridge.plain import plain
from bridge.value import Value

#: Where the scheduler says which bridge it is of, and where a machine says what it is.
VERSION_KEY, FACTS, METRIC = "bridge", "sab_facts", "sab_songs"
#: Longer names are cut.
MAX_NAME = 60
_SAME = "Install the same version on all machines."


class _Facts(Value, frozen=True):
    version: str
    kind: Kind
    slots: int


class _Songs(Value, frozen=True):
    running: int


def facts(kind: Kind, slots: int) -> dict[str, object]:
    """What a machine says once, when it joins."""
    return {"version": __version__, "kind": kind, "slots": slots}


def songs(running: int) -> dict[str, object]:
    """What a machine says each second."""
    return {"running": running}


def machines_of(told: Mapping[str, Any]) -> dict[str, FarmMachine]:
    """The machines of a farm by their addresses, as Dask calls them, by its scheduler's identity.

    Raises:
        ValueError: it is not the scheduler of a farm.
    """
    workers = told.get("workers")
    if not isinstance(workers, dict):
        raise ValueError("what listens there is no scheduler of a farm")
    return {str(address): _machine(known) for address, known in workers.items()}


def farm_state(told: Mapping[str, Any]) -> FarmState:
    """The state of a farm by its scheduler's identity.

    Raises:
        ValueError: it is not the scheduler of a farm.
    """
    found = machines_of(told)
    version = told.get(VERSION_KEY)
    if version != __version__:
        has = "another program" if version is None else f"version {plain(str(version))[:MAX_NAME]} of the bridge"
        problem = f"The farm's scheduler runs {has}, and this is version {__version__}. {_SAME}"
        return FarmState(is_reachable=True, problem=problem)
    machines = tuple(sorted(found.values(), key=lambda machine: machine.name))
    problem = ""
    if not machines:
        problem = "The farm has no machine. Start one with `sab farm worker`."
    elif all(machine.problem for machine in machines):
        problem = machines[0].problem
    return FarmState(is_reachable=True, machines=machines, problem=problem)


def _machine(told: Any) -> FarmMachine:
    known: Mapping[str, Any] = told if isinstance(told, dict) else {}
    name = plain(str(known.get("name", "")))[:MAX_NAME]
    try:
        found = msgspec.convert(known.get(FACTS), _Facts)
        running = msgspec.convert((known.get("metrics") or {}).get(METRIC), _Songs).running
    except (msgspec.ValidationError, AttributeError):
        return FarmMachine(name=name, kind="cpu", problem=f"{name} does not run the bridge, but another program.")
    problem = ""
    if found.version != __version__:
        has = plain(found.version)[:MAX_NAME]
        problem = f"{name} has version {has} of the bridge, and this is {__version__}. {_SAME}"
    elif not 0 < found.slots <= 1024:
        problem = f"{name} says that it computes {found.slots} songs at once."
    return FarmMachine(name=name, kind=found.kind, slots=found.slots, running=running, problem=problem)
