"""XML, written element by element: a long song is text once, and never a tree."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from xml.sax.saxutils import XMLGenerator
from xml.sax.xmlreader import AttributesImpl

from bridge.score.xml_text import xml_text

#: A billionth of a quarter note or a second: far below one sample.
DIGITS = 9


class Elements:
    """An XML document that grows. Attributes may be text from outside: what XML cannot hold is left out."""

    def __init__(self) -> None:
        self._text = io.StringIO()
        self._xml = XMLGenerator(self._text, "UTF-8", short_empty_elements=True)
        self._xml.startDocument()

    @contextmanager
    def element(self, name: str, /, **attributes: str | float | bool) -> Iterator[None]:
        """An element around what is written in the block."""
        self._start(name, attributes)
        yield
        self._xml.endElement(name)

    def leaf(self, name: str, /, **attributes: str | float | bool) -> None:
        """An element without content."""
        self._start(name, attributes)
        self._xml.endElement(name)

    def text(self, name: str, content: str) -> None:
        """An element with text alone."""
        with self.element(name):
            self._xml.characters(xml_text(content))

    def _start(self, name: str, attributes: Mapping[str, str | float | bool]) -> None:
        self._xml.startElement(name, AttributesImpl({key: attribute_text(value) for key, value in attributes.items()}))

    def content(self) -> bytes:
        """The document in UTF-8."""
        return self._text.getvalue().encode()


def attribute_text(value: str | float | bool) -> str:
    """`true`, `0.5`, `-3`, or the text itself. Finite numbers have up to nine decimals, and no exponent."""
    if isinstance(value, str):
        return xml_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return f"{round(value, DIGITS) + 0.0:.{DIGITS}f}".rstrip("0").rstrip(".")  # + 0.0: no minus before a zero
