"""Sanitises text from outside (names, paths, messages) before a terminal or a log shows it."""

from __future__ import annotations

#: Replaces every non-printable character.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: Zero-width characters, replaced by spaces so that names which differ in them look different.
_JOINERS = "\u200b\u200c\u200d\u2060\ufeff"


def plain(text: str) -> str:
    """`text` as one printable line.

    White space of every kind, including line breaks, becomes spaces. Every other non-printable character becomes
    `REPLACEMENT`: escape sequences lose their ESC or CSI, direction overrides have no effect, and bytes of a name that
    is not UTF-8 stay visible. The length does not change; printable text is returned unchanged.
    """
    return text if text.isprintable() else "".join(map(_plain_character, text))


def is_text(text: str) -> bool:
    """Whether `text` can be written as UTF-8: a name that holds other bytes cannot be sent, copied or kept."""
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def _plain_character(character: str) -> str:
    if character.isprintable():
        return character
    return " " if character.isspace() or character in _JOINERS else REPLACEMENT
