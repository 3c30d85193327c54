"""Untrusted text shown as plain text: every title and line of the screen that is a string passes through here."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets.option_list import Option

from bridge.plain import plain


class PlainText(Static):
    """Text without markup. Styled text is a `Text`, whose characters the caller has made plain."""

    def __init__(self, text: str | Text, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002 – Textual's parameter
        super().__init__(_as_text(text), id=id, classes=classes, markup=False)

    def set_text(self, text: str | Text) -> None:
        """Replaces the text."""
        self.update(_as_text(text))


def list_option(text: str | Text, *, id: str) -> Option:  # noqa: A002
    """A line of an OptionList; `id` may contain any characters, and comes back unchanged."""
    return Option(_as_text(text), id=id)


def set_border_title(widget: Widget, title: str) -> None:
    """Sets the title in the widget's border."""
    widget.border_title = _as_text(title)


def set_border_subtitle(widget: Widget, text: str) -> None:
    """Sets the words in the widget's lower border."""
    widget.border_subtitle = _as_text(text)


def _as_text(text: str | Text) -> Text:
    return Text(plain(text)) if isinstance(text, str) else text
