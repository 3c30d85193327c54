"""The colours: two themes, and the palette of rendered text for any theme."""

from __future__ import annotations

from collections.abc import Mapping

from textual.color import Color
from textual.theme import Theme

from bridge.drawing.colours import RollColours
from tui.render.roles import Palette

#: A studio in the evening: warm greys, amber, muted green.
NIGHT = Theme(
    name="night",
    primary="#e3a857",
    secondary="#7fb0b8",
    accent="#e3a857",
    success="#93b780",
    warning="#dcc06a",
    error="#e0787a",
    foreground="#d9d4cb",
    background="#191a1d",
    surface="#1f2124",
    panel="#2b2d31",
    dark=True,
)

#: Score paper by day.
DAY = Theme(
    name="day",
    primary="#9a5b12",
    secondary="#2f6f79",
    accent="#9a5b12",
    success="#4c7a36",
    warning="#8a6a00",
    error="#b3373b",
    foreground="#2e2b26",
    background="#f7f4ec",
    surface="#efeadf",
    panel="#e2dbcb",
    dark=False,
)

THEMES = (NIGHT, DAY)

#: For terminals that are to show no colours (no-color.org).
WITHOUT_COLOUR = Palette(muted="dim", accent="bold", warning="bold", bad="bold underline", selection="reverse")


def palette(variables: Mapping[str, str]) -> Palette:
    """The palette of a theme, from its CSS variables (`App.theme_variables`)."""
    foreground, background = Color.parse(variables["foreground"]), Color.parse(variables["background"])
    return Palette(
        text=_style(foreground),
        muted=_style(foreground.blend(background, 0.42)),
        faint=f"on {_style(background.blend(foreground, 0.13))}",
        accent=_style(Color.parse(variables["primary"])),
        good=_style(Color.parse(variables["success"])),
        warning=_style(Color.parse(variables["warning"])),
        bad=_style(Color.parse(variables["error"])),
        selection=f"on {_style(background.blend(Color.parse(variables['primary']), 0.16))}",
    )


def roll_colours(variables: Mapping[str, str], *, is_dark: bool) -> RollColours:
    """The colours of a roll in a theme."""
    foreground, background = Color.parse(variables["foreground"]), Color.parse(variables["background"])
    return RollColours(
        background=_style(background),
        text=_style(foreground),
        muted=_style(foreground.blend(background, 0.42)),
        faint=_style(background.blend(foreground, 0.22)),
        accent=_style(Color.parse(variables["primary"])),
        is_dark=is_dark,
    )


def _style(color: Color) -> str:
    return f"#{color.r:02x}{color.g:02x}{color.b:02x}"
