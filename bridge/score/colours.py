"""Colours of the picture, for light and dark mode."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.stems import MIX, STEM_TABLE


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
    curves: dict[str, str]
    """By stem: bend curves, drawn over notes in their stem's colour."""


DAY = PictureColours(
    paper="#fbfaf7",
    ink="#23222a",
    muted="#74717d",
    beat="#e4e1db",
    row="#f3f1ec",
    white_key="#ffffff",
    black_key="#4a4853",
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
    curves={
        "vocals": "#fff0f4", "drums": "#ffffff", "bass": "#f3efff", "other": "#eafffb", "guitar": "#fff5e6",
        "piano": "#ecf4ff", "mix": "#ecf4ff",
    },
)  # fmt: skip
_STEMS = (*STEM_TABLE.values(), MIX)


def style() -> str:
    """The picture's style sheet, with `DAY` for light and `NIGHT` for dark mode."""
    curve = ".curve { fill: none; stroke-width: 1.4; stroke-linejoin: round; stroke-linecap: round; }"
    day = _rules(DAY, {stem.name: stem.colour for stem in _STEMS})
    night = _rules(NIGHT, {stem.name: stem.night_colour for stem in _STEMS})
    return f"{curve}\n{day}\n@media (prefers-color-scheme: dark) {{\n{night}\n}}"


def _rules(palette: PictureColours, stems: Mapping[str, str]) -> str:
    rules = [
        f".paper {{ fill: {palette.paper}; }}",
        f".title {{ fill: {palette.ink}; font-weight: 600; }}",
        f".label {{ fill: {palette.muted}; }}",
        f".chord {{ fill: {palette.ink}; }}",
        f".row {{ fill: {palette.row}; }}",
        f".beat {{ stroke: {palette.beat}; }}",
        f".bar {{ stroke: {palette.muted}; stroke-opacity: 0.55; }}",
        f".edge {{ stroke: {palette.muted}; stroke-opacity: 0.55; fill: none; }}",
        f".white {{ fill: {palette.white_key}; stroke: {palette.muted}; stroke-opacity: 0.55; }}",
        f".crack {{ stroke: {palette.black_key}; stroke-opacity: 0.3; }}",
        f".black {{ fill: {palette.black_key}; }}",
    ]
    rules += [f".{stem} {{ fill: {colour}; }}" for stem, colour in stems.items()]
    rules += [f".{stem}-bend {{ stroke: {colour}; }}" for stem, colour in palette.curves.items()]
    return "\n".join(rules)
