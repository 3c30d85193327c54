"""The device's face as an SVG, drawn from the same description that the device is built from."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

from max_for_live.generator import description
from max_for_live.generator.description import Box, Rect

#: Live's dark theme, roughly; in Live the device follows the theme that is chosen.
BACK, FIELD, EDGE, WORDS, FAINT = "#363636", "#1e1e1e", "#161616", "#c8c8c8", "#8f8f8f"
ON, ON_WORDS, BAR, ALIVE, DEAD = "#ffad56", "#161616", "#03c3d5", "#59cc59", "#8c4033"
TITLE_BAR, MARGIN, SCALE = 18, 6, 2
FONT = "'Ableton Sans', 'Inter', 'Helvetica Neue', Arial, 'Liberation Sans', sans-serif"
#: Width of an average letter for a font size of 1, and the height of a line.
LETTER, LEADING = 0.53, 1.22


@dataclass(frozen=True)
class Moment:
    """What the face shows at one moment; what is left out is as the description has it."""

    words: Mapping[str, str] = field(default_factory=dict)
    progress: float = 0.0
    is_connected: bool = True


CLIP = {"clip": "Rhodes Loop 92", "part": "10.4 s · warped · Arrangement"}
WORKING = Moment(
    {
        **CLIP,
        "server": "Source Audio Bridge 0.1.0",
        "stage": "Separating · 42 % · 12 s left",
    },
    progress=0.42,
)
ALONE = Moment(
    {
        **CLIP,
        "server": "No bridge. Start it: run sab",
        "problem": "The bridge has gone in the middle of a job. Start it again: the job goes on by itself.",
    },
    is_connected=False,
)
#: The pictures of the documentation, by their names in docs/images.
PICTURES: dict[str, Moment] = {"max-for-live": WORKING, "max-for-live-alone": ALONE}


def svg(moment: Moment) -> str:
    """One picture of the device, in its frame as Live's device view has it."""
    width = description.WIDTH + 2 * MARGIN
    height = description.HEIGHT + TITLE_BAR + 2 * MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width * SCALE}" height="{height * SCALE}" '
        f'viewBox="0 0 {width} {height}" font-family="{FONT}">',
        f"<title>{escape(description.NAME)}, a Max for Live device</title>",
        f'<rect width="{width}" height="{height}" fill="#2a2a2a"/>',
        f'<g transform="translate({MARGIN} {MARGIN})">',
        f'<rect width="{description.WIDTH}" height="{TITLE_BAR + description.HEIGHT}" rx="3" fill="{BACK}"/>',
        f'<path d="M0 3a3 3 0 0 1 3-3h{description.WIDTH - 6}a3 3 0 0 1 3 3v{TITLE_BAR - 3}h-{description.WIDTH}z" '
        'fill="#484848"/>',
        f'<circle cx="10" cy="{TITLE_BAR / 2}" r="4" fill="{ON}"/>',
        _words(description.NAME, 19, 13, 10, WORDS, bold=True),
        f'<g transform="translate(0 {TITLE_BAR})">',
        *(_drawn(box, moment) for box in description.FACE),
        "</g></g></svg>\n",
    ]
    return "\n".join(part for part in parts if part)


def lines_of(words: str, box: Box) -> list[str]:
    """How a text breaks in its box, at the letters' average width."""
    assert box.rect is not None
    letters = int((box.rect[2] - 4) / (_size(box) * LETTER * (1.06 if _is_bold(box) else 1)))
    return textwrap.wrap(words, letters)


def fits(words: str, box: Box) -> bool:
    """Whether a text can be read whole in its box."""
    assert box.rect is not None
    return len(lines_of(words, box)) * _size(box) * LEADING <= box.rect[3]


def _drawn(box: Box, moment: Moment) -> str:
    assert box.rect is not None
    left, top, width, height = box.rect
    match box.maxclass:
        case "comment" | "live.comment":
            color = FAINT if box.maxclass == "live.comment" else WORDS
            size, words = _size(box), moment.words.get(box.name, "" if _is_written(box) else box.text)
            rows = lines_of(words, box)
            is_right = box.attributes.get("textjustification") == 2
            x = left + width - 2 if is_right else left + 2
            return "\n".join(
                _words(row, x, top + 3 + size * (0.85 + n * LEADING), size, color, bold=_is_bold(box), right=is_right)
                for n, row in enumerate(rows)
            )
        case "led":
            radius = width / 2 - 1
            color = ALIVE if moment.is_connected else DEAD
            return f'<circle cx="{left + width / 2}" cy="{top + height / 2}" r="{radius}" fill="{color}"/>'
        case "live.line":
            return f'<path d="M{left} {top + 1.5}h{width}" stroke="{EDGE}"/>'
        case "multislider":
            done = f'<rect x="{left}" y="{top}" width="{width * moment.progress:g}" height="{height}" fill="{BAR}"/>'
            return f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{FIELD}"/>{done}'
        case "live.text":
            is_toggle = box.attributes["mode"] == 1
            is_on = is_toggle and bool(box.parameter and box.parameter.initial)
            return _plate(box.rect, box.text, is_on)
        case "live.tab":
            assert box.parameter is not None
            each = width // len(box.parameter.choices)
            choices = enumerate(box.parameter.choices)
            return "\n".join(_plate((left + n * each, top, each - 1, height), word, n == 0) for n, word in choices)
        case "live.menu":
            assert box.parameter is not None
            arrow = f'<path d="M{left + width - 10} {top + 6}h6l-3 4z" fill="{FAINT}"/>'
            return _plate(box.rect, box.parameter.choices[0], False) + arrow
        case "live.numbox":
            assert box.parameter is not None
            return _plate(box.rect, f"{box.parameter.initial:g}", False)
    raise KeyError(box.maxclass)


def _plate(rect: Rect, words: str, is_on: bool) -> str:
    left, top, width, height = rect
    middle = f'text-anchor="middle" x="{left + width / 2}" y="{top + height / 2 + 3.3}"'
    return (
        f'<rect x="{left}" y="{top}" width="{width}" height="{height}" rx="1" fill="{ON if is_on else FIELD}" '
        f'stroke="{EDGE}"/>'
        f'<text {middle} font-size="9.5" fill="{ON_WORDS if is_on else WORDS}">{escape(words)}</text>'
    )


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
