"""The check of `sab doctor` for the farm."""

from __future__ import annotations

from bridge.cli.diagnosis.finding import Finding
from bridge.config import Settings
from bridge.errors import BridgeError
from bridge.farm.client import FarmComputer


async def farm_finding(settings: Settings) -> Finding:
    """Where jobs are computed; a farm that has gone breaks nothing, because this machine computes them then."""
    try:
        farm = await FarmComputer.open(settings.cluster, settings)
    except BridgeError as error:
        return Finding("Farm", "broken", f"with these settings no bridge starts: {error}")
    try:
        state = farm.state()
    finally:
        await farm.close()
    if not state.slots:
        return Finding("Farm", "note", f"{state.problem or 'it has no machine.'} Jobs are computed on this machine.")
    names = ", ".join(f"{machine.name} ({machine.kind})" for machine in state.machines if not machine.problem)
    return Finding("Farm", "ok", f"jobs are computed on {settings.cluster}: {names}")
