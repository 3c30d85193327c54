"""The choice that the engine name `auto` stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.errors import WeightsUnavailable
from bridge.model import Warning
from bridge.separation.names import DRAFT, GOOD, PREFERRED

if TYPE_CHECKING:
    from bridge.protocols import Control, Separator
    from bridge.separation.families.table import EngineFamilies

#: What each engine that stands in for the preferred one is like.
_STAND_INS = {
    GOOD: "clear vocals, while drums, bass and the rest bleed into each other",
    DRAFT: "a sketch, with bleed between all stems",
}


def open_auto(open_engine: Callable[[str], Separator], families: EngineFamilies, control: Control) -> Separator:
    """The best engine whose weights are on this machine. Downloads nothing.

    Warns if that is not the preferred one: why each better one is not used, and how to get it.
    """
    reasons: list[WeightsUnavailable] = []
    for name in (PREFERRED, *_STAND_INS):
        try:
            if families.find(name) is None:
                reasons.append(_absence(name, families))
                continue
            separator = open_engine(name)
        except WeightsUnavailable as exc:
            reasons.append(exc)
            continue
        if reasons:
            why = " ".join(reason.message for reason in reasons)
            advice = " ".join(reason.advice for reason in reasons)
            message = f"{why} The engine {name} takes its place: {_STAND_INS[name]}. {advice}"
            control.warn(Warning(code=reasons[0].code, message=message))
        return separator
    raise AssertionError("draft needs no weights")


def _absence(name: str, families: EngineFamilies) -> WeightsUnavailable:
    """Why the engine is not here, and how to get it."""
    try:
        families.sources(name)
    except WeightsUnavailable as exc:  # it could not be computed here, or no server has it
        return exc
    return WeightsUnavailable(
        f"The best engine, {PREFERRED}, is not on this machine.",
        advice=f"For the best stems, run `sab models pull {PREFERRED}` once, with the internet.",
    )
