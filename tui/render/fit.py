"""Text padded, cut or wrapped to a number of terminal cells, wide characters included."""

from __future__ import annotations

from rich.cells import cell_len, chop_cells, set_cell_size

from bridge.plain import plain


def fit(text: str, cells: int, *, right: bool = False) -> str:
    """`text` in exactly `cells` cells: padded, or cut with an ellipsis; unprintable characters are replaced."""
    text = plain(text)
    length = cell_len(text)
    if length > cells:
        return set_cell_size(text, cells - 1) + "…" if cells > 0 else ""
    padding = " " * (cells - length)
    return padding + text if right else text + padding


def wrap(text: str, cells: int) -> list[str]:
    """`text` in one or more lines of at most `cells` cells, broken between words where possible."""
    text = plain(text)
    if cell_len(text) <= cells:
        return [text]
    lines: list[str] = []
    line = ""
    for word in text.split():
        joined = f"{line} {word}" if line else word
        if cell_len(joined) <= cells:
            line = joined
            continue
        if line:
            lines.append(line)
        *full, line = chop_cells(word, max(cells, 2)) or [word]  # a word of combining characters alone has no cells
        lines.extend(full)
    return [*lines, line]
