"""The check of the stems that an engine is asked for."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.errors import BadArguments


def check_wanted(engine: str, available: Sequence[str], stems: Sequence[str]) -> None:
    """Raises BadArguments if one of `stems` is not available from `engine`."""
    unknown = [stem for stem in stems if stem not in available]
    if unknown:
        raise BadArguments(
            f"The engine {engine} has no stem {', '.join(unknown)}.", advice=f"It has {', '.join(available)}."
        )
