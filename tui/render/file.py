"""One file as one row of the browser, and its facts in words."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from bridge.protocols.looking import FileLook
from bridge.units import clock_text
from tui.render.fit import fit
from tui.render.roles import Palette

#: Length and rate; what the tags say gets a third of the rest.
_FACTS = 16


def file_row(
    name: str,
    look: FileLook | None,
    width: int,
    palette: Palette,
    *,
    is_folder: bool = False,
    selected: bool = False,
    marked: bool = False,
) -> Text:
    """A folder or an audio file in exactly `width` cells; `look` None: nothing is known of it yet."""
    text = Text(f" {'■' if marked else '▸' if is_folder else ' '} ", style=palette.text, no_wrap=True, end="")
    tags = max(0, (width - _FACTS - 4) // 3) if width >= 60 else 0
    room = max(1, width - 3 - (0 if is_folder else _FACTS + (tags + 2 if tags else 0) + 1) - 1)
    if look is not None and look.refusal is not None:
        text.append(fit(name, room), palette.muted)
        text.append("  ").append(fit(look.refusal.message, max(0, width - cell_len(text.plain) - 1)), palette.bad)
    else:
        text.append(fit(f"{name}/" if is_folder else name, room), palette.accent if is_folder or marked else "")
        if not is_folder:
            if tags:
                text.append("  ").append(fit(file_tags(look), tags), palette.muted)
            length, rate = ("", "") if look is None else (file_length(look), file_rate(look))
            text.append(" ").append(fit(length, 7, right=True), palette.text)
            text.append(fit(rate, _FACTS - 7, right=True), palette.muted)
    text.append(" " * max(0, width - text.cell_len))
    if selected:
        text.stylize_before(palette.selection)
    return text


def look_words(look: FileLook) -> str:
    """`Lets Go Fishin – Kevin MacLeod · 0:20 · 44.1 kHz · stereo`, or why the file is refused."""
    if look.refusal is not None:
        return look.refusal.message
    channels = {0: "", 1: "mono", 2: "stereo"}.get(look.channels, f"{look.channels} channels")
    return " · ".join(part for part in (file_tags(look), file_length(look), file_rate(look), channels) if part)


def file_tags(look: FileLook | None) -> str:
    return "" if look is None else " – ".join(part for part in (look.title, look.artist) if part)


def file_length(look: FileLook) -> str:
    return clock_text(look.seconds) if look.seconds else ""


def file_rate(look: FileLook) -> str:
    return f"{look.sample_rate_hz / 1000:g} kHz" if look.sample_rate_hz else ""
