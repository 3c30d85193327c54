"""Text from anywhere, shown as it is: the only places of the screen that take a string for a title or a line."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static
from textual.widgets.option_list import Option

from bridge.plain import plain


class Words(Static):
    """A piece of text, in which nothing is markup. Styled text is a `Text`; its signs are the caller's."""

    def __init__(self, words: str | Text, *, id: str | None = None) -> None:  # noqa: A002 – Textual's word
        super().__init__(_text(words), id=id, markup=False)

    def say(self, words: str | Text) -> None:
        """Shows these words instead."""
        self.update(_text(words))


def list_option(words: str, *, id: str) -> Option:  # noqa: A002
    """A line of an OptionList; `id` may hold anything, and is handed back as it is."""
    return Option(_text(words), id=id)


def entitle(widget: Widget, title: str) -> None:
    """Writes a title into the widget's border."""
    widget.border_title = _text(title)


def _text(words: str | Text) -> Text:
    return Text(plain(words)) if isinstance(words, str) else words
