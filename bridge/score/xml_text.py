"""Text that XML can hold."""

from __future__ import annotations

import re

#: Characters that XML cannot hold, not even escaped.
UNWRITABLE = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def xml_text(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return UNWRITABLE.sub("", text)
