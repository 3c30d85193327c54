"""Colours of the picture, for light and dark mode."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class PictureColours:
    """Hexadecimal colours."""

    paper: str
    ink: str
    """Title, bar lines."""
    muted: str
    """Labels."""
    beat: str
    """Beat lines, the borders of keys."""
    row: str
    """The rows of black keys."""
    white_key: str
    black_key: str
    stems: dict[str, str]
    curves: dict[str, str]
    """Bend curves, drawn over notes in their stem's colour."""


DAY = PictureColours(
    paper="#fbfaf7",
    ink="#23222a",
    muted="#74717d",
    beat="#e4e1db",
    row="#f3f1ec",
    white_key="#ffffff",
    black_key="#4a4853",
    stems={
        "vocals": "#e2557a", "drums": "#6b6a77", "bass": "#7a5cd6", "other": "#2a9d8f", "guitar": "#e08a2e",
        "piano": "#3d7fd9", "mix": "#3d7fd9",
    },
    curves={
        "vocals": "#7d1136", "drums": "#23222a", "bass": "#351a86", "other": "#0b4f47", "guitar": "#77400a",
        "piano": "#113b78", "mix": "#113b78",
    },
)  # fmt: skip
NIGHT = PictureColours(
    paper="#17171c",
    ink="#eceaf2",
    muted="#96939f",
    beat="#2b2a32",
    row="#1d1d23",
    white_key="#d8d6de",
    black_key="#2c2b33",
    stems={
        "vocals": "#ff7a9c", "drums": "#a7a4b3", "bass": "#a48bff", "other": "#4fd1c0", "guitar": "#ffb057",
        "piano": "#6aa8ff", "mix": "#6aa8ff",
    },
    curves={
        "vocals": "#fff0f4", "drums": "#ffffff", "bass": "#f3efff", "other": "#eafffb", "guitar": "#fff5e6",
        "piano": "#ecf4ff", "mix": "#ecf4ff",
    },
)  # fmt: skip


def style() -> str:
    """The picture's style sheet, with `DAY` for light and `NIGHT` for dark mode."""
    curve = ".curve { fill: none; stroke-width: 1.4; stroke-linejoin: round; stroke-linecap: round; }"
    return f"{curve}\n{_rules(DAY)}\n@media (prefers-color-scheme: dark) {{\n{_rules(NIGHT)}\n}}"


def _rules(palette: PictureColours) -> str:
    rules = [
        f".paper {{ fill: {palette.paper}; }}",
        f".title {{ fill: {palette.ink}; font-weight: 600; }}",
        f".label {{ fill: {palette.muted}; }}",
        f".row {{ fill: {palette.row}; }}",
        f".beat {{ stroke: {palette.beat}; }}",
        f".bar {{ stroke: {palette.muted}; stroke-opacity: 0.55; }}",
        f".edge {{ stroke: {palette.muted}; stroke-opacity: 0.55; fill: none; }}",
        f".white {{ fill: {palette.white_key}; stroke: {palette.muted}; stroke-opacity: 0.55; }}",
        f".crack {{ stroke: {palette.black_key}; stroke-opacity: 0.3; }}",
        f".black {{ fill: {palette.black_key}; }}",
    ]
    rules += [f".{stem} {{ fill: {colour}; }}" for stem, colour in palette.stems.items()]
    rules += [f".{stem}-bend {{ stroke: {colour}; }}" for stem, colour in palette.curves.items()]
    return "\n".join(rules)
