"""A progress bar in text, with a resolution of an eighth of a cell."""

from __future__ import annotations

_EIGHTHS = " ▏▎▍▌▋▊▉"


def bar(fraction: float, cells: int) -> tuple[str, str]:
    """The filled part and the rest of a bar of `cells` cells; `fraction` is clipped to 0–1.

    Any fraction above 0 shows at least an eighth, and only 1 fills the bar.
    """
    eighths = round(max(0.0, min(fraction, 1.0)) * cells * 8)
    if 0.0 < fraction < 1.0:
        eighths = max(1, min(eighths, cells * 8 - 1))
    whole, part = divmod(eighths, 8)
    filled = "█" * whole + (_EIGHTHS[part] if part else "")
    return filled, " " * (cells - len(filled))


def percent_text(fraction: float) -> str:
    """`42%`; `100%` only from a fraction of 1."""
    if fraction >= 1.0:
        return "100%"
    return f"{min(99, int(max(0.0, fraction) * 100))}%"
