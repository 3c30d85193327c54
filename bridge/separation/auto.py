"""The choice that the engine name `auto` stands for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from bridge.errors import WeightsUnavailable
from bridge.model import Warning
from bridge.separation.names import DRAFT, PREFERRED

if TYPE_CHECKING:
    from bridge.protocols import Control, Separator
    from bridge.separation.supply import WeightsSupply


def open_auto(open_engine: Callable[[str], Separator], supply: WeightsSupply, control: Control) -> Separator:
    """The preferred engine; if its weights cannot be had, `draft`, with a warning.

    After a failed download, `draft` is opened for some minutes without another attempt.
    """
    try:
        supply.raise_recent_failure(PREFERRED)
        return open_engine(PREFERRED)
    except WeightsUnavailable as exc:
        control.warn(
            Warning(
                code=exc.code,
                message=f"{exc.message} The built-in engine draft does the work instead, with more bleed between "
                f"the stems. For the better one, connect to the internet and run `sab models pull {PREFERRED}`.",
            )
        )
        return open_engine(DRAFT)
