"""Draws the device's face as an SVG, from the description that the device is built from."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from xml.sax.saxutils import escape

from max_for_live.generator import description
from max_for_live.generator.description import Box, Rect


@dataclass(frozen=True)
class Theme:
    """The colours of one of Live's themes, approximately; in Live the device follows the current one."""

    around: str
    back: str
    bar: str
    field: str
    edge: str
    words: str
    faint: str
    on: str = "#ffad56"
    on_words: str = description.INK
    progress: str = "#03c3d5"
    on_light: str = "#59cc59"
    off_light: str = "#8c4033"


DARK = Theme("#2a2a2a", "#363636", "#484848", "#1e1e1e", "#161616", "#c8c8c8", "#8f8f8f")
LIGHT = Theme("#b4b4b4", "#d6d6d6", "#c2c2c2", "#f1f1f1", "#8c8c8c", "#1a1a1a", "#5e5e5e", progress="#1cb5c4")
TITLE_BAR, MARGIN, SCALE = 18, 6, 2
FONT = "'Ableton Sans', 'Inter', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
#: The average width of a letter and the height of a line, for a font size of 1.
LETTER, LEADING = 0.53, 1.22


GREY_STEMS = frozenset({"stem_guitar", "stem_piano"})


@dataclass(frozen=True)
class FaceState:
    """A state of the face; texts that are left out are those of the description."""

    words: Mapping[str, str] = field(default_factory=dict)
    progress: float = 0.0
    is_connected: bool = True
    grey: frozenset[str] = GREY_STEMS | {f"read_{name}" for name in description.READ_AGAIN}
    """The switches of stems that the engine does not give, and the buttons without a tempo to offer."""
    chosen: Mapping[str, int] = field(default_factory=dict)
    """The entries of tabs and menus that are not those of a new device."""
    theme: Theme = DARK


CLIP = {"clip": "Rhodes Loop 92", "part": "10.4 s · warped · Arrangement"}
WORKING = FaceState(
    {
        **CLIP,
        "server": "Source Audio Bridge 0.1.0",
        "queue": "GPU · 2 waiting",
        "stage": "Separating · 42 % · 12 s left",
    },
    progress=0.42,
)
DISCONNECTED = FaceState(
    {
        **CLIP,
        "server": "No bridge. Start it: run sab",
        "problem": "The bridge has gone in the middle of a job. Start it again: the job goes on by itself.",
    },
    is_connected=False,
)
AT_ITS_OWN_TEMPO = FaceState(
    {
        "clip": "Rehearsal 14 May",
        "part": "48.2 s · not warped · Arrangement",
        "server": "Source Audio Bridge 0.1.0",
        "queue": "CPU",
        "tempo": "92.3 BPM · 87 %",
        "read_other": "61.3",
        "result": "Read again at 92.3 BPM: 4 MIDI clips, 612 notes.",
    },
    progress=1.0,
    grey=GREY_STEMS,
    chosen={"own_tempo": 1, "reading": 1},
)
#: The pictures in the documentation, by their names in docs/images.
PICTURES: dict[str, FaceState] = {
    "max-for-live": WORKING,
    "max-for-live-light": replace(WORKING, theme=LIGHT),
    "max-for-live-alone": DISCONNECTED,
    "max-for-live-tempo": AT_ITS_OWN_TEMPO,
}


def svg(state: FaceState) -> str:
    """One picture of the device, with the frame of Live's device view."""
    theme = state.theme
    width = description.WIDTH + 2 * MARGIN
    height = description.HEIGHT + TITLE_BAR + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * SCALE}" height="{height * SCALE}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONT}">',
        f"<title>{escape(description.NAME)}, a Max for Live device</title>",
        f'<rect width="{width}" height="{height}" fill="{theme.around}"/>',
        f'<g transform="translate({MARGIN} {MARGIN})">',
        f'<rect width="{description.WIDTH}" height="{TITLE_BAR + description.HEIGHT}" rx="3" fill="{theme.back}"/>',
        f'<path d="M0 3a3 3 0 0 1 3-3h{description.WIDTH - 6}a3 3 0 0 1 3 3v{TITLE_BAR - 3}h-{description.WIDTH}z" '
        f'fill="{theme.bar}"/>',
        f'<circle cx="10" cy="{TITLE_BAR / 2}" r="4" fill="{theme.on}"/>',
        _words(description.NAME, 19, 13, 10, theme.words, bold=True),
        f'<g transform="translate(0 {TITLE_BAR})">',
        *(_draw(box, state) for box in description.FACE),
        "</g></g></svg>\n",
    ]
    return "\n".join(part for part in parts if part)


def lines_of(words: str, box: Box) -> list[str]:
    """The lines of a text in its box, estimated by the average width of a letter."""
    assert box.rect is not None
    letters = int((box.rect[2] - 4) / (_size(box) * LETTER * (1.06 if _is_bold(box) else 1)))
    return textwrap.wrap(words, letters)


def fits(words: str, box: Box) -> bool:
    """Whether a text fits into its box."""
    assert box.rect is not None
    return len(lines_of(words, box)) * _size(box) * LEADING <= box.rect[3]


def _draw(box: Box, state: FaceState) -> str:
    assert box.rect is not None
    left, top, width, height = box.rect
    theme = state.theme
    match box.maxclass:
        case "comment" | "live.comment":
            color = theme.faint if box.maxclass == "live.comment" else theme.words
            size, words = _size(box), state.words.get(box.name, "" if _is_written(box) else box.text)
            rows = lines_of(words, box)
            is_right = box.attributes.get("textjustification") == 2
            x = left + width - 2 if is_right else left + 2
            return "\n".join(
                _words(row, x, top + 3 + size * (0.85 + n * LEADING), size, color, bold=_is_bold(box), right=is_right)
                for n, row in enumerate(rows)
            )
        case "led":
            radius = width / 2 - 1
            color = theme.on_light if state.is_connected else theme.off_light
            return f'<circle cx="{left + width / 2}" cy="{top + height / 2}" r="{radius}" fill="{color}"/>'
        case "live.line":
            return f'<path d="M{left} {top + 1.5}h{width}" stroke="{theme.edge}"/>'
        case "multislider":
            shares = ((width, theme.field), (width * state.progress, theme.progress))
            return "".join(
                f'<rect x="{left}" y="{top}" width="{share:g}" height="{height}" fill="{color}"/>'
                for share, color in shares
            )
        case "live.text":
            is_on = box.attributes["mode"] == 1 and bool(box.parameter and box.parameter.initial)
            lit = _hexadecimal(box.attributes.get("activebgoncolor")) or theme.on
            text = state.words.get(box.name, box.text)
            return _button(box.rect, text, theme, lit if is_on else "", is_grey=box.name in state.grey)
        case "live.tab":
            assert box.parameter is not None
            choices, chosen = box.parameter.choices, state.chosen.get(box.name, box.parameter.initial)
            edges = [left + round(width * n / len(choices)) for n in range(len(choices) + 1)]
            return "\n".join(
                _button((edge, top, after - edge - 1, height), word, theme, theme.on if n == chosen else "")
                for n, (word, edge, after) in enumerate(zip(choices, edges, edges[1:], strict=False))
            )
        case "live.menu":
            assert box.parameter is not None
            arrow = f'<path d="M{left + width - 10} {top + 6}h6l-3 4z" fill="{theme.faint}"/>'
            return _button(box.rect, box.parameter.choices[state.chosen.get(box.name, 0)], theme) + arrow
        case "live.numbox":
            assert box.parameter is not None
            return _button(box.rect, f"{box.parameter.initial:g}", theme)
    raise KeyError(box.maxclass)


def _button(rect: Rect, words: str, theme: Theme, lit: str = "", *, is_grey: bool = False) -> str:
    """A field with words in its middle; `lit` is the colour of one that is on."""
    left, top, width, height = rect
    middle = f'text-anchor="middle" x="{left + width / 2:g}" y="{top + height / 2 + 3.3:g}"'
    opacity = ' opacity="0.6"' if is_grey else ""
    color = theme.faint if is_grey else theme.on_words if lit else theme.words
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="1" fill="{lit or theme.field}" '
        f'stroke="{theme.edge}"/>'
        f'<text {middle} font-size="9.5" fill="{color}"{opacity}>{escape(words)}</text>'
    )


def _hexadecimal(color: object) -> str:
    """Max's red, green, blue and alpha → `#ff7a9c`; "" for None."""
    return "#" + "".join(f"{round(255 * share):02x}" for share in color[:3]) if isinstance(color, list) else ""


def _words(words: str, x: float, y: float, size: float, color: str, bold: bool = False, right: bool = False) -> str:
    weight = (' font-weight="bold"' if bold else "") + (' text-anchor="end"' if right else "")
    return f'<text x="{x}" y="{y:g}" font-size="{size:g}" fill="{color}"{weight}>{escape(words)}</text>'


def _is_written(box: Box) -> bool:
    return box.name in description.WRITTEN


def _size(box: Box) -> float:
    size = box.attributes.get("fontsize", 9.5)
    assert isinstance(size, float)
    return size


def _is_bold(box: Box) -> bool:
    return "Bold" in str(box.attributes.get("fontname", ""))
