"""Text from outside made harmless: names, paths, messages that a terminal or a log must show and never obey."""

from __future__ import annotations

#: Stands where a sign was that would have done something instead of being read.
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
#: They join or part letters and emoji, and have no width: blanks take their place, so that two names look different.
_JOINERS = "\u200b\u200c\u200d\u2060\ufeff"


def plain(text: str) -> str:
    """`text` as one line that does nothing but be read.

    Blanks of every kind, line breaks among them, become spaces. Whatever else has no picture becomes `REPLACEMENT`:
    escape sequences lose their ESC or CSI, text that would run backwards keeps its direction, and bytes of a name that
    is no UTF-8 are seen to be there. As many signs come out as go in; harmless text comes out as it is.
    """
    return text if text.isprintable() else "".join(map(_sign, text))


def _sign(sign: str) -> str:
    if sign.isprintable():
        return sign
    return " " if sign.isspace() or sign in _JOINERS else REPLACEMENT
