"""Models and settings, a line each and in full."""

from __future__ import annotations

from rich.text import Text

from bridge.model import ModelInfo
from bridge.protocols.workshop import SettingView
from tui.render.bar import bar, percent_text
from tui.render.fit import fit
from tui.render.roles import Palette

_BAR_CELLS = 10
NAME_CELLS = 24


def model_row(model: ModelInfo, fraction: float | None, palette: Palette, *, is_default: bool) -> Text:
    """Name, whether it is here or how far its download is, and its speed. `fraction`: None without a download."""
    text = Text("★ " if is_default else "  ", style=palette.accent, no_wrap=True, end="")
    text.append(fit(model.name, NAME_CELLS), palette.text if model.present else palette.muted)
    if fraction is not None:
        filled, rest = bar(fraction, _BAR_CELLS)
        text.append(filled, f"{palette.accent} {palette.faint}".strip()).append(rest, palette.faint)
        return text.append(f" {percent_text(fraction):>4}", palette.accent)
    text.append(fit("here" if model.present else model.size_text, 8), palette.good if model.present else palette.muted)
    return text.append("" if model.speed is None else f"{model.speed:.1f}×", palette.muted)


def model_details(model: ModelInfo, palette: Palette, problem: str = "") -> Text:
    """Everything that is known of a model; `problem`: why its last download failed."""
    speed = "not measured here yet" if model.speed is None else f"{model.speed:.1f} times real time, as measured here"
    text = Text(f"{model.name}\n", style=f"bold {palette.text}".strip())
    rows = (
        ("Stems", ", ".join(model.stems) or "known once it is loaded"),
        ("Size", model.size_text or "not known"),
        ("Here", "yes, it works offline" if model.present else "no, a download brings it"),
        ("Speed", speed),
        ("Licence", model.licence or "none needed"),
    )
    for label, words in rows:
        text.append(f"{label:9}", _plain(palette.muted)).append(f"{words}\n", _plain(palette.text))
    text.append(f"\n{model.note}\n", _plain(palette.text))
    return text.append(f"\n{problem}", _plain(palette.bad)) if problem else text


def setting_row(setting: SettingView, palette: Palette) -> Text:
    """Name and value; a value of the file's own stands out, and a mark says that it waits for the next start."""
    waits = setting.is_waiting and not setting.overridden_by
    text = Text("↻ " if waits else "  ", style=palette.warning, no_wrap=True, end="")
    text.append(fit(setting.name, NAME_CELLS - 6), palette.text)
    return text.append(setting.text or setting.default or "–", palette.accent if setting.text else palette.muted)


def setting_details(setting: SettingView, palette: Palette) -> Text:
    """What a setting does, takes, and is without the file."""
    text = Text(f"{setting.name}\n", style=f"bold {palette.text}".strip())
    text.append(f"{setting.help}\n\n", _plain(palette.text))
    takes = setting.words or ", ".join(setting.choices)
    rows = (("Takes", takes), ("Default", setting.default or "none"), ("File", setting.text or "does not have it"))
    for label, words in rows:
        if words:
            text.append(f"{label:9}", _plain(palette.muted)).append(f"{words}\n", _plain(palette.text))
    if setting.overridden_by:
        text.append(f"\n{setting.overridden_by} is set and wins.", _plain(palette.warning))
    elif setting.is_waiting:
        text.append("\nThe file's value counts from the next start.", _plain(palette.warning))
    return text


def _plain(style: str) -> str:
    """Not bold, whatever the text's own style is."""
    return f"not bold {style}".strip()
